package sink

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"time"

	"github.com/ClickHouse/ch-go"

	"leadd/lead"
)

// Pauses between tries while ClickHouse is away.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 2 * time.Second
)

// storeAll stores batches until ctx ends.
func (r *run) storeAll(ctx context.Context, in <-chan *batch) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case b := <-in:
			err := r.store(ctx, b)
			r.release(b)
			if err != nil {
				return err
			}
		}
	}
}

// store announces a batch, inserts it and settles it.
func (r *run) store(ctx context.Context, b *batch) error {
	p := position{Seen: b.seenBefore, To: b.to, Word: newWord()}
	if err := r.announce(ctx, b, p); err != nil {
		return err
	}
	return r.finish(ctx, b, p)
}

func (r *run) announce(ctx context.Context, b *batch, p position) error {
	if err := r.claim.Commit(ctx, b.from, p.String()); err != nil {
		return fmt.Errorf("announce [%d, %d): %w", b.from, b.to, err)
	}
	return nil
}

// finish inserts an announced batch, as far as p.Step does not say that it has
// been done, and settles it.
func (r *run) finish(ctx context.Context, b *batch, p position) error {
	for i := range b.refused {
		if err := r.bury(ctx, &b.refused[i], "unreadable"); err != nil {
			return err
		}
	}
	resume := p.Step
	for _, t := range b.blocks.tables {
		if resume != nil && resume.Table != t.name() {
			continue
		}
		if err := r.insertAll(ctx, b, t.name(), p, resume); err != nil {
			return err
		}
		resume = nil
	}
	if resume != nil {
		return fmt.Errorf("the announced range stands at a step of table %q, which this leadd does not know: run the version that wrote it", resume.Table)
	}
	if err := r.claim.Commit(ctx, b.to, position{Seen: b.seen}.String()); err != nil {
		return fmt.Errorf("settle [%d, %d): %w", b.from, b.to, err)
	}
	r.setSettled(b.to)
	r.observe(b)
	return nil
}

// insertAll inserts the batch's rows of one table: as one block, or where the
// table refuses that, step by step.
func (r *run) insertAll(ctx context.Context, b *batch, table string, p position, resume *step) error {
	kept := b.kept
	i, j := 0, len(kept) // the next insert is that of kept[i:j]
	if resume == nil {
		refused, err := r.insert(ctx, b, table, b.from, b.to, p.Word)
		if refused == nil || err != nil {
			return err
		}
		if len(kept) > 1 {
			j /= 2
		}
	} else {
		i = sort.Search(len(kept), func(i int) bool { return kept[i].Offset >= resume.From })
		j = sort.Search(len(kept), func(j int) bool { return kept[j].Offset >= resume.To })
	}
	for i < j {
		from, to := kept[i].Offset, kept[j-1].Offset+1
		p.Step = &step{Table: table, From: from, To: to}
		if err := r.announce(ctx, b, p); err != nil {
			return err
		}
		refused, err := r.insert(ctx, b, table, from, to, p.Word)
		size := j - i
		switch {
		case err != nil:
			return err
		case refused == nil: // on with twice as many
			i, j = j, min(len(kept), j+2*size)
		case size > 1:
			j = i + size/2
		default:
			if err := r.reject(ctx, b, kept[i], table, refused); err != nil {
				return err
			}
			i, j = i+1, min(len(kept), i+2)
		}
	}
	return nil
}

// insert stores the rows of the records kept in [from, to) in one table. It
// waits for a server that is away. refused is set where the table refuses the
// rows for what is in them.
func (r *run) insert(ctx context.Context, b *batch, name string, from, to int64, word string) (refused *ch.Exception, err error) {
	t := b.blocks.table(name)
	if from != b.from || to != b.to {
		t = b.part(from, to, nil).table(name)
	}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := r.tryInsert(ctx, b, t, from, to, b.token(from, to, word))
		if err == nil {
			return nil, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if refused, ok := refusal(err); ok {
			return refused, nil
		}
		r.metrics.retries.WithLabelValues(name).Inc()
		r.warn.Warn().Err(err).Str("topic", r.topic).Int("partition", r.partition).Msg("cannot store, trying again")
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

func (r *run) tryInsert(ctx context.Context, b *batch, t table, from, to int64, token string) error {
	if t.rows() == 0 {
		return nil
	}
	if letters, ok := t.(*deadLetters); ok {
		stored, err := r.db.storedLetters(ctx, &letters.id)
		if err != nil {
			return err
		}
		if len(stored) > 0 {
			t = b.part(from, to, stored).deadLetters
		}
		if t.rows() == 0 {
			return nil
		}
	}
	if err := r.inserting.Acquire(ctx, 1); err != nil {
		return err
	}
	began := time.Now()
	err := r.db.insert(ctx, t, token)
	r.inserting.Release(1)
	if err != nil {
		return err
	}
	r.metrics.insertSeconds.WithLabelValues(t.name()).Observe(time.Since(began).Seconds())
	r.metrics.batchRows.WithLabelValues(t.name()).Observe(float64(t.rows()))
	r.metrics.rows.WithLabelValues(t.name()).Add(float64(t.rows()))
	return nil
}

// reject gives up a record that a table refuses by itself.
func (r *run) reject(ctx context.Context, b *batch, record lead.Record, table string, refused *ch.Exception) error {
	if b.topic == lead.TopicDead {
		// A dead letter about it would be refused as well.
		r.metrics.dead.WithLabelValues("lost").Inc()
		r.logger.Error().Str("topic", r.topic).Int("partition", r.partition).Int64("offset", record.Offset).Str("code", refused.Code.String()).
			Msg("table dead_letters refuses a dead letter: it stays on its topic only")
		return nil
	}
	letter := b.deadLetter(record, table, fmt.Sprintf("table %s refuses it: %s", table, refused.Message))
	return r.bury(ctx, &letter, "refused")
}

// bury publishes a dead letter.
func (r *run) bury(ctx context.Context, letter *lead.DeadLetter, reason string) error {
	value, err := lead.Encode(letter)
	if err != nil {
		return err
	}
	if err := r.log.Publish(ctx, lead.TopicDead, []byte(letter.ID), value); err != nil {
		return fmt.Errorf("publish the dead letter of %s: %w", letter.Origin, err)
	}
	r.metrics.dead.WithLabelValues(reason).Inc()
	r.warn.Warn().Str("origin", letter.Origin).Str("why", reason).Str("id", letter.ID).Msg("a record became a dead letter")
	return nil
}

func (r *run) observe(b *batch) {
	r.metrics.batches.WithLabelValues(r.topic).Inc()
	r.metrics.rivals.Add(float64(b.rivals))
	if b.topic != lead.TopicScored {
		return
	}
	now := time.Now()
	received := b.blocks.contacts.received
	for i := range received.Rows() {
		r.metrics.storedSeconds.Observe(now.Sub(received.Row(i)).Seconds())
	}
}
