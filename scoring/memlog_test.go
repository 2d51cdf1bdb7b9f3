package scoring_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"leadd/lead"
)

var (
	errKilled = errors.New("killed here")
	errFenced = errors.New("the partition is no longer ours")
)

// memLog is Kafka in memory, one partition a topic: appends are atomic, reads
// give a few records at a time, and the n-th step can be made to fail, before
// or after it took effect.
type memLog struct {
	mu        sync.Mutex
	topics    map[string][]lead.Record
	committed int64
	changed   chan struct{} // closed when something was written

	steps    int  // appends and commits so far
	failAt   int  // step that fails, -1: none
	late     bool // it fails after it took effect
	twice    int  // append that is written twice, as after a lost answer; -1: none
	onCommit func(offset int64)
	fetch    int // records given at once
}

func newMemLog() *memLog {
	return &memLog{topics: map[string][]lead.Record{}, committed: -1, changed: make(chan struct{}), failAt: -1, twice: -1, fetch: 11}
}

func (l *memLog) Fetch(ctx context.Context, topic string, _ int, from int64) ([]lead.Record, int64, error) {
	l.mu.Lock()
	changed := l.changed
	records, end := l.read(topic, from)
	l.mu.Unlock()
	if len(records) > 0 {
		return records, end, nil
	}
	select { // Kafka's long poll
	case <-changed:
	case <-time.After(5 * time.Millisecond):
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	records, end = l.read(topic, from)
	return records, end, nil
}

func (l *memLog) read(topic string, from int64) ([]lead.Record, int64) {
	all := l.topics[topic]
	from = min(from, int64(len(all)))
	records := slices.Clone(all[from:min(int(from)+l.fetch, len(all))])
	for i := range records { // a reader may keep what it got
		records[i].Key, records[i].Value = bytes.Clone(records[i].Key), bytes.Clone(records[i].Value)
	}
	return records, int64(len(all))
}

func (l *memLog) Append(ctx context.Context, topic string, _ int, records []lead.Record) (int64, error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	size := 0
	for _, r := range records {
		size += len(r.Key) + len(r.Value)
	}
	if len(records) == 0 || size > 1<<20 && len(records) > 1 {
		return 0, fmt.Errorf("an append of %d records and %d bytes", len(records), size)
	}
	fail, again := l.step()
	if fail && !l.late {
		return 0, errKilled
	}
	base := l.write(topic, records)
	if again {
		base = l.write(topic, records)
	}
	if fail {
		return 0, errKilled
	}
	return base, nil
}

func (l *memLog) write(topic string, records []lead.Record) int64 {
	base := int64(len(l.topics[topic]))
	for i, r := range records {
		l.topics[topic] = append(l.topics[topic], lead.Record{Offset: base + int64(i), Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value)})
	}
	close(l.changed)
	l.changed = make(chan struct{})
	return base
}

func (l *memLog) step() (fail, again bool) {
	fail, again = l.steps == l.failAt, l.steps == l.twice
	l.steps++
	return fail, again
}

func (l *memLog) Offsets(_ context.Context, topic string, _ int) (int64, int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return 0, int64(len(l.topics[topic])), nil
}

func (l *memLog) Partition() int { return 0 }

func (l *memLog) Committed() (int64, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.committed, ""
}

func (l *memLog) Commit(_ context.Context, offset int64, _ string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	fail, _ := l.step()
	if fail && !l.late {
		return errKilled
	}
	l.committed = offset
	if fail {
		return errKilled
	}
	if l.onCommit != nil {
		l.onCommit(offset)
	}
	return nil
}

// add puts contacts on their topic as they are.
func (l *memLog) add(t testing.TB, contacts ...lead.Contact) {
	t.Helper()
	for i := range contacts {
		l.addRaw(contacts[i].Prospect, encode(t, &contacts[i]))
	}
}

func (l *memLog) addRaw(key string, value []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write(lead.TopicContacts, []lead.Record{{Key: []byte(key), Value: value}})
}

// scored gives the scored records as a reader takes them: the first of each
// offset, and nothing that is older than what it has.
func (l *memLog) scored(t testing.TB) (scored []lead.Scored, raw map[string][]byte) {
	t.Helper()
	raw = map[string][]byte{}
	highest := int64(-1)
	for _, r := range l.topics[lead.TopicScored] {
		var s lead.Scored
		if err := lead.Decode(r.Value, &s); err != nil {
			t.Fatal(err)
		}
		if s.Offset <= highest {
			continue
		}
		if string(r.Key) != s.Contact.Prospect {
			t.Fatalf("record of %s under key %s", s.Contact.Prospect, r.Key)
		}
		highest = s.Offset
		scored = append(scored, s)
		raw[fmt.Sprint("offset ", s.Offset)] = r.Value
	}
	return scored, raw
}

// states gives the changelog as compaction leaves it: the last record of each
// key. It fails where that is not the one with the highest offset.
func (l *memLog) states(t testing.TB) map[string][]byte {
	t.Helper()
	last, offsets := map[string][]byte{}, map[string]int64{}
	highest := map[string]int64{}
	for _, r := range l.topics[lead.TopicProspects] {
		var offset int64
		if bytes.HasPrefix(r.Key, []byte("p/")) {
			var p lead.Prospect
			if err := lead.Decode(r.Value, &p); err != nil {
				t.Fatal(err)
			}
			offset = p.Offset
		} else {
			var s lead.Seen
			if err := lead.Decode(r.Value, &s); err != nil {
				t.Fatal(err)
			}
			offset = s.Offset
		}
		key := string(r.Key)
		last[key], offsets[key], highest[key] = r.Value, offset, max(highest[key], offset)
	}
	for key, offset := range offsets {
		if offset != highest[key] {
			t.Errorf("the last record of %s is of offset %d; %d came before", key, offset, highest[key])
		}
	}
	return last
}
