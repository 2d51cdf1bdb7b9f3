package webhook

import (
	"context"
	"sync"
	"time"
)

// patience bounds how long posts wait for Kafka, and not how long their senders
// do: whoever closes the page after pressing the button has still sent it. The
// posts of a second share a context, as one for each is dear.
type patience struct {
	mu    sync.Mutex
	ctx   context.Context
	until time.Time // when a new one is due
}

// context gives one that ends acceptTimeout from now, or up to a second later.
func (p *patience) context() context.Context {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx == nil || now.After(p.until) {
		p.until = now.Add(time.Second)
		ctx, cancel := context.WithDeadline(context.Background(), p.until.Add(acceptTimeout))
		context.AfterFunc(ctx, cancel)
		p.ctx = ctx
	}
	return p.ctx
}
