package mailbox

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"golang.org/x/sync/semaphore"

	"leadd/lead"
)

const (
	inFlight = 64              // mails being read or accepted at once
	memory   = 64 << 20        // bytes of mails held at once, or Config.MaxSize where that is more
	lastSave = 2 * time.Second // to save the position after ctx is done
)

// letter is a mail on its way through the pipeline, or only a mark: that all
// mails up to uid are done with.
type letter struct {
	uid        imap.UID
	received   time.Time // by the server
	raw        []byte
	unreadable error // why there is no raw
	firm       bool  // no mail before it is missing, so the position may move to it

	turn   <-chan struct{} // closed when the mail before it has its place
	placed chan struct{}   // closed when it has its place among its prospect's mails
	done   chan struct{}   // closed when ok is set
	ok     bool            // it is in Kafka, as a contact or as a dead letter
}

// pipeline takes mails in the order of their UIDs, has many of them read and
// accepted at the same time, and moves the position over those that are in
// Kafka with all before them. One prospect's mails are accepted in order.
type pipeline struct {
	m     *Mailbox
	room  *semaphore.Weighted // bytes
	work  chan *letter        // to be handled, in the order of put
	queue chan *letter        // to be committed, in the order of put
	last  <-chan struct{}     // placed of the letter put last
	at    Cursor              // the committer's until finished is closed

	validity uint32 // of all UIDs here

	workers  sync.WaitGroup
	finished chan struct{} // closed when the committer is

	mu    sync.Mutex
	under map[string]chan struct{} // by prospect: done of its mail put last
}

// newPipeline begins at a position. It must be drained.
func newPipeline(ctx context.Context, m *Mailbox, at Cursor) *pipeline {
	p := &pipeline{
		m:        m,
		room:     semaphore.NewWeighted(max(memory, m.cfg.MaxSize)),
		work:     make(chan *letter, inFlight),
		queue:    make(chan *letter, inFlight),
		at:       at,
		validity: at.UIDValidity,
		finished: make(chan struct{}),
		under:    make(map[string]chan struct{}),
	}
	nothing := make(chan struct{})
	close(nothing)
	p.last = nothing
	for range inFlight {
		p.workers.Go(func() { p.handleAll(ctx) })
	}
	go p.commit(ctx)
	return p
}

// reserve waits until a mail of so many bytes fits into memory.
func (p *pipeline) reserve(ctx context.Context, size int64) error { return p.room.Acquire(ctx, size) }

// release gives back what was reserved.
func (p *pipeline) release(size int64) { p.room.Release(size) }

// put takes a mail, and with it the memory reserved for it. It waits while
// too many are under way, and fails only when ctx is done.
func (p *pipeline) put(ctx context.Context, l *letter) error {
	l.turn, l.placed, l.done = p.last, make(chan struct{}), make(chan struct{})
	select {
	case p.queue <- l:
	case <-ctx.Done():
		p.release(int64(len(l.raw)))
		return ctx.Err()
	}
	p.last = l.placed
	p.work <- l // has room: the committer lets go of a letter after it is handled
	return nil
}

// mark says that all mails up to uid were put or are gone.
func (p *pipeline) mark(ctx context.Context, uid imap.UID) error {
	done := make(chan struct{})
	close(done)
	select {
	case p.queue <- &letter{uid: uid, firm: true, done: done, ok: true}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain waits until all mails put are done with, or ctx is done, and gives
// the position reached.
func (p *pipeline) drain() Cursor {
	close(p.work)
	close(p.queue)
	p.workers.Wait()
	<-p.finished
	return p.at
}

// handleAll handles letters until there are no more.
func (p *pipeline) handleAll(ctx context.Context) {
	for l := range p.work {
		p.handle(ctx, l)
	}
}

// handle brings one mail to Kafka.
func (p *pipeline) handle(ctx context.Context, l *letter) {
	defer close(l.done)
	contact, err := p.read(l)
	<-l.turn
	if err != nil {
		close(l.placed)
		err = p.refuse(ctx, l, err)
	} else {
		before := p.follow(contact.Prospect, l.done)
		close(l.placed)
		if before != nil {
			<-before
		}
		err = p.accept(ctx, contact)
		p.forget(contact.Prospect, l.done)
	}
	p.release(int64(len(l.raw)))
	l.raw, l.ok = nil, err == nil
}

// read makes a contact of a mail. What makes the reader panic is bad input
// like any other; without this it would take the process down, again and
// again.
func (p *pipeline) read(l *letter) (c *lead.Contact, err error) {
	if l.unreadable != nil {
		return nil, l.unreadable
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the mail reader panicked: %v", v)
		}
	}()
	contact, err := p.m.reader.Contact(l.raw, l.received)
	if err != nil {
		return nil, err
	}
	contact.Source = p.m.name
	if contact.Received.IsZero() { // the server did not say
		contact.Received = time.Now().UTC().Truncate(time.Millisecond)
	}
	return &contact, nil
}

// follow puts done last among the prospect's mails, and gives what was last,
// or nil.
func (p *pipeline) follow(prospect string, done chan struct{}) (before chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, p.under[prospect] = p.under[prospect], done
	return before
}

// forget undoes follow, unless another mail has come last since.
func (p *pipeline) forget(prospect string, done chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.under[prospect] == done {
		delete(p.under, prospect)
	}
}

// accept fails only when ctx is done.
func (p *pipeline) accept(ctx context.Context, c *lead.Contact) error {
	err := retry(ctx, p.m.rewrite, func() error { return p.m.to.Accept(ctx, c) }, p.m.writeFailed("accept a contact"))
	if err == nil {
		p.m.metrics.mails.Inc()
	}
	return err
}

// refuse fails only when ctx is done.
func (p *pipeline) refuse(ctx context.Context, l *letter, reason error) error {
	origin := fmt.Sprintf("%s uid %d of validity %d", p.m.cfg.Folder, l.uid, p.validity)
	dead := lead.DeadLetter{
		ID:     lead.ContactID("mailbox", p.m.name, string(l.raw)),
		At:     time.Now().UTC().Truncate(time.Millisecond),
		Stage:  "ingest",
		Source: p.m.name,
		Reason: reason.Error(),
		Origin: origin,
		Raw:    l.raw,
	}
	if len(l.raw) == 0 {
		dead.ID = lead.ContactID("mailbox", p.m.name, origin)
	}
	p.m.often.Warn().Str("origin", origin).Msg("mail not understood; kept as a dead letter with the reason")
	err := retry(ctx, p.m.rewrite, func() error { return p.m.to.Refuse(ctx, dead) }, p.m.writeFailed("keep a dead letter"))
	if err == nil {
		p.m.metrics.deadLetters.Inc()
	}
	return err
}

// commit moves the position over the mails in the order they were put, and
// saves it.
func (p *pipeline) commit(ctx context.Context) {
	defer close(p.finished)
	var (
		saved   time.Time
		dirty   bool
		stopped bool // at a mail that is not in Kafka, as ctx is done
	)
	save := func() {
		dirty, saved = false, time.Now()
		p.save(ctx)
	}
	for {
		var due <-chan time.Time
		if dirty {
			due = time.After(time.Until(saved.Add(p.m.saveEvery)))
		}
		var l *letter
		select {
		case <-due:
			save()
			continue
		case l = <-p.queue:
		}
		if l == nil {
			if dirty {
				save()
			}
			return
		}
		select {
		case <-due:
			save()
			<-l.done
		case <-l.done:
		}
		stopped = stopped || !l.ok
		if l.firm && !stopped && p.at.UID != uint32(l.uid) {
			p.at.UID = uint32(l.uid)
			dirty = true
		}
	}
}

// save makes the position durable, however long that takes: while it waits,
// no more mails are taken. Once ctx is done it tries only for a moment; what
// is not saved is read again, and counts once.
func (p *pipeline) save(ctx context.Context) {
	put := func(ctx context.Context) error { return p.m.cursors.Save(ctx, p.m.name, p.at) }
	err := retry(ctx, p.m.rewrite, func() error { return put(ctx) }, p.m.writeFailed("save the position"))
	if err != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSave)
		defer cancel()
		if put(last) != nil {
			return
		}
	}
	p.m.metrics.uid.Set(float64(p.at.UID))
}
