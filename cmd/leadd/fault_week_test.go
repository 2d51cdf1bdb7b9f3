package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"leadd/internal/testenv"
)

// footprint is what a process takes.
type footprint struct {
	heap       float64 // bytes at which it collects garbage next: about twice what is in use
	files      float64
	goroutines float64
	store      int64 // bytes
}

func (p *process) footprint() footprint {
	p.t.Helper()
	f := footprint{
		heap:       p.metric("go_memstats_next_gc_bytes"),
		files:      p.metric("process_open_fds"),
		goroutines: p.metric("go_goroutines"),
	}
	err := filepath.WalkDir(filepath.Join(p.data(), "scoring"), func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted meanwhile, by the store
		}
		if err != nil || d.IsDir() {
			return err
		}
		if info, err := d.Info(); err == nil {
			f.store += info.Size()
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return f
}

// TestWeek sends the contacts of seven spans of time, each weeks long by the
// contacts' own clock, from prospects that come back again and again. What
// the process takes does not grow from the third to the seventh.
func TestWeek(t *testing.T) {
	t.Parallel()
	testenv.ClickHouse(t)
	const days = 7
	c := campaign{prospects: 50, each: days * scaled(20, 1000)}
	share := c.total() / days
	p := startLeadd(t, "serve", "-c", writeConfig(t, busyForm))
	load := newCrowd(t, c, time.Minute, func(int) string { return p.base })
	day := func() {
		t.Helper()
		load.release(share)
		await(t, "a day's contacts", func() error {
			if n := int(load.acked.Load()); n < load.released {
				return fmt.Errorf("%d of %d", n, load.released)
			}
			return nil
		})
		awaitStored(t, p.database(), load.released)
	}
	for range 3 {
		day()
	}
	third := p.footprint()
	for range days - 3 {
		day()
	}
	// Each contact's id stays in the store for ever; nothing else may.
	const idBytes, slack = 400, 8 << 20
	await(t, "what it takes after seven days", func() error {
		seventh := p.footprint()
		switch {
		case seventh.heap > 1.5*third.heap+16<<20:
			return fmt.Errorf("the heap has grown from %.0f to %.0f bytes", third.heap, seventh.heap)
		case seventh.files > third.files+20:
			return fmt.Errorf("open files have grown from %v to %v", third.files, seventh.files)
		case seventh.goroutines > third.goroutines+20:
			return fmt.Errorf("goroutines have grown from %v to %v", third.goroutines, seventh.goroutines)
		case seventh.store > third.store+int64(idBytes*(days-3)*share)+slack:
			return fmt.Errorf("the store has grown from %d to %d bytes", third.store, seventh.store)
		}
		t.Logf("third day %+v, seventh day %+v", third, seventh)
		return nil
	})
	load.finish()
	p.exactlyOnce()
	p.stop()
}
