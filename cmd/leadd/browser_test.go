package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"leadd/internal/testenv"
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

// TestAFormOnAPageBecomesAProspectOnThePage fills in a plain HTML form in a
// browser, and finds the visitor on the manager's page.
func TestAFormOnAPageBecomesAProspectOnThePage(t *testing.T) {
	testenv.ClickHouse(t)
	p := startLeadd(t, "serve", "-c", writeConfig(t, oneForm))
	form := fmt.Sprintf(`<form method="post" action="%s/in/website">
		<input name="your-name"><input name="your-email"><input name="company"><textarea name="your-message"></textarea>
		<input type="submit" id="send"></form>`, p.base)
	ctx := browser(t)
	if err := chromedp.Do(ctx,
		chromedp.Navigate("data:text/html,"+url.PathEscape(form)),
		chromedp.SendKeys(`[name=your-name]`, "Grace Hopper"),
		chromedp.SendKeys(`[name=your-email]`, "grace@navy.example"),
		chromedp.SendKeys(`[name=company]`, "Navy"),
		chromedp.SendKeys(`[name=your-message]`, "We need 40 licences within 2 months, our budget is 30,000 USD."),
		chromedp.Click("#send"),
		chromedp.WaitNotPresent("#send"),
	); err != nil {
		t.Fatal(err)
	}
	thanks, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.ToLower(thanks), "thank") {
		t.Errorf("the visitor reads: %s", thanks)
	}
	await(t, "the page", func() error {
		if err := chromedp.Do(ctx, chromedp.Navigate(p.base+"/")); err != nil {
			return err
		}
		rows, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
		if err != nil {
			return err
		}
		if !strings.Contains(rows, "Navy") {
			return fmt.Errorf("Navy is not on the page: %s", rows)
		}
		return nil
	})
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
