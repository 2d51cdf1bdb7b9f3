package sink

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"leadd/lead"
)

const (
	// linger is how long a record that comes alone waits for others that were
	// sent at the same moment.
	linger = 10 * time.Millisecond
	// burst is how many batches may follow each other at once after a rest.
	burst = 4
	// recordOverhead is about what a record takes beside its bytes.
	recordOverhead = 128
)

// fetch reads the partition from an offset on.
func (r *run) fetch(ctx context.Context, next int64, out chan<- []lead.Record) error {
	for ctx.Err() == nil {
		records, end, err := r.log.Fetch(ctx, r.topic, r.partition, next)
		if err != nil {
			if next, err = r.backIntoLog(ctx, next, err); err != nil {
				return err
			}
			continue
		}
		r.setEnd(end)
		if len(records) == 0 {
			continue
		}
		next = records[len(records)-1].Offset + 1
		if err := r.hand(ctx, records, out); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// backIntoLog answers a failed fetch: where Kafka has deleted what was to be
// read next, reading goes on behind it.
func (r *run) backIntoLog(ctx context.Context, next int64, cause error) (int64, error) {
	first, _, err := r.log.Offsets(ctx, r.topic, r.partition)
	if err != nil {
		return 0, fmt.Errorf("find the bounds: %w", err)
	}
	if next >= first {
		return 0, fmt.Errorf("read from %d: %w", next, cause)
	}
	r.logLost(next, first)
	return first, nil
}

// hand passes records on. While they wait, the lag is kept true.
func (r *run) hand(ctx context.Context, records []lead.Record, out chan<- []lead.Record) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case out <- records:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			_, end, err := r.log.Offsets(ctx, r.topic, r.partition)
			if err != nil {
				return fmt.Errorf("find the bounds: %w", err)
			}
			r.setEnd(end)
		}
	}
}

// gather makes batches. A batch is ready when it is full, or some time after
// its first record (see pause), and goes on growing until it is taken.
func (r *run) gather(ctx context.Context, from, seen int64, in <-chan []lead.Record, out chan<- *batch) {
	limit := rate.NewLimiter(rate.Every(r.cfg.FlushInterval), burst)
	b := r.newBatch(from, seen)
	defer func() { r.release(b) }()
	var waiting []lead.Record // read, and not in the batch yet
	var due <-chan time.Time  // when the batch is ready
	ready := false
	for {
		var full bool
		if waiting, full = r.fill(ctx, b, waiting); full {
			ready = true
		}
		if b.taken > 0 && due == nil {
			due = time.After(r.pause(limit))
		}
		next, take := in, out
		if full {
			next = nil
		}
		if !ready {
			take = nil
		}
		select {
		case waiting = <-next:
		case <-due:
			ready = true
		case take <- b:
			b, due, ready = r.newBatch(b.to, b.seen), nil, false
		case <-ctx.Done():
			return
		}
	}
}

// pause is how long a batch gathers: a moment after a rest, and under load so
// that a batch is stored once in a flush interval.
func (r *run) pause(limit *rate.Limiter) time.Duration {
	reserved := limit.Reserve()
	d := reserved.Delay()
	if d > r.cfg.FlushInterval { // full batches came faster than that; that is not to be paid for later
		reserved.Cancel()
		d = r.cfg.FlushInterval
	}
	return max(d, linger)
}

// fill moves records into the batch and returns those that found no place, and
// whether the batch is full.
func (r *run) fill(ctx context.Context, b *batch, records []lead.Record) (rest []lead.Record, full bool) {
	for i, record := range records {
		if r.isFull(b) {
			return records[i:], true
		}
		size := min(int64(len(record.Key)+len(record.Value)+recordOverhead), r.cfg.MemoryBytes)
		if !r.memory.TryAcquire(size) {
			if b.bytes > 0 {
				// What is held must go before more is asked for, or
				// partitions could wait for each other.
				return records[i:], true
			}
			if r.memory.Acquire(ctx, size) != nil {
				return records[i:], false // ctx has ended
			}
		}
		b.bytes += size
		if b.blocks == nil {
			b.blocks = r.takeBlocks()
		}
		b.take(record)
	}
	return nil, r.isFull(b)
}

func (r *run) isFull(b *batch) bool {
	return b.taken >= r.cfg.FlushRecords || b.bytes >= r.cfg.FlushBytes
}

func (r *run) newBatch(from, seen int64) *batch {
	return &batch{topic: r.topic, partition: r.partition, from: from, to: from, seenBefore: seen, seen: seen}
}

// release gives back what a batch holds of the stage's memory.
func (r *run) release(b *batch) {
	r.memory.Release(b.bytes)
	if b.blocks != nil && r.topic == lead.TopicScored {
		b.blocks.reset()
		r.spare.Put(b.blocks)
	}
	b.bytes, b.blocks = 0, nil
}

func (r *run) takeBlocks() *blocks {
	if r.topic == lead.TopicScored {
		if b, ok := r.spare.Get().(*blocks); ok {
			return b
		}
	}
	return newBlocks(r.topic)
}
