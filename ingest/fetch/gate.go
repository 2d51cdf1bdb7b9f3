package fetch

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// concurrency is how many requests of one source are under way at once.
const concurrency = 4

// How long a source waits after a verdict: the first time, and at most.
func pauses(v verdict) (first, longest time.Duration) {
	switch v {
	case refused:
		return 15 * time.Second, 5 * time.Minute
	case throttled:
		return 2 * time.Second, 15 * time.Minute
	}
	return time.Second, time.Minute
}

// backoff is the pause after so many failures in a row, 1 being the first: it
// doubles, and up to a fifth is added by chance.
func backoff(v verdict, failures int) time.Duration {
	first, longest := pauses(v)
	d := min(first<<min(failures-1, 20), longest)
	return d + rand.N(d/5+1)
}

// gate is where the requests of a source pass. While it is well, several do at
// once; after a failure none does for a while, and then one at a time, until
// one has succeeded.
type gate struct {
	slots  chan struct{}
	change func(trouble string) // called with mu held, when there is another trouble or none

	mu       sync.Mutex
	trouble  string    // "": it is well
	until    time.Time // nobody passes before
	failures int       // in a row
	era      int       // counts the failures that changed something
	probing  bool      // in trouble, one is on its way
	passed   time.Time // last success
	moved    chan struct{}
}

func newGate(change func(trouble string)) *gate {
	return &gate{slots: make(chan struct{}, concurrency), change: change, moved: make(chan struct{})}
}

// enter waits until a request may go. Every enter without an error is followed
// by one leave or giveBack, with what enter gave.
func (g *gate) enter(ctx context.Context) (era int, err error) {
	select {
	case g.slots <- struct{}{}: // so that few look at what follows
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	for {
		g.mu.Lock()
		wait, moved := time.Until(g.until), g.moved
		if wait <= 0 && (g.trouble == "" || !g.probing) {
			g.probing = g.trouble != ""
			era = g.era
			g.mu.Unlock()
			return era, nil
		}
		g.mu.Unlock()
		var due <-chan time.Time
		if wait > 0 {
			due = time.After(wait)
		}
		select {
		case <-ctx.Done():
			<-g.slots
			return 0, ctx.Err()
		case <-due:
		case <-moved:
		}
	}
}

// leave says how a request ended: f is nil after a success, and rest how long
// to wait then.
func (g *gate) leave(era int, f *failure, rest time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.end(era)
	now, well := time.Now(), f == nil || f.verdict == gone
	if well {
		g.passed = now
	}
	switch {
	case era != g.era: // it began before a failure that has told already
	case well:
		g.failures = 0
		g.until = now.Add(rest)
		g.setTrouble("")
	default:
		g.era++
		g.failures++
		g.until = now.Add(max(backoff(f.verdict, g.failures), f.after))
		g.setTrouble(f.reason)
	}
}

// giveBack ends a request of which nothing is known.
func (g *gate) giveBack(era int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.end(era)
}

// end lets the next through. A request of an older era is not the one that
// probes.
func (g *gate) end(era int) {
	<-g.slots
	if era == g.era {
		g.probing = false
	}
	close(g.moved)
	g.moved = make(chan struct{})
}

func (g *gate) setTrouble(trouble string) {
	if g.trouble != trouble {
		g.trouble = trouble
		g.change(trouble)
	}
}

// state gives the trouble there is, until when nobody passes, and when one
// last succeeded.
func (g *gate) state() (trouble string, until, passed time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.trouble, g.until, g.passed
}
