package scoring

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"leadd/lead"
)

// Bounds of a prospect's state and of the text kept about it. With those of a
// criteria file they keep a state under 64 KiB, however many contacts.
const (
	MaxPeople   = 20  // people kept of a prospect: those who wrote last
	MaxEvidence = 200 // bytes of a reason's evidence
	MaxText     = 128 // bytes of a name, title or phone kept in the state
	MaxEmail    = 254 // bytes of an address kept in the state
	MaxID       = 64  // bytes of a contact's id
	MaxKey      = 512 // bytes of a prospect's key

	MaxState = 64 << 10 // bytes of an encoded state; follows from the others
)

// Engine judges contacts by criteria. It is safe for concurrent use.
type Engine struct {
	criteria *Criteria
	judges   sync.Pool // a judge holds buffers and a machine of its own
}

// NewEngine makes the engine of c.
func NewEngine(c *Criteria) *Engine {
	return &Engine{criteria: c, judges: sync.Pool{New: func() any { return newJudge(c) }}}
}

// Apply is the pure function of scoring: it gives the prospect's state after
// contact c and the scored record. p is nil for a prospect's first contact;
// findings is the evidence in c's text; offset is c's, in its partition.
// Apply changes none of its arguments; the state shares no memory with them
// except what was p's, the record shares c's.
//
// What it does, and what holds:
//   - A contact counts from its At, or from Received where At is later than
//     that or missing: a sender's clock does not reach into the future.
//   - The time of a prospect is the latest of its contacts' (Last) and never
//     goes back. A contact that comes late counts with its own age.
//   - A contact without interest (Class.Interest) is counted and moves the
//     time; it meets nothing, earns nothing and moves no stage.
//   - A criterion that is met stays met, with its first evidence.
//   - Under other criteria than before, the points of what was met are set to
//     the new ones, and what is no criterion any more is taken back, each with
//     a line in the ledger, at the prospect's next contact.
//   - The points of all reasons ever given add up to the score.
//   - The highest stage whose rule holds is taken. Nobody falls back to a
//     lower stage; lost is reached by its rule from every stage but customer;
//     a customer stays one.
//   - A lost prospect meets criteria anew: what it says later in time than the
//     loss is noted again with a line of no points. When that alone (and the
//     points of it) meets a stage's rule, the prospect comes back to that
//     stage, and what was said before is taken back from the score.
func (e *Engine) Apply(p *lead.Prospect, c *lead.Contact, findings []lead.Finding, offset int64) (*lead.Prospect, lead.Scored) {
	s := &step{criteria: e.criteria, contact: c, at: timeOf(c)}
	s.begin(p)
	s.correct()
	s.age()
	s.next.Score = scoreOf(s.next)
	if c.Class.Interest() {
		j, ok := e.judges.Get().(*judge)
		if !ok {
			j = newJudge(e.criteria)
		}
		s.judge(j, findings)
		s.touch()
		s.next.Score = scoreOf(s.next)
		s.stage(j)
		e.judges.Put(j)
	}
	s.next.Offset = offset
	return s.next, lead.Scored{
		Contact: *c, Offset: offset, Criteria: e.criteria.id, Findings: findings,
		Reasons: s.reasons, Change: s.change, Stage: s.next.Stage, Score: s.next.Score,
	}
}

// step is one contact's application to one prospect.
type step struct {
	criteria *Criteria
	contact  *lead.Contact
	at       time.Time // when the contact counts
	id       string    // copy of the contact's id, once needed
	who      string    // said it, in the ledger
	changed  bool      // the prospect was last judged by other criteria
	next     *lead.Prospect
	reasons  []lead.Reason
	change   *lead.StageChange
}

func timeOf(c *lead.Contact) time.Time {
	if !c.Received.IsZero() && (c.At.IsZero() || c.At.After(c.Received)) {
		return c.Received
	}
	return c.At
}

// contactID gives the contact's id in memory that the state may keep: the
// contact's own lies in a much larger buffer.
func (s *step) contactID() string {
	if s.id == "" {
		s.id = strings.Clone(s.contact.ID)
	}
	return s.id
}

// begin makes the new state: a copy of the old with the contact's plain facts.
func (s *step) begin(p *lead.Prospect) {
	c := s.contact
	if p == nil {
		s.next = &lead.Prospect{Key: strings.Clone(c.Prospect), First: s.at, Last: s.at, FirstSource: strings.Clone(c.Source), Since: s.at}
	} else {
		next := *p
		s.changed = p.Criteria != s.criteria.id
		next.People, next.Met = slices.Clone(p.People), slices.Clone(p.Met) // age copies Touches
		s.next = &next
		if s.at.Before(next.First) {
			next.First, next.FirstSource = s.at, strings.Clone(c.Source)
		}
		if s.at.After(next.Last) {
			next.Last = s.at
		}
	}
	s.next.Contacts++
	s.next.Criteria = s.criteria.id
	if c.Class.Interest() {
		s.person()
	}
}

// person keeps who wrote, newest last, and the prospect's name.
func (s *step) person() {
	c, p := s.contact, s.next
	if p.Name == "" {
		p.Name = oneLine(c.Company.Name, MaxText)
		if p.Name == "" && p.Key != c.Company.Domain {
			p.Name = oneLine(c.Person.Name, MaxText) // a single person
		}
	}
	who := lead.Person{
		Email: oneLine(c.Person.Email, MaxEmail), Name: oneLine(c.Person.Name, MaxText),
		Phone: oneLine(c.Person.Phone, MaxText), Title: oneLine(c.Person.Title, MaxText),
	}
	if who == (lead.Person{}) {
		return
	}
	if i := slices.IndexFunc(p.People, func(o lead.Person) bool { return samePerson(o, who) }); i >= 0 {
		who = complete(who, p.People[i])
		p.People = slices.Delete(p.People, i, i+1)
	}
	p.People = append(p.People, who)
	if len(p.People) > MaxPeople {
		p.People = slices.Delete(p.People, 0, len(p.People)-MaxPeople)
	}
}

// samePerson compares what tells people apart best: address, phone, name.
func samePerson(a, b lead.Person) bool {
	switch {
	case a.Email != "" && b.Email != "":
		return a.Email == b.Email
	case a.Phone != "" && b.Phone != "":
		return a.Phone == b.Phone
	}
	return a.Name != "" && a.Name == b.Name
}

// complete fills what the newer record of a person leaves open.
func complete(newer, older lead.Person) lead.Person {
	for _, f := range []struct{ to, from *string }{
		{&newer.Email, &older.Email}, {&newer.Name, &older.Name}, {&newer.Phone, &older.Phone}, {&newer.Title, &older.Title},
	} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
	return newer
}

// correct sets the points of what was met to those of the criteria in force.
func (s *step) correct() {
	s.next.Met = slices.DeleteFunc(s.next.Met, func(m lead.Met) bool {
		_, known := s.criteria.index[m.Criterion]
		if !known {
			s.reason(m.Criterion, -m.Points, "no longer a criterion in "+s.criteria.id)
		}
		return !known
	})
	for i := range s.next.Met {
		m := &s.next.Met[i]
		if points := s.criteria.criteria[s.criteria.index[m.Criterion]].points; points != m.Points {
			s.reason(m.Criterion, points-m.Points, fmt.Sprintf("worth %d points in %s", points, s.criteria.id))
			m.Points = points
		}
	}
}

// judge notes the criteria that the contact meets.
func (s *step) judge(j *judge, findings []lead.Finding) {
	skip := s.mask()
	if s.renews() {
		skip = s.fresh()
	}
	verdicts := j.judge(s.contact, findings, skip)
	s.next.Met = slices.Grow(s.next.Met, len(verdicts))
	for _, v := range verdicts {
		c := &s.criteria.criteria[v.criterion]
		points := c.points
		if i := slices.IndexFunc(s.next.Met, func(m lead.Met) bool { return m.Criterion == c.name }); i >= 0 {
			s.next.Met = slices.Delete(s.next.Met, i, i+1)
			points = 0 // it has them already
		}
		s.reason(c.name, points, v.evidence)
		s.next.Met = append(s.next.Met, lead.Met{Criterion: c.name, Points: c.points, Contact: s.contactID(), At: s.at})
	}
}

// reason adds a line to the ledger; evidence is at most MaxEvidence bytes.
func (s *step) reason(criterion string, points int, evidence string) {
	if s.reasons == nil {
		s.reasons = make([]lead.Reason, 0, 8) // more is rare
		s.who = oneLine(cmp.Or(s.contact.Person.Name, s.contact.Person.Email), MaxEmail)
	}
	s.reasons = append(s.reasons, lead.Reason{
		Criterion: criterion, Points: points, Evidence: evidence,
		Contact: s.contact.ID, Person: s.who, At: s.at,
	})
}

// mask sets bit i where the i-th criterion is met.
func (s *step) mask() (mask uint64) {
	for i := range s.next.Met {
		mask |= 1 << s.criteria.index[s.next.Met[i].Criterion]
	}
	return mask
}

func scoreOf(p *lead.Prospect) (score int) {
	for i := range p.Met {
		score += p.Met[i].Points
	}
	for i := range p.Touches {
		score += p.Touches[i].Points
	}
	return score
}
