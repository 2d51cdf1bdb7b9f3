package fetch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"leadd/ingest"
	"leadd/lead"
)

// giveUp is how long a notice is tried in vain before it becomes a dead
// letter. A restart begins it anew.
const giveUp = 24 * time.Hour

// handler brings one notice to its end.
type handler struct {
	*run
	notice *lead.Notice
	record lead.Record
}

// handle makes a contact of the notice, however long that takes, or a dead
// letter. It fails only when ctx has ended.
func (h *handler) handle(ctx context.Context) error {
	var first time.Time // when it failed first
	for try := 1; ; try++ {
		contact, err := h.fetch(ctx)
		if err == nil {
			return h.accept(ctx, &contact)
		}
		var f *failure
		if ctx.Err() != nil || !errors.As(err, &f) {
			return errors.Join(err, ctx.Err())
		}
		if first.IsZero() {
			first = time.Now()
		}
		if h.isHopeless(f, first) {
			return h.bury(ctx, f.reason)
		}
		if !sleep(ctx, backoff(failed, try)) {
			return ctx.Err()
		}
	}
}

// isHopeless reports whether no other try is worth it. As long as a token is
// refused or a limit reached for all, that says nothing of this notice.
func (h *handler) isHopeless(f *failure, first time.Time) bool {
	_, _, passed := h.source.client.gate.state()
	switch f.verdict {
	case gone:
		return true
	case failed:
		return time.Since(first) >= giveUp
	case refused:
		return time.Since(first) >= giveUp && passed.After(first)
	}
	return false
}

func (h *handler) fetch(ctx context.Context) (c lead.Contact, err error) {
	// What makes a mapper panic is bad input like any other.
	defer func() {
		if v := recover(); v != nil {
			err = &failure{gone, fmt.Sprintf("reading the API's answer panicked: %v", v), 0}
		}
	}()
	a, err := h.source.client.api.fetch(ctx, h.source.client, h.notice)
	if err != nil {
		return lead.Contact{}, err
	}
	return h.source.contact(h.identity, h.notice, &a)
}

func (h *handler) accept(ctx context.Context, c *lead.Contact) error {
	err := h.persist(ctx, func() error { return h.to.Accept(ctx, c) })
	if errors.Is(err, ingest.ErrIncomplete) {
		return h.bury(ctx, err.Error())
	}
	if err == nil {
		h.source.metrics.contacts.Inc()
	}
	return err
}

// bury makes a dead letter of the notice, from which leadd replay announces it
// again.
func (h *handler) bury(ctx context.Context, reason string) error {
	origin := fmt.Sprintf("%s/%d@%d", lead.TopicNotices, h.claim.Partition(), h.record.Offset)
	letter := lead.DeadLetter{
		ID: lead.ContactID("notice", h.notice.Source, string(h.record.Value)), At: time.Now().UTC().Truncate(time.Millisecond),
		Stage: "ingest", Source: h.notice.Source, Reason: reason, Origin: origin, Raw: h.record.Value,
	}
	if h.sources[letter.Source] == nil {
		letter.Source = lead.TopicNotices
	}
	h.often.Warn().Str("source", h.source.Name).Str("origin", origin).Str("reason", reason).Msg("a notice was given up; it is kept as a dead letter")
	err := h.persist(ctx, func() error { return h.to.Refuse(ctx, letter) })
	if err == nil {
		h.source.metrics.deadLetters.Inc()
	}
	return err
}

// persist writes to Kafka until it works. It fails when ctx has ended, or for
// what no other try can mend.
func (h *handler) persist(ctx context.Context, write func() error) error {
	for try := 1; ; try++ {
		err := write()
		if err == nil || errors.Is(err, ingest.ErrIncomplete) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		h.source.metrics.retries.Inc()
		h.often.Warn().Err(err).Str("source", h.source.Name).Msg("a fetched contact is not in Kafka yet; trying again until it is")
		if !sleep(ctx, backoff(failed, try)/10) {
			return ctx.Err()
		}
	}
}

// sleep waits for d and reports whether ctx lasted as long.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
