package dashboard_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"leadd/dashboard"
	"leadd/lead"
)

// acme fills a database with one prospect of two people that became a lead.
func acme(t testing.TB) *tables {
	f := newTables(t)
	const text = "We need 200 licences <script>alert(1)</script> by June."
	first := f.contact("acme.example", "website", "2026-10-01T09:00:00", row{
		"email": "ann@acme.example", "name": "Ann Lee", "title": "Clerk", "company": "Acme", "domain": "acme.example", "text": text,
		"field_names": []string{"Your E-Mail", "Budget (USD)"}, "field_keys": []string{"email", "budget"}, "field_values": []string{"ann@acme.example", "5,000 & more"},
		"finding_criteria": []string{"timeline", "need"}, "finding_words": []string{"by June", "need 200 licences"},
		"finding_places": []string{"text", "text"}, "finding_starts": []uint32{uint32(strings.Index(text, "by June")), 3},
		"finding_amounts": []float64{0, 0}, "finding_currencies": []string{"", ""}, "finding_days": []*int32{nil, nil},
		"score": int32(35),
	})
	f.reason("acme.example", first, 0, "need", 30, "need 200 licences", "Ann Lee", "2026-10-01T09:00:00")
	f.reason("acme.example", first, 1, "engagement:form", 5, "a form", "Ann Lee", "2026-10-01T09:00:00")
	second := f.contact("acme.example", "sales", "2026-10-03T09:00:00", row{
		"kind": "mail", "class": "reply", "email": "bob@acme.example", "name": "Bob Ray", "title": "CEO", "company": "Acme", "domain": "acme.example",
		"subject": "Re: offer", "text": "I decide.", "attachments": []string{"plan.pdf"}, "stage": "lead", "score": int32(48),
	})
	f.reason("acme.example", second, 0, "authority", 15, "I decide", "Bob Ray", "2026-10-03T09:00:00")
	f.reason("acme.example", second, 1, "engagement:form", -2, "halved", "Bob Ray", "2026-10-03T09:00:00")
	f.change("acme.example", "contact", "lead", "2026-10-03T09:00:00")
	return f
}

func (f *tables) reason(prospect, contact string, line uint16, criterion string, points int32, evidence, person, at string) {
	f.t.Helper()
	f.insert("reasons", row{
		"prospect": prospect, "contact": contact, "line": line, "criterion": criterion, "points": points,
		"evidence": evidence, "person": person, "at": moment(f.t, at), "kafka_offset": f.offset,
	})
}

// All who met the criterion have authority, those for no points too; whose
// contact only took points back has none.
func TestPeopleWithAuthority(t *testing.T) {
	f := acme(t)
	for i, points := range []int32{0, -15} {
		email := []string{"cat@acme.example", "dan@acme.example"}[i]
		id := f.contact("acme.example", "website", "2026-10-04T09:00:00", row{"email": email})
		f.reason("acme.example", id, 0, "authority", points, "e", email, "2026-10-04T09:00:00")
	}
	var p dashboard.Prospect
	getJSON(t, server(t, f.db, dashboard.Config{}).URL+"/api/v1/prospects/acme.example?at=2026-10-05", &p)
	got := map[string]bool{}
	for _, m := range p.People {
		got[m.Person.Email] = m.Authority
	}
	want := map[string]bool{"ann@acme.example": false, "bob@acme.example": true, "cat@acme.example": true, "dan@acme.example": false}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestProspectJSON(t *testing.T) {
	f := acme(t)
	var got dashboard.Prospect
	getJSON(t, server(t, f.db, dashboard.Config{}).URL+"/api/v1/prospects/acme.example?at=2026-10-04", &got)
	first, second := moment(t, "2026-10-01T09:00:00"), moment(t, "2026-10-03T09:00:00")
	id1, id2 := fmt.Sprintf("%032x", 1), fmt.Sprintf("%032x", 2)
	lines := []lead.Reason{
		{Criterion: "need", Points: 30, Evidence: "need 200 licences", Contact: id1, Person: "Ann Lee", At: first},
		{Criterion: "engagement:form", Points: 5, Evidence: "a form", Contact: id1, Person: "Ann Lee", At: first},
		{Criterion: "authority", Points: 15, Evidence: "I decide", Contact: id2, Person: "Bob Ray", At: second},
		{Criterion: "engagement:form", Points: -2, Evidence: "halved", Contact: id2, Person: "Bob Ray", At: second},
	}
	var reasons []dashboard.Line
	for _, r := range lines {
		reasons = append(reasons, dashboard.Line{Reason: r, Worth: r.Points})
	}
	change := lead.StageChange{From: lead.StageContact, To: lead.StageLead, At: second, Rule: "met(lead)", Evidence: "lead rule met"}
	ann := lead.Person{Email: "ann@acme.example", Name: "Ann Lee", Title: "Clerk"}
	bob := lead.Person{Email: "bob@acme.example", Name: "Bob Ray", Title: "CEO"}
	company := lead.Company{Name: "Acme", Domain: "acme.example"}
	want := dashboard.Prospect{
		Key: "acme.example", Name: "Acme", Domain: "acme.example", AsOf: moment(t, "2026-10-04"), Stage: lead.StageLead, Since: second, Score: 48, Criteria: "test-1",
		Source: "website", First: first, Last: second, Contacts: 2,
		People: []dashboard.Member{
			{Person: bob, Authority: true, Showed: []string{"authority"}, Contacts: 1, Last: second},
			{Person: ann, Showed: []string{"need", "timeline"}, Contacts: 1, Last: first},
		},
		Timeline: []dashboard.Entry{
			{
				Contact: lead.Contact{
					ID: id2, Prospect: "acme.example", Source: "sales", Kind: lead.KindMail, Class: lead.ClassReply, At: second, Received: second,
					Person: bob, Company: company, Subject: "Re: offer", Text: "I decide.", Attachments: []string{"plan.pdf"},
				},
				Interest: true, Reasons: reasons[2:], Changes: []lead.StageChange{change}, Stage: lead.StageLead, Score: 48,
			},
			{
				Contact: lead.Contact{
					ID: id1, Prospect: "acme.example", Source: "website", Kind: lead.KindForm, Class: lead.ClassInquiry, At: first, Received: first,
					Person: ann, Company: company, Text: "We need 200 licences <script>alert(1)</script> by June.",
					Fields: []lead.Field{{Name: "Your E-Mail", Key: "email", Value: "ann@acme.example"}, {Name: "Budget (USD)", Key: "budget", Value: "5,000 & more"}},
				},
				Interest: true, Reasons: reasons[:2], Stage: lead.StageContact, Score: 35,
				Findings: []lead.Finding{
					{Criterion: "timeline", Words: "by June", Place: "text", Start: 47},
					{Criterion: "need", Words: "need 200 licences", Place: "text", Start: 3},
				},
			},
		},
		Reasons: reasons,
		Changes: []dashboard.Change{{StageChange: change, Person: "Bob Ray"}}, Falls: []lead.Fall{}, Standings: []dashboard.Standing{},
	}
	if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(dashboard.Prospect{})); d != "" {
		t.Error(d)
	}
}

// Each product has its own numbers; without a word the first is shown.
func TestProductsApart(t *testing.T) {
	f := newTables(t)
	id := f.contact("acme.example", "website", "2026-10-01", row{"name": "Acme"})
	for product, stage := range map[string]string{"crm": "lead", "training": "customer"} {
		points := int32(len(stage))
		f.insert("scores", row{"prospect": "acme.example", "product": product, "contact": id, "stage": stage, "score": points, "criteria": product + "-1", "kafka_offset": f.offset})
		f.insert("reasons", row{"prospect": "acme.example", "product": product, "contact": id, "criterion": "authority", "points": points, "evidence": "e", "at": moment(t, "2026-10-01"), "kafka_offset": f.offset})
		f.insert("stage_changes", row{"prospect": "acme.example", "product": product, "contact": id, "from_stage": "contact", "to_stage": stage, "at": moment(t, "2026-10-01"), "kafka_offset": f.offset})
	}
	srv := server(t, f.db, dashboard.Config{}, "training", "crm")
	for query, want := range map[string]struct {
		product   string
		stage     lead.Stage
		customers uint64
	}{"": {"training", lead.StageCustomer, 1}, "?product=crm": {"crm", lead.StageLead, 0}, "?product=training": {"training", lead.StageCustomer, 1}, "?product=new": {"new", lead.StageContact, 0}} {
		var p dashboard.Prospect
		getJSON(t, srv.URL+"/api/v1/prospects/acme.example"+query, &p)
		sum := 0
		for _, r := range p.Reasons {
			sum += r.Worth
		}
		if p.Product != want.product || p.Stage != want.stage || int(p.Score) != sum || len(p.Timeline) != 1 || p.Timeline[0].Stage != want.stage {
			t.Errorf("%s: %+v", query, p)
		}
		var funnel dashboard.Funnel
		getJSON(t, srv.URL+"/api/v1/funnel"+query, &funnel)
		if funnel.Prospects != 1 || funnel.Stages[3].Prospects != want.customers {
			t.Errorf("%s: %+v", query, funnel.Tally)
		}
		_, _, list := get(t, srv.URL+"/prospects"+strings.Replace(query, "?", "?period=all&", 1))
		if want.product != "new" && !strings.Contains(list, `>`+strings.ToUpper(want.stage.String()[:1])+want.stage.String()[1:]+`</span>`) {
			t.Errorf("%s: the list lacks %v", query, want.stage)
		}
	}
	if code, _, _ := get(t, srv.URL+"/?product=%ff"); code != http.StatusBadRequest {
		t.Errorf("an impossible product: %d", code)
	}
}

// Points fade and stages fall with the time asked about, and everywhere alike.
func TestProspectAtATime(t *testing.T) {
	f := newTables(t)
	falls := row{"falls_at": []time.Time{moment(t, "2026-03-01"), moment(t, "2026-05-01")}, "falls_to": []string{"lead", "lost"}, "stage": "opportunity"}
	id := f.contact("acme.example", "website", "2026-01-10", falls)
	for i, points := range []int32{13, -13, 13, 8} {
		from := moment(t, "2026-01-01").Add(time.Duration(max(0, i-1)) * 12 * time.Hour)
		f.insert("reasons", row{
			"prospect": "acme.example", "contact": id, "line": uint16(i), "criterion": "engagement:form", "points": points, "half_life": uint64(86400 * (1 - i/3)),
			"decays_from": from, "evidence": "e", "at": moment(t, "2026-01-10"), "kafka_offset": f.offset,
		})
	}
	f.change("acme.example", "contact", "opportunity", "2026-01-10")
	srv := server(t, f.db, dashboard.Config{})
	for at, want := range map[string]string{
		"2025-06-01": "2026-01-10 opportunity since 2026-01-10, 8 points", // not before the latest contact
		"2026-01-10": "2026-01-10 opportunity since 2026-01-10, 8 points", "2026-02-28T23:59:59.999Z": "2026-02-28 opportunity since 2026-01-10, 8 points",
		"2026-03-01": "2026-03-01 lead since 2026-03-01, 8 points", "2026-06-01": "2026-06-01 lost since 2026-05-01, 8 points",
	} {
		var p dashboard.Prospect
		getJSON(t, srv.URL+"/api/v1/prospects/acme.example?at="+at, &p)
		if got := fmt.Sprintf("%s %v since %s, %d points", p.AsOf.Format(time.DateOnly), p.Stage, p.Since.Format(time.DateOnly), p.Score); got != want {
			t.Errorf("at %s: %s, want %s", at, got, want)
		}
		if at == "2026-06-01" && (len(p.Changes) != 3 || p.Changes[0].Evidence != "silent for 142 days" || p.Changes[1].To != lead.StageLead || len(p.Falls) != 0) {
			t.Errorf("%+v %+v", p.Changes, p.Falls)
		}
	}
	// By now it is lost, for the lists and the count too.
	var funnel dashboard.Funnel
	getJSON(t, srv.URL+"/api/v1/funnel", &funnel)
	_, _, list := get(t, srv.URL+"/prospects?period=all&stage=lost")
	if funnel.Lost != 1 || funnel.Stages[2].Prospects != 1 || !strings.Contains(list, ">Lost</span>") || !strings.Contains(list, `<td class="n">8</td>`) {
		t.Errorf("%+v\n%s", funnel.Tally, list)
	}
	if code, _, _ := get(t, srv.URL+"/prospects/acme.example?at=soon"); code != http.StatusBadRequest {
		t.Errorf("an unreadable time: %d", code)
	}
}

// A line's worth halves with every half-life since it began, on the page as in
// the table's own column.
func TestLinesFade(t *testing.T) {
	f := newTables(t)
	id := f.contact("acme.example", "website", "2026-01-01")
	for i, points := range []int32{13, -13, 1000} {
		f.insert("reasons", row{
			"prospect": "acme.example", "contact": id, "line": uint16(i), "criterion": "engagement:form", "points": points, "half_life": uint64(3600),
			"decays_from": moment(t, "2026-01-01").Add(time.Duration(i) * 20 * time.Minute), "evidence": "e", "at": moment(t, "2026-01-01"), "kafka_offset": f.offset,
		})
	}
	srv := server(t, f.db, dashboard.Config{})
	for at, want := range map[string][]int{
		"2026-01-01T00:59:59.999Z": {13, -13, 1000}, "2026-01-01T01:00:00Z": {6, -13, 1000}, "2026-01-01T01:20:00Z": {6, -6, 1000},
		"2026-01-01T04:00:00Z": {0, -1, 125}, "2026-12-01T00:00:00Z": {0, 0, 0},
	} {
		var p dashboard.Prospect
		getJSON(t, srv.URL+"/api/v1/prospects/acme.example?at="+at, &p)
		var got []int
		sum := 0
		for _, l := range p.Reasons {
			got = append(got, l.Worth)
			sum += l.Worth
			if l.Decay == nil || l.Decay.HalfLife != 3600 {
				t.Errorf("%+v", l)
			}
		}
		if !slices.Equal(got, want) || p.Score != int64(sum) {
			t.Errorf("at %s: %v = %d, want %v", at, got, p.Score, want)
		}
	}
}

func TestProspectPage(t *testing.T) {
	f := acme(t)
	code, _, page := get(t, server(t, f.db, dashboard.Config{}).URL+"/prospects/acme.example")
	if code != http.StatusOK {
		t.Fatal(code)
	}
	for _, want := range []string{
		"<h1>Acme</h1>",
		`<strong data-score>48</strong>`, `data-sum>48<`,
		`We <mark title="Need">need 200 licences</mark> &lt;script&gt;alert(1)&lt;/script&gt; <mark title="Timeline">by June</mark>.`,
		"<q>I decide</q>", "has authority", "met(lead)", "Lead rule met", "5,000 &amp; more", "plan.pdf", "3 Oct 2026, 09:00",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(page, "<script") {
		t.Error("somebody's markup is on the page")
	}
}

// Any key has its page, is linked from the lists, and reads back as itself.
func TestProspectKeys(t *testing.T) {
	f := newTables(t)
	keys := []string{
		"jane+news@gmail.com", "+4930123456", "id:web/form:a/b?c=d&e#f", "anonymous:0123456789abcdef", "bücher.example",
		`quote'"back\slash`, "100%25 <b>", "new\nline\tand tab", "{key:String}",
	}
	for _, key := range keys {
		f.contact(key, "website", "2026-10-01")
		f.change(key, "contact", "lead", "2026-10-01")
	}
	srv := server(t, f.db, dashboard.Config{})
	_, _, list := get(t, srv.URL+"/prospects?period=all&stage=lead")
	_, _, funnel := get(t, srv.URL+"/?period=all")
	links := func(page string) map[string]bool {
		found := map[string]bool{}
		for _, part := range strings.Split(page, `href="/prospects/`)[1:] {
			escaped, _, _ := strings.Cut(part, `"`)
			escaped = strings.ReplaceAll(strings.ReplaceAll(escaped, "&amp;", "&"), "&#43;", "+")
			if key, err := url.PathUnescape(escaped); err == nil {
				found[key] = true
				if code, _, page := get(t, srv.URL+"/prospects/"+escaped); code != http.StatusOK || !strings.Contains(page, "data-score") {
					t.Errorf("link %s: %d", escaped, code)
				}
			}
		}
		return found
	}
	inList, inFunnel := links(list), links(funnel)
	for _, key := range keys {
		var got dashboard.Prospect
		getJSON(t, srv.URL+"/api/v1/prospects/"+url.PathEscape(key), &got)
		if got.Key != key || got.Contacts != 1 {
			t.Errorf("%q: got %q with %d contacts", key, got.Key, got.Contacts)
		}
		if !inList[key] {
			t.Errorf("%q is not linked from the list", key)
		}
		if !inFunnel[key] {
			t.Errorf("%q is not linked from the promotions", key)
		}
	}
}

func TestProspectUnknown(t *testing.T) {
	f := newTables(t)
	srv := server(t, f.db, dashboard.Config{})
	for _, key := range []string{"nobody.example", "%FF", "a%00b", strings.Repeat("x", 2000)} {
		if code, _, body := get(t, srv.URL+"/api/v1/prospects/"+key); code != http.StatusNotFound || !strings.Contains(body, `"error"`) {
			t.Errorf("%.20s: %d %s", key, code, body)
		}
		if code, _, body := get(t, srv.URL+"/prospects/"+key); code != http.StatusNotFound || !strings.Contains(body, "Nothing here") {
			t.Errorf("%.20s: page %d", key, code)
		}
	}
}

// A long history is cut, says so, and its points still add up.
func TestProspectLong(t *testing.T) {
	f := newTables(t)
	const contacts = 1300
	var rows, scores, reasons []row
	sum := int32(0)
	for i := range int64(contacts) {
		points := int32(5)
		if i%3 == 0 {
			points = -1
		}
		sum += points
		at := moment(t, "2026-01-01").Add(time.Duration(i) * time.Hour)
		id := fmt.Sprintf("%032x", i)
		rows = append(rows, row{"id": id, "prospect": "long.example", "source": "website", "kind": "form", "interest": true, "at": at, "kafka_offset": i, "text": strings.Repeat("ü", 17000)})
		scores = append(scores, row{"prospect": "long.example", "contact": id, "stage": "contact", "score": sum, "kafka_offset": i})
		reasons = append(reasons, row{"prospect": "long.example", "contact": id, "criterion": fmt.Sprintf("c%d", i%2), "points": points, "evidence": "e", "at": at, "kafka_offset": i})
	}
	// What has reached this table before the contact's own row is not shown yet.
	reasons = append(reasons, row{"prospect": "long.example", "contact": "x", "criterion": "c9", "points": int32(1000), "evidence": "e", "at": moment(t, "2026-10-01"), "kafka_offset": int64(contacts)})
	f.insertAll("contacts", rows)
	f.insertAll("reasons", reasons)
	f.insertAll("scores", scores)
	srv := server(t, f.db, dashboard.Config{})
	var got dashboard.Prospect
	getJSON(t, srv.URL+"/api/v1/prospects/long.example", &got)
	total := 0
	for _, r := range got.Reasons {
		total += r.Worth
	}
	if total != int(sum) || got.Score != int64(sum) {
		t.Errorf("reasons add up to %d, score %d, want %d", total, got.Score, sum)
	}
	if len(got.Reasons) != 1002 || got.Reasons[0].Evidence != "150 earlier lines added up" {
		t.Errorf("%d reasons, the first: %+v", len(got.Reasons), got.Reasons[0])
	}
	if len(got.Timeline) != 200 || got.Contacts != contacts {
		t.Errorf("%d of %d contacts", len(got.Timeline), got.Contacts)
	}
	if e := got.Timeline[0]; e.ID != fmt.Sprintf("%032x", contacts-1) || len(e.Text) != 2*16000 || !e.TextCut {
		t.Errorf("newest: %s, text of %d bytes, cut %v", e.ID, len(e.Text), e.TextCut)
	}
	_, _, page := get(t, srv.URL+"/prospects/long.example")
	if want := "1,300 contacts since 1 Jan 2026, first through website; the newest 200 are shown"; !strings.Contains(page, want) {
		t.Errorf("the page lacks %q", want)
	}
}
