package sink

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"leadd/lead"
)

// A batch is the records of one partition in [from, to), and the rows they
// make. Which rows depends on the records and on seenBefore only.
type batch struct {
	topic      string
	partition  int
	from, to   int64
	seenBefore int64 // highest contact's offset before from, -1 for none
	seen       int64 // the same before to
	taken      int   // records
	bytes      int64 // what it holds of Stage.memory

	kept    []lead.Record       // that make rows, in order
	refused []lead.DeadLetter   // one for each record that cannot be read
	rivals  int                 // how many records were dropped as such
	letters map[string]struct{} // ids of the dead letters kept
	blocks  *blocks             // of kept; nil before the first record
}

// take adds the next record of the partition. The batch keeps r's bytes.
func (b *batch) take(r lead.Record) {
	b.taken++
	b.to = r.Offset + 1
	if b.topic == lead.TopicDead {
		b.takeDead(r)
	} else {
		b.takeScored(r)
	}
}

func (b *batch) takeScored(r lead.Record) {
	var s lead.Scored
	if err := lead.Decode(r.Value, &s); err != nil {
		b.refused = append(b.refused, b.deadLetter(r, "record", err.Error()))
		return
	}
	if s.Offset <= b.seen {
		b.rivals++
		return
	}
	b.seen = s.Offset
	if err := checkScored(&s); err != nil {
		b.refused = append(b.refused, b.deadLetter(r, "record", err.Error()))
		return
	}
	b.kept = append(b.kept, r)
	b.blocks.addScored(b.partition, &s)
}

func (b *batch) takeDead(r lead.Record) {
	l := b.readDead(r)
	if _, twice := b.letters[l.ID]; twice {
		return
	}
	if b.letters == nil {
		b.letters = map[string]struct{}{}
	}
	b.letters[l.ID] = struct{}{}
	b.kept = append(b.kept, r)
	b.blocks.addDead(b.partition, r.Offset, l)
}

// readDead reads a dead letter. What cannot be read as one becomes one.
func (b *batch) readDead(r lead.Record) *lead.DeadLetter {
	var l lead.DeadLetter
	err := lead.Decode(r.Value, &l)
	if err == nil {
		var m misfit
		m.time("at", l.At)
		err = m.err
	}
	if err != nil {
		l = b.deadLetter(r, "record", err.Error())
	}
	return &l
}

// part makes the blocks of the records kept in [from, to), leaving out the
// dead letters in skip.
func (b *batch) part(from, to int64, skip map[string]struct{}) *blocks {
	part := newBlocks(b.topic)
	for _, r := range b.kept {
		if r.Offset < from || r.Offset >= to {
			continue
		}
		if b.topic == lead.TopicDead {
			l := b.readDead(r)
			if _, ok := skip[l.ID]; !ok {
				part.addDead(b.partition, r.Offset, l)
			}
			continue
		}
		var s lead.Scored
		if err := lead.Decode(r.Value, &s); err == nil { // it was read before
			part.addScored(b.partition, &s)
		}
	}
	return part
}

// deadLetter makes the dead letter of a record that what (the record itself,
// or a table) has no place for. Its id is the same whenever the same record is
// refused.
func (b *batch) deadLetter(r lead.Record, what, reason string) lead.DeadLetter {
	raw, truncated := r.Value, false
	if len(raw) > lead.MaxRaw {
		raw, truncated = raw[:lead.MaxRaw], true
	}
	origin := fmt.Sprintf("%s/%d@%d", b.topic, b.partition, r.Offset)
	return lead.DeadLetter{
		ID: lead.ContactID("sink", what, origin, string(r.Value)),
		At: time.Now().UTC().Truncate(time.Millisecond), Stage: "sink", Source: b.topic,
		Reason: reason, Origin: origin, Raw: raw, Truncated: truncated,
	}
}

// token names the insert of the records in [from, to) into a table.
func (b *batch) token(from, to int64, word string) string {
	return b.topic + "-" + strconv.Itoa(b.partition) + ":" +
		strconv.FormatInt(from, 10) + "-" + strconv.FormatInt(to, 10) + ":" + word
}

// blocks holds a block for each table that a topic's records go to.
type blocks struct {
	contacts     *contacts
	reasons      *reasons
	scores       *scores
	stageChanges *stageChanges
	deadLetters  *deadLetters
	tables       []table // those above that are set, in the order they are inserted
}

func newBlocks(topic string) *blocks {
	if topic == lead.TopicDead {
		b := &blocks{deadLetters: newDeadLetters()}
		b.tables = []table{b.deadLetters}
		return b
	}
	b := &blocks{contacts: newContacts(), reasons: newReasons(), scores: newScores(), stageChanges: newStageChanges()}
	// The contact comes last: when it can be seen, so can everything it did.
	b.tables = []table{b.reasons, b.stageChanges, b.scores, b.contacts}
	return b
}

func (b *blocks) addScored(partition int, s *lead.Scored) {
	b.contacts.add(partition, s)
	b.reasons.add(partition, s)
	b.stageChanges.add(partition, s)
	b.scores.add(partition, s)
}

func (b *blocks) addDead(partition int, offset int64, l *lead.DeadLetter) {
	b.deadLetters.add(partition, offset, l)
}

func (b *blocks) table(name string) table {
	for _, t := range b.tables {
		if t.name() == name {
			return t
		}
	}
	return nil
}

func (b *blocks) reset() {
	for _, t := range b.tables {
		t.reset()
	}
}

// checkScored finds the first value that its column cannot hold. Such a value
// is never bent to fit.
func checkScored(s *lead.Scored) error {
	var m misfit
	m.time("contact.at", s.Contact.At)
	m.time("contact.received", s.Contact.Received)
	m.time("as_of", s.AsOf)
	for i := range s.Findings {
		f := &s.Findings[i]
		m.between("a finding's start", int64(f.Start), 0, math.MaxUint32)
		if f.Days != nil {
			m.int32("a finding's days", *f.Days)
		}
	}
	for i := range s.Verdicts {
		checkVerdict(&m, &s.Verdicts[i])
	}
	return m.err
}

func checkVerdict(m *misfit, v *lead.Verdict) {
	m.int32("score", v.Score)
	m.between("number of reasons", int64(len(v.Reasons)), 0, math.MaxUint16)
	for i := range v.Reasons {
		m.int32("a reason's points", v.Reasons[i].Points)
		m.time("a reason's at", v.Reasons[i].At)
	}
	m.between("number of stage changes", int64(len(v.Changes)), 0, math.MaxUint16)
	for i := range v.Changes {
		m.time("a stage change's at", v.Changes[i].At)
	}
}
