package scoring_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"leadd/lead"
	"leadd/scoring"
)

// Everybody who shows authority is noted, once: with the points the first
// time, with none after that.
func TestDeciders(t *testing.T) {
	engine := scoring.NewEngine(scoring.Default())
	ann, bob := lead.Person{Email: "ann@acme.example", Title: "CTO"}, lead.Person{Email: "bob@acme.example", Title: "CFO"}
	var p *lead.Prospect
	for i, step := range []struct {
		who   lead.Person
		event string
		want  string // the ledger's lines on authority, and how many deciders there are
	}{
		{lead.Person{Email: "ann@acme.example"}, "", " 0"},
		{ann, "", "+15 ann@acme.example: CTO 1"},
		{ann, "", " 1"},
		{bob, "", "+0 bob@acme.example: CFO 2"},
		{bob, "", " 2"},
		{lead.Person{Email: "eve@acme.example", Title: "Intern"}, "", " 2"},
		{lead.Person{Phone: "+4930123456", Title: "CEO"}, "", "+0 : CEO 3"},
		{lead.Person{Name: "Joe Poe", Title: "CEO"}, "", "+0 Joe Poe: CEO 4"},
		{lead.Person{Title: "CEO"}, "", " 4"}, // may be any of them
		{ann, "declined", "+0 ann@acme.example: CTO 1"},
	} {
		c := lead.Contact{ID: fmt.Sprint(i), Prospect: "acme.example", Kind: lead.KindForm, Class: lead.ClassInquiry, At: start.Add(time.Duration(i) * time.Hour), Person: step.who}
		if step.event != "" { // behind it they are lost, and who speaks then is noted anew
			lost := c
			lost.ID, lost.Kind, lost.Event, lost.Person = "lost", lead.KindEvent, step.event, lead.Person{}
			lost.At = c.At.Add(-time.Minute)
			p, _ = engine.Apply(p, &lost, nil, int64(i))
		}
		var s lead.Scored
		p, s = engine.Apply(p, &c, nil, int64(i))
		got := ""
		for _, r := range s.Verdicts[0].Reasons {
			if r.Criterion == "authority" {
				got += fmt.Sprintf("%+d %s%s", r.Points, r.Person, strings.TrimPrefix(r.Evidence, "title"))
			}
		}
		if got = fmt.Sprintf("%s %d", got, len(p.Standings[0].Deciders)); got != step.want {
			t.Errorf("step %d: %q, want %q", i+1, got, step.want)
		}
	}
}

// Only so many are noted, whoever comes, and none twice: neither the state nor
// the ledger grows without end.
func TestDecidersAreBounded(t *testing.T) {
	engine := scoring.NewEngine(scoring.Default())
	var p *lead.Prospect
	lines := 0
	for n := range 10 * scoring.MaxPeople {
		c := lead.Contact{
			ID: fmt.Sprint(n), Prospect: "acme.example", Kind: lead.KindForm, Class: lead.ClassInquiry, At: start.Add(time.Duration(n) * time.Hour),
			Person: lead.Person{Email: fmt.Sprintf("p%d@acme.example", n%(5*scoring.MaxPeople)), Title: "CEO"},
		}
		before := p
		var s lead.Scored
		p, s = engine.Apply(before, &c, nil, int64(n))
		kept := slices.Clone(p.Standings[0].Deciders)
		c.Person.Email = "another@acme.example" // as if this one had come instead
		if engine.Apply(before, &c, nil, int64(n)); !slices.Equal(kept, p.Standings[0].Deciders) {
			t.Fatal("two states share memory that changes")
		}
		for _, r := range s.Verdicts[0].Reasons {
			if r.Criterion == "authority" {
				lines++
			}
		}
	}
	if deciders := p.Standings[0].Deciders; len(deciders) != scoring.MaxPeople || lines != scoring.MaxPeople {
		t.Errorf("%d people noted, %d lines", len(deciders), lines)
	}
}
