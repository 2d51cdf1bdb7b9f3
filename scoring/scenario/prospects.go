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
	state    *lead.Prospect
	people   map[string]lead.Person // who made a contact, by its id
	products map[string]*account    // by name
}

// account is what has come of a prospect for one product.
type account struct {
	ledger  []lead.Reason
	changes []lead.StageChange // since the last expectations about it
	told    []lead.StageChange // by silence, at the last expectations: the next contact brings them
}

// standing is how a prospect stands for a product at a time.
type standing struct {
	key      string
	product  string
	several  bool // there are other products
	at       time.Time
	stage    lead.Stage
	score    int
	met      []string
	ledger   []lead.Reason
	changes  []lead.StageChange // since the last expectations about it
	fallen   []lead.StageChange // by silence since the last contact
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
		p = &prospect{people: map[string]lead.Person{}, products: map[string]*account{}}
		ps.byKey[c.Prospect] = p
	}
	state, scored := ps.engine.Apply(p.state, c, findings, ps.offset)
	ps.offset++
	p.state, p.people[c.ID] = state, c.Person
	for i := range scored.Verdicts {
		v := &scored.Verdicts[i]
		a := p.products[v.Product]
		if a == nil {
			a = &account{}
			p.products[v.Product] = a
		}
		a.ledger, a.changes = append(a.ledger, v.Reasons...), append(a.changes, v.Changes...)
	}
	return true
}

// standing tells how a prospect stands at a time, not before its last contact:
// what silence has brought until then included.
func (ps *prospects) standing(key, product string, at time.Time) *standing {
	p := ps.byKey[key]
	if at.Before(p.state.Last) {
		at = p.state.Last
	}
	a := p.products[product]
	now, fallen, _ := p.state.StandingAt(product, at)
	s := &standing{
		key: key, product: product, several: len(p.products) > 1, at: at, stage: now.Stage, score: now.Score,
		ledger: a.ledger, changes: slices.Concat(a.changes, fallen), fallen: fallen, people: p.people,
	}
	for _, told := range a.told {
		if i := slices.IndexFunc(s.changes, func(c lead.StageChange) bool { return c.From == told.From && c.To == told.To && c.At.Equal(told.At) }); i >= 0 {
			s.changes = slices.Delete(s.changes, i, i+1)
		}
	}
	for _, m := range now.Met {
		s.met = append(s.met, m.Criterion)
		if m.Criterion == authority {
			s.deciders = deciders(s.ledger, m.At)
		}
	}
	return s
}

// tell takes note that expectations were compared with a standing: its changes
// are old from here on.
func (ps *prospects) tell(s *standing) {
	a := ps.byKey[s.key].products[s.product]
	a.changes, a.told = nil, s.fallen
}

// deciders gives the lines that show authority, which is met since a time: the
// one that met it, and those of no points behind it, about others who have it.
func deciders(ledger []lead.Reason, since int64) (lines []lead.Reason) {
	for _, r := range ledger {
		if r.Criterion == authority && (len(lines) > 0 && r.Points == 0 || len(lines) == 0 && r.At.UnixMilli() == since) {
			lines = append(lines, r)
		}
	}
	return lines
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
