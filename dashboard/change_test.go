package dashboard_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leadd/dashboard"
)

// Falls by silence stand where they happened and say why; none is taken for
// the doing of the contact that came next.
func TestFallsBySilenceOnThePage(t *testing.T) {
	f := newTables(t)
	const key = "acme.example"
	f.contact(key, "website", "2025-01-10", row{"stage": "lead", "name": "Ada"})
	f.change(key, "contact", "lead", "2025-01-10")
	f.contact(key, "website", "2025-06-01", row{
		"stage": "lead", "name": "Ada", "falls_at": []time.Time{moment(t, "2025-08-30"), moment(t, "2225-10-01")}, "falls_to": []string{"contact", "lost"},
	})
	f.insert("stage_changes", row{
		"prospect": key, "contact": fmt.Sprintf("%032x", f.offset), "from_stage": "lead", "to_stage": "contact", "at": moment(t, "2025-04-10"),
		"rule": "silence: lead: {after: 90d, to: contact}", "evidence": "silent for 142 days", "kafka_offset": f.offset,
	})
	f.insert("stage_changes", row{
		"prospect": key, "contact": fmt.Sprintf("%032x", f.offset), "line": uint16(1), "from_stage": "contact", "to_stage": "lead", "at": moment(t, "2025-06-01"),
		"rule": "met(need)", "evidence": "need is met", "kafka_offset": f.offset,
	})
	srv := server(t, f.db, dashboard.Config{})
	var p dashboard.Prospect
	getJSON(t, srv.URL+"/api/v1/prospects/acme.example", &p)
	var changes []string
	for _, c := range p.Changes {
		changes = append(changes, fmt.Sprintf("%s %v by %q, silence %v", c.At.Format(time.DateOnly), c.To, c.Person, c.Silence))
	}
	want := []string{`2025-08-30 contact by "", silence true`, `2025-06-01 lead by "Ada", silence false`, `2025-04-10 contact by "", silence true`, `2025-01-10 lead by "Ada", silence false`}
	if d := cmp.Diff(want, changes); d != "" {
		t.Error(d)
	}
	for i, e := range p.Timeline {
		if len(e.Changes) != 1 || e.Changes[0].To.String() != "lead" {
			t.Errorf("contact %d brought about %+v", i, e.Changes)
		}
	}
	_, _, page := get(t, srv.URL+"/prospects/acme.example")
	_, timeline, _ := strings.Cut(page, ">Timeline<")
	at := 0
	for _, next := range []string{
		"30 Aug 2025, 00:00</time> · Silence", "Nothing heard since 1 Jun 2025", "→ Contact", "1 Jun 2025, 00:00", "→ Lead",
		"10 Apr 2025, 00:00</time> · Silence", "Silent for 142 days", "→ Contact", "10 Jan 2025, 00:00", "→ Lead",
	} {
		i := strings.Index(timeline[at:], next)
		if i < 0 {
			t.Fatalf("the timeline lacks %q behind\n%s", next, timeline[:at])
		}
		at += i + len(next)
	}
	for asked, says := range map[string][]string{
		"":               {"since 30 Aug 2025, by silence", "Nothing heard since 1 Jun 2025", "Counts as lost on 1 Oct 2225 if nothing is heard", "points now<"},
		"?at=2025-07-01": {"since 1 Jun 2025</p>", "Falls back to contact on 30 Aug 2025 if nothing is heard, then lost on 1 Oct 2225", `points on 1 Jul 2025, 00:00 · <a href="/prospects/acme.example">now</a>`},
		"?at=2225-10-02": {"since 1 Oct 2225, by silence"},
	} {
		_, _, page := get(t, srv.URL+"/prospects/acme.example"+asked)
		for _, want := range says {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %q", asked, want)
			}
		}
	}
}
