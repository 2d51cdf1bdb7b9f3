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
	MaxPeople   = 16  // people kept of a prospect: those who wrote last
	MaxEvidence = 200 // bytes of a reason's evidence
	MaxText     = 100 // bytes of a name, title or phone kept in the state
	MaxEmail    = 254 // bytes of an address kept in the state
	MaxID       = 64  // bytes of a contact's id
	MaxKey      = 512 // bytes of a prospect's key

	MaxState = 64 << 10 // bytes of an encoded state; follows from the others
)

// Engine judges contacts by the criteria of one product or several. It is safe
// for concurrent use.
type Engine struct {
	products []*product
}

// product is one product's criteria at work.
type product struct {
	criteria *Criteria
	judges   sync.Pool // a judge holds buffers and a machine of its own
}

// NewEngine makes the engine of the products' criteria, whose names differ:
// LoadAll sees to that.
func NewEngine(products ...*Criteria) *Engine {
	e := &Engine{products: make([]*product, len(products))}
	for i, c := range products {
		e.products[i] = &product{criteria: c, judges: sync.Pool{New: func() any { return newJudge(c) }}}
	}
	return e
}

// Apply is the pure function of scoring: it gives the prospect's state after
// contact c and the scored record. p is nil for a prospect's first contact;
// findings is the evidence in c's text; offset is c's, in its partition.
// Apply changes none of its arguments; the state shares no memory with them
// except what was p's, the record shares c's.
//
// What it does, and what holds, for each product by itself:
//   - A contact counts from its At, or from Received where At is later than
//     that or missing: a sender's clock does not reach into the future.
//   - The time of a prospect is the latest of its contacts' (Last) and never
//     goes back. What a contact brings about is told as of that time.
//   - A contact without interest (Class.Interest) is counted and moves the
//     time; it meets nothing, earns nothing, breaks no silence, and moves no
//     stage but where silence has done so.
//   - A criterion that is met stays met, with its first evidence. Who else shows
//     authority is noted too, once each and up to MaxPeople people, with a line
//     of no points.
//   - Points for touching us halve with every half-life since the contact's own
//     time. The ledger has them as they were given, with half-life and that
//     time, and takes back a contact that no longer counts with the same: what
//     all reasons ever given are worth at a time, Last or later, adds up to the
//     score at that time. Nothing is written because time has passed.
//   - Under other criteria than before, the points of what was met are set to
//     the new ones, and what is no criterion any more is taken back, each with
//     a line in the ledger, at the prospect's next contact; until then all
//     stays as it was, falls included.
//   - The highest stage whose rule holds is taken. Lost is reached by its rule
//     from every stage but customer; no rule moves a customer.
//   - A lost prospect meets criteria anew: what it says later in time than the
//     loss is noted again with a line of no points. When that alone (and the
//     points of it) meets a stage's rule, the prospect comes back to that
//     stage, and what was said before is taken back from the score.
//   - Silence is the time since the latest contact with interest, of whatever
//     kind, from whomever at the company. Who is silent for as long as the
//     criteria say falls, and every result foretells when (Standing.Falls). The
//     next contact of any class first brings the falls that have come due by
//     the prospect's time, dated when they did; then it is judged itself, and
//     the rules may raise the prospect again. No fall is due when Apply is done.
//
// A contact that comes late, after others that are later in time, is judged as
// of the prospect's time: it can meet criteria and raise the stage, which is
// dated by the contact's own time; its points have faded by its own age, and it
// counts for engagement only if it is among the newest, wherever it stands. It
// breaks the silence from its own time on and undoes no fall that has happened:
// if the stage that it raises to would have fallen since, that happens at once.
// A decline is past for what is said later in time, not for what comes later.
// So results depend on the order in which a prospect's contacts are applied,
// which is that of its partition, and on nothing else.
func (e *Engine) Apply(p *lead.Prospect, c *lead.Contact, findings []lead.Finding, offset int64) (*lead.Prospect, lead.Scored) {
	s := &step{contact: c, at: timeOf(c)}
	s.begin(p)
	s.remember()
	s.next.Offset = offset
	s.next.Standings = make([]lead.Standing, len(e.products), max(len(e.products), len(s.old)))
	verdicts := make([]lead.Verdict, len(e.products))
	for i, product := range e.products {
		verdicts[i] = s.apply(product, &s.next.Standings[i], findings)
	}
	verdicts = append(verdicts, s.keepOthers(e)...)
	return s.next, lead.Scored{Contact: *c, Offset: offset, AsOf: s.next.Last, Findings: findings, Verdicts: verdicts}
}

// apply judges the contact by one product's criteria.
func (s *step) apply(product *product, standing *lead.Standing, findings []lead.Finding) lead.Verdict {
	t := &turn{step: s, criteria: product.criteria, standing: standing}
	t.begin()
	t.fall(s.heard) // while it was silent, before this
	t.correct()
	t.carryTouches()
	standing.Score = standing.ScoreAt(s.next.Last)
	if s.contact.Class.Interest() {
		j, ok := product.judges.Get().(*judge)
		if !ok {
			j = newJudge(product.criteria)
		}
		t.judge(j, findings)
		t.touch()
		standing.Score = standing.ScoreAt(s.next.Last)
		t.stage(j)
		product.judges.Put(j)
	}
	t.foresee()
	t.fall(s.next.Heard)
	return lead.Verdict{
		Product: standing.Product, Criteria: standing.Criteria,
		Reasons: t.reasons, Changes: t.changes, Stage: standing.Stage, Score: standing.Score, Falls: standing.Falls,
	}
}

// step is one contact's application to one prospect.
type step struct {
	contact *lead.Contact
	at      time.Time // when the contact counts
	who     string    // said it, in the ledger; once needed
	person  uint32    // who said it, see Standing.Deciders; 0: somebody unknown
	old     []lead.Standing
	before  *lead.Prospect
	heard   time.Time // Prospect.Heard before the contact
	next    *lead.Prospect
}

// turn is a step's application of one product's criteria.
type turn struct {
	*step
	criteria *Criteria
	changed  bool           // the prospect was last judged by another version
	standing *lead.Standing // the new one
	reasons  []lead.Reason
	changes  []lead.StageChange
}

func timeOf(c *lead.Contact) time.Time {
	if !c.Received.IsZero() && (c.At.IsZero() || c.At.After(c.Received)) {
		return c.Received.Truncate(time.Millisecond)
	}
	return c.At.Truncate(time.Millisecond) // decay counts in milliseconds
}

// begin makes the new state: a copy of the old with the contact's plain facts.
func (s *step) begin(p *lead.Prospect) {
	c := s.contact
	if p == nil {
		s.next = &lead.Prospect{Key: strings.Clone(c.Prospect), First: s.at, Last: s.at, FirstSource: strings.Clone(c.Source)}
	} else {
		next := *p
		next.People = slices.Clone(p.People)
		s.before, s.old, s.heard, s.next = p, p.Standings, p.Heard, &next
		if s.at.Before(next.First) {
			next.First, next.FirstSource = s.at, strings.Clone(c.Source)
		}
		if s.at.After(next.Last) {
			next.Last = s.at
		}
	}
	s.next.Contacts++
	if c.Class.Interest() {
		if s.at.After(s.next.Heard) {
			s.next.Heard = s.at
		}
		s.meet()
	}
}

// keepOthers keeps the standings of products that are no longer configured,
// behind the others. Where there is no room for one, it is taken back to
// nothing and forgotten: its product would begin anew, and so does its ledger.
func (s *step) keepOthers(e *Engine) (forgotten []lead.Verdict) {
	for i := range s.old {
		old := &s.old[i]
		if slices.ContainsFunc(e.products, func(p *product) bool { return p.criteria.name == old.Product }) {
			continue
		}
		if len(s.next.Standings) < MaxProducts {
			s.next.Standings = append(s.next.Standings, *old)
		} else {
			forgotten = append(forgotten, s.forget(old))
		}
	}
	return forgotten
}

func (s *step) forget(old *lead.Standing) lead.Verdict {
	const evidence = "no longer a product, and there are too many to keep it"
	standing := *old
	t := &turn{step: s, standing: &standing}
	t.fall(s.heard)
	for _, m := range old.Met {
		t.reason(m.Criterion, -m.Points, evidence)
	}
	for i := range old.Touches {
		for _, at := range old.Touches[i].At {
			t.decaying(&old.Touches[i], -old.Touches[i].Points, at, evidence)
		}
	}
	if standing.Stage != lead.StageContact {
		t.changes = append(t.changes, lead.StageChange{From: standing.Stage, To: lead.StageContact, At: s.next.Last, Evidence: evidence})
	}
	return lead.Verdict{Product: old.Product, Criteria: old.Criteria, Reasons: t.reasons, Changes: t.changes}
}

// begin makes the new standing: a copy of the old.
func (t *turn) begin() {
	i := slices.IndexFunc(t.old, func(old lead.Standing) bool { return old.Product == t.criteria.name })
	if i < 0 {
		*t.standing = lead.Standing{Product: t.criteria.name, Criteria: t.criteria.id, Since: t.at}
		return
	}
	*t.standing = t.old[i]
	t.standing.Met = slices.Clone(t.standing.Met) // carryTouches copies Touches
	t.changed = t.standing.Criteria != t.criteria.id
	t.standing.Criteria = t.criteria.id
}

// meet keeps who wrote, newest last, and the prospect's name.
func (s *step) meet() {
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
	s.person = personNumber(who)
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
func (t *turn) correct() {
	t.standing.Met = slices.DeleteFunc(t.standing.Met, func(m lead.Met) bool {
		_, known := t.criteria.index[m.Criterion]
		if !known {
			t.reason(m.Criterion, -m.Points, "no longer a criterion in "+t.criteria.id)
		}
		return !known
	})
	for i := range t.standing.Met {
		m := &t.standing.Met[i]
		if points := t.criteria.criteria[t.criteria.index[m.Criterion]].points; points != m.Points {
			t.reason(m.Criterion, points-m.Points, fmt.Sprintf("worth %d points in %s", points, t.criteria.id))
			m.Points = points
		}
	}
}

// judge notes the criteria that the contact meets.
func (t *turn) judge(j *judge, findings []lead.Finding) {
	skip := t.mask()
	if t.renews() {
		skip = t.fresh()
	}
	verdicts := j.judge(t.contact, history{before: t.before, with: t.next, at: t.at}, findings, skip&^t.another(skip))
	t.standing.Met = slices.Grow(t.standing.Met, len(verdicts))
	for _, v := range verdicts {
		c := &t.criteria.criteria[v.criterion]
		if skip&(1<<v.criterion) != 0 { // it has authority, and this is another person who has
			t.standing.Deciders = append(slices.Clip(t.standing.Deciders), t.person)
			t.reason(c.name, 0, v.evidence)
			continue
		}
		if c.name == authority {
			t.standing.Deciders = []uint32{t.person}
		}
		points := c.points
		if i := slices.IndexFunc(t.standing.Met, func(m lead.Met) bool { return m.Criterion == c.name }); i >= 0 {
			t.standing.Met = slices.Delete(t.standing.Met, i, i+1)
			points = 0 // it has them already
		}
		t.reason(c.name, points, v.evidence)
		t.standing.Met = append(t.standing.Met, lead.Met{Criterion: c.name, Points: c.points, At: t.at.UnixMilli()})
	}
}

// reason adds a line to the ledger; evidence is at most MaxEvidence bytes. The
// line can be changed until the next is added.
func (t *turn) reason(criterion string, points int, evidence string) *lead.Reason {
	if t.reasons == nil {
		t.reasons = make([]lead.Reason, 0, 8) // more is rare
		t.who = oneLine(cmp.Or(t.contact.Person.Name, t.contact.Person.Email), MaxEmail)
	}
	t.reasons = append(t.reasons, lead.Reason{
		Criterion: criterion, Points: points, Evidence: evidence,
		Contact: t.contact.ID, Person: t.who, At: t.at,
	})
	return &t.reasons[len(t.reasons)-1]
}

// mask sets bit i where the i-th criterion is met.
func (t *turn) mask() (mask uint64) {
	for i := range t.standing.Met {
		mask |= 1 << t.criteria.index[t.standing.Met[i].Criterion]
	}
	return mask
}
