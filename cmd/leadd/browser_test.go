package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"leadd/dashboard"
	"leadd/internal/testenv"
	"leadd/lead"
)

// browser opens a tab of headless Chromium.
func browser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(testenv.Chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(cancelTab)
	ctx, cancelTime := context.WithTimeout(ctx, patience)
	t.Cleanup(cancelTime)
	return ctx
}

// site is our website and a search engine that leads to it: /prices has the
// snippet's script only, /contact the form too, and the engine's page a link to
// /prices with a campaign.
func site(t *testing.T, leadd string) (engine string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "deploy", "form.html"))
	if err != nil {
		t.Fatal(err)
	}
	const example = "https://leads.example.com"
	if !bytes.Contains(b, []byte(`action="`+example+`/in/website"`)) {
		t.Fatal("the snippet has another address")
	}
	snippet := strings.ReplaceAll(string(b), example, leadd)
	_, script, _ := strings.Cut(snippet, "</form>")
	pages := http.NewServeMux()
	page := func(path, body string) {
		pages.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<!doctype html><title>Ours</title>"+body)
		})
	}
	page("/prices", `<a id="go" href="/contact">Contact</a>`+script)
	page("/contact", snippet)
	server := httptest.NewServer(pages)
	t.Cleanup(server.Close)
	ours := strings.Replace(server.URL, "127.0.0.1", "localhost", 1) // another site than the engine
	page("/search", `<a id="go" href="`+ours+`/prices?utm_source=search&utm_medium=cpc&utm_campaign=spring&gclid=x1">Ours</a>`)
	return server.URL + "/search"
}

// TestTheSnippetMakesAProspect: deploy/form.html on a page of somebody's site,
// filled in by a visitor who came from a search engine two pages ago, becomes
// a prospect with campaign, landing page and referrer.
func TestTheSnippetMakesAProspect(t *testing.T) {
	testenv.ClickHouse(t)
	p := startLeadd(t, "serve", "-c", writeConfig(t, oneForm))
	engine := site(t, p.base)
	ours := strings.TrimSuffix(strings.Replace(engine, "127.0.0.1", "localhost", 1), "/search")
	fillIn := func(ctx context.Context, name, company, address string) error {
		return chromedp.Do(ctx,
			chromedp.SendKeys(`[name=name]`, name), chromedp.SendKeys(`[name=company]`, company), chromedp.SendKeys(`[name=email]`, address),
			chromedp.SendKeys(`[name=message]`, "We need 40 licences within 2 months, our budget is 30,000 USD."),
		)
	}
	send := func(ctx context.Context) {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.Click("form.leadd button"), chromedp.WaitNotPresent("form.leadd")); err != nil {
			t.Fatal(err)
		}
		thanks, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
		if err != nil || !strings.Contains(thanks, "Thank you") {
			t.Errorf("the visitor reads: %s, %v", thanks, err)
		}
	}
	prospect := func(domain string) (found dashboard.Prospect) {
		t.Helper()
		began := time.Now()
		await(t, "the prospect", func() error { return p.get("/api/v1/prospects/"+domain, &found) })
		took := time.Since(began)
		t.Logf("%s was a prospect %v after the thanks", domain, took)
		if took > 5*time.Second { // one, on a machine that has nothing else to do
			t.Errorf("that took %v", took)
		}
		return found
	}

	ctx := browser(t)
	if err := chromedp.Do(ctx,
		chromedp.Navigate(engine), chromedp.Click("#go"), chromedp.WaitVisible(`[href="/contact"]`), chromedp.Click("#go"), chromedp.WaitVisible("form.leadd button")); err != nil {
		t.Fatal(err)
	}
	if err := fillIn(ctx, "Grace Hopper", "Navy", "grace@navy.example"); err != nil {
		t.Fatal(err)
	}
	send(ctx)
	navy := prospect("navy.example")
	want := lead.Campaign{
		Source: "search", Medium: "cpc", Name: "spring",
		Landing: ours + "/prices?utm_source=search&utm_medium=cpc&utm_campaign=spring&gclid=x1", Referrer: strings.TrimSuffix(engine, "search"),
	}
	if len(navy.Timeline) != 1 || navy.Timeline[0].Campaign != want || navy.Stage != lead.StageLead {
		t.Errorf("%s %+v, want campaign %+v", navy.Stage, navy.Timeline, want)
	}
	if page := p.page("/prospects"); !strings.Contains(page, "Navy") {
		t.Errorf("Navy is not on the page: %s", page)
	}

	// Without JavaScript.
	plain := browser(t)
	if err := chromedp.Do(plain, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(plain, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(plain, chromedp.Navigate(ours+"/contact?utm_source=mail")); err != nil {
		t.Fatal(err)
	}
	if err := fillIn(plain, "Ada Lovelace", "Engines", "ada@engines.example"); err != nil {
		t.Fatal(err)
	}
	send(plain)
	engines := prospect("engines.example")
	if len(engines.Timeline) != 1 || engines.Timeline[0].Campaign != (lead.Campaign{Landing: ours + "/"}) { // browsers tell other sites no more
		t.Errorf("%+v", engines.Timeline)
	}

	// A robot fills in everything.
	if err := chromedp.Do(ctx, chromedp.Navigate(ours+"/contact")); err != nil {
		t.Fatal(err)
	}
	if err := fillIn(ctx, "Bot", "Bots", "bot@bots.example"); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("[name=_gotcha]").value = "x"`)); err != nil {
		t.Fatal(err)
	}
	send(ctx)
	p.awaitCounts(map[string]int{"contact": 2})
	p.stop()
}

// TestThePageShowsWhatWasSent sends contacts whose outcome is known by hand,
// and compares what the browser shows with the API and with that.
func TestThePageShowsWhatWasSent(t *testing.T) {
	testenv.ClickHouse(t)
	p := startLeadd(t, "serve", "-c", writeConfig(t, oneForm+"  crm: {events: true}\n"))
	send := func(source, contentType, body string) {
		t.Helper()
		if code, answer := p.post("/in/"+source, contentType, body); code != http.StatusOK {
			t.Fatalf("%d %s", code, answer)
		}
	}
	// Five who only say hello, four leads, of whom two become opportunities
	// and one of these a customer: nine prospects.
	for i := range 5 {
		send("website", formType, url.Values{"email": {fmt.Sprintf("x@hello%d.example", i)}, "message": {"hello"}}.Encode())
	}
	for i := range 4 {
		send("website", formType, leadForm("ada", fmt.Sprintf("lead%d.example", i)))
	}
	event := func(name string, n int, at time.Time) {
		send("crm", "application/json", fmt.Sprintf(`{"event": %q, "person": {"email": "ada@lead%d.example"}, "at": %q}`, name, n, at.Format(time.RFC3339)))
	}
	p.awaitCounts(map[string]int{"contact": 9, "lead": 4})
	now := time.Now()
	for n := range 2 {
		event("contacted", n, now)
		event("needs_identified", n, now)
		event("negotiating", n, now)
	}
	event("signed", 0, now)
	want := map[string]int{"contact": 9 + 7, "lead": 4, "opportunity": 2, "customer": 1}
	p.awaitCounts(want)

	ctx := browser(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(p.base+"/?period=all")); err != nil {
		t.Fatal(err)
	}
	for stage, n := range want {
		shown, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector("[data-count=%s]").textContent`, stage)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := strconv.Atoi(strings.ReplaceAll(strings.TrimSpace(shown), ",", "")); err != nil || got != n {
			t.Errorf("stage %s: the page shows %q, sent were %d", stage, shown, n)
		}
	}
	p.stop()
}

// A manager chooses a product on the funnel, opens a stage's list and from it a
// prospect: everywhere stage and score are the same, and as of now, although
// what was sent is long ago.
func TestAProductIsFollowedInTheBrowser(t *testing.T) {
	testenv.ClickHouse(t)
	config := writeConfig(t, oneForm+"criteria: [crm.yaml, training.yaml]\n")
	for name, silence := range map[string]string{"crm": "30d, to: contact", "training": "60d, to: lost"} {
		text := fmt.Sprintf("name: %s\nversion: 1\ncriteria:\n  - {name: need, points: 30, when: 'has(fields.product)'}\n"+
			"engagement:\n  - {on: form, points: 20, at_most: 40, half_life: 40d}\nstages:\n  lead: met(need)\nsilence:\n  lead: {after: %s}\n", name, silence)
		if err := os.WriteFile(filepath.Join(filepath.Dir(config), name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := startLeadd(t, "serve", "-c", config)
	at := time.Now().Add(-50 * 24 * time.Hour).Format(time.RFC3339)
	body := url.Values{"name": {"Ada Marsh"}, "email": {"ada@acme.example"}, "company": {"Acme"}, "product": {"tablets"}, "at": {at}}
	if code, answer := p.post("/in/website", formType, body.Encode()); code != http.StatusOK {
		t.Fatalf("%d %s", code, answer)
	}
	p.awaitCounts(map[string]int{"contact": 1, "lead": 1})
	ctx := browser(t)
	text := func(selector string) string {
		t.Helper()
		s, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q).innerText", selector)))
		if err != nil {
			t.Fatalf("%s: %v", selector, err)
		}
		return strings.Join(strings.Fields(s), " ")
	}
	follow := func(selector string) {
		t.Helper()
		to, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q).href", selector)))
		if err == nil {
			err = chromedp.Do(ctx, chromedp.Navigate(to))
		}
		if err != nil {
			t.Fatalf("%s: %v", selector, err)
		}
	}
	for product, stage := range map[string]string{"crm": "Contact", "training": "Lead"} { // 30 points, and 20 of which a half-life took half
		if err := chromedp.Do(ctx, chromedp.Navigate(p.base+"/")); err != nil {
			t.Fatal(err)
		}
		follow(".products a[href*=" + product + "]")
		follow(`a[href*="stage=lead"]`)
		if got := text(".list tbody tr"); !strings.HasPrefix(got, "Acme acme.example "+stage+" 40 website 1 ") {
			t.Errorf("%s: the list has %s", product, got)
		}
		follow(`.list a`)
		got := text(".head .badge") + " " + text("[data-score]") + " " + text("[data-sum]") + ", " + text(".places [data-product=crm]") + ", " + text(".places [data-product=training]")
		if want := stage + " 40 40, Crm Contact 40 points, Training Lead 40 points"; got != want {
			t.Errorf("%s: the prospect's page has %s, want %s", product, got, want)
		}
	}
	p.stop()
}

func TestTheDemoFillsThePage(t *testing.T) {
	testenv.ClickHouse(t)
	dir := t.TempDir()
	p := startLeadd(t, "demo", "--listen", "127.0.0.1:0", "--data", dir)
	sent := 0
	for _, s := range demoSamples(time.Now()) {
		if !s.broken {
			sent++
		}
	}
	p.awaitCounts(map[string]int{"contact": sent})
	counts, err := p.stageCounts()
	if err != nil {
		t.Fatal(err)
	}
	for _, stage := range []string{"lead", "opportunity", "customer"} {
		if counts[stage] == 0 {
			t.Errorf("the demo has no %s: %v", stage, counts)
		}
	}
	if page := p.page("/dead"); !strings.Contains(page, "website") || !strings.Contains(page, "sales") {
		t.Errorf("the demo's dead letters are not shown:\n%s", page)
	}
	p.stop()

	// Started again, it sends the same samples, which are known.
	p = startLeadd(t, "demo", "--listen", "127.0.0.1:0", "--data", dir)
	p.awaitCounts(counts)
	p.stop()
}
