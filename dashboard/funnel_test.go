package dashboard_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"leadd/dashboard"
)

// october fills a database of which every number is known by hand.
func october(t testing.TB) *tables {
	f := newTables(t)
	// All the way: a lead after 2 days, an opportunity 10 days later, a customer 10 days later.
	f.contact("a.example", "website", "2026-10-01T10:00:00")
	f.contact("a.example", "sales", "2026-10-03T10:00:00")
	f.change("a.example", "contact", "lead", "2026-10-03T10:00:00")
	f.contact("a.example", "sales", "2026-10-13T10:00:00")
	f.change("a.example", "lead", "opportunity", "2026-10-13T10:00:00")
	f.contact("a.example", "sales", "2026-10-23T10:00:00")
	f.change("a.example", "opportunity", "customer", "2026-10-23T10:00:00")
	f.contact("a.example", "sales", "2026-11-02") // behind the period: not counted
	// From the period's first instant; jumps over a stage after 4 days.
	f.contact("b.example", "website", "2026-10-01")
	f.contact("b.example", "website", "2026-10-05")
	f.change("b.example", "contact", "opportunity", "2026-10-05")
	// In the period's last instant.
	f.contact("c.example", "sales", "2026-10-31T23:59:59.999")
	// An instant too early, though all the rest is in October.
	f.contact("d.example", "website", "2026-09-30T23:59:59.999")
	f.contact("d.example", "website", "2026-10-10")
	f.change("d.example", "contact", "lead", "2026-10-10")
	// A newsletter in October does not count; interest comes an instant too late.
	f.contact("e@gmail.com", "website", "2026-10-05", row{"class": "newsletter", "interest": false})
	f.contact("e@gmail.com", "website", "2026-11-01")
	// Lost after having been a lead at once.
	f.contact("f.example", "webinar", "2026-10-10")
	f.change("f.example", "contact", "lead", "2026-10-10")
	f.contact("f.example", "webinar", "2026-10-12")
	f.change("f.example", "lead", "lost", "2026-10-12")
	// A late contact is the earliest one: website's, and 12 days before the lead.
	f.contact("g.example", "webinar", "2026-10-20")
	f.change("g.example", "contact", "lead", "2026-10-20")
	f.contact("g.example", "website", "2026-10-08")
	// Falls back; has been an opportunity all the same, 1 day after the lead.
	f.contact("h.example", "website", "2026-10-06")
	f.change("h.example", "contact", "lead", "2026-10-06")
	f.contact("h.example", "website", "2026-10-07")
	f.change("h.example", "lead", "opportunity", "2026-10-07")
	f.contact("h.example", "website", "2026-10-09")
	f.change("h.example", "opportunity", "lead", "2026-10-09")
	// Lost and won back: not lost.
	f.contact("i.example", "webinar", "2026-10-11")
	f.change("i.example", "contact", "lead", "2026-10-11")
	f.contact("i.example", "webinar", "2026-10-12")
	f.change("i.example", "lead", "lost", "2026-10-12")
	f.contact("i.example", "webinar", "2026-10-15")
	f.change("i.example", "lost", "lead", "2026-10-15")
	return f
}

const day = 86400.0

// numbers is a tally without what follows from the rest: prospects that
// reached each stage, contacts, lost, and the median days between.
type numbers struct {
	Reached  [4]uint64
	Contacts uint64
	Lost     uint64
	Days     [3]float64 // -1: null
}

func numbersOf(t testing.TB, y dashboard.Tally) numbers {
	t.Helper()
	n := numbers{Contacts: y.Stages[0].Count, Lost: y.Lost}
	for i, s := range y.Stages {
		n.Reached[i] = s.Prospects
		if int(s.Stage) != i {
			t.Errorf("stage %d is %v", i, s.Stage)
		}
		if i > 0 && s.Count != s.Prospects {
			t.Errorf("%v: count %d, prospects %d", s.Stage, s.Count, s.Prospects)
		}
		if i > 0 {
			n.Days[i-1] = -1
			if s.MedianSeconds != nil {
				n.Days[i-1] = *s.MedianSeconds / day
			}
		}
	}
	if n.Reached[0] != y.Prospects {
		t.Errorf("%d prospects, %d at the contact stage", y.Prospects, n.Reached[0])
	}
	return n
}

func TestFunnelByHand(t *testing.T) {
	f := october(t)
	srv := server(t, f.db, dashboard.Config{})
	all := numbers{Reached: [4]uint64{7, 6, 3, 1}, Contacts: 4 + 2 + 1 + 2 + 2 + 3 + 3, Lost: 1, Days: [3]float64{1, 1, 10}}
	for name, tc := range map[string]struct {
		query  string
		want   numbers
		groups map[string]numbers
	}{
		"days, the last one included": {"?from=2026-10-01&to=2026-10-31", all, nil},
		"instants, the last one not":  {"?from=2026-10-01T00:00:00Z&to=2026-11-01T00:00:00Z", all, nil},
		"another zone":                {"?from=2026-10-01T02:00:00%2B02:00&to=2026-10-31T19:00:00-05:00", all, nil},
		"a plus not escaped":          {"?from=2026-10-01T02:00:00+02:00&to=2026-10-31", all, nil},
		"an instant less": {
			"?from=2026-10-01T00:00:00.001Z&to=2026-10-31T23:59:59.999Z",
			numbers{Reached: [4]uint64{5, 5, 2, 1}, Contacts: 14, Lost: 1, Days: [3]float64{0, 5.5, 10}}, nil,
		},
		"all time": {
			"",
			numbers{Reached: [4]uint64{9, 7, 3, 1}, Contacts: 17 + 1 + 2 + 1, Lost: 1, Days: [3]float64{2, 1, 10}}, nil,
		},
		"nobody": {"?to=2026-01-01", numbers{Days: [3]float64{-1, -1, -1}}, nil},
		"by source": {"?from=2026-10-01&to=2026-10-31&by=source", all, map[string]numbers{
			"website": {Reached: [4]uint64{4, 4, 3, 1}, Contacts: 4 + 2 + 2 + 3, Days: [3]float64{3, 1, 10}},
			"sales":   {Reached: [4]uint64{1, 0, 0, 0}, Contacts: 1, Days: [3]float64{-1, -1, -1}},
			"webinar": {Reached: [4]uint64{2, 2, 0, 0}, Contacts: 5, Lost: 1, Days: [3]float64{0, -1, -1}},
		}},
		"by week": {"?from=2026-10-01&to=2026-10-31&by=week", all, map[string]numbers{
			"2026-09-28": {Reached: [4]uint64{2, 2, 2, 1}, Contacts: 6, Days: [3]float64{3, 5, 10}},
			"2026-10-05": {Reached: [4]uint64{4, 4, 1, 0}, Contacts: 10, Lost: 1, Days: [3]float64{0, 1, -1}},
			"2026-10-26": {Reached: [4]uint64{1, 0, 0, 0}, Contacts: 1, Days: [3]float64{-1, -1, -1}},
		}},
		"by month": {"?from=2026-10-01&to=2026-10-31&by=month", all, map[string]numbers{"2026-10": all}},
	} {
		t.Run(name, func(t *testing.T) {
			var got dashboard.Funnel
			getJSON(t, srv.URL+"/api/v1/funnel"+tc.query, &got)
			if d := gocmp.Diff(tc.want, numbersOf(t, got.Tally)); d != "" {
				t.Error(d)
			}
			groups := map[string]numbers{}
			for _, g := range got.Groups {
				groups[g.Key] = numbersOf(t, g.Tally)
			}
			if d := gocmp.Diff(tc.groups, groups); d != "" && len(tc.groups)+len(groups) > 0 {
				t.Error(d)
			}
		})
	}
}

func TestFunnelShares(t *testing.T) {
	f := october(t)
	var got dashboard.Funnel
	getJSON(t, server(t, f.db, dashboard.Config{}).URL+"/api/v1/funnel?from=2026-10-01&to=2026-10-31", &got)
	var shares []string
	for _, s := range got.Stages {
		conversion := "null"
		if s.Conversion != nil {
			conversion = fmt.Sprint(*s.Conversion)
		}
		shares = append(shares, conversion+" "+fmt.Sprint(*s.Overall))
	}
	if d := gocmp.Diff([]string{"null 1", "0.8571 0.8571", "0.5 0.4286", "0.3333 0.1429"}, shares); d != "" {
		t.Error(d)
	}
}

func TestFunnelGroupOrder(t *testing.T) {
	f := october(t)
	srv := server(t, f.db, dashboard.Config{})
	for by, want := range map[string][]string{
		"source": {"website", "webinar", "sales"}, // most prospects first
		"day":    {"2026-10-01", "2026-10-06", "2026-10-08", "2026-10-10", "2026-10-11", "2026-10-31"},
		"kind":   {"form"},
	} {
		var got dashboard.Funnel
		getJSON(t, srv.URL+"/api/v1/funnel?from=2026-10-01&to=2026-10-31&by="+by, &got)
		var keys []string
		for _, g := range got.Groups {
			keys = append(keys, g.Key)
		}
		if d := gocmp.Diff(want, keys); d != "" {
			t.Errorf("%s: %s", by, d)
		}
	}
}

// Mail dates are wild: the groups have to bear any time the database can hold.
func TestFunnelWildTimes(t *testing.T) {
	f := newTables(t)
	for i, at := range []string{"1901-12-25", "1969-12-31T23:59:59", "1970-01-01", "2106-03-01", "2250-12-30"} {
		f.contact(fmt.Sprintf("w%d.example", i), "website", at)
	}
	srv := server(t, f.db, dashboard.Config{})
	for by, want := range map[string][]string{
		"day":   {"1901-12-25", "1969-12-31", "1970-01-01", "2106-03-01", "2250-12-30"},
		"week":  {"1901-12-23", "1969-12-29", "2106-03-01", "2250-12-30"},
		"month": {"1901-12", "1969-12", "1970-01", "2106-03", "2250-12"},
	} {
		var got dashboard.Funnel
		getJSON(t, srv.URL+"/api/v1/funnel?by="+by, &got)
		var keys []string
		for _, g := range got.Groups {
			keys = append(keys, g.Key)
		}
		if d := gocmp.Diff(want, keys); d != "" {
			t.Errorf("%s: %s", by, d)
		}
	}
	if code, _, _ := get(t, srv.URL+"/?period=all"); code != 200 {
		t.Errorf("page: %d", code)
	}
}

type event struct {
	prospect, source, from, to string
	interest                   bool
	at                         time.Time
}

// TestFunnelAgainstModel counts random histories in plain Go and compares.
func TestFunnelAgainstModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 11))
	base := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	stages := []string{"contact", "lead", "opportunity", "customer", "lost"}
	var events []event
	now := map[string]string{}
	for range 2000 {
		e := event{
			prospect: fmt.Sprintf("p%d.example", rnd.IntN(300)), source: []string{"web", "mail", "event"}[rnd.IntN(3)],
			interest: rnd.IntN(5) > 0, at: base.Add(time.Duration(rnd.IntN(40)) * 12 * time.Hour),
		}
		e.from = cmp.Or(now[e.prospect], "contact")
		e.to = e.from
		if rnd.IntN(3) == 0 {
			e.to = stages[rnd.IntN(5)]
		}
		now[e.prospect] = e.to
		events = append(events, e)
	}
	f := newTables(t)
	var contacts, changes []row
	for i, e := range events {
		contacts = append(contacts, row{"id": fmt.Sprint(i), "prospect": e.prospect, "source": e.source, "kind": "form", "interest": e.interest, "at": e.at, "kafka_offset": int64(i)})
		if e.from != e.to {
			changes = append(changes, row{"prospect": e.prospect, "from_stage": e.from, "to_stage": e.to, "at": e.at, "kafka_offset": int64(i)})
		}
	}
	f.insertAll("contacts", contacts)
	f.insertAll("stage_changes", changes)
	srv := server(t, f.db, dashboard.Config{})
	for i := range 6 {
		from := base.Add(time.Duration(rnd.IntN(20)) * 12 * time.Hour)
		to := from.Add(time.Duration(1+rnd.IntN(30)) * 12 * time.Hour)
		want := model(events, from, to)
		var got dashboard.Funnel
		getJSON(t, fmt.Sprintf("%s/api/v1/funnel?by=source&from=%s&to=%s", srv.URL, from.Format(time.RFC3339), to.Format(time.RFC3339)), &got)
		seen := map[string]numbers{"": numbersOf(t, got.Tally)}
		for _, g := range got.Groups {
			seen[g.Key] = numbersOf(t, g.Tally)
		}
		if d := gocmp.Diff(want, seen); d != "" {
			t.Errorf("period %d, %v to %v: %s", i, from, to, d)
		}
		if want[""].Reached[0] == 0 {
			t.Errorf("period %d is empty and tests nothing", i)
		}
	}
}

// model counts as the funnel is defined, one prospect at a time. The key ""
// is everything, the others are sources.
func model(events []event, from, to time.Time) map[string]numbers {
	rank := map[string]int{"lead": 1, "opportunity": 2, "customer": 3}
	byProspect := map[string][]event{}
	for _, e := range events {
		byProspect[e.prospect] = append(byProspect[e.prospect], e)
	}
	result := map[string]numbers{}
	times := map[string]*[3][]float64{}
	for _, history := range byProspect {
		var first *event
		contacts, lost := uint64(0), false
		var reached [4]time.Time
		for i, e := range history {
			if e.interest && (first == nil || e.at.Before(first.at)) {
				first = &history[i]
			}
			if e.interest && !e.at.Before(from) && e.at.Before(to) {
				contacts++
			}
			if e.from != e.to {
				lost = e.to == "lost"
				for s := 1; s <= rank[e.to]; s++ {
					if reached[s].IsZero() || e.at.Before(reached[s]) {
						reached[s] = e.at
					}
				}
			}
		}
		if first == nil || first.at.Before(from) || !first.at.Before(to) {
			continue
		}
		reached[0] = first.at
		for _, key := range []string{"", first.source} {
			n := result[key]
			if times[key] == nil {
				times[key] = &[3][]float64{}
			}
			n.Contacts += contacts
			if lost {
				n.Lost++
			}
			for s := range reached {
				if reached[s].IsZero() {
					continue
				}
				n.Reached[s]++
				if s > 0 {
					times[key][s-1] = append(times[key][s-1], max(0, reached[s].Sub(reached[s-1]).Seconds()/day))
				}
			}
			result[key] = n
		}
	}
	for key, n := range result {
		for s, lengths := range times[key] {
			n.Days[s] = median(lengths)
		}
		result[key] = n
	}
	return result
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return -1
	}
	slices.Sort(v)
	m := len(v) / 2
	if len(v)%2 == 1 {
		return v[m]
	}
	return math.Round((v[m-1]+v[m])/2*day) / day
}
