package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"leadd/internal/clickhouse"
)

// scaled is n in "make test" and long in "make soak".
func scaled(n, long int) int {
	if os.Getenv("LEADD_SOAK") != "" {
		return long
	}
	return n
}

// busyForm configures the front door of a campaign: it comes from one address,
// faster than people do, and with times long past.
const busyForm = "webhooks:\n  website: {events: true, rate: 1000000}\n"

// campaign is a set of contacts that is the same whenever and wherever it is
// sent: so many prospects, and so many contacts of each, in an order and at
// times that are fixed.
type campaign struct {
	prospects, each int
}

func (c campaign) total() int { return c.prospects * c.each }

// post is contact k of prospect p. The first is so long ago that the longest
// campaign is past: a time to come would count as that of the arrival, which is
// another in every run.
func (c campaign) post(p, k int) (contentType, body string) {
	at := time.Date(2000, 3, 1, 9, 0, 0, 0, time.UTC).Add(time.Duration(p)*time.Minute + time.Duration(k)*31*time.Hour)
	answers := map[string]any{"submitted_at": at.Format(time.RFC3339), "email": fmt.Sprintf("%s@company%d.example", [...]string{"ada", "bob", "cyd"}[k%3], p)}
	event := [...]string{"contacted", "needs_identified", "negotiating", "signed", "declined"}[(p/7+k)%5]
	switch (p + k) % 7 {
	case 0:
		answers["message"] = "Hello, please call me."
	case 1:
		answers["message"], answers["quantity"] = fmt.Sprintf("We need %d licences of your product.", 10+p), 10+p
	case 2:
		answers["budget"], answers["name"] = fmt.Sprintf("%d,000 USD", 5+k), "Ada Lovelace"
	case 3:
		answers["job_title"], answers["timeline"] = "CTO", "within 3 months"
	case 4:
		answers["message"] = "Our present supplier is too slow; we want to replace it by summer, with a budget of 20,000 EUR."
	default:
		answers["event"] = event
	}
	b, err := json.Marshal(answers) // sorted by name
	if err != nil {
		return "", err.Error()
	}
	return "application/json", string(b)
}

// crowd sends a campaign. Each prospect has a sender, who waits for the
// acknowledgement of a contact before the next, and sends again, the same,
// until it comes.
type crowd struct {
	t        testing.TB
	campaign campaign
	client   *http.Client
	bases    func(try int) string // where to send to: http://host:port
	permits  chan struct{}        // one for each contact that may be sent
	released int
	acked    atomic.Int64
	refused  atomic.Int64 // answered 503
	senders  sync.WaitGroup
}

// newCrowd begins; nothing is sent before release.
func newCrowd(t testing.TB, c campaign, patient time.Duration, bases func(try int) string) *crowd {
	t.Helper()
	w := &crowd{
		t: t, campaign: c, bases: bases, permits: make(chan struct{}, c.total()),
		client: &http.Client{Timeout: patient, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	ctx, cancel := context.WithCancel(context.Background())
	for p := range c.prospects {
		w.senders.Go(func() {
			for k := range c.each {
				select {
				case <-w.permits:
				case <-ctx.Done():
					return
				}
				w.send(ctx, p, k)
			}
		})
	}
	t.Cleanup(func() { cancel(); w.senders.Wait(); w.client.CloseIdleConnections() })
	return w
}

// release lets the next n contacts be sent.
func (w *crowd) release(n int) {
	n = min(n, w.campaign.total()-w.released)
	w.released += n
	for range n {
		w.permits <- struct{}{}
	}
}

func (w *crowd) releaseAll() { w.release(w.campaign.total()) }

func (w *crowd) send(ctx context.Context, p, k int) {
	contentType, body := w.campaign.post(p, k)
	pause := time.NewTicker(20 * time.Millisecond) // between tries at a server that is away
	defer pause.Stop()
	for try := p; ; try++ {
		if w.try(ctx, w.bases(try), contentType, body) {
			w.acked.Add(1)
			return
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
	}
}

func (w *crowd) try(ctx context.Context, base, contentType, body string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/in/website", strings.NewReader(body))
	if err != nil {
		w.t.Error(err)
		return false
	}
	req.Header.Set("Content-Type", contentType)
	res, err := w.client.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return false
	case res.StatusCode == http.StatusServiceUnavailable:
		w.refused.Add(1)
		return false
	case res.StatusCode != http.StatusOK:
		w.t.Errorf("a post was answered with %s: %s", res.Status, answer)
		return false
	}
	return true
}

// awaitAcked waits until n contacts in all have been acknowledged.
func (w *crowd) awaitAcked(n int) {
	w.t.Helper()
	await(w.t, "acknowledgements", func() error {
		if acked := int(w.acked.Load()); acked < n {
			return fmt.Errorf("%d of %d", acked, n)
		}
		return nil
	})
}

// finish sends what is left and waits for every acknowledgement.
func (w *crowd) finish() {
	w.t.Helper()
	w.releaseAll()
	w.awaitAcked(w.campaign.total())
	w.senders.Wait()
}

// tables is what ClickHouse holds, as text: all but the times of arrival and
// the places on Kafka, which differ from one run to another.
func tables(t testing.TB, cfg clickhouse.Config) string {
	t.Helper()
	db, err := clickhouse.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var all strings.Builder
	for _, query := range []string{
		"SELECT formatRow('JSONEachRow', * EXCEPT (received, kafka_partition, kafka_offset)) FROM contacts ORDER BY prospect, at, id",
		"SELECT formatRow('JSONEachRow', * EXCEPT (kafka_partition, kafka_offset)) FROM reasons ORDER BY prospect, product, contact, line",
		"SELECT formatRow('JSONEachRow', * EXCEPT (kafka_partition, kafka_offset)) FROM stage_changes ORDER BY prospect, product, contact, line",
		"SELECT formatRow('JSONEachRow', * EXCEPT (kafka_partition, kafka_offset)) FROM scores ORDER BY prospect, product, contact",
		"SELECT formatRow('JSONEachRow', * EXCEPT (stage_now)) FROM prospects ORDER BY key, product",
	} {
		rows, err := db.Query(t.Context(), query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			all.WriteString(line)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

// awaitStored waits until so many contacts are in ClickHouse.
func awaitStored(t testing.TB, cfg clickhouse.Config, n int) {
	t.Helper()
	db, err := clickhouse.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	await(t, "contacts in ClickHouse", func() error {
		var stored uint64
		if err := db.QueryRow(t.Context(), "SELECT uniqExact(id) FROM contacts").Scan(&stored); err != nil {
			return err
		}
		if stored < uint64(n) {
			return fmt.Errorf("%d of %d", stored, n)
		}
		return nil
	})
}

// asUndisturbed waits until the campaign is stored, and fails the test where
// anything differs from what a daemon has stored that nobody disturbed, or
// where a table has a second row for anything.
func asUndisturbed(t testing.TB, c campaign, cfg clickhouse.Config) {
	t.Helper()
	awaitStored(t, cfg, c.total())
	exactlyOnce(t, cfg)
	got, want := strings.Split(tables(t, cfg), "\n"), strings.Split(undisturbed(t, c), "\n")
	if len(got) != len(want) {
		t.Errorf("%d rows, an undisturbed run gives %d", len(got), len(want))
	}
	wrong := 0
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			if wrong++; wrong <= 5 {
				t.Errorf("row %d differs:\n got %s\nwant %s", i, got[i], want[i])
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d rows differ from an undisturbed run's", wrong)
	}
}

var undisturbedRuns struct {
	sync.Mutex
	tables map[campaign]string
}

// undisturbed is what a daemon that nobody disturbs stores of a campaign.
func undisturbed(t testing.TB, c campaign) string {
	t.Helper()
	undisturbedRuns.Lock()
	defer undisturbedRuns.Unlock()
	if known, ok := undisturbedRuns.tables[c]; ok {
		return known
	}
	p := startLeadd(t, "serve", "-c", writeConfig(t, busyForm))
	w := newCrowd(t, c, time.Minute, func(int) string { return p.base })
	w.finish()
	awaitStored(t, p.database(), c.total())
	known := tables(t, p.database())
	p.stop()
	if undisturbedRuns.tables == nil {
		undisturbedRuns.tables = map[campaign]string{}
	}
	undisturbedRuns.tables[c] = known
	return known
}

// ready asks /readyz.
func (p *process) ready() (code int, said string) {
	p.t.Helper()
	res, err := http.Get(p.base + "/readyz")
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// awaitReady waits until /readyz says so, and gives how long that took.
func (p *process) awaitReady() time.Duration {
	p.t.Helper()
	began := time.Now()
	await(p.t, "readyz", func() error {
		if code, said := p.ready(); code != http.StatusOK {
			return fmt.Errorf("%d %s", code, said)
		}
		return nil
	})
	return time.Since(began)
}

// awaitUnready waits until /readyz names what is away.
func (p *process) awaitUnready(what string) {
	p.t.Helper()
	await(p.t, "readyz", func() error {
		if code, said := p.ready(); code != http.StatusServiceUnavailable || !strings.Contains(said, what) {
			return fmt.Errorf("%d %s, want 503 that names %s", code, said, what)
		}
		return nil
	})
}
