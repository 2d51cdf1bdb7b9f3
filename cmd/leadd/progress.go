package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far a long command has come: a bar on a terminal, else a
// line every few seconds.
type progress struct {
	w    io.Writer
	what string
	size int64
	bar  *progressbar.ProgressBar // nil: no terminal
	said time.Time
}

// sayEvery is the time between two lines.
const sayEvery = 5 * time.Second

func newProgress(w io.Writer, what string, size int64) *progress {
	p := &progress{w: w, what: what, size: size, said: time.Now()}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	return p
}

// set says that so much of size is done, and how many items that were.
func (p *progress) set(done int64, items int) {
	if p.bar != nil {
		_ = p.bar.Set64(min(done, p.size)) // a bar that cannot be shown stops nothing
		return
	}
	if time.Since(p.said) < sayEvery {
		return
	}
	p.said = time.Now()
	_, _ = fmt.Fprintf(p.w, "%s: %d items, %d %%\n", p.what, items, 100*done/max(p.size, 1))
}

func (p *progress) close() {
	if p.bar != nil {
		_ = p.bar.Finish() // as above
	}
}
