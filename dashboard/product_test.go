package dashboard_test

import (
	"cmp"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"leadd/dashboard"
)

var links = regexp.MustCompile(`(?:href|action)="(/[^"]*)"`)

// The product that a visitor has chosen stays chosen whatever they follow, and
// those that are only in the data can be chosen as well.
func TestTheProductIsKept(t *testing.T) {
	f := newTables(t)
	id := f.contact("acme.example", "website", "2026-10-01", row{"name": "Acme"})
	for _, product := range []string{"crm", "zz_old"} {
		f.insert("scores", row{"prospect": "acme.example", "product": product, "contact": id, "stage": "lead", "criteria": product + "-1", "kafka_offset": f.offset})
		f.insert("stage_changes", row{"prospect": "acme.example", "product": product, "contact": id, "from_stage": "contact", "to_stage": "lead", "at": moment(t, "2026-10-01"), "kafka_offset": f.offset})
	}
	srv := server(t, f.db, dashboard.Config{}, "training", "crm")
	offers := regexp.MustCompile(`(?s)<nav class="(?:products|places)".*?</nav>`)
	seen := map[string]bool{}
	next := []string{"/?period=all&product=zz_old"}
	for len(next) > 0 {
		at := next[0]
		next = next[1:]
		if seen[at] || strings.HasPrefix(at, "/static/") || len(seen) == 20 {
			continue
		}
		seen[at] = true
		code, _, page := get(t, srv.URL+at)
		if code != http.StatusOK {
			t.Fatalf("%s: %d", at, code)
		}
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		offer := offers.FindString(page)
		if u.Path != "/dead" {
			var products []string
			for _, m := range links.FindAllStringSubmatch(offer, -1) {
				to, err := url.Parse(html.UnescapeString(m[1]))
				if err != nil {
					t.Fatal(err)
				}
				products = append(products, to.Query().Get("product"))
				for name, usual := range map[string]string{"period": "90d", "stage": "contact", "source": ""} {
					if to.Path != u.Path || cmp.Or(to.Query().Get(name), usual) != cmp.Or(u.Query().Get(name), usual) {
						t.Errorf("%s: the product's link is %s", at, m[1])
					}
				}
			}
			if want := []string{"training", "crm", "zz_old"}; !slices.Equal(products, want) {
				t.Errorf("%s offers %q, want %q", at, products, want)
			}
			if !strings.Contains(offer, "Zz old") {
				t.Errorf("%s: %s", at, offer)
			}
		}
		for _, m := range links.FindAllStringSubmatch(strings.Replace(page, offer, "", 1), -1) {
			to := html.UnescapeString(m[1])
			if m[0] == `action="/"` {
				if !strings.Contains(page, `<input type="hidden" name="product" value="zz_old">`) {
					t.Errorf("%s: the form forgets the product", at)
				}
				continue
			}
			if !strings.HasPrefix(to, "/static/") && !strings.Contains(to, "product=zz_old") {
				t.Errorf("%s leads to %s", at, to)
			}
			next = append(next, to)
		}
	}
	for _, want := range []string{"/prospects/acme.example?product=zz_old", "/dead?product=zz_old"} {
		if !seen[want] {
			t.Errorf("nothing leads to %s", want)
		}
	}
	if _, _, page := get(t, srv.URL+"/nowhere?product=crm"); !strings.Contains(page, `href="/?product=crm"`) {
		t.Error("a page that does not exist forgets the product")
	}
}

// Where there is one product, nothing speaks of products.
func TestOneProductIsNoChoice(t *testing.T) {
	f := newTables(t)
	id := f.contact("acme.example", "website", "2026-10-01")
	f.insert("scores", row{"prospect": "acme.example", "product": "only", "contact": id, "stage": "lead", "criteria": "only-1", "kafka_offset": f.offset})
	srv := server(t, f.db, dashboard.Config{}, "only")
	for _, at := range []string{"/?period=all", "/prospects?period=all", "/prospects/acme.example"} {
		_, _, page := get(t, srv.URL+at)
		for _, never := range []string{"Product", "product=", `class="places"`} {
			if strings.Contains(page, never) {
				t.Errorf("%s has %q", at, never)
			}
		}
	}
}
