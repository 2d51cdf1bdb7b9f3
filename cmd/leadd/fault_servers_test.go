package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"leadd/internal/clickhouse"
	"leadd/internal/embedded"
	"leadd/internal/testenv"
)

// engine is a ClickHouse of the test's own that can be taken away.
type engine struct {
	t    testing.TB
	dir  string
	addr string
	stop func()
}

func newEngine(t testing.TB) *engine {
	t.Helper()
	testenv.ClickHouse(t) // skips where there is no engine
	e := &engine{t: t, dir: t.TempDir()}
	e.start()
	t.Cleanup(func() { e.stop() })
	return e
}

func (e *engine) start() {
	e.t.Helper()
	server, err := embedded.NewClickHouse(e.dir, "leadd", zerolog.Nop())
	if err != nil {
		e.t.Fatal(err)
	}
	if e.addr == "" {
		e.addr = server.Addr()
	} else if server.Addr() != e.addr {
		e.t.Fatalf("the engine is back at %s, was at %s", server.Addr(), e.addr)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	e.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			e.t.Error(err)
		}
		e.stop = func() {}
	}
	ready, cancelReady := context.WithTimeout(e.t.Context(), patience)
	defer cancelReady()
	if err := server.Ready(ready); err != nil {
		e.t.Fatal(err)
	}
}

func (e *engine) config() clickhouse.Config {
	cfg := clickhouse.DefaultConfig()
	cfg.Addr = []string{e.addr}
	return cfg
}

// givenServers configures servers that are not the daemon's own.
func givenServers(kafka string, db clickhouse.Config) string {
	return busyForm + fmt.Sprintf("kafka: {brokers: [%q]}\nclickhouse: {addr: [%q], database: %s}\n", kafka, db.Addr[0], db.Database)
}

// soon is how long after its servers' return leadd may take to be ready: its
// tries are at most seconds apart.
const soon = 15 * time.Second

// TestServersAway takes Kafka and ClickHouse away and gives them back, while
// posts come in: intake goes on as long as Kafka does, nothing is lost or
// doubled, and all goes on by itself.
func TestServersAway(t *testing.T) {
	t.Parallel()
	db, kafka := newEngine(t), testenv.Apache(t)
	config, addr := writeConfig(t, givenServers(kafka.Addr(), db.config())), freeAddr(t)
	rounds := scaled(1, 10)
	const steps = 6
	c := campaign{prospects: 40, each: 2 * steps * rounds}
	p := startLeadd(t, "serve", "-c", config, "--listen", addr)
	load := newCrowd(t, c, 30*time.Second, func(int) string { return p.base })
	share := c.total() / steps / rounds
	isSoon := func(what string) {
		t.Helper()
		took := p.awaitReady()
		t.Logf("%s is back; leadd is ready after %v", what, took.Round(time.Millisecond))
		if took > soon {
			t.Error("that is too late")
		}
	}
	for range rounds {
		// ClickHouse away: what is posted is taken.
		load.release(share)
		db.stop()
		p.awaitUnready("ClickHouse")
		load.release(share)
		load.awaitAcked(load.released)
		await(t, "retries counted", func() error {
			if p.metric("leadd_sink_retries_total") == 0 || p.metric("leadd_sink_lag") == 0 {
				return fmt.Errorf("no insert was tried again, or no lag is shown")
			}
			return nil
		})
		db.start()
		isSoon("ClickHouse")

		// Kafka stopped, or hanging: nothing is acknowledged.
		for name, fault := range map[string]struct{ away, back func() }{
			"stopped": {kafka.Stop, func() { kafka.Start(t) }},
			"hanging": {kafka.Pause, kafka.Resume},
		} {
			fault.away()
			retries := p.metric("leadd_kafka_retries_total")
			p.awaitUnready("Kafka")
			refused := load.refused.Load()
			load.release(share)
			await(t, "refusal while Kafka is "+name, func() error {
				if load.refused.Load() == refused {
					return fmt.Errorf("no post was answered with 503")
				}
				return nil
			})
			if p.metric("leadd_kafka_retries_total") == retries {
				t.Errorf("Kafka is %s: no retry is counted", name)
			}
			fault.back()
			isSoon("Kafka")
			load.awaitAcked(load.released)
		}

		// Both away.
		db.stop()
		kafka.Kill()
		p.awaitUnready("ClickHouse")
		p.awaitUnready("Kafka")
		load.release(share)
		kafka.Start(t)
		load.awaitAcked(load.released)
		db.start()
		isSoon("ClickHouse")
		load.release(share)
	}
	load.finish()
	asUndisturbed(t, c, db.config())
	if heap := p.metric("go_memstats_heap_inuse_bytes"); heap > 200<<20 {
		t.Errorf("the heap has grown to %.0f MB", heap/1e6)
	}

	// It also stops in order while its servers are away.
	kafka.Pause()
	db.stop()
	p.stop()
	kafka.Resume()
}

var engineProcess = regexp.MustCompile(`PID: (\d+)`)

// killEngine kills the daemon's child.
func (p *process) killEngine() error {
	status, err := os.ReadFile(filepath.Join(p.data(), "clickhouse", "data", "status"))
	if err != nil {
		return err
	}
	pid := engineProcess.FindSubmatch(status)
	if pid == nil {
		return fmt.Errorf("no process is named in %q", status)
	}
	n, err := strconv.Atoi(string(pid[1]))
	if err != nil {
		return err
	}
	return syscall.Kill(n, syscall.SIGKILL)
}

// TestEngineKilledUnderLoad kills the engine's child again and again: posts
// are taken meanwhile, the child is started again, and nothing is doubled.
func TestEngineKilledUnderLoad(t *testing.T) {
	t.Parallel()
	testenv.ClickHouse(t)
	kills := scaled(5, 40)
	c := campaign{prospects: 40, each: 4 * kills}
	config := writeConfig(t, busyForm)
	p := startLeadd(t, "serve", "-c", config)
	load := newCrowd(t, c, 20*time.Second, func(int) string { return p.base })
	for range kills {
		load.release(c.total() / kills)
		load.awaitAcked(load.released - c.total()/kills/2) // its rows are on their way
		await(t, "kill the engine", p.killEngine)
		p.awaitUnready("ClickHouse")
		load.awaitAcked(load.released)
		p.awaitReady()
	}
	if n := load.refused.Load(); n > 0 {
		t.Errorf("%d posts were refused although Kafka was there", n)
	}
	load.finish()
	asUndisturbed(t, c, p.database())
	p.stop()
}

// TestMailboxAway stops the IMAP server while mails are being fetched, again
// and again.
func TestMailboxAway(t *testing.T) {
	t.Parallel()
	testenv.ClickHouse(t)
	const mails, cuts = 400, 3
	dovecot := testenv.Dovecot(t)
	dovecot.Fill(t, mails, leadMail)
	p := startLeadd(t, "serve", "-c", writeConfig(t, busyForm+inbox(dovecot)))
	for cut := range cuts {
		await(t, "mails read", func() error {
			if n := p.metric("leadd_ingest_contacts_total"); n < float64(mails*cut/cuts) {
				return fmt.Errorf("only %v", n)
			}
			return nil
		})
		dovecot.Stop()
		await(t, "readyz names the mailbox", func() error {
			// One mailbox does not take the web forms out of service.
			if code, said := p.ready(); code != http.StatusOK || !strings.Contains(said, "mailbox info") {
				return fmt.Errorf("%d %s", code, said)
			}
			return nil
		})
		dovecot.Start(t)
	}
	p.awaitCounts(map[string]int{"contact": mails, "lead": mails})
	p.exactlyOnce()
	p.stop()
}
