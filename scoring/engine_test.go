package scoring_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leadd/lead"
	"leadd/scoring"
	"leadd/scoring/evidence"
)

var start = time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)

// randomContact makes a contact of one of some prospects, with random kind,
// class, time (often late, sometimes in the future), answers and findings.
func randomContact(r *rand.Rand, n int) (lead.Contact, []lead.Finding) {
	prospect := fmt.Sprintf("company%d.example", r.IntN(4))
	at := start.Add(time.Duration(n)*6*time.Hour - time.Duration(r.IntN(100*24))*time.Hour)
	if r.IntN(20) == 0 {
		at = at.AddDate(50, 0, 0)
	}
	c := lead.Contact{
		ID: lead.ContactID("test", fmt.Sprint(n)), Prospect: prospect, Source: "website",
		At: at, Received: start.Add(time.Duration(n) * 6 * time.Hour),
		Kind:   []lead.Kind{lead.KindForm, lead.KindMail, lead.KindEvent}[r.IntN(3)],
		Class:  []lead.Class{lead.ClassInquiry, lead.ClassReply, lead.ClassNewsletter}[r.IntN(3)],
		Person: lead.Person{Email: fmt.Sprintf("p%d@%s", r.IntN(40), prospect), Title: []string{"", "CTO", "Buyer"}[r.IntN(3)]},
	}
	if c.Kind == lead.KindEvent {
		c.Event = []string{"contacted", "signed", "declined", "negotiating", "other"}[r.IntN(5)]
	}
	if c.Kind == lead.KindForm {
		c.Fields = []lead.Field{{Name: "Budget", Key: "budget", Value: []string{"", "20k", "none"}[r.IntN(3)]}}
	}
	var findings []lead.Finding
	for _, name := range []string{"need", "timeline", "needs_identified", "supplier_left", "declined"} {
		if r.IntN(6) == 0 {
			findings = append(findings, lead.Finding{Criterion: name, Words: "words of " + name, Place: "text"})
		}
	}
	return c, findings
}

func encode[T lead.Value](t testing.TB, v *T) []byte {
	t.Helper()
	b, err := lead.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// otherCriteria is a second version with other points, rules and criteria.
func otherCriteria(t testing.TB) *scoring.Criteria {
	t.Helper()
	c, err := scoring.Parse("other.yaml", []byte(`
name: default
version: 2
criteria:
  - {name: need, points: 35, when: 'text.says("need")'}
  - {name: student, points: -20, when: person.email startsWith "p1"}
  - {name: declined, points: 0, when: event == "declined"}
engagement:
  - {on: form, points: 4, at_most: 4, half_life: 12h}
  - {on: event, points: 7, at_most: 14}
stages: {lead: met(need) || score > 40, lost: met(declined)}
`))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// worth adds up what ledger lines are worth at a time.
func worth(ledger []lead.Reason, at time.Time) (sum int) {
	for i := range ledger {
		sum += ledger[i].Worth(at)
	}
	return sum
}

// At any time, what the ledger lines of a prospect are worth adds up to its
// score, also when the criteria change under it; and the state says the same.
func TestReasonsAddUpToTheScore(t *testing.T) {
	engines := []*scoring.Engine{scoring.NewEngine(scoring.Default()), scoring.NewEngine(otherCriteria(t))}
	decayed := 0
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		states, ledgers, moved := map[string]*lead.Prospect{}, map[string][]lead.Reason{}, 0
		for n := range 400 {
			c, findings := randomContact(r, n)
			engine := engines[0]
			if seed%2 == 1 {
				engine = engines[n/100%2]
			}
			before := states[c.Prospect]
			p, s := engine.Apply(before, &c, findings, int64(n))
			states[c.Prospect] = p
			v, standing := s.Verdicts[0], p.Standings[0]
			for _, reason := range v.Reasons {
				ledgers[c.Prospect] = append(ledgers[c.Prospect], reason)
				if reason.Evidence == "" || len(reason.Evidence) > scoring.MaxEvidence || reason.Contact == "" {
					t.Fatalf("a reason explains nothing: %+v", reason)
				}
			}
			ledger := ledgers[c.Prospect]
			if sum := worth(ledger, p.Last); v.Score != sum || standing.Score != v.Score || standing.Stage != v.Stage || !s.AsOf.Equal(p.Last) {
				t.Fatalf("seed %d, contact %d: score %d, state %d, ledger %d", seed, n, v.Score, standing.Score, sum)
			}
			later := p.Last.Add(time.Duration(r.Int64N(int64(200 * 24 * time.Hour))))
			seen, _, _ := p.StandingAt("default", later)
			if sum := worth(ledger, later); seen.Score != sum {
				t.Fatalf("seed %d, contact %d: score %d at %v, ledger %d", seed, n, seen.Score, later, sum)
			}
			if seen.Score != v.Score {
				decayed++
			}
			if before != nil && (p.Last.Before(before.Last) || p.Contacts != before.Contacts+1) {
				t.Fatalf("time or count went back: %+v\n%+v", before, p)
			}
			stage := lead.StageContact
			if before != nil {
				stage = before.Standings[0].Stage
			}
			for _, change := range v.Changes {
				moved++
				if change.From != stage || change.From == change.To {
					t.Fatalf("%+v of %v", change, stage)
				}
				if change.Rule == "" || change.Evidence == "" {
					t.Fatalf("unexplained: %+v", change)
				}
				stage = change.To
			}
			if stage != standing.Stage {
				t.Fatalf("%v, and the changes end at %v", standing.Stage, stage)
			}
			for _, change := range v.Changes {
				if !c.Class.Interest() && !strings.HasPrefix(change.Rule, "silence:") {
					t.Fatalf("a newsletter moved a stage: %+v", change)
				}
			}
		}
		if moved == 0 {
			t.Fatal("nothing moved: the test tries nothing")
		}
	}
	if decayed == 0 {
		t.Fatal("nothing decayed: the test tries nothing")
	}
}

// run applies contacts in their order and gives each prospect's records.
func run(t testing.TB, engine *scoring.Engine, contacts []lead.Contact, findings [][]lead.Finding) map[string][]byte {
	states, out := map[string]*lead.Prospect{}, map[string][]byte{}
	for i := range contacts {
		c := &contacts[i]
		p, s := engine.Apply(states[c.Prospect], c, findings[i], 0)
		states[c.Prospect] = p
		out[c.Prospect] = append(out[c.Prospect], encode(t, &s)...)
		out[c.Prospect] = append(out[c.Prospect], encode(t, p)...)
	}
	return out
}

// same compares large outputs and shows where they part.
func same(t testing.TB, what string, want, got map[string][]byte) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%s: %d keys, want %d", what, len(got), len(want))
	}
	for key, w := range want {
		g := got[key]
		if bytes.Equal(w, g) {
			continue
		}
		i := 0
		for i < min(len(w), len(g)) && w[i] == g[i] {
			i++
		}
		t.Errorf("%s: %s differs at byte %d:\n%.300s\n%.300s", what, key, i, w[max(0, i-100):], g[max(0, i-100):])
	}
}

// The same contacts give the same bytes: again, on many goroutines at once,
// from states that went through the codec, and shuffled between prospects.
func TestApplyIsPure(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	contacts, findings := make([]lead.Contact, 500), make([][]lead.Finding, 500)
	for i := range contacts {
		contacts[i], findings[i] = randomContact(r, i)
	}
	engine := scoring.NewEngine(scoring.Default(), falling(t))
	want := run(t, engine, contacts, findings)

	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			same(t, "at once", want, run(t, engine, contacts, findings))
		})
	}
	group.Wait()

	// Another interleaving that keeps each prospect's own order.
	byProspect := map[string][]int{}
	var keys []string
	for i := range contacts {
		if byProspect[contacts[i].Prospect] == nil {
			keys = append(keys, contacts[i].Prospect)
		}
		byProspect[contacts[i].Prospect] = append(byProspect[contacts[i].Prospect], i)
	}
	var shuffled []lead.Contact
	var theirs [][]lead.Finding
	for len(shuffled) < len(contacts) {
		k := keys[r.IntN(len(keys))]
		if rest := byProspect[k]; len(rest) > 0 {
			shuffled, theirs = append(shuffled, contacts[rest[0]]), append(theirs, findings[rest[0]])
			byProspect[k] = rest[1:]
		}
	}
	same(t, "shuffled", want, run(t, scoring.NewEngine(scoring.Default(), falling(t)), shuffled, theirs))

	states := map[string]*lead.Prospect{}
	got := map[string][]byte{}
	for i := range contacts {
		c := &contacts[i]
		before := []byte(nil)
		if p := states[c.Prospect]; p != nil {
			before = encode(t, p)
		}
		p, s := engine.Apply(states[c.Prospect], c, findings[i], 0)
		if old := states[c.Prospect]; old != nil && !bytes.Equal(before, encode(t, old)) {
			t.Fatal("Apply changed its argument")
		}
		stored := encode(t, p)
		got[c.Prospect] = append(append(got[c.Prospect], encode(t, &s)...), stored...)
		var back lead.Prospect
		if err := lead.Decode(stored, &back); err != nil {
			t.Fatal(err)
		}
		states[c.Prospect] = &back
	}
	same(t, "through the codec", want, got)
}

// largest gives criteria with as much of everything as there may be.
func largest(t testing.TB, product int) *scoring.Criteria {
	var file strings.Builder
	fmt.Fprintf(&file, "name: p%d_%s\nversion: 1000000\ncriteria:\n", product, strings.Repeat("x", scoring.MaxName-3))
	for i := range scoring.MaxCriteria {
		name := fmt.Sprintf("c%d_%s", i, strings.Repeat("x", scoring.MaxName))[:scoring.MaxName]
		if i == 0 {
			name = "authority" // notes all who meet it
		}
		fmt.Fprintf(&file, "  - {name: %s, points: -10000, when: 'true'}\n", name)
	}
	file.WriteString("engagement:\n")
	for _, on := range []string{"mail", "form", "event"} {
		fmt.Fprintf(&file, "  - {on: %s, points: 10000, at_most: %d, half_life: 10000w}\n", on, 10000*scoring.MaxTouches)
	}
	file.WriteString("stages: {customer: score < -1}\nsilence:\n  customer: {after: 9999w, to: opportunity}\n")
	file.WriteString("  opportunity: {after: 9999w, to: lead}\n  lead: {after: 9999w, to: contact}\n  contact: {after: 9999w, to: lost}\n")
	return parse(t, file.String())
}

// The largest state: as many products, criteria, touches and people as there
// may be, their texts as long as can be and of the kind that grows most when
// written. It stays so, and work on it does too, however many contacts come.
func TestStateIsBounded(t *testing.T) {
	var products []*scoring.Criteria
	for i := range scoring.MaxProducts {
		products = append(products, largest(t, i))
	}
	engine := scoring.NewEngine(products...)
	nasty := strings.Repeat("\"\\\x01\n<\u2028", 50)
	var p *lead.Prospect
	var s lead.Scored
	apply := func(n int) {
		at := start.Add(time.Duration(n) * time.Second)
		c := lead.Contact{
			ID: lead.ContactID("test", fmt.Sprint(n)) + strings.Repeat("f", scoring.MaxID-32), Prospect: strings.Repeat("\"", scoring.MaxKey), Source: strings.Repeat("w", 63),
			Kind: []lead.Kind{lead.KindForm, lead.KindMail, lead.KindEvent}[n%3], Class: lead.ClassInquiry, At: at, Received: at,
			Person:  lead.Person{Email: fmt.Sprint(n, "@", nasty), Name: fmt.Sprint(n, nasty), Phone: fmt.Sprint(n, nasty), Title: nasty},
			Company: lead.Company{Name: nasty}, Text: nasty,
		}
		if c.Kind == lead.KindEvent {
			c.Event = fmt.Sprintf("%d%s", n, strings.Repeat("e", scoring.MaxName))
		}
		p, s = engine.Apply(p, &c, nil, 1<<62)
	}
	n := 0
	grow := func(to int) (state, record int, allocations float64) {
		for ; n < to; n++ {
			apply(n)
		}
		before := p
		allocations = testing.AllocsPerRun(3, func() { p = before; apply(n) })
		n++
		return len(encode(t, p)), len(encode(t, &s)), allocations
	}
	state, record, allocations := grow(200)
	laterState, laterRecord, laterAllocations := grow(2000)
	t.Logf("a state of %d bytes, a record of %d, %v allocations", laterState, laterRecord, laterAllocations)
	if laterState > scoring.MaxState {
		t.Errorf("the state has %d bytes", laterState)
	}
	if laterState > state+100 || laterRecord > record+100 || laterAllocations > 2*allocations { // numbers grow longer, pools are emptied
		t.Errorf("after 200 contacts a state of %d bytes, a record of %d and %v allocations, after 2,000 of %d, %d and %v",
			state, record, allocations, laterState, laterRecord, laterAllocations)
	}
	if len(p.Events) != scoring.MaxEvents || len(p.Kinds) != 3 || len(p.Standings) != scoring.MaxProducts || len(p.People) != scoring.MaxPeople || p.Contacts != n {
		t.Errorf("%d standings, %d people, %d contacts: the test does not reach the bounds", len(p.Standings), len(p.People), p.Contacts)
	}
	for _, standing := range p.Standings {
		if len(standing.Met) != scoring.MaxCriteria || len(standing.Touches) != 3 || len(standing.Touches[2].At) != scoring.MaxTouches || len(standing.Falls) != 4 || len(standing.Deciders) != scoring.MaxPeople {
			t.Errorf("%d met, %d touches, %d falls, %d deciders: the test does not reach the bounds", len(standing.Met), len(standing.Touches), len(standing.Falls), len(standing.Deciders))
		}
	}
}

// A company that never stops writing: neither its state nor the work on a
// contact grows.
func TestManyContacts(t *testing.T) {
	engine := scoring.NewEngine(scoring.Default())
	r := rand.New(rand.NewPCG(5, 5))
	var p *lead.Prospect
	var after1000, after100000 float64
	for n := range 100_000 {
		c, findings := randomContact(r, n)
		c.Prospect = "acme.example"
		p, _ = engine.Apply(p, &c, findings, int64(n))
		switch n + 1 {
		case 1000, 100_000:
			c = lead.Contact{ID: "last", Prospect: "acme.example", Source: "website", Kind: lead.KindForm, Class: lead.ClassInquiry, At: p.Last}
			after100000 = testing.AllocsPerRun(5, func() { engine.Apply(p, &c, nil, 0) })
			if n+1 == 1000 {
				after1000 = after100000
			}
		}
	}
	size := len(encode(t, p))
	t.Logf("%d bytes, %v allocations", size, after100000)
	if size > scoring.MaxState/4 || p.Contacts != 100_000 || after100000 > 2*after1000 { // pools are emptied
		t.Errorf("%d contacts make %d bytes; one more takes %v allocations, after 1,000 contacts %v", p.Contacts, size, after100000, after1000)
	}
}

// At the first contact under other criteria the ledger says what changed, and
// rules may ask for the stage so far.
func TestCriteriaChange(t *testing.T) {
	parse := func(version int, rest string) *scoring.Engine {
		c, err := scoring.Parse("t.yaml", fmt.Appendf(nil, "name: t\nversion: %d\n%s", version, rest))
		if err != nil {
			t.Fatal(err)
		}
		return scoring.NewEngine(c)
	}
	first := parse(1, `
criteria: [{name: a, points: 10, when: 'true'}, {name: b, points: 5, when: 'true'}]
engagement: [{on: mail, points: 8, at_most: 16}]
stages: {lead: score >= 20}`)
	second := parse(2, `
criteria: [{name: c, points: 1, when: 'false'}, {name: a, points: 30, when: 'false'}]
engagement: [{on: mail, points: 4, at_most: 4}, {on: form, points: 1, at_most: 1}]
stages: {opportunity: 'stage == lead && met(a) && count(a, c) == 1'}`)
	c := lead.Contact{ID: "1", Prospect: "p", Source: "inbox", Kind: lead.KindMail, Class: lead.ClassInquiry, At: start}
	p, _ := first.Apply(nil, &c, nil, 0)
	c.ID = "2"
	p, _ = first.Apply(p, &c, nil, 1)
	if standing := p.Standings[0]; standing.Stage != lead.StageLead || standing.Score != 31 {
		t.Fatalf("%+v", standing)
	}
	c.ID, c.Kind = "3", lead.KindForm
	p, s := second.Apply(p, &c, nil, 2)
	want := "b -5: no longer a criterion in t-2\na +20: worth 30 points in t-2\nengagement:mail -8: as counted in t-2\nengagement:mail -8: as counted in t-2\nengagement:mail +4: as counted in t-2\nengagement:form +1: form from inbox\n= 35, opportunity"
	if d := cmp.Diff(want, ledger(s.Verdicts[0])); d != "" {
		t.Error(d)
	}
	if v := s.Verdicts[0]; p.Standings[0].Criteria != "t-2" || v.Criteria != "t-2" || len(v.Changes) != 1 || v.Changes[0].Evidence != "A is met, with 35 points" {
		t.Errorf("%+v", v)
	}
}

// ledger is what a record adds to the ledger, as text.
func ledger(s lead.Verdict) string {
	var b strings.Builder
	for _, r := range s.Reasons {
		fmt.Fprintf(&b, "%s %+d: %s\n", r.Criterion, r.Points, r.Evidence)
	}
	fmt.Fprintf(&b, "= %d, %v", s.Score, s.Stage)
	return b.String()
}

func TestPeople(t *testing.T) {
	engine := scoring.NewEngine(scoring.Default())
	var p *lead.Prospect
	for i, who := range []lead.Person{
		{Email: "ada@acme.example", Title: "CTO"},
		{Email: "bob@acme.example", Name: "Bob"},
		{Email: "ada@acme.example", Name: "Ada Lovelace"},
		{Name: "Bob", Phone: "+4930123456"},
		{},
	} {
		c := lead.Contact{ID: "x", Prospect: "acme.example", Kind: lead.KindMail, Class: lead.ClassInquiry, At: start.Add(time.Duration(i) * time.Hour), Person: who, Company: lead.Company{Domain: "acme.example"}}
		p, _ = engine.Apply(p, &c, nil, int64(i))
	}
	want := []lead.Person{
		{Email: "ada@acme.example", Name: "Ada Lovelace", Title: "CTO"},
		{Email: "bob@acme.example", Name: "Bob", Phone: "+4930123456"},
	}
	if d := cmp.Diff(want, p.People); d != "" {
		t.Error(d)
	}
	if p.Name != "" {
		t.Errorf("a person's name %q stands for the company", p.Name)
	}
}

// What a condition can ask, and the evidence that each gives.
func TestConditions(t *testing.T) {
	days := func(n int) *int { return &n }
	contact := lead.Contact{
		ID: "x", Prospect: "acme.example", Source: "website", Kind: lead.KindForm, Class: lead.ClassInquiry, At: start, Subject: "A request",
		Person:  lead.Person{Email: "ada@acme.example", Name: "Ada", Phone: "+49301", Title: "VP of Sales"},
		Company: lead.Company{Name: "Acme", Domain: "acme.example"},
		Fields:  []lead.Field{{Name: "Budget?", Key: "budget", Value: ""}, {Name: "Your budget", Key: "budget", Value: "€ 12.500"}, {Name: "N", Key: "n", Value: "0"}},
		Event:   "call",
	}
	findings := []lead.Finding{
		{Criterion: "budget", Words: "50k dollars", Amount: 50000, Currency: "USD"},
		{Criterion: "budget", Words: "80k euros", Amount: 80000, Currency: "EUR"},
		{Criterion: "timeline", Words: "soon"},
		{Criterion: "timeline", Words: "by May", Days: days(60)},
		{Criterion: "timeline", Words: "by April", Days: days(30)},
	}
	for when, want := range map[string]string{ // "": does not hold
		`has(fields.budget)`:                                      "budget: € 12.500",
		`number(fields.budget) == 12500`:                          "budget: € 12.500",
		`has(fields.none) or fields.none == "x"`:                  "",
		`fields.none == ""`:                                       "form from website",
		`text.says("timeline")`:                                   "soon",
		`text.says("need")`:                                       "",
		`text.money(USD) == 50000`:                                "50k dollars",
		`text.money() == 80000`:                                   "80k euros",
		`text.money(GBP) > 0`:                                     "",
		`text.deadline <= days(30)`:                               "by April",
		`text.deadline < 30`:                                      "",
		`person.seniority >= director && person.seniority < 9`:    "title: VP of Sales",
		`person.seniority > vp`:                                   "",
		`kind == "form" and class == "inquiry"`:                   "form from website",
		`event in ["call", "demo"]`:                               "event: call",
		`subject contains "request" && lower(person.name)=="ada"`: "subject: A request; name: Ada",
		`company.domain matches "^acme" && company.name != ""`:    "domain: acme.example; company: Acme",
		`person.email endsWith ".example"`:                        "email: ada@acme.example",
		`not has(person.phone)`:                                   "",
		`source == "website"`:                                     "form from website",
		// what failed before the alternative that holds is no evidence
		`number(fields.budget) > 20000 || text.says("timeline")`:                                     "soon",
		`(number(fields.n) > 0 || has(person.name)) && (event == "x" || text.money(USD) > 1) || 1>2`: "name: Ada; 50k dollars",
		`1 % len(fields.none) == 0`: "", // fails: not met, and nothing else suffers
	} {
		t.Run(when, func(t *testing.T) {
			quoted := strings.ReplaceAll(when, "'", "''")
			c, err := scoring.Parse("t.yaml", fmt.Appendf(nil, "name: t\nversion: 1\ncriteria:\n  - {name: first, points: 1, when: 'true'}\n  - {name: it, points: 3, when: '%s'}\n  - {name: last, points: 1, when: 'true'}\nstages: {}\n", quoted))
			if err != nil {
				t.Fatal(err)
			}
			_, s := scoring.NewEngine(c).Apply(nil, &contact, findings, 0)
			got := map[string]string{}
			for _, r := range s.Verdicts[0].Reasons {
				got[r.Criterion] = r.Evidence
			}
			if got["it"] != want || got["first"] == "" || got["last"] == "" {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

func TestNumber(t *testing.T) {
	for in, want := range map[string]string{
		"50,000": "50000", "50k": "50000", "€ 12.500": "12500", "USD 1,234,567.89": "1234567.89", "1.234.567,89 EUR": "1234567.89",
		"12 500,50": "12500.5", "12 500": "12500", "1’000’000": "1000000", "0,5": "0.5", "0.500": "0.5", "1.5 million": "1500000",
		"2,5 Mio": "2500000", "1.5m": "1500000", "3 months": "3", "5 km": "5", "20-50k": "20", "up to 30 K": "30000", "10 тыс. руб": "10000",
		"none": "0", "": "0", "2026-03-02": "2026", "1234,567": "1234.567", "7.": "7", "about 3, 4 or 5": "3",
	} {
		c, err := scoring.Parse("t.yaml", fmt.Appendf(nil, "name: t\nversion: 1\ncriteria:\n  - {name: it, points: 1, when: 'number(fields.x) == %s'}\nstages: {}\n", want))
		if err != nil {
			t.Fatal(err)
		}
		contact := lead.Contact{ID: "x", Prospect: "p", Kind: lead.KindForm, Class: lead.ClassInquiry, Fields: []lead.Field{{Key: "x", Value: in}}}
		if p, _ := scoring.NewEngine(c).Apply(nil, &contact, nil, 0); len(p.Standings[0].Met) != 1 {
			t.Errorf("number(%q) is not %s", in, want)
		}
	}
}

func TestDue(t *testing.T) {
	for in, want := range map[string]int{
		"within 3 months": 90, "3-6 months": 180, "ASAP": 0, "as soon as possible": 0, "2 Wochen": 14, "in 10 Tagen": 10, "this quarter": 90, "next month": 30,
		"dans 2 mois": 60, "3 meses": 90, "6 месяцев": 180, "1 year": 365, "2 ans": 730, "next year": 365, "3months": 90, "99999999 days": 1000,
		"": 1 << 30, "just looking": 1 << 30, "another time": 1 << 30, "12": 1 << 30,
	} {
		c, err := scoring.Parse("t.yaml", fmt.Appendf(nil, "name: t\nversion: 1\ncriteria:\n  - {name: it, points: 1, when: 'due(fields.x) == %d'}\nstages: {}\n", want))
		if err != nil {
			t.Fatal(err)
		}
		contact := lead.Contact{ID: "x", Prospect: "p", Kind: lead.KindForm, Class: lead.ClassInquiry, Fields: []lead.Field{{Key: "x", Value: in}}}
		if p, _ := scoring.NewEngine(c).Apply(nil, &contact, nil, 0); len(p.Standings[0].Met) != 1 {
			t.Errorf("due(%q) is not %d", in, want)
		}
	}
}

func TestSeniority(t *testing.T) {
	levels := []string{"none", "intern", "assistant", "specialist", "senior", "manager", "head", "director", "vp", "c_level"}
	engines := map[string]*scoring.Engine{}
	for i, level := range levels {
		c, err := scoring.Parse("t.yaml", fmt.Appendf(nil, "name: t\nversion: 1\ncriteria:\n  - {name: it, points: 1, when: 'person.seniority == %s'}\nstages: {}\n", map[bool]string{true: "0", false: level}[i == 0]))
		if err != nil {
			t.Fatal(err)
		}
		engines[level] = scoring.NewEngine(c)
	}
	for title, want := range map[string]string{
		"": "none", "Wizard": "none", "CTO": "c_level", "Co-Founder & CEO": "c_level", "Chief Happiness Officer": "c_level", "Managing Director": "c_level",
		"Vice President, Sales": "vp", "VP Engineering": "vp", "Director of IT": "director", "Head of Purchasing": "head", "Purchasing Lead": "head",
		"Product Owner": "specialist", "Owner": "c_level", "Project Manager": "manager", "General Manager": "manager", "Assistant to the CEO": "assistant",
		"Software Engineer": "specialist", "Senior Software Engineer": "senior", "Intern": "intern", "International Sales Manager": "manager",
		"Geschäftsführerin": "c_level", "Leiter Einkauf": "head", "Abteilungsleiterin IT": "head", "Projektleiter": "manager", "Assistentin der Geschäftsführung": "assistant", "IT-Leiter": "head",
		"Directeur général": "c_level", "Directrice des achats": "director", "Chef de projet": "manager", "Gérante": "c_level", "Responsable informatique": "head", //nolint:misspell // French
		"Directora de compras": "director", "Gerente general": "c_level", "Gerente": "manager", "Jefa de compras": "head", "Dueño": "c_level",
		"Генеральный директор": "c_level", "Директор по закупкам": "director", "Руководитель отдела ИТ": "head", "Руководитель проекта": "manager", "Помощник директора": "assistant", "Основательница": "c_level",
	} {
		contact := lead.Contact{ID: "x", Prospect: "p", Kind: lead.KindMail, Class: lead.ClassInquiry, Person: lead.Person{Title: title}}
		if p, _ := engines[want].Apply(nil, &contact, nil, 0); len(p.Standings[0].Met) != 1 {
			for _, level := range levels {
				if p, _ := engines[level].Apply(nil, &contact, nil, 0); len(p.Standings[0].Met) == 1 {
					t.Errorf("%q is %s, want %s", title, level, want)
				}
			}
		}
	}
}

func BenchmarkApply(b *testing.B) {
	engine := scoring.NewEngine(scoring.Default())
	at := start
	contact := lead.Contact{
		ID: lead.ContactID("website", "17"), Prospect: "acme.example", Source: "website",
		Kind: lead.KindForm, Class: lead.ClassInquiry, At: at, Received: at, RepeatAfter: 86400,
		Person:  lead.Person{Email: "ada@acme.example", Name: "Ada Lovelace", Title: "CTO"},
		Company: lead.Company{Name: "Acme", Domain: "acme.example"},
		Text:    "We need 200 licences of your product for our three sites.",
		Fields: []lead.Field{
			{Name: "Name", Key: "name", Value: "Ada Lovelace"}, {Name: "E-Mail", Key: "email", Value: "ada@acme.example"},
			{Name: "Budget (USD)", Key: "budget", Value: "50,000 USD"}, {Name: "Timeline", Key: "timeline", Value: "within 3 months"},
		},
	}
	findings := []lead.Finding{{Criterion: "need", Words: "We need 200 licences", Place: "text"}}
	in := encode(b, &contact)
	first, _ := engine.Apply(nil, &contact, findings, 0)
	b.Run("judge", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			engine.Apply(nil, &contact, findings, 1)
		}
	})
	b.Run("judge_again", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			engine.Apply(first, &contact, findings, 1)
		}
	})
	// What the stage does with a contact, but for Kafka and the store.
	b.Run("whole", func(b *testing.B) {
		extractor, err := evidence.New()
		if err != nil {
			b.Fatal(err)
		}
		var c lead.Contact
		var out []byte
		b.ReportAllocs()
		for b.Loop() {
			canonical, err := lead.DecodeContact(in, &c)
			if err != nil || !canonical {
				b.Fatal(canonical, err)
			}
			p, s := engine.Apply(nil, &c, extractor.Extract(&c), 1)
			if out, err = lead.AppendScored(out[:0], &s, in); err != nil {
				b.Fatal(err)
			}
			if out, err = lead.Append(out[:0], p); err != nil {
				b.Fatal(err)
			}
		}
	})
}
