package scoring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"leadd/lead"
)

// progressEvery is how often a long restore says how far it has come.
const progressEvery = 5 * time.Second

// restore brings the local store up to date with the changelog and finds the
// offset to go on from.
func (w *worker) restore(ctx context.Context) error {
	first, end, err := w.log.Offsets(ctx, lead.TopicContacts, w.partition)
	if err != nil {
		return fmt.Errorf("find the bounds of the contacts: %w", err)
	}
	if err := w.load(ctx, end); err != nil {
		return err
	}
	from, began := w.at.changelog, time.Now()
	if err := w.catchUp(ctx); err != nil {
		return err
	}
	if read := w.at.changelog - from; from == 0 && read > 0 {
		w.logger.Info().Int64("records", read).Dur("took", time.Since(began)).Msg("local store rebuilt from Kafka")
	}
	if committed, _ := w.claim.Committed(); committed <= end && w.at.changelog > 0 {
		// Commits come last, so this can only be further than the states
		// say where the last records met nothing: duplicates, dead letters.
		// Without any state it says nothing: they were deleted.
		w.at.next = max(w.at.next, committed)
	}
	if w.at.next > end {
		return fmt.Errorf("%s/%d ends at %d, but its prospects know contacts up to %d: the topic was made anew; delete %s and %s as well",
			lead.TopicContacts, w.partition, end, w.at.next, lead.TopicProspects, lead.TopicScored)
	}
	if w.at.next < first {
		if w.at.next > 0 {
			w.logger.Error().Int64("from", w.at.next).Int64("to", first).Msg("contacts were deleted from Kafka before they were scored; going on behind them")
		}
		w.at.next = first
	}
	w.logger.Debug().Int64("next", w.at.next).Int64("end", end).Int64("changelog", w.at.changelog).Msg("scoring begins")
	return nil
}

// load reads the store's position. A store that cannot be read, or that knows
// more than Kafka does, is emptied.
func (w *worker) load(ctx context.Context, contactsEnd int64) error {
	_, end, err := w.log.Offsets(ctx, lead.TopicProspects, w.partition)
	if err != nil {
		return fmt.Errorf("find the bounds of the changelog: %w", err)
	}
	at, err := w.store.position()
	if err == nil && (at.next > contactsEnd || at.changelog > end) {
		err = fmt.Errorf("it knows contacts up to %d and the changelog up to %d, but Kafka ends at %d and %d", at.next, at.changelog, contactsEnd, end)
	}
	if err != nil {
		w.logger.Warn().Err(err).Str("dir", w.store.dir).Msg("local store does not fit Kafka; it is deleted and rebuilt")
		if err := w.store.reset(w.logger); err != nil {
			return err
		}
		at = position{}
	}
	w.at = at
	return nil
}

// catchUp reads the changelog from the store's position to its end. Usually
// this is what another process wrote while it owned the partition. But a
// former owner that wakes up late may also write states older than ours; as
// compaction would keep just its record, ours is published again.
func (w *worker) catchUp(ctx context.Context) error {
	for {
		stale, err := w.readChangelog(ctx)
		if err != nil {
			return err
		}
		if len(stale) == 0 {
			return nil
		}
		w.metrics.rivals.Add(float64(len(stale)))
		w.logger.Warn().Int("records", len(stale)).Msg("a former owner of the partition wrote late, or what is there cannot be read; it is written over")
		if err := w.append(ctx, lead.TopicProspects, stale); err != nil {
			return err
		}
	}
}

// readChangelog takes over what is newer than what the store has. stale is
// the store's own record of each key for which an older one came later.
func (w *worker) readChangelog(ctx context.Context) (stale []lead.Record, err error) {
	first, end, err := w.log.Offsets(ctx, lead.TopicProspects, w.partition)
	if err != nil {
		return nil, fmt.Errorf("find the bounds of the changelog: %w", err)
	}
	w.at.changelog = max(w.at.changelog, first)
	keys := make(map[string]bool)
	from, spoke := w.at.changelog, time.Now()
	for w.at.changelog < end {
		records, _, err := w.log.Fetch(ctx, lead.TopicProspects, w.partition, w.at.changelog)
		if err != nil {
			return nil, fmt.Errorf("read the changelog: %w", err)
		}
		if len(records) == 0 {
			w.at.changelog = end // the rest was compacted away
			break
		}
		if err := w.takeOver(ctx, records, keys); err != nil {
			return nil, err
		}
		if time.Since(spoke) > progressEvery {
			spoke = time.Now()
			w.logger.Info().Int64("read", w.at.changelog-from).Int64("of", end-from).Msg("rebuilding the local store from Kafka")
		}
	}
	for _, key := range sortedKeys(keys) {
		value, _, err := w.stored(key)
		if err != nil {
			return nil, err
		}
		stale = append(stale, lead.Record{Key: []byte(key), Value: value})
	}
	return stale, w.store.write(ctx, nil, w.at)
}

// takeOver stores those of the records that are newer than the store's. keys
// notes those that are older, and forgets what was healed since.
func (w *worker) takeOver(ctx context.Context, records []lead.Record, keys map[string]bool) error {
	fresh := make(map[string]int64, len(records)) // offset of each key's newest
	var take []row
	var dead []lead.Record
	next := w.at.next
	for _, r := range records {
		change, unreadable := readChange(r)
		offset := change.offset
		if unreadable != nil {
			letter, err := w.deadLetter(lead.TopicProspects, r, unreadable)
			if err != nil {
				return err
			}
			dead = append(dead, letter)
			if err := w.shadowed(r, fresh, keys, unreadable); err != nil {
				return err
			}
			continue
		}
		key := string(r.Key)
		have, ok := fresh[key]
		if !ok {
			var err error
			if _, have, err = w.stored(key); err != nil {
				return err
			}
		}
		if offset < have {
			keys[key] = true
			continue
		}
		delete(keys, key)
		fresh[key] = offset
		if offset > have {
			take = change.rows(take, r, have < 0)
			w.cache.remove(strings.TrimPrefix(key, prospectPrefix))
			next = max(next, offset+1)
		}
	}
	if err := w.append(ctx, lead.TopicDead, dead); err != nil {
		return err
	}
	w.metrics.restored.Add(float64(len(records)))
	at := position{next: next, changelog: records[len(records)-1].Offset + 1}
	if err := w.store.write(ctx, take, at); err != nil {
		return err
	}
	w.at = at
	return nil
}

// shadowed notes the key of a record that cannot be read where an older one
// can: compaction would keep just the unreadable. What a newer leadd wrote is
// left to it.
func (w *worker) shadowed(r lead.Record, fresh map[string]int64, keys map[string]bool, reason error) error {
	if errors.Is(reason, lead.ErrNewerFormat) {
		return nil
	}
	key := string(r.Key)
	if _, ok := fresh[key]; ok {
		keys[key] = true
		return nil
	}
	_, have, err := w.stored(key)
	if have >= 0 {
		keys[key] = true
	}
	return err
}

// stored gives the changelog's record of key as the store has it, and the
// offset of the contact that it comes from: nil and -1 where it has none.
func (w *worker) stored(key string) (value []byte, offset int64, err error) {
	if id, ok := strings.CutPrefix(key, seenPrefix); ok {
		seen, known, err := w.store.seen(id)
		if !known || err != nil {
			return nil, -1, err
		}
		value, err = lead.Encode(&seen)
		return value, seen.Offset, err
	}
	prospect, ok := strings.CutPrefix(key, prospectPrefix)
	if !ok {
		return nil, -1, nil
	}
	if value, err = w.store.state(prospect); value == nil || err != nil {
		return nil, -1, err
	}
	c, err := readChange(lead.Record{Key: []byte(key), Value: value})
	if err != nil {
		return nil, -1, fmt.Errorf("%q: %w: %w", key, errStoreBroken, err)
	}
	return value, c.offset, nil
}

var errUnknownKey = errors.New("the key is neither p/ and a prospect's nor c/ and a contact's id")

// change is what a record of the changelog says.
type change struct {
	offset int64  // of the contact that it comes from
	id     string // contact's; empty: it is a state
	seen   lead.Seen
}

func readChange(r lead.Record) (c change, err error) {
	switch key := string(r.Key); {
	case strings.HasPrefix(key, prospectPrefix):
		var p lead.Prospect
		if err := lead.Decode(r.Value, &p); err != nil {
			return c, err
		}
		if p.Key != key[len(prospectPrefix):] {
			return c, fmt.Errorf("the state is that of %q", p.Key)
		}
		return change{offset: p.Offset}, nil
	case len(key) > len(seenPrefix) && strings.HasPrefix(key, seenPrefix):
		c.id = key[len(seenPrefix):]
		err := lead.Decode(r.Value, &c.seen)
		c.offset = c.seen.Offset
		return c, err
	}
	return c, errUnknownKey
}

// rows adds to rows what the store keeps of the change; r is its record,
// fresh: the store knows nothing of it yet.
func (c change) rows(rows []row, r lead.Record, fresh bool) []row {
	if c.id == "" {
		return stateRows(rows, r, fresh)
	}
	return append(rows, seenRow(nil, c.id, c.seen))
}

func sortedKeys(keys map[string]bool) []string {
	sorted := make([]string, 0, len(keys))
	for k := range keys {
		sorted = append(sorted, k)
	}
	slices.Sort(sorted)
	return sorted
}
