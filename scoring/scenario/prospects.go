package scenario

import (
	"maps"
	"slices"
	"strings"
	"time"

	"leadd/lead"
	"leadd/scoring"
)

// prospects are those of one scenario. They are all that this package knows of
// the engine and its states: apply takes a contact in, standing tells how a
// prospect stands at a time.
type prospects struct {
	engine *scoring.Engine
	offset int64
	seen   map[string]time.Time // when the last contact of an id was received
	byKey  map[string]*prospect
}

type prospect struct {
	state   *lead.Prospect
	ledger  []lead.Reason
	changes []lead.StageChange     // since the last expectations about it
	people  map[string]lead.Person // who made a contact, by its id
}

// standing is how a prospect stands at a time.
type standing struct {
	key      string
	at       time.Time
	stage    lead.Stage
	score    int
	met      []string
	ledger   []lead.Reason
	changes  []lead.StageChange // since the last expectations about it
	people   map[string]lead.Person
	deciders []lead.Reason // why somebody is known to have authority
	class    lead.Class    // of the last step's contact
}

func newProspects(e *scoring.Engine) *prospects {
	return &prospects{engine: e, seen: map[string]time.Time{}, byKey: map[string]*prospect{}}
}

// apply takes a contact in; false: it is the second delivery of one that was
// taken in, by the same rule as scoring's.
func (ps *prospects) apply(c *lead.Contact, findings []lead.Finding) bool {
	if before, known := ps.seen[c.ID]; known && c.Received.Sub(before) < time.Duration(c.RepeatAfter)*time.Second {
		return false
	}
	ps.seen[c.ID] = c.Received
	c.ID = lead.ContactID(c.ID, c.Received.String())
	p := ps.byKey[c.Prospect]
	if p == nil {
		p = &prospect{people: map[string]lead.Person{}}
		ps.byKey[c.Prospect] = p
	}
	state, scored := ps.engine.Apply(p.state, c, findings, ps.offset)
	ps.offset++
	verdict := &scored.Verdicts[0] // there is one product
	p.state, p.people[c.ID] = state, c.Person
	p.ledger, p.changes = append(p.ledger, verdict.Reasons...), append(p.changes, verdict.Changes...)
	return true
}

// standing tells how a prospect stands at a time, not before its last contact:
// what silence has brought until then included.
func (ps *prospects) standing(key string, at time.Time) *standing {
	p := ps.byKey[key]
	if at.Before(p.state.Last) {
		at = p.state.Last
	}
	now, fallen, _ := p.state.StandingAt(p.state.Standings[0].Product, at) // there is one product
	s := &standing{key: key, at: at, stage: now.Stage, score: now.Score, ledger: p.ledger, changes: slices.Concat(p.changes, fallen), people: p.people}
	for _, m := range now.Met {
		s.met = append(s.met, m.Criterion)
		met := func(r lead.Reason) bool { return r.Criterion == m.Criterion && r.At.UnixMilli() == m.At }
		if i := slices.IndexFunc(p.ledger, met); i >= 0 && m.Criterion == authority {
			s.deciders = append(s.deciders, p.ledger[i])
		}
	}
	return s
}

// find gives the key of the prospect that a name is about: its key, or the
// address of one of its people.
func (ps *prospects) find(name string) (key string, ok bool) {
	if _, ok := ps.byKey[name]; ok {
		return name, true
	}
	for _, key := range ps.keys() {
		for _, who := range ps.byKey[key].people {
			if who.Email == name {
				return key, true
			}
		}
	}
	return "", false
}

// keys are those of the prospects so far, in order.
func (ps *prospects) keys() []string {
	return slices.Sorted(maps.Keys(ps.byKey))
}

// isPerson reports whether a reason comes from the person of this name or
// address.
func (s *standing) isPerson(r lead.Reason, who string) bool {
	return strings.EqualFold(r.Person, who) || strings.EqualFold(s.people[r.Contact].Email, who)
}
