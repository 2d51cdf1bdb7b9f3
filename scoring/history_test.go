package scoring_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"leadd/lead"
	"leadd/scoring"
)

// What a condition can ask of history at the last of some contacts, and the
// evidence that it gives.
func TestHistory(t *testing.T) {
	day := 24 * time.Hour
	contacts := []lead.Contact{
		{Kind: lead.KindForm, At: start, Person: lead.Person{Email: "ann@acme.example"}},
		{Kind: lead.KindEvent, Event: "call", At: start.Add(2 * day), Person: lead.Person{Email: "ann@acme.example"}},
		{Kind: lead.KindEvent, Event: "mail", At: start.Add(3 * day)}, // an event's name that is a kind's
		{Kind: lead.KindMail, Class: lead.ClassNewsletter, At: start.Add(4 * day), Person: lead.Person{Email: "news@acme.example"}},
		{Kind: lead.KindForm, At: start.Add(10*day + 5*time.Hour), Person: lead.Person{Email: "bob@acme.example"}},
		{Kind: lead.KindForm, At: start.Add(8 * day)}, // late
		{Kind: lead.KindForm, At: start.Add(40 * day), Person: lead.Person{Email: "bob@acme.example"}},
	}
	for when, want := range map[string]string{ // "": does not hold
		`history.count("form") == 4`:                                    "form: 4 so far",
		`history.first("form") == 40`:                                   "form: first 40 days ago",
		`history.since("form") == 29`:                                   "form: last 29 days ago",
		`history.count("call") == 1 && history.since("call") <= 38`:     "call: 1 so far; call: last 38 days ago",
		`history.count("event") == 2`:                                   "event: 2 so far",
		`history.count("mail") > 0 || history.since("mail") < days(1)`:  "", // newsletters are none, nor is the event
		`history.first("demo") > days(10000)`:                           "form from website",
		`history.contacts == 6 && history.people == 2`:                  "contacts: 6 so far; people: 2 so far",
		`history.count("form") > 9 or history.contacts > 2`:             "contacts: 6 so far",
		`history.since("form") > days(28) && person.provider == "free"`: "form: last 29 days ago; address: free",
	} {
		t.Run(when, func(t *testing.T) {
			engine := scoring.NewEngine(parse(t, fmt.Sprintf("name: t\nversion: 1\ncriteria:\n  - {name: last, points: 1, when: 'text.says(\"need\") && (%s)'}\nstages: {}\n", when)))
			var p *lead.Prospect
			var s lead.Scored
			for i, c := range contacts {
				c.ID, c.Prospect, c.Source, c.Provider = fmt.Sprint(i), "acme.example", "website", lead.ProviderFree
				if c.Class == "" {
					c.Class = lead.ClassInquiry
				}
				var findings []lead.Finding
				if i == len(contacts)-1 {
					findings = []lead.Finding{{Criterion: "need"}}
				}
				p, s = engine.Apply(p, &c, findings, int64(i))
			}
			got := ""
			for _, r := range s.Verdicts[0].Reasons {
				got = r.Evidence
			}
			if got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// Events beyond those that have a place of their own still count as events,
// and those that have one go on counting.
func TestHistoryOfManyEvents(t *testing.T) {
	engine := scoring.NewEngine(scoring.Default())
	var p *lead.Prospect
	for round := range 2 {
		for i := range scoring.MaxEvents + 5 {
			c := lead.Contact{ID: "x", Prospect: "p", Kind: lead.KindEvent, Class: lead.ClassInquiry, Event: strings.Repeat("e", i+1), At: start.Add(time.Duration(round) * time.Hour)}
			p, _ = engine.Apply(p, &c, nil, 0)
		}
	}
	if len(p.Events) != scoring.MaxEvents || p.Events[15].Count != 2 || p.Events[15].Name != strings.Repeat("e", 16) || p.Kinds[0].Count != 2*(scoring.MaxEvents+5) {
		t.Errorf("%+v %+v", p.Events, p.Kinds)
	}
}
