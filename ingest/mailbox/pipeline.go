package mailbox

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"golang.org/x/sync/semaphore"

	"leadd/lead"
)

const (
	inFlight = 4096            // mails being read or accepted at once
	memory   = 64 << 20        // bytes of mails held at once, or Config.MaxSize where that is more
	lastSave = 2 * time.Second // to save the position after ctx is done
)

// place is a folder for as long as its UIDs mean the same.
type place struct {
	folder   string
	validity uint32
}

// letter is a mail on its way through the pipeline, or only a mark: that all
// mails up to uid are done with.
type letter struct {
	place
	uid        imap.UID
	received   time.Time // by the server
	raw        []byte
	size       int64 // of the memory reserved for it
	unreadable error // why there is no raw
	firm       bool  // no mail before it is missing, so the position may move to it

	turn   <-chan struct{} // closed when the mail before it has its place
	placed chan struct{}   // closed when it has its place among its prospect's mails
	done   chan struct{}   // closed when ok is set
	ok     bool            // it is in Kafka, as a contact or as a dead letter
	saved  chan<- Cursor   // of a mark: gets the position in the folder, once that is saved
}

// pipeline takes mails in the order of their UIDs, has many of them accepted
// at the same time, and moves the position over those that are in Kafka with
// all before them. One prospect's mails are accepted in order.
//
// As many mails are read at once as there are processors; one that is read has
// a goroutine of its own, which waits for Kafka. So Kafka gets many in a
// write, however long each takes.
type pipeline struct {
	m     *Mailbox
	room  *semaphore.Weighted // bytes
	work  chan *letter        // to be read, in the order of put
	queue chan *letter        // to be committed, in the order of put
	last  <-chan struct{}     // placed of the letter put last
	at    Position            // the committer's until finished is closed

	readers  sync.WaitGroup
	writers  sync.WaitGroup
	finished chan struct{} // closed when the committer is

	mu    sync.Mutex
	under map[string]chan struct{} // by prospect: done of its mail put last
}

// newPipeline begins at a position. It must be drained.
func newPipeline(ctx context.Context, m *Mailbox, at Position) *pipeline {
	p := &pipeline{
		m:        m,
		room:     semaphore.NewWeighted(max(memory, m.cfg.MaxSize)),
		work:     make(chan *letter, inFlight),
		queue:    make(chan *letter, inFlight),
		at:       at,
		finished: make(chan struct{}),
		under:    make(map[string]chan struct{}),
	}
	nothing := make(chan struct{})
	close(nothing)
	p.last = nothing
	for range runtime.GOMAXPROCS(0) {
		p.readers.Go(func() { p.readAll(ctx) })
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
		p.release(l.size)
		return ctx.Err()
	}
	p.last = l.placed
	p.work <- l // has room: the committer lets go of a letter after it is read
	return nil
}

// mark says that all mails up to uid were put or are gone.
func (p *pipeline) mark(ctx context.Context, in place, uid imap.UID) error {
	return p.note(ctx, &letter{place: in, uid: uid, firm: true})
}

// flush waits until all that was put is done with and the position is saved,
// and gives it. Without the position in Kafka it waits, or fails when ctx is
// done.
func (p *pipeline) flush(ctx context.Context, in place) (Cursor, error) {
	saved := make(chan Cursor, 1)
	if err := p.note(ctx, &letter{place: in, saved: saved}); err != nil {
		return Cursor{}, err
	}
	select {
	case at := <-saved:
		return at, nil
	case <-ctx.Done():
		return Cursor{}, ctx.Err()
	}
}

// note puts what is no mail in line.
func (p *pipeline) note(ctx context.Context, l *letter) error {
	done := make(chan struct{})
	close(done)
	l.done, l.ok = done, true
	select {
	case p.queue <- l:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain waits until all mails put are done with, or ctx is done, and gives
// the position reached.
func (p *pipeline) drain() Position {
	close(p.work)
	close(p.queue)
	p.readers.Wait()
	p.writers.Wait()
	<-p.finished
	return p.at
}

// readAll reads letters until there are no more.
func (p *pipeline) readAll(ctx context.Context) {
	for l := range p.work {
		contact, err := p.read(l)
		<-l.turn
		var before chan struct{}
		if err == nil {
			l.raw = nil
			before = p.follow(contact.Prospect, l.done)
		}
		close(l.placed)
		p.writers.Go(func() {
			defer close(l.done)
			if err != nil {
				err = p.refuse(ctx, l, err)
			} else {
				if before != nil {
					<-before
				}
				err = p.accept(ctx, contact)
				p.forget(contact.Prospect, l.done)
			}
			p.release(l.size)
			l.raw, l.ok = nil, err == nil
		})
	}
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
	origin := fmt.Sprintf("%s uid %d of validity %d", l.folder, l.uid, l.validity)
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
		dirty   bool // the position has moved since it was saved
		stopped bool // at a mail that is not in Kafka, as ctx is done
	)
	due := time.NewTimer(0)
	defer due.Stop()
	save := func() {
		p.save(ctx)
		dirty = false
		due.Reset(p.m.saveEvery)
	}
	for {
		var late <-chan time.Time
		if dirty {
			late = due.C
		}
		var l *letter
		select {
		case <-late:
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
		for waiting := true; waiting; {
			select {
			case <-late:
				save()
				late = nil
			case <-l.done:
				waiting = false
			}
		}
		stopped = stopped || !l.ok
		if now := (Cursor{l.validity, uint32(l.uid)}); l.firm && !stopped && p.at.Folders[l.folder] != now {
			p.at.Folders[l.folder] = now
			dirty = true
		}
		if l.saved != nil {
			if dirty {
				save()
			}
			l.saved <- p.at.Folders[l.folder]
		}
	}
}

// save makes the position durable, however long that takes: while it waits,
// no more mails are taken. Once ctx is done it tries only for a moment; what
// is not saved is read again, and counts once.
func (p *pipeline) save(ctx context.Context) {
	at := p.at.clone()
	put := func(ctx context.Context) error { return p.m.cursors.Save(ctx, p.m.name, at) }
	err := retry(ctx, p.m.rewrite, func() error { return put(ctx) }, p.m.writeFailed("save the position"))
	if err != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSave)
		defer cancel()
		if put(last) != nil {
			return
		}
	}
	for folder, c := range at.Folders {
		p.m.metrics.uid.WithLabelValues(folder).Set(float64(c.UID))
	}
}
