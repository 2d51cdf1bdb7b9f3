package mailbox

import (
	"context"
	"math/rand/v2"
	"time"
)

// span is the shortest and the longest wait between tries.
type span struct{ min, max time.Duration }

// backoff is the waiting between tries: twice as long each time, with jitter,
// so that many clients do not come back at the same instant.
type backoff struct {
	span
	next time.Duration
}

// wait sleeps before the next try. It returns false once ctx is done.
func (b *backoff) wait(ctx context.Context) bool {
	b.next = min(max(b.next, b.min), b.max)
	timer := time.NewTimer(b.next/2 + rand.N(b.next/2+1))
	defer timer.Stop()
	b.next *= 2
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// longest makes the next wait the longest one.
func (b *backoff) longest() { b.next = b.max }

// reset makes the next wait the shortest one.
func (b *backoff) reset() { b.next = 0 }

// retry calls f until it succeeds, and failed after each failure. It returns
// ctx's error once ctx is done.
func retry(ctx context.Context, s span, f func() error, failed func(error)) error {
	b := backoff{span: s}
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := f()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failed(err)
		b.wait(ctx)
	}
}
