package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"leadd/internal/clickhouse"
	"leadd/internal/testenv"
)

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return addr
}

// TestKillUnderLoad kills the daemon five times while posts come in. Every
// post that was acknowledged must then be in ClickHouse exactly once, and
// every prospect in the stage its contacts call for.
func TestKillUnderLoad(t *testing.T) {
	testenv.ClickHouse(t)
	config, addr := writeConfig(t, oneForm), freeAddr(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	load := newLoad(addr)
	for range 5 {
		p := startLeadd(t, "serve", "-c", config, "--listen", addr)
		ctx, stop := context.WithCancel(t.Context())
		var senders sync.WaitGroup
		before := load.acknowledged()
		for range 16 {
			senders.Go(func() { load.run(ctx) })
		}
		// Killed at a random point of the work, not of time alone: after so
		// many more acknowledgements.
		target := before + 20 + random.IntN(300)
		await(t, "acknowledgements", func() error {
			if n := load.acknowledged(); n < target {
				return fmt.Errorf("%d of %d", n, target)
			}
			return nil
		})
		p.kill()
		stop()
		senders.Wait()
	}

	p := startLeadd(t, "serve", "-c", config, "--listen", addr)
	// Some posts were taken and their senders killed off before they heard;
	// they count too, once.
	ids := load.ids()
	p.awaitContacts(ids)
	counts, err := p.stageCounts()
	if err != nil {
		t.Fatal(err)
	}
	if counts["lead"] != counts["contact"] {
		t.Errorf("%d contacts, each of which makes a lead, gave %d leads", counts["contact"], counts["lead"])
	}
	scored := p.metric("leadd_scoring_contacts_total")
	p.exactlyOnce()
	p.stop()

	// Started again, nothing is scored anew.
	p = startLeadd(t, "serve", "-c", config, "--listen", addr)
	p.awaitContacts(ids)
	if code, answer := p.post("/in/website", formType, leadForm("zoe", "last.example")); code != http.StatusOK {
		t.Fatalf("%d %s", code, answer)
	}
	p.awaitCounts(map[string]int{"contact": counts["contact"] + 1})
	if n := p.metric("leadd_scoring_contacts_total"); n != 1 {
		t.Errorf("after a restart and one post, %v contacts were scored (%v before)", n, scored)
	}
	p.stop()
}

// load posts forms, each of another company, and remembers what was
// acknowledged.
type load struct {
	url    string
	client *http.Client
	mu     sync.Mutex
	next   int
	acked  map[string]bool // ids
}

func newLoad(addr string) *load {
	return &load{
		url: "http://" + addr + "/in/website", acked: map[string]bool{},
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
}

func (l *load) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

func (l *load) ids() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for id := range l.acked {
		ids = append(ids, id)
	}
	return ids
}

func (l *load) run(ctx context.Context) {
	for ctx.Err() == nil {
		l.mu.Lock()
		n := l.next
		l.next++
		l.mu.Unlock()
		res, err := l.client.Post(l.url, formType, strings.NewReader(leadForm("ada", fmt.Sprintf("company%d.example", n))))
		if err != nil {
			if n%4 == 0 {
				return // a sender that gives up
			}
			continue
		}
		var answer struct {
			ID string `json:"id"`
		}
		err = json.NewDecoder(res.Body).Decode(&answer)
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if err == nil && res.StatusCode == http.StatusOK {
			l.mu.Lock()
			l.acked[answer.ID] = true
			l.mu.Unlock()
		}
	}
}

// database connects to the daemon's own ClickHouse.
func (p *process) database() clickhouse.Config {
	cfg := clickhouse.DefaultConfig()
	cfg.Addr = []string{p.engineAddr()}
	return cfg
}

// awaitContacts waits until every id is in the table of contacts.
func (p *process) awaitContacts(ids []string) {
	p.t.Helper()
	db, err := clickhouse.Open(p.database())
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	await(p.t, "acknowledged contacts in ClickHouse", func() error {
		var n uint64
		if err := db.QueryRow(p.t.Context(), "SELECT count() FROM contacts WHERE has($1, id)", ids).Scan(&n); err != nil {
			return err
		}
		if n != uint64(len(ids)) {
			return fmt.Errorf("%d of %d are there", n, len(ids))
		}
		return nil
	})
}

// exactlyOnce fails the test where a table holds a second row for anything,
// without FINAL, or where reasons do not add up to the score.
func (p *process) exactlyOnce() {
	p.t.Helper()
	db, err := clickhouse.Open(p.database())
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for what, query := range map[string]string{
		"contacts":      "SELECT count() - uniqExact(id) FROM contacts",
		"reasons":       "SELECT count() - uniqExact(contact, line) FROM reasons",
		"stage_changes": "SELECT count() - uniqExact(contact) FROM stage_changes",
		"dead_letters":  "SELECT count() - uniqExact(id) FROM dead_letters",
		"prospects":     "SELECT count() - uniqExact(key) FROM prospects",
		"scores": `SELECT count() FROM prospects p LEFT JOIN (SELECT prospect, sum(points) AS points FROM reasons GROUP BY prospect) r
			ON r.prospect = p.key WHERE p.score != r.points`,
	} {
		var surplus int64
		if err := db.QueryRow(p.t.Context(), "SELECT toInt64(("+query+"))").Scan(&surplus); err != nil {
			p.t.Fatalf("%s: %v", what, err)
		}
		if surplus != 0 {
			p.t.Errorf("%s: %d rows too many or wrong", what, surplus)
		}
	}
}
