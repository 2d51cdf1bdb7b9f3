package sink_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/internal/embedded"
	"leadd/internal/testenv"
	"leadd/lead"
	"leadd/sink"
)

func TestStoresEveryRecordOnce(t *testing.T) {
	cfg, db := freshDatabase(t)
	kafka := newMemoryKafka()
	kafka.append(lead.TopicScored, 0, scoredRecords(t, 100)...)
	kafka.fetchMax = 7
	storeAll(t, smallBatches(30), cfg, kafka, lead.TopicScored)
	checkStored(t, db, 100)
	// Started again, it stores nothing anew.
	storeAll(t, smallBatches(30), cfg, kafka, lead.TopicScored)
	checkStored(t, db, 100)
}

func TestRowsHoldWhatTheRecordSays(t *testing.T) {
	cfg, db := freshDatabase(t)
	days := -3
	s := scoredRecord(7, map[string]int{})
	s.Contact.Event, s.Contact.Kind = "contacted", lead.KindEvent
	s.Contact.At = time.Date(1931, 5, 6, 7, 8, 9, 123e6, time.UTC)
	s.Contact.Received = time.Date(2026, 3, 1, 9, 0, 0, 7e6, time.UTC)
	s.Contact.Subject = "Ünïcode \U0001F600 'quoted' \\"
	s.Contact.Text = "two\nlines"
	s.Findings = append(s.Findings, lead.Finding{Criterion: "need", Words: "w", Place: "subject", Days: &days})
	kafka := newMemoryKafka()
	kafka.append(lead.TopicScored, 0, encode(t, s))
	storeAll(t, sink.DefaultConfig(), cfg, kafka, lead.TopicScored)

	rowOf := func(table string) []string {
		return query[[]string](t, db, "SELECT groupArray(line) FROM (SELECT arrayJoin(splitByChar('\\x01', concatWithSeparator('\\x01', COLUMNS('.')))) AS line FROM "+table+")")
	}
	want := map[string][]string{
		"contacts": {
			s.Contact.ID, "p0.example", "website", "event", "inquiry", "true", "contacted",
			"1931-05-06 07:08:09.123", "2026-03-01 09:00:00.007",
			"ada@p0.example", "Ada", "+4930123456", "CEO", "P0.EXAMPLE", "p0.example",
			"google", "cpc", "spring", "crm", "a", "/x", "https://r.example",
			s.Contact.Subject, "two\nlines", "['Budget (USD)','Wann?']", "['budget','timeline']", "['50,000','Juni']",
			"m7@x", "n@x", "['a.pdf','b.pdf']",
			"['timeline','budget','need']", "['by June','50,000','w']", "['text','field:budget','subject']", "[22,0,0]", "[0,50000,0]", "['','USD','']", "[7,NULL,-3]",
			"0", "24",
		},
		"scores":        {"p0.example", "default", s.Contact.ID, "2026-03-01 09:07:00.000", "lead", "3", "default-1", "0", "24"},
		"reasons":       {"p0.example", "default", s.Contact.ID, "0", "need", "3", "We need licences", "Ada", "2026-03-01 09:07:00.000", "default-1", "0", "24"},
		"stage_changes": {"p0.example", "default", s.Contact.ID, "0", "website", "contact", "lead", "2026-03-01 09:07:00.000", "met(need)", "need", "3", "default-1", "0", "24"},
		"prospects":     {"p0.example", "default", "lead", "3", "default-1", "1", "1931-05-06 07:08:09.123", "1931-05-06 07:08:09.123", "website", "P0.EXAMPLE", "p0.example"},
	}
	for table, w := range want {
		if d := cmp.Diff(w, rowOf(table)); d != "" {
			t.Errorf("%s: %s", table, d)
		}
	}
}

// A contact that comes alone does not wait for company.
func TestLoneRecordIsStoredAtOnce(t *testing.T) {
	cfg, db := freshDatabase(t)
	kafka := newMemoryKafka()
	slow := sink.DefaultConfig()
	slow.FlushInterval = time.Hour
	s, _ := newStage(t, slow, cfg, kafka)
	start(t, s, lead.TopicScored, kafka.claim(lead.TopicScored, 0))
	for _, v := range scoredRecords(t, 3) {
		began := time.Now()
		kafka.append(lead.TopicScored, 0, v)
		kafka.settle(t, lead.TopicScored, 0)
		t.Logf("settled after %v", time.Since(began))
	}
	checkStored(t, db, 3)
}

// After a few batches that were stored at once, a partition under load is
// stored when a batch is full or the flush interval has passed.
func TestLoadMakesBigBatches(t *testing.T) {
	cfg, db := freshDatabase(t)
	kafka := newMemoryKafka()
	kafka.fetchMax = 1
	c := sink.DefaultConfig()
	c.FlushInterval, c.FlushRecords = time.Hour, 50
	s, reg := newStage(t, c, cfg, kafka)
	stop := start(t, s, lead.TopicScored, kafka.claim(lead.TopicScored, 0))
	values := scoredRecords(t, 104)
	for _, v := range values[:4] {
		kafka.append(lead.TopicScored, 0, v)
		kafka.settle(t, lead.TopicScored, 0)
	}
	for i, v := range values[4:] {
		kafka.append(lead.TopicScored, 0, v)
		if i%5 == 0 { // takes longer than a lone record waits for others
			query[uint64](t, db, "SELECT toUInt64(sleep(0.015))")
		}
	}
	kafka.settle(t, lead.TopicScored, 0)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := value(t, reg, "leadd_sink_batches_total"); n != 6 {
		t.Errorf("%v batches, want 4 of one record and 2 of 50", n)
	}
	checkStored(t, db, 104)
}

// Partitions share the memory; none waits for ever for another's.
func TestMemoryIsShared(t *testing.T) {
	cfg, db := freshDatabase(t)
	kafka := newMemoryKafka()
	values := scoredRecords(t, 60)
	kafka.append(lead.TopicScored, 0, values...)
	kafka.append(lead.TopicScored, 1, values...)
	c := sink.DefaultConfig()
	c.FlushInterval = time.Millisecond
	c.FlushBytes, c.MemoryBytes = 4000, 4000 // two records or three; one record alone takes about 1,500
	s, _ := newStage(t, c, cfg, kafka)
	for p := range 2 {
		start(t, s, lead.TopicScored, kafka.claim(lead.TopicScored, p))
	}
	for p := range 2 {
		kafka.settle(t, lead.TopicScored, p)
	}
	if n := query[uint64](t, db, "SELECT uniqExact(kafka_partition, kafka_offset) FROM contacts"); n != 120 {
		t.Errorf("%d contacts", n)
	}
	if n := query[uint64](t, db, "SELECT count() FROM contacts"); n != 120 {
		t.Errorf("%d contacts", n)
	}
}

// The server is killed again and again while the sink stores.
func TestServerKilled(t *testing.T) {
	testenv.ClickHouse(t) // or skip
	dir := t.TempDir()
	engine, err := embedded.NewClickHouse(dir, "default", zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- engine.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	ready := func() {
		t.Helper()
		limit, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		if err := engine.Ready(limit); err != nil {
			t.Fatal(err)
		}
	}
	ready()
	cfg := at(engine.Addr(), "default")
	db := migrated(t, cfg)

	kafka := newMemoryKafka()
	kafka.append(lead.TopicScored, 0, scoredRecords(t, 400)...)
	s, reg := newStage(t, smallBatches(10), cfg, kafka)
	stop := start(t, s, lead.TopicScored, kafka.claim(lead.TopicScored, 0))
	for n := int64(60); n <= 300; n += 80 {
		kafka.waitFor(t, lead.TopicScored, 0, n)
		if err := syscall.Kill(enginePID(t, dir), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	kafka.settle(t, lead.TopicScored, 0)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	ready()
	checkStored(t, db, 400)
	if value(t, reg, "leadd_sink_retries_total") == 0 {
		t.Error("no insert was tried again: the test did not hit anything")
	}
}

func enginePID(t testing.TB, dir string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "data", "status"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "PID: "); ok {
			pid, err := strconv.Atoi(strings.TrimSpace(rest))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("no PID in %q", b)
	return 0
}

func TestLagIsTrueWhileTheDatabaseIsAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil { // nobody listens there any more
		t.Fatal(err)
	}
	kafka := newMemoryKafka()
	kafka.fetchMax = 10
	c := smallBatches(10)
	c.FlushBytes, c.MemoryBytes = 10_000, 20_000
	s, reg := newStage(t, c, at(addr, "x"), kafka)
	stop := start(t, s, lead.TopicScored, kafka.claim(lead.TopicScored, 0))
	for _, lag := range []int{100, 200} {
		kafka.append(lead.TopicScored, 0, scoredRecords(t, 100)...)
		limit := time.Now().Add(20 * time.Second)
		for int(value(t, reg, "leadd_sink_lag")) != lag {
			if time.Now().After(limit) {
				t.Fatalf("lag is %v, want %d", value(t, reg, "leadd_sink_lag"), lag)
			}
		}
	}
	if err := stop(); err != nil {
		t.Errorf("ended with %v", err)
	}
	if n := len(kafka.offsets); n != 1 {
		t.Errorf("%d offsets", n)
	}
	if at := kafka.offsets[topicPartition{lead.TopicScored, 0}]; at.offset != 0 {
		t.Errorf("settled up to %d without a database", at.offset)
	}
}

func TestRecordsDeletedByRetention(t *testing.T) {
	cfg, db := freshDatabase(t)
	kafka := newMemoryKafka()
	kafka.append(lead.TopicScored, 0, scoredRecords(t, 20)...)
	kafka.offsets[topicPartition{lead.TopicScored, 0}] = committed{3, `{"seen":14}`}
	kafka.deleteBefore(lead.TopicScored, 0, 8)
	storeAll(t, smallBatches(5), cfg, kafka, lead.TopicScored)
	if n := query[uint64](t, db, "SELECT count() FROM contacts"); n != 12 {
		t.Errorf("%d contacts, want the 12 that are left", n)
	}
}

func TestRunRefuses(t *testing.T) {
	cfg, _ := freshDatabase(t)
	for name, tc := range map[string]struct {
		topic string
		at    committed
		want  string
	}{
		"another topic":              {lead.TopicContacts, committed{offset: -1}, "no table is fed by this topic"},
		"metadata of somebody else":  {lead.TopicScored, committed{2, "x"}, "metadata \"x\""},
		"topic made anew":            {lead.TopicScored, committed{500, `{"seen":7}`}, "the group has come to offset 500, but the topic ends at 5"},
		"announced, topic made anew": {lead.TopicScored, committed{3, `{"seen":7,"to":9,"word":"w"}`}, "the group has come to offset 9, but the topic ends at 5"},
		"step of a table unknown":    {lead.TopicScored, committed{3, `{"seen":7,"to":5,"word":"w","step":{"table":"new","from":3,"to":4}}`}, "table \"new\""},
	} {
		t.Run(name, func(t *testing.T) {
			kafka := newMemoryKafka()
			kafka.append(tc.topic, 0, scoredRecords(t, 5)...)
			kafka.offsets[topicPartition{tc.topic, 0}] = tc.at
			s, _ := newStage(t, smallBatches(5), cfg, kafka)
			err := s.Run(t.Context(), tc.topic, kafka.claim(tc.topic, 0))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q in it", err, tc.want)
			}
		})
	}
}

// value adds up a metric's series.
func value(t testing.TB, reg *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}
