package stream

import (
	"context"
	"errors"
	"sync"

	"leadd/lead"
)

// A lane is one partition that records are published to.
type lane struct {
	topic     string
	partition int
}

// queue holds the records of a lane that wait while its last write is under
// way. They are the next write: under load many records share one, and a lone
// record waits for nothing (group commit).
type queue struct {
	mu      sync.Mutex
	waiting []*pending
	writing bool
}

type pending struct {
	ctx    context.Context
	record lead.Record
	done   chan error // receives exactly one value
}

// Bounds of one write.
const (
	maxWriteRecords = 5000
	maxWriteBytes   = 1 << 20
)

// Publish appends a record to the partition that its key belongs to and
// returns when all in-sync replicas have it. It retries until ctx ends; the
// record may then still arrive, so a caller that reports failure must be able
// to bear it twice.
func (c *Client) Publish(ctx context.Context, topic string, key, value []byte) error {
	partition, err := c.PartitionOf(topic, key)
	if err != nil {
		return err
	}
	l := lane{topic, partition}
	c.mu.Lock()
	q := c.lanes[l]
	if q == nil {
		q = &queue{}
		c.lanes[l] = q
	}
	c.mu.Unlock()

	p := &pending{ctx: ctx, record: lead.Record{Key: key, Value: value}, done: make(chan error, 1)}
	q.mu.Lock()
	q.waiting = append(q.waiting, p)
	start := !q.writing
	q.writing = true
	q.mu.Unlock()
	if start {
		go c.drain(l, q)
	}
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

// drain writes what waits in q until nothing does.
func (c *Client) drain(l lane, q *queue) {
	for {
		q.mu.Lock()
		batch := q.next()
		if len(batch) == 0 {
			q.writing = false
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		c.write(l, batch)
	}
}

// next takes the next write off the queue, leaving out those who have stopped
// waiting for it.
func (q *queue) next() []*pending {
	var batch []*pending
	size, taken := 0, 0
	q.waiting = stillWaiting(q.waiting)
	for _, p := range q.waiting {
		n := len(p.record.Key) + len(p.record.Value)
		if len(batch) > 0 && (size+n > maxWriteBytes || len(batch) == maxWriteRecords) {
			break
		}
		batch = append(batch, p)
		size += n
		taken++
	}
	q.waiting = append(q.waiting[:0:0], q.waiting[taken:]...)
	return batch
}

// write appends the batch and tells everyone in it. It goes on trying as long
// as anyone waits.
func (c *Client) write(l lane, batch []*pending) {
	for len(batch) > 0 {
		records := make([]lead.Record, len(batch))
		for i, p := range batch {
			records[i] = p.record
		}
		ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
		_, err := c.Append(ctx, l.topic, l.partition, records)
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
			for _, p := range batch {
				p.done <- err
			}
			return
		}
	}
}

// stillWaiting leaves out those whose context has ended, and tells them.
func stillWaiting(batch []*pending) []*pending {
	var left []*pending
	for _, p := range batch {
		if err := p.ctx.Err(); err != nil {
			p.done <- err
			continue
		}
		left = append(left, p)
	}
	return left
}
