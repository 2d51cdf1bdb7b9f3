package scoring_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leadd/lead"
	"leadd/scoring"
)

// parse reads criteria that a test writes down.
func parse(t testing.TB, text string) *scoring.Criteria {
	t.Helper()
	c, err := scoring.Parse("t.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Each product has a standing of its own, whatever others there are; what is
// no longer configured stays as it was, and takes its place again later.
func TestProducts(t *testing.T) {
	crm := parse(t, "name: crm\nversion: 1\ncriteria: [{name: need, points: 30, when: 'subject contains \"crm\"'}]\nstages: {lead: met(need)}")
	training := parse(t, "name: training\nversion: 4\ncriteria: [{name: need, points: 7, when: 'subject contains \"course\"'}]\nengagement: [{on: mail, points: 2, at_most: 4}]\nstages: {customer: met(need)}")
	c := lead.Contact{ID: "1", Prospect: "acme.example", Source: "inbox", Kind: lead.KindMail, Class: lead.ClassInquiry, At: start, Subject: "crm"}
	both := scoring.NewEngine(crm, training)
	p, s := both.Apply(nil, &c, nil, 0)
	c.ID, c.Subject = "2", "a course"
	p, s2 := both.Apply(p, &c, nil, 1)
	got := fmt.Sprintf("%s | %s\n%s | %s", ledger(s.Verdicts[0]), ledger(s.Verdicts[1]), ledger(s2.Verdicts[0]), ledger(s2.Verdicts[1]))
	want := `need +30: subject: crm
= 30, lead | engagement:mail +2: mail from inbox
= 2, contact
= 30, lead | need +7: subject: a course
engagement:mail +2: mail from inbox
= 11, customer`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}

	// A product alone comes to the same as beside another.
	alone, _ := scoring.NewEngine(training).Apply(nil, &lead.Contact{ID: "1", Prospect: "acme.example", Source: "inbox", Kind: lead.KindMail, Class: lead.ClassInquiry, At: start, Subject: "crm"}, nil, 0)
	alone, _ = scoring.NewEngine(training).Apply(alone, &c, nil, 1)
	if d := cmp.Diff(alone.Standing("training"), p.Standing("training")); d != "" {
		t.Error(d)
	}

	// The crm is no longer sold.
	c.ID, c.Subject = "3", "crm"
	later, s3 := scoring.NewEngine(training).Apply(p, &c, nil, 2)
	if len(s3.Verdicts) != 1 || s3.Verdict("crm") != nil || later.Standings[0].Product != "training" {
		t.Errorf("%+v", s3.Verdicts)
	}
	if d := cmp.Diff(p.Standing("crm"), later.Standing("crm")); d != "" {
		t.Error(d)
	}
	again, s4 := both.Apply(later, &c, nil, 3)
	if again.Standings[0].Product != "crm" || again.Standing("crm").Score != 30 || len(s4.Verdict("crm").Reasons) != 0 {
		t.Errorf("%+v", again.Standings)
	}
}

func TestLoadAll(t *testing.T) {
	dir := t.TempDir()
	write := func(file, text string) string {
		file = filepath.Join(dir, file)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	rest := "\nversion: 1\ncriteria: []\nstages: {}\n"
	a, b := write("a.yaml", "name: crm"+rest), write("b.yaml", "# another\nname: training"+rest)
	same, broken := write("same.yaml", "# the same\nname:  crm"+rest), write("broken.yaml", "name: Crm"+rest)
	products, err := scoring.LoadAll([]string{a, b})
	if err != nil || len(products) != 2 || products[1].Name() != "training" || products[1].ID() != "training-1" {
		t.Errorf("%v %v", products, err)
	}
	if products, err := scoring.LoadAll(nil); err != nil || len(products) != 1 || products[0].ID() != scoring.Default().ID() {
		t.Errorf("%v %v", products, err)
	}
	_, err = scoring.LoadAll([]string{a, same, broken, filepath.Join(dir, "none.yaml")})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	for _, want := range []string{same + ":2:8: " + a + " is named crm as well; every product needs its own name", broken + ":1:7: \"Crm\" is no name"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	var many []string
	for i := range scoring.MaxProducts + 1 {
		many = append(many, write(fmt.Sprint(i, ".yaml"), fmt.Sprintf("name: p%d%s", i, rest)))
	}
	if _, err := scoring.LoadAll(many[:scoring.MaxProducts]); err != nil {
		t.Error(err)
	}
	if _, err := scoring.LoadAll(many); err == nil || !strings.Contains(err.Error(), many[scoring.MaxProducts]+":1:7: there may be 8 products; these are 9") {
		t.Error(err)
	}
}

// Results of several products read back as they were written.
func TestProductsThroughTheCodec(t *testing.T) {
	engine := scoring.NewEngine(scoring.Default(), parse(t, "name: other\nversion: 3\ncriteria: [{name: need, points: 7, when: 'true'}]\nstages: {lead: met(need)}"))
	c := lead.Contact{ID: "1", Prospect: "acme.example", Source: "inbox", Kind: lead.KindMail, Class: lead.ClassInquiry, At: start}
	p, s := engine.Apply(nil, &c, nil, 0)
	var back lead.Scored
	if err := lead.Decode(encode(t, &s), &back); err != nil || len(back.Verdicts) != 2 || back.Verdict("other").Stage != lead.StageLead {
		t.Errorf("%v %+v", err, back.Verdicts)
	}
	var state lead.Prospect
	b := encode(t, p)
	if err := lead.Decode(b, &state); err != nil || !bytes.Equal(b, encode(t, &state)) {
		t.Errorf("%v %s", err, b)
	}
}

// Standings of old products are kept while there is room. One that has to go
// is taken back in full, so that its ledger is worth nothing at any time.
func TestForgottenProduct(t *testing.T) {
	var products []*scoring.Criteria
	for i := range scoring.MaxProducts {
		products = append(products, parse(t, fmt.Sprintf("name: p%d\nversion: 1\ncriteria: [{name: need, points: 30, when: 'true'}]\nengagement: [{on: mail, points: 9, at_most: 18, half_life: 1d}]\nstages: {lead: met(need)}\nsilence: {lead: {after: 2d, to: lost}}", i)))
	}
	fresh := parse(t, "name: fresh\nversion: 1\ncriteria: []\nstages: {}")
	c := lead.Contact{ID: "1", Prospect: "acme.example", Source: "inbox", Kind: lead.KindMail, Class: lead.ClassInquiry, At: start}
	p, s := scoring.NewEngine(products...).Apply(nil, &c, nil, 0)
	last := products[scoring.MaxProducts-1].Name()
	ledger := s.Verdict(last).Reasons
	c.ID, c.At = "2", start.Add(3*24*time.Hour)
	p, s = scoring.NewEngine(fresh).Apply(p, &c, nil, 1)
	if len(p.Standings) != scoring.MaxProducts || p.Standing("p0") == nil || p.Standing(last) != nil || len(s.Verdicts) != 2 {
		t.Fatalf("%+v %+v", p.Standings, s.Verdicts)
	}
	v := s.Verdict(last)
	ledger = append(ledger, v.Reasons...)
	if now, later := worth(ledger, p.Last), worth(ledger, p.Last.AddDate(0, 0, 2)); v.Score != 0 || v.Stage != lead.StageContact || now != 0 || later != 0 || len(ledger) != 4 {
		t.Errorf("%+v, worth %d and %d", v, now, later)
	}
	if len(v.Changes) != 2 || v.Changes[0].To != lead.StageLost || v.Changes[1].From != lead.StageLost || v.Changes[1].To != lead.StageContact {
		t.Errorf("%+v", v.Changes)
	}
}

// What was foretold happens, whatever the criteria say since; and what new
// criteria find overdue happens now, not in the past.
func TestFallsUnderOtherCriteria(t *testing.T) {
	version := func(n int, silence string) *scoring.Engine {
		return scoring.NewEngine(parse(t, fmt.Sprintf("name: t\nversion: %d\ncriteria: [{name: need, points: 30, when: 'subject == \"need\"'}]\nstages: {lead: met(need) && score > 1000, opportunity: met(need)}\nsilence: %s", n, silence)))
	}
	c := lead.Contact{ID: "1", Prospect: "acme.example", Source: "inbox", Kind: lead.KindMail, Class: lead.ClassInquiry, At: start, Subject: "need"}
	p, _ := version(1, "{opportunity: {after: 10d, to: lead}}").Apply(nil, &c, nil, 0)
	c.ID, c.At, c.Class = "2", start.AddDate(0, 0, 20), lead.ClassNewsletter
	p, s := version(2, "{lead: {after: 5d, to: contact}}").Apply(p, &c, nil, 1)
	var got []string
	for _, ch := range s.Verdicts[0].Changes {
		got = append(got, fmt.Sprintf("%v to %v on %s: %s by %s", ch.From, ch.To, ch.At.Format("2 Jan"), ch.Evidence, ch.Rule))
	}
	want := []string{
		"opportunity to lead on 11 Jan: silent for 20 days by silence: opportunity: {after: 10d, to: lead}",
		"lead to contact on 21 Jan: silent for 20 days by silence: lead: {after: 5d, to: contact}",
	}
	if d := cmp.Diff(want, got); d != "" || p.Standings[0].Stage != lead.StageContact {
		t.Errorf("%s %+v", d, p.Standings[0])
	}
}

// The built-in criteria are never edited under a version that was released: a
// daemon that has run it would refuse to start. Raise the version in
// default.yaml with what is written here.
func TestDefaultVersion(t *testing.T) {
	c := scoring.Default()
	if got, want := c.ID()+" "+c.Fingerprint(), "default-1 7183039554693a5ac18448179d6e7b95"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
