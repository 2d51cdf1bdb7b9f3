package sink

import (
	"context"
	"fmt"
)

// takeOver finds where the partition stands, repeats the range that was
// announced last if it was not settled, and returns from where to go on and
// the highest contact's offset before that.
func (r *run) takeOver(ctx context.Context) (from, seen int64, err error) {
	from, metadata := r.claim.Committed()
	p, err := parsePosition(metadata)
	if err != nil {
		return 0, 0, err
	}
	first, end, err := r.log.Offsets(ctx, r.topic, r.partition)
	if err != nil {
		return 0, 0, fmt.Errorf("find the bounds: %w", err)
	}
	if from < 0 {
		from = first
	}
	r.setSettled(from)
	r.setEnd(end)
	if last := max(from, p.To); last > end {
		return 0, 0, fmt.Errorf("the group has come to offset %d, but the topic ends at %d: if it was made anew, set the group's offset to 0", last, end)
	}
	if p.To <= from {
		return from, p.Seen, nil
	}
	if err := r.repeating.Acquire(ctx, 1); err != nil {
		return 0, 0, err
	}
	defer r.repeating.Release(1)
	b, err := r.read(ctx, max(from, first), from, p)
	if err != nil {
		return 0, 0, err
	}
	r.logger.Info().Str("topic", r.topic).Int("partition", r.partition).Int64("from", b.from).Int64("to", b.to).
		Msg("repeating the range that was announced last")
	if err := r.finish(ctx, b, p); err != nil {
		return 0, 0, err
	}
	return b.to, b.seen, nil
}

// read reads the announced range [from, p.To), of which Kafka has what begins
// at next.
func (r *run) read(ctx context.Context, next, from int64, p position) (*batch, error) {
	if next > from {
		r.logLost(from, next)
	}
	b := r.newBatch(from, p.Seen)
	b.blocks = newBlocks(r.topic)
	for next < p.To {
		records, _, err := r.log.Fetch(ctx, r.topic, r.partition, next)
		if err != nil {
			return nil, fmt.Errorf("read the announced range [%d, %d): %w", from, p.To, err)
		}
		for _, record := range records {
			if next = record.Offset + 1; next <= p.To {
				b.take(record)
			}
		}
	}
	b.to = p.To
	return b, nil
}

func (r *run) logLost(from, to int64) {
	r.logger.Error().Str("topic", r.topic).Int("partition", r.partition).Int64("from", from).Int64("to", to).
		Msg("Kafka has deleted records before they were stored: its retention is too short")
}
