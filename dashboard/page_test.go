package dashboard_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"leadd/dashboard"
	"leadd/internal/testenv"
)

// browser is a tab without JavaScript of its own pages, as wide as said.
func browser(t *testing.T, width, height int64) context.Context {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(testenv.Chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(stop)
	size := emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600}
	if _, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, size); err != nil {
		t.Fatal(err)
	}
	return ctx
}

func visit(t *testing.T, ctx context.Context, url string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

func evaluate[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return v
}

// The numbers a manager reads, in a real browser, are those of the API and
// those counted by hand from what was put in (see october).
func TestFunnelInBrowser(t *testing.T) {
	f := october(t)
	srv := server(t, f.db, dashboard.Config{})
	ctx := browser(t, 1280, 900)
	const period = "?from=2026-10-01&to=2026-10-31"
	visit(t, ctx, srv.URL+"/"+period)
	shown := evaluate[map[string]string](t, ctx, `Object.fromEntries([
		...[...document.querySelectorAll("[data-count]")].map(e => [e.dataset.count, e.innerText]),
		...[...document.querySelectorAll("[data-conversion]")].map(e => [e.dataset.conversion + " conversion", e.innerText]),
		...[...document.querySelectorAll("[data-source]")].map(e => ["source " + e.dataset.source, [...e.cells].slice(1).map(c => c.innerText).join(" ")]),
		["prospects", document.querySelector("[data-prospects]").innerText],
		["lost", document.querySelector(".lost").innerText],
		["medians", [...document.querySelectorAll(".facts")].map(e => (e.innerText.match(/median .*/) || [""])[0]).join(", ")],
		["bars", String(document.querySelectorAll(".plot g").length)],
		["promotions", String(document.querySelectorAll(".promotions li").length)],
	])`)
	byHand := map[string]string{
		"prospects": "7", "contact": "17", "lead": "6", "opportunity": "3", "customer": "1",
		"lead conversion": "85.7%", "opportunity conversion": "50.0%", "customer conversion": "33.3%",
		"source website": "4 4 3 1 0 100.0% 25.0%", "source webinar": "2 2 0 0 1 100.0% 0.0%", "source sales": "1 0 0 0 0 0.0% 0.0%",
		"lost": "1 prospect lost along the way", "medians": ", median 24 hours, median 24 hours, median 10 days",
		"bars": "31", "promotions": "10", // a bar a day; a rose 3 times, h twice, b, d, f, g and i once
	}
	if d := cmp.Diff(byHand, shown); d != "" {
		t.Errorf("the page differs from what was counted by hand: %s", d)
	}
	var api dashboard.Funnel
	getJSON(t, srv.URL+"/api/v1/funnel"+period+"&by=source", &api)
	for _, s := range api.Stages {
		if got := shown[s.Stage.String()]; got != fmt.Sprint(s.Count) {
			t.Errorf("%v: page %s, API %d", s.Stage, got, s.Count)
		}
	}
	for _, g := range api.Groups {
		want := fmt.Sprintf("%d %d %d %d %d ", g.Prospects, g.Stages[1].Count, g.Stages[2].Count, g.Stages[3].Count, g.Lost)
		if got := shown["source "+g.Key]; !strings.HasPrefix(got, want) {
			t.Errorf("%s: page %s, API %s", g.Key, got, want)
		}
	}
	// Each stage leads to as many prospects as it says.
	for stage, want := range map[string]string{"contact": "1–7 of 7", "lead": "1–6 of 6", "opportunity": "1–3 of 3", "customer": "1–1 of 1", "lost": "1–1 of 1"} {
		visit(t, ctx, srv.URL+"/"+period)
		selector := fmt.Sprintf(`document.querySelector("a[href*='stage=%s']").href`, stage)
		visit(t, ctx, evaluate[string](t, ctx, selector))
		if got := evaluate[string](t, ctx, `document.querySelector(".paging span").innerText`); got != want {
			t.Errorf("%s: the list has %s, want %s", stage, got, want)
		}
	}
}

// Every page fits a phone: nothing makes it scroll sideways.
func TestPagesFitPhone(t *testing.T) {
	f := acme(t)
	long := strings.Repeat("unbreakable", 20)
	f.contact(long+".example", long, "2026-10-05", row{"name": long, "email": long + "@x.example", "title": long, "text": long, "company": long})
	f.change(long+".example", "contact", "lead", "2026-10-05")
	f.insert("dead_letters", row{"id": "1", "at": moment(t, "2026-10-01"), "stage": "ingest", "source": long, "reason": long, "origin": long, "raw": long})
	for _, product := range []string{"crm", "training_and_onboarding", long} {
		f.insert("scores", row{
			"prospect": "acme.example", "product": product, "contact": "x", "stage": "lead", "score": int32(1), "criteria": product + "-1", "kafka_offset": int64(1),
			"falls_at": []time.Time{moment(t, "2026-10-02")}, "falls_to": []string{"contact"},
		})
	}
	srv := server(t, f.db, dashboard.Config{}, "crm")
	empty := server(t, newTables(t).db, dashboard.Config{})
	ctx := browser(t, 390, 844)
	for _, url := range []string{
		srv.URL + "/?period=all", srv.URL + "/?from=2026-10-01&to=2026-10-31", srv.URL + "/prospects?period=all", srv.URL + "/prospects/acme.example",
		srv.URL + "/prospects/acme.example?at=2026-12-31&product=" + long, srv.URL + "/?period=all&product=" + long, srv.URL + "/prospects?period=all&product=" + long,
		srv.URL + "/prospects/" + long + ".example", srv.URL + "/dead", srv.URL + "/nowhere", empty.URL + "/", empty.URL + "/prospects", empty.URL + "/dead",
	} {
		visit(t, ctx, url)
		_ = evaluate[bool](t, ctx, `document.querySelectorAll("details").forEach(d => d.open = true), true`)
		if width := evaluate[int](t, ctx, `document.documentElement.scrollWidth`); width > 390 {
			t.Errorf("%.120s is %d wide", url, width)
		}
	}
}

func TestEmptyPageSaysWhatToDo(t *testing.T) {
	srv := server(t, newTables(t).db, dashboard.Config{})
	_, _, page := get(t, srv.URL+"/")
	for _, want := range []string{"curl " + srv.URL + "/in/website", "/in/webinar", "mailboxes", "leadd.yaml"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	_, _, page = get(t, srv.URL+"/", "X-Forwarded-Proto", "https")
	if want := "curl https://" + strings.TrimPrefix(srv.URL, "http://"); !strings.Contains(page, want) {
		t.Errorf("behind TLS the page lacks %q", want)
	}
}

func TestDeadLetters(t *testing.T) {
	f := newTables(t)
	var rows []row
	for i := range 61 {
		rows = append(rows, row{
			"id": fmt.Sprint(i), "at": moment(t, "2026-10-01").Add(time.Duration(i) * time.Minute), "stage": "ingest", "source": "website",
			"reason": fmt.Sprintf("reason %d", i), "origin": "203.0.113.7", "raw": "\xff<b>raw", "truncated": i == 60,
		})
	}
	f.insertAll("dead_letters", rows)
	srv := server(t, f.db, dashboard.Config{})
	_, _, first := get(t, srv.URL+"/dead")
	for _, want := range []string{"reason 60<", "reason 11<", "1–50 of 61", "/dead?page=2", "&lt;b&gt;raw", "7 bytes, cut", "1 Oct 2026, 01:00"} {
		if !strings.Contains(first, want) {
			t.Errorf("page 1 lacks %q", want)
		}
	}
	_, _, second := get(t, srv.URL+"/dead?page=2")
	for _, want := range []string{"reason 10<", "reason 0<", "51–61 of 61"} {
		if !strings.Contains(second, want) {
			t.Errorf("page 2 lacks %q", want)
		}
	}
	if strings.Contains(second, "Next") {
		t.Error("page 2 leads on to nothing")
	}
}

// A dead letter says in plain words where something went wrong.
func TestDeadLetterWords(t *testing.T) {
	f := newTables(t)
	for i, l := range []struct{ stage, source, origin, want string }{
		{"ingest", "website", "POST /in/website", "Through website, not understood|What came in"},
		{"ingest", "ads", "leadd.notices/2@17", "Announced by ads, not fetched|What was announced"},
		{"ingest", "leadd.cursors", "position of mailbox sales", "leadd&#39;s own record in leadd.cursors, not understood|What came in"},
		{"scoring", "leadd.contacts", "leadd.contacts/2@17", "leadd&#39;s own record in leadd.contacts, not scored|What came in"},
		{"sink", "leadd.scored", "leadd.scored/2@17", "leadd&#39;s own record in leadd.scored, not stored|What came in"},
		{"notify", "team", "leadd.scored/2@17", "Message to team, not delivered|What was to be sent"},
	} {
		f.insert("dead_letters", row{"id": fmt.Sprint(i), "at": moment(t, "2026-10-01"), "stage": l.stage, "source": l.source, "reason": "r", "origin": l.origin, "raw": "{}"})
		_, _, page := get(t, server(t, f.db, dashboard.Config{}).URL+"/dead")
		what, kept, _ := strings.Cut(l.want, "|")
		letters := strings.Split(page, "<li>")
		if last := letters[len(letters)-1]; !strings.Contains(last, "· "+what+"</p>") || !strings.Contains(last, "<summary>"+kept+" (2 bytes)") {
			t.Errorf("%+v: %s", l, last)
		}
	}
}
