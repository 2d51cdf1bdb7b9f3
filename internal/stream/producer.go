package stream

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/segmentio/kafka-go"

	"leadd/lead"
)

// A lane is one partition that records are published to.
type lane struct {
	topic     string
	partition int
}

// publisher holds the records that wait while a write is under way. They are
// the next write: under load many records share one, and a lone record waits
// for nothing (group commit).
//
// Each broker has a queue; one write carries records of every partition that
// the broker leads. A partition whose write has failed is set aside: it has a
// queue of its own until that is empty, so that it does not hold up others.
type publisher struct {
	mu      sync.Mutex
	leaders map[lane]int   // as of the last write of the lane set aside
	shared  map[int]*queue // by leader
	aside   map[lane]*queue
}

type queue struct {
	waiting []*pending
	writing bool
}

type pending struct {
	ctx    context.Context
	lane   lane
	record lead.Record
	done   chan error // receives exactly one value
}

// Bounds of one write.
const (
	maxWriteRecords = 5000
	maxWriteBytes   = 1 << 20
)

func newPublisher() publisher {
	return publisher{leaders: map[lane]int{}, shared: map[int]*queue{}, aside: map[lane]*queue{}}
}

// Publish appends a record to the partition that its key belongs to and
// returns when all in-sync replicas have it. It retries until ctx ends; the
// record may then still arrive, so a caller that reports failure must be able
// to bear it twice.
func (c *Client) Publish(ctx context.Context, topic string, key, value []byte) error {
	partition, err := c.PartitionOf(topic, key)
	if err != nil {
		return err
	}
	p := &pending{
		ctx: ctx, lane: lane{topic, partition}, record: lead.Record{Key: key, Value: value}, done: make(chan error, 1),
	}
	c.enqueue(p)
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
		// The write may have ended at the same moment; its word counts.
		select {
		case err := <-p.done:
			return err
		default:
			return ctx.Err()
		}
	}
}

// enqueue puts p where the next write of its partition is taken from.
func (c *Client) enqueue(p *pending) {
	b := &c.publisher
	b.mu.Lock()
	defer b.mu.Unlock()
	leader, known := b.leaders[p.lane]
	if !known || b.aside[p.lane] != nil {
		c.setAside(p.lane, p)
		return
	}
	q := b.shared[leader]
	if q == nil {
		q = &queue{}
		b.shared[leader] = q
	}
	q.waiting = append(q.waiting, p)
	if !q.writing {
		q.writing = true
		go c.drain(q)
	}
}

// setAside puts records into their partition's own queue. The publisher is
// locked.
func (c *Client) setAside(l lane, records ...*pending) {
	q := c.publisher.aside[l]
	if q == nil {
		q = &queue{}
		c.publisher.aside[l] = q
		go c.drainAside(l, q)
	}
	q.waiting = append(q.waiting, records...)
}

// drain writes what waits in a broker's queue until nothing does.
func (c *Client) drain(q *queue) {
	b := &c.publisher
	for {
		// Whoever is about to wait comes along.
		runtime.Gosched()
		b.mu.Lock()
		batch := q.next()
		if len(batch) == 0 {
			q.writing = false
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		c.writeTogether(batch)
	}
}

// writeTogether writes the batch, once, and tells everyone in it. What failed
// is set aside.
func (c *Client) writeTogether(batch []*pending) {
	var parts []*part
	waiting := map[lane][]*pending{}
	for _, p := range batch {
		if waiting[p.lane] == nil {
			parts = append(parts, &part{lane: p.lane})
		}
		waiting[p.lane] = append(waiting[p.lane], p)
	}
	for _, part := range parts {
		part.records = records(waiting[part.lane])
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	err := c.produce(ctx, parts)
	for _, part := range parts {
		if err == nil && part.err == nil {
			tell(waiting[part.lane], nil)
			continue
		}
		c.publisher.mu.Lock()
		c.setAside(part.lane, waiting[part.lane]...)
		c.publisher.mu.Unlock()
	}
}

// drainAside writes what waits in a partition's own queue until nothing does.
// By then the partition's leader is known (again).
func (c *Client) drainAside(l lane, q *queue) {
	b := &c.publisher
	for {
		leader, known := c.leader(l)
		b.mu.Lock()
		batch := q.next()
		if len(batch) == 0 {
			delete(b.aside, l)
			delete(b.leaders, l)
			if known {
				b.leaders[l] = leader
			}
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		c.write(l, batch)
	}
}

// leader is the id of the broker that leads a partition, as far as it is known.
func (c *Client) leader(l lane) (id int, known bool) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	meta, err := c.kafka.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{l.topic}}) // the transport keeps it
	if err != nil {
		return 0, false
	}
	for _, t := range meta.Topics {
		for _, p := range t.Partitions {
			if t.Name == l.topic && p.ID == l.partition && p.Error == nil {
				return p.Leader.ID, true
			}
		}
	}
	return 0, false
}

// next takes the next write off the queue, leaving out those who have stopped
// waiting for it. The publisher is locked.
func (q *queue) next() []*pending {
	q.waiting = stillWaiting(q.waiting)
	size, n := 0, 0
	for _, p := range q.waiting {
		size += len(p.record.Key) + len(p.record.Value)
		if n > 0 && (size > maxWriteBytes || n == maxWriteRecords) {
			break
		}
		n++
	}
	batch := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return batch
}

// write appends the batch to its partition and tells everyone in it. It goes
// on trying as long as anyone waits.
func (c *Client) write(l lane, batch []*pending) {
	for len(batch) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
		_, err := c.Append(ctx, l.topic, l.partition, records(batch))
		expired := ctx.Err() != nil
		cancel()
		switch {
		case errors.Is(err, ErrTooLarge) && len(batch) > 1:
			// One of them is; it must not fail the others.
			for _, p := range batch {
				c.write(l, []*pending{p})
			}
			return
		case err != nil && expired:
			batch = stillWaiting(batch)
		default:
			tell(batch, err)
			return
		}
	}
}

func records(batch []*pending) []lead.Record {
	records := make([]lead.Record, len(batch))
	for i, p := range batch {
		records[i] = p.record
	}
	return records
}

func tell(batch []*pending, err error) {
	for _, p := range batch {
		p.done <- err
	}
}

// stillWaiting leaves out those whose context has ended, and tells them.
func stillWaiting(batch []*pending) []*pending {
	left := batch[:0]
	for _, p := range batch {
		if err := p.ctx.Err(); err != nil {
			p.done <- err
			continue
		}
		left = append(left, p)
	}
	return left
}
