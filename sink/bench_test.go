package sink_test

import (
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"leadd/lead"
	"leadd/sink"
)

// BenchmarkSpeedSink stores records of a log in memory, and the same rows by plain
// inserts, in turn; it prints contacts a second of both and their ratio.
func BenchmarkSpeedSink(b *testing.B) {
	const n = 60_000
	cfg, db := freshDatabase(b)
	scores := map[string]int{}
	records := make([]lead.Scored, n)
	values := make([][]byte, n)
	size := 0
	for i := range records {
		records[i] = scoredRecord(i, scores)
		values[i] = encode(b, records[i])
		size += len(values[i])
	}
	b.Logf("%d bytes a record", size/n)
	kafka := newMemoryKafka()
	kafka.fetchMax = 4 << 20 / (size / n) // as stream.Client fetches
	kafka.append(lead.TopicScored, 0, values...)

	c := sink.DefaultConfig()
	c.FlushInterval = 10 * time.Millisecond // the last batch is not full; its waiting is not work
	var plain, line time.Duration
	for b.Loop() {
		empty(b, db)
		began := time.Now()
		if err := sink.PlainInsert(b.Context(), dial(cfg), records, sink.DefaultConfig().FlushRecords); err != nil {
			b.Fatal(err)
		}
		plain += time.Since(began)
		if stored := query[uint64](b, db, "SELECT count() FROM contacts"); stored != n {
			b.Fatalf("%d contacts stored", stored)
		}

		empty(b, db)
		clear(kafka.offsets)
		s, _ := newStage(b, c, cfg, kafka)
		began = time.Now()
		stop := start(b, s, lead.TopicScored, kafka.claim(lead.TopicScored, 0))
		kafka.settle(b, lead.TopicScored, 0)
		line += time.Since(began)
		if err := stop(); err != nil {
			b.Fatal(err)
		}
		if stored := query[uint64](b, db, "SELECT count() FROM contacts"); stored != n {
			b.Fatalf("%d contacts stored", stored)
		}
	}
	rate := func(d time.Duration) float64 { return float64(n*b.N) / d.Seconds() }
	b.ReportMetric(rate(line), "contacts/s")
	b.ReportMetric(rate(plain), "plain-contacts/s")
	b.ReportMetric(rate(line)/rate(plain), "ratio")
	b.ReportMetric(0.4, "ratio-at-least")
	b.ReportMetric(0, "ns/op")
}

func empty(b *testing.B, db driver.Conn) {
	b.Helper()
	for _, table := range []string{"contacts", "reasons", "stage_changes", "scores"} {
		mustExec(b, db, "TRUNCATE TABLE "+table)
	}
}
