package fetch_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leadd/ingest/fetch"
	"leadd/lead"
)

var update = flag.Bool("update", false, "write the golden files anew")

// announced is a notice and the answers, by path, that the sender's API has
// for it.
type announced struct {
	notice  lead.Notice
	answers map[string]string // path -> file under testdata
	query   []string          // what the first question must hold, unescaped
}

func answers() map[string]announced {
	notice := func(source, sender, what, object string) lead.Notice {
		return lead.Notice{
			ID: lead.ContactID(source, object), Source: source, Sender: sender, What: what, Object: object,
			At: at, Received: at.Add(2e9),
		}
	}
	ads := notice("ads", "meta", "lead", "1234567890123456789")
	ads.Fields = []lead.Field{{Name: "page_id", Value: "153125381133"}, {Name: "ad_id", Value: "12312312312"}}
	won := notice("crm", "hubspot", "deal", "555")
	won.Event, won.Fields = "signed", []lead.Field{{Name: "deal_stage", Value: "closedwon"}}
	imported := notice("crm", "hubspot", "contact", "9007199254740993")
	imported.Class = lead.ClassOther
	sent := notice("crm", "hubspot", "deal", "556")
	sent.Event = "contract_out"
	return map[string]announced{
		"meta": {ads, map[string]string{"/v25.0/1234567890123456789": "meta.json"}, []string{"field_data"}},
		"linkedin": {
			notice("posts", "linkedin", "lead", "249592fc-d272-44ba-a7db-c2bdce579507-6"),
			map[string]string{"/rest/leadFormResponses/249592fc-d272-44ba-a7db-c2bdce579507-6": "linkedin.json"}, []string{"formResponse", "form:(hiddenFields,"},
		},
		"hubspot-contact": {
			notice("crm", "hubspot", "contact", "9007199254740993"),
			map[string]string{"/crm/v3/objects/contacts/9007199254740993": "hubspot-contact.json"}, []string{"email,firstname", "your_spend"},
		},
		"hubspot-imported": {imported, map[string]string{"/crm/v3/objects/contacts/9007199254740993": "hubspot-contact.json"}, nil},
		"hubspot-deal": {
			won, map[string]string{"/crm/v3/objects/deals/555": "hubspot-deal.json", "/crm/v3/objects/contacts/123": "hubspot-person.json"},
			[]string{"dealname", "associations=contacts,companies"},
		},
		"hubspot-deal-company": {
			sent, map[string]string{"/crm/v3/objects/deals/556": "hubspot-deal-company.json", "/crm/v3/objects/companies/7001": "hubspot-company.json"}, nil,
		},
	}
}

// files answers with files, and with 404 what there is none for.
func files(t testing.TB, byPath map[string]string) *vendor {
	return &vendor{answer: func(path, _ string, _ int) response {
		if file, ok := byPath[path]; ok {
			return response{status: 200, body: testdata(t, file)}
		}
		return response{status: 404, body: `{}`}
	}}
}

// TestAnswers fetches, over HTTP, what the senders document, and compares the
// contact with the one beside it.
func TestAnswers(t *testing.T) {
	for name, a := range answers() {
		t.Run(name, func(t *testing.T) {
			api := files(t, a.answers)
			server := httptest.NewServer(api)
			defer server.Close()
			all := sources()
			for i := range all {
				all[i].API.URL = server.URL + "/"
			}
			b := newBench(t, newKafka(), http.DefaultTransport, all...)
			c, err := fetch.FetchOnce(t.Context(), b.Stage, &a.notice)
			if err != nil {
				t.Fatal(err)
			}
			requests := api.requests("")
			if want := strings.TrimSpace(all[slices.IndexFunc(all, func(s fetch.Source) bool { return s.Name == a.notice.Source })].API.Token); requests[0].token != want {
				t.Errorf("token %q", requests[0].token)
			}
			query, err := url.QueryUnescape(requests[0].query)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range a.query {
				if !strings.Contains(query, want) {
					t.Errorf("query %q, want %q in it", query, want)
				}
			}
			if a.notice.Sender == "linkedin" && (api.header.Get("LinkedIn-Version") != "202610" || api.header.Get("X-Restli-Protocol-Version") != "2.0.0") {
				t.Errorf("headers %v", api.header)
			}
			got, err := json.MarshalIndent(c, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".want.json")
			if *update {
				if err := os.WriteFile(file, append(got, '\n'), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(strings.TrimSpace(testdata(t, name+".want.json")), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Test leads are kept, but count for nothing.
func TestTestLeads(t *testing.T) {
	for name, edit := range map[string]*strings.Replacer{
		"meta":     strings.NewReplacer("Ada Lovelace", "<test lead: dummy data for full_name>"),
		"linkedin": strings.NewReplacer(`"testLead":false`, `"testLead":true`),
	} {
		a := answers()[name]
		api := &vendor{answer: func(string, string, int) response {
			return response{status: 200, body: edit.Replace(testdata(t, name+".json"))}
		}}
		b := newBench(t, newKafka(), api, sources()...)
		if c, err := fetch.FetchOnce(t.Context(), b.Stage, &a.notice); err != nil || c.Class != lead.ClassOther {
			t.Errorf("%s: %v, class %s", name, err, c.Class)
		}
	}
}

// Without the form beside the answers they are kept all the same.
func TestLinkedInWithoutItsForm(t *testing.T) {
	body, _, _ := strings.Cut(testdata(t, "linkedin.json"), `,"form":`)
	api := &vendor{answer: func(string, string, int) response { return response{status: 200, body: body + "}"} }}
	b := newBench(t, newKafka(), api, sources()...)
	a := answers()["linkedin"]
	c, err := fetch.FetchOnce(t.Context(), b.Stage, &a.notice)
	if err != nil || len(c.Fields) != 9 || c.Person.Email != "kevjohonson@gmail.com" || c.Fields[0].Name != "linkedin_307234246" {
		t.Errorf("%v, %+v", err, c)
	}
}

// FuzzAnswers has APIs answer whatever: there is a contact that Kafka can
// carry, or a reason why not.
func FuzzAnswers(f *testing.F) {
	all := answers()
	for name, a := range all {
		for _, file := range a.answers {
			f.Add(name, []byte(testdata(f, file)))
		}
	}
	f.Fuzz(func(t *testing.T, name string, answer []byte) {
		a, ok := all[name]
		if !ok {
			t.Skip()
		}
		api := &vendor{answer: func(string, string, int) response { return response{status: 200, body: string(answer)} }}
		b := newBench(t, newKafka(), api, sources()...) // a fault answered has no effect on the next
		if !json.Valid(answer) {
			return // tried again after a pause; TestFailures
		}
		c, err := fetch.FetchOnce(t.Context(), b.Stage, &a.notice)
		if err != nil {
			if strings.Contains(err.Error(), "panicked") || c.ID != "" {
				t.Errorf("%v, %+v", err, c)
			}
			return
		}
		encoded, err := lead.Encode(&c)
		if err != nil {
			t.Fatal(err)
		}
		var back lead.Contact
		if err := lead.Decode(encoded, &back); err != nil {
			t.Fatal(err)
		}
		if c.ID != a.notice.ID || c.Prospect == "" || c.At.IsZero() || len(c.Fields) == 0 {
			t.Errorf("%+v", c)
		}
	})
}
