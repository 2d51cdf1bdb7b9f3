package scoring

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"leadd/lead"
)

const (
	maxScored = 4 << 20         // bytes of scored records at which a batch is full
	maxRecord = 4<<20 - 256<<10 // bytes of a scored record: topics take 4 MiB, and a state is far smaller
)

// batch gathers what a run of contacts brings about until it is flushed.
type batch struct {
	*worker
	next                        int64 // offset behind the last contact added
	dead                        []lead.Record
	scored                      []lead.Record
	states                      []*batchState // in the order they were first touched
	byKey                       map[string]*batchState
	seen                        map[string]lead.Seen
	seenOrder                   []lead.Record // of the changelog, for each id seen
	rows                        []row         // of the store, for the same
	received                    []time.Time
	scoredBytes, changelogBytes int
	chunk                       []byte // memory for the values of records
	contact                     lead.Contact
	result                      lead.Scored
}

// batchState is a prospect's newest state in the batch.
type batchState struct {
	prospect *lead.Prospect
	fresh    bool // there was no state of it before the batch
	size     int  // about what the encoded state takes
}

// newBatch makes a batch that is likely to get n contacts.
func newBatch(w *worker, n int) *batch {
	n = min(n, w.config.BatchContacts)
	return &batch{
		worker: w, next: w.at.next, byKey: make(map[string]*batchState, n/2), seen: make(map[string]lead.Seen, n),
		scored: make([]lead.Record, 0, n), seenOrder: make([]lead.Record, 0, n), rows: make([]row, 0, 2*n), received: make([]time.Time, 0, n),
	}
}

// full reports whether the batch must be flushed. One more contact adds a
// state of at most MaxState to the changelog's append, which stays far below
// what a topic takes.
func (b *batch) full() bool {
	return len(b.scored) >= b.config.BatchContacts || b.scoredBytes >= maxScored || b.changelogBytes >= maxAppend
}

// add applies one record of lead.TopicContacts. What cannot be understood
// becomes a dead letter, and the line goes on; an error is the store's.
func (b *batch) add(r lead.Record) error {
	b.next = r.Offset + 1
	c := &b.contact // nothing keeps it
	canonical, err := b.decode(r, c)
	if err != nil {
		return b.bury(lead.TopicContacts, r, err)
	}
	seen, known, err := b.find(c.ID)
	if err != nil {
		return err
	}
	id := c.ID
	if known {
		if c.RepeatAfter == 0 || c.Received.UnixMilli()-seen.Received < c.RepeatAfter*1000 {
			b.metrics.duplicates.Inc()
			return nil
		}
		c.ID = lead.ContactID(c.ID, c.Received.UTC().Format(receivedFormat))
		canonical = false // that is another contact than the record's
	}
	findings, err := b.findings(c)
	if err != nil {
		return b.bury(lead.TopicContacts, r, err)
	}
	before, err := b.prospect(c.Prospect)
	if err != nil {
		return err
	}
	var after *lead.Prospect
	after, b.result = b.engine.Apply(before, c, findings, r.Offset)
	value, err := b.encodeScored(canonical, r.Value)
	if err == nil && len(value) > maxRecord {
		err = fmt.Errorf("the scored contact has %d bytes, more than the %d that a record may have", len(value), maxRecord)
	}
	if err != nil {
		return b.bury(lead.TopicContacts, r, err)
	}
	b.scored = append(b.scored, lead.Record{Key: r.Key, Value: b.take(value)})
	b.scoredBytes += recordSize(b.scored[len(b.scored)-1])
	b.keep(after, before == nil)
	b.received = append(b.received, c.Received)
	return b.see(id, lead.Seen{Prospect: after.Key, Received: c.Received.UnixMilli(), Offset: r.Offset})
}

func (b *batch) encodeScored(canonical bool, contact []byte) ([]byte, error) {
	if canonical {
		return lead.AppendScored(b.space(), &b.result, contact)
	}
	return lead.Append(b.space(), &b.result)
}

// receivedFormat is RFC 3339 with milliseconds: with the id it makes the id
// of a contact whose content has come before.
const receivedFormat = "2006-01-02T15:04:05.000Z07:00"

// chunkBytes is how much memory is taken at once for keys and values.
const chunkBytes = 64 << 10

// space gives memory of the batch to append to, and take keeps what was
// appended. What did not fit has memory of its own.
func (b *batch) space() []byte {
	if cap(b.chunk)-len(b.chunk) < chunkBytes/16 {
		b.chunk = make([]byte, 0, chunkBytes)
	}
	return b.chunk[len(b.chunk):]
}

func (b *batch) take(appended []byte) []byte {
	if n := len(b.chunk) + len(appended); n <= cap(b.chunk) {
		b.chunk = b.chunk[:n]
	}
	return appended[:len(appended):len(appended)]
}

// decode reads a contact and refuses what would break the stage's bounds.
func (b *batch) decode(r lead.Record, c *lead.Contact) (canonical bool, err error) {
	if canonical, err = lead.DecodeContact(r.Value, c); err != nil {
		return false, err
	}
	switch {
	case c.ID == "" || len(c.ID) > MaxID:
		err = fmt.Errorf("the contact's id has %d bytes; it needs 1 to %d", len(c.ID), MaxID)
	case c.Prospect == "" || len(c.Prospect) > MaxKey:
		err = fmt.Errorf("the prospect's key has %d bytes; it needs 1 to %d", len(c.Prospect), MaxKey)
	case c.Prospect != string(r.Key):
		err = fmt.Errorf("the contact is about %q, but stands under the key %q, where another's state is", c.Prospect, r.Key)
	}
	return canonical, err
}

// findings guards the line against an extractor that fails on a text nobody
// thought of: the contact becomes a dead letter and is not read again and
// again.
func (b *batch) findings(c *lead.Contact) (found []lead.Finding, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("finding evidence failed: %v", r)
		}
	}()
	return b.extract(c), nil
}

func (b *batch) find(id string) (lead.Seen, bool, error) {
	if seen, ok := b.seen[id]; ok {
		return seen, true, nil
	}
	return b.store.seen(id)
}

func (b *batch) see(id string, seen lead.Seen) error {
	value, err := lead.Append(b.space(), &seen)
	if err != nil {
		return err
	}
	b.seen[id] = seen
	r := lead.Record{Value: b.take(value), Key: b.take(append(append(b.space(), seenPrefix...), id...))}
	b.seenOrder = append(b.seenOrder, r)
	row := seenRow(b.space(), id, seen)
	b.take(row.key[:len(row.key)+len(row.value)])
	b.rows = append(b.rows, row)
	b.changelogBytes += recordSize(r)
	return nil
}

// prospect gives a state as the batch has it, else the newest stored.
func (b *batch) prospect(key string) (*lead.Prospect, error) {
	if s, ok := b.byKey[key]; ok {
		return s.prospect, nil
	}
	if p := b.cache.get(key); p != nil {
		return p, nil
	}
	p, size, err := b.store.prospect(key)
	if p != nil {
		b.cache.put(p, size)
	}
	return p, err
}

// keep notes a prospect's new state; fresh: it had none.
func (b *batch) keep(p *lead.Prospect, fresh bool) {
	s := b.byKey[p.Key]
	if s == nil {
		s = &batchState{fresh: fresh}
		b.byKey[p.Key] = s
		b.states = append(b.states, s)
	}
	size := stateSize(p)
	b.changelogBytes += size - s.size
	s.prospect, s.size = p, size
}

// stateSize is about what a state takes in the changelog, at least half of it
// where all its text must be escaped.
func stateSize(p *lead.Prospect) int {
	const object, member, moment, number = 200, 100, 55, 14 // names, numbers, times
	size := object + 2*len(p.Key) + len(p.Name) + len(p.FirstSource)
	for i := range p.People {
		who := &p.People[i]
		size += member + len(who.Email) + len(who.Name) + len(who.Phone) + len(who.Title)
	}
	for i := range p.Standings {
		s := &p.Standings[i]
		size += object + len(s.Product) + len(s.Criteria)
		for i := range s.Met {
			size += moment + len(s.Met[i].Criterion)
		}
		for i := range s.Touches {
			size += member + number*len(s.Touches[i].At)
		}
		size += number * len(s.Deciders)
		for i := range s.Falls {
			size += member + len(s.Falls[i].Rule)
		}
	}
	for _, tallies := range [][]lead.Tally{p.Kinds, p.Events} {
		for i := range tallies {
			size += member + len(tallies[i].Name)
		}
	}
	return size
}

// changes gives the records for lead.TopicProspects, each prospect's last
// state and then the ids seen, and the same for the store.
func (b *batch) changes() (records []lead.Record, rows []row, err error) {
	records, rows = make([]lead.Record, 0, len(b.states)+len(b.seenOrder)), b.rows
	for _, s := range b.states {
		value, err := lead.Append(b.space(), s.prospect)
		if err != nil {
			return nil, nil, fmt.Errorf("state of %q: %w", s.prospect.Key, err)
		}
		s.size = len(value)
		r := lead.Record{Value: b.take(value), Key: b.take(append(append(b.space(), prospectPrefix...), s.prospect.Key...))}
		records, rows = append(records, r), stateRows(rows, r, s.fresh)
	}
	return append(records, b.seenOrder...), rows, nil
}

// bury adds a dead letter for a record that could not be understood.
func (b *batch) bury(topic string, r lead.Record, reason error) error {
	letter, err := b.deadLetter(topic, r, reason)
	if err != nil {
		return err
	}
	b.dead = append(b.dead, letter)
	return nil
}

func (w *worker) deadLetter(topic string, r lead.Record, reason error) (lead.Record, error) {
	w.metrics.dead.Inc()
	what := reason.Error()
	if errors.Is(reason, lead.ErrNewerFormat) {
		what += "; run the newer version of leadd and replay this letter"
	}
	partition, offset := strconv.Itoa(w.partition), strconv.FormatInt(r.Offset, 10)
	letter := lead.DeadLetter{
		ID: lead.ContactID("scoring", topic, partition, offset), At: time.Now().UTC().Truncate(time.Millisecond),
		Stage: "scoring", Source: topic, Origin: topic + "/" + partition + "@" + offset,
		Reason: oneLine(what, 1000), Raw: r.Value, Truncated: len(r.Value) > lead.MaxRaw,
	}
	letter.Raw = letter.Raw[:min(len(letter.Raw), lead.MaxRaw)]
	w.logger.Warn().Str("origin", letter.Origin).Str("reason", letter.Reason).Msg("record not understood, sent to the dead letters")
	value, err := lead.Encode(&letter)
	if err != nil {
		return lead.Record{}, fmt.Errorf("encode dead letter of %s: %w", letter.Origin, err)
	}
	return lead.Record{Key: []byte(letter.ID), Value: value}, nil
}

// observe counts the batch once its scored records are on Kafka.
func (b *batch) observe(now time.Time) {
	b.metrics.contacts.Add(float64(len(b.received)))
	b.metrics.batch.Observe(float64(len(b.received)))
	for _, received := range b.received {
		b.metrics.latency.Observe(now.Sub(received).Seconds())
	}
}
