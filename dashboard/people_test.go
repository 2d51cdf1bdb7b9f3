package dashboard_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leadd/dashboard"
)

// Everybody shows what their own words and titles say and what the ledger
// credits to them, and all who decide are known as such, not only the first.
func TestWhoShowedWhat(t *testing.T) {
	f := newTables(t)
	findings := func(who, title string, criteria ...string) row {
		n := len(criteria)
		return row{
			"name": who, "email": strings.ToLower(who) + "@acme.example", "title": title, "finding_criteria": criteria, "finding_words": make([]string, n), "finding_places": make([]string, n),
			"finding_starts": make([]uint32, n), "finding_amounts": make([]float64, n), "finding_currencies": make([]string, n), "finding_days": make([]*int32, n),
		}
	}
	const key = "acme.example"
	ada := f.contact(key, "website", "2026-10-01", findings("Ada", "Engineer", "need"))
	f.reason(key, ada, 0, "need", 30, "we need", "Ada", "2026-10-01")
	f.reason(key, ada, 1, "engagement:form", 10, "form from website", "Ada", "2026-10-01")
	bob := f.contact(key, "website", "2026-10-02", findings("Bob", "CFO", "authority", "need", "needs_identified"))
	f.reason(key, bob, 0, "authority", 15, "title: CFO", "Bob", "2026-10-02")
	f.contact(key, "website", "2026-10-03", findings("Cyd", "CEO", "authority"))
	// New criteria correct points with whatever contact comes next: it shows nothing.
	dan := f.contact(key, "website", "2026-10-04", findings("Dan", "Clerk"))
	f.reason(key, dan, 0, "authority", 5, "worth 20 points in test-2", "Dan", "2026-10-04")
	// Met anew after a loss, without points; and by a field that no finding tells of.
	eve := f.contact(key, "website", "2026-10-05", findings("Eve", "Buyer"))
	f.reason(key, eve, 0, "need", 0, "product: crm", "eve@acme.example", "2026-10-05")
	// What is no interest shows nothing.
	f.contact(key, "website", "2026-10-06", findings("Fay", "", "need"), row{"class": "auto_reply", "interest": false})
	var p dashboard.Prospect
	srv := server(t, f.db, dashboard.Config{})
	getJSON(t, srv.URL+"/api/v1/prospects/acme.example", &p)
	var got []string
	for _, m := range p.People {
		got = append(got, fmt.Sprintf("%s, %s, %v: %s", m.Name, m.Title, m.Authority, strings.Join(m.Showed, " ")))
	}
	want := []string{"Cyd, CEO, true: authority", "Bob, CFO, true: authority need needs_identified", "Fay, , false: ", "Eve, Buyer, false: need", "Dan, Clerk, false: ", "Ada, Engineer, false: need"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	_, _, page := get(t, srv.URL+"/prospects/acme.example")
	for _, want := range []string{
		"Showed need and needs identified", "<q>we need</q>", "<span>Title: CFO", "<span>Worth 20 points in test-2", "Product: crm\n  <span class=\"meta\">Eve, 5 Oct 2026",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if n := strings.Count(page, "has authority"); n != 2 {
		t.Errorf("%d have authority", n)
	}
}
