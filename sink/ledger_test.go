package sink_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"leadd/lead"
	"leadd/scoring"
	"leadd/sink"
)

const ledgerCriteria = `
name: other
version: 1
criteria:
  - {name: need, points: 30, when: text.says("need")}
  - {name: student, points: -7, when: person.email startsWith "p1"}
  - {name: signed, points: 5, when: event == "signed"}
engagement:
  - {on: form, points: 13, at_most: 39, half_life: 12h}
  - {on: mail, points: 7, at_most: 21, half_life: 9d}
  - {on: event, points: 3, at_most: 3}
stages: {lead: met(need) || score > 20, opportunity: score > 60, customer: met(signed)}
silence:
  customer: {after: 20d, to: opportunity}
  opportunity: {after: 1w, to: lead}
  lead: {after: 200h, to: contact}
  contact: {after: 30d, to: lost}
`

// The tables tell every prospect's score and stage at any time, the very
// numbers that the engine gives: what its ledger is worth in SQL, and what
// silence has made of the stage.
func TestLedgerAddsUpAtAnyTime(t *testing.T) {
	other, err := scoring.Parse("other.yaml", []byte(ledgerCriteria))
	if err != nil {
		t.Fatal(err)
	}
	engine := scoring.NewEngine(scoring.Default(), other)
	r := rand.New(rand.NewPCG(3, 9))
	states := map[string]*lead.Prospect{}
	var values [][]byte
	for i := range 600 {
		now := epoch.Add(time.Duration(i) * 3 * time.Hour)
		c := lead.Contact{
			ID: lead.ContactID("ledger", fmt.Sprint(i)), Prospect: fmt.Sprintf("p%d.example", r.IntN(12)), Source: "website",
			Kind:   []lead.Kind{lead.KindForm, lead.KindMail, lead.KindEvent}[r.IntN(3)],
			Class:  []lead.Class{lead.ClassInquiry, lead.ClassReply, lead.ClassNewsletter}[r.IntN(3)],
			At:     now.Add(-time.Duration(r.IntN(40*24*3600)) * time.Second).Add(time.Duration(r.IntN(1000)) * time.Millisecond),
			Person: lead.Person{Email: fmt.Sprintf("p%d@x.example", r.IntN(3))}, Received: now.Add(time.Hour),
		}
		if c.Kind == lead.KindEvent {
			c.Event = []string{"signed", "contacted", "declined", "x"}[r.IntN(4)]
		}
		var findings []lead.Finding
		if r.IntN(5) == 0 {
			findings = []lead.Finding{{Criterion: "need", Words: "w", Place: "text"}}
		}
		p, s := engine.Apply(states[c.Prospect], &c, findings, int64(i))
		states[c.Prospect] = p
		values = append(values, encode(t, s))
	}
	cfg, db := freshDatabase(t)
	kafka := newMemoryKafka()
	kafka.append(lead.TopicScored, 0, values...)
	storeAll(t, sink.DefaultConfig(), cfg, kafka, lead.TopicScored)

	columns := map[string]string{}
	for _, name := range []string{"worth", "stage_now"} {
		columns[name] = query[string](t, db, "SELECT default_expression FROM system.columns WHERE database = currentDatabase() AND default_kind = 'ALIAS' AND name = ?", name)
	}
	at := func(column string, when time.Time) string { // its expression, with a time in place of now
		return strings.ReplaceAll(columns[column], "now64(3)", fmt.Sprintf("fromUnixTimestamp64Milli(toInt64(%d), 'UTC')", when.UnixMilli()))
	}
	last := epoch
	for _, p := range states {
		if p.Last.After(last) {
			last = p.Last
		}
	}
	fallen := map[lead.Stage]int{}
	for range 25 {
		when := last.Add(time.Duration(r.Int64N(int64(90 * 24 * time.Hour)))).Truncate(time.Millisecond)
		numbers, standings := map[string]bool{}, map[string]bool{}
		for key, p := range states {
			for _, s := range p.Standings {
				seen, falls, _ := p.StandingAt(s.Product, when)
				numbers[fmt.Sprint(key, " ", s.Product, " ", seen.Score)] = true
				standings[fmt.Sprint(key, " ", s.Product, " ", seen.Stage)] = true
				for _, f := range falls {
					fallen[f.To]++
				}
			}
		}
		ledger := "SELECT groupArray(line) FROM (SELECT concat(prospect, ' ', product, ' ', toString(sum(" + at("worth", when) + "))) AS line FROM reasons GROUP BY prospect, product ORDER BY line)"
		stages := "SELECT groupArray(line) FROM (SELECT concat(prospect, ' ', product, ' ', toString(argMax(" + at("stage_now", when) + ", kafka_offset))) AS line FROM scores GROUP BY prospect, product ORDER BY line)"
		for sql, want := range map[string]map[string]bool{ledger: numbers, stages: standings} {
			got := query[[]string](t, db, sql)
			if len(got) != len(want) {
				t.Errorf("%d lines, want %d", len(got), len(want))
			}
			for _, line := range got {
				if !want[line] {
					t.Errorf("at %v: %s, and the engine has not", when, line)
				}
			}
		}
	}
	if len(fallen) < 4 {
		t.Errorf("falls %v: the test tries too little", fallen)
	}
}
