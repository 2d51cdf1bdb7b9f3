package sink_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/internal/clickhouse"
	"leadd/internal/testenv"
	"leadd/sink"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// at is a database of a server on this machine.
func at(addr, database string) clickhouse.Config {
	cfg := clickhouse.DefaultConfig()
	cfg.Addr, cfg.Database = []string{addr}, database
	return cfg
}

func dial(cfg clickhouse.Config) sink.Connect {
	return func(ctx context.Context, buffer *proto.Buffer) (*ch.Client, error) {
		return clickhouse.Dial(ctx, cfg, buffer)
	}
}

// freshDatabase gives a migrated database of the test's own.
func freshDatabase(t testing.TB) (clickhouse.Config, driver.Conn) {
	t.Helper()
	addr, name := testenv.ClickHouseDB(t)
	cfg := at(addr, name)
	return cfg, migrated(t, cfg)
}

// migrated makes the tables.
func migrated(t testing.TB, cfg clickhouse.Config) driver.Conn {
	t.Helper()
	db, err := clickhouse.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := sink.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	return db
}

// smallBatches makes many batches out of few records.
func smallBatches(records int) sink.Config {
	cfg := sink.DefaultConfig()
	cfg.FlushRecords, cfg.FlushInterval = records, time.Millisecond
	return cfg
}

func newStage(t testing.TB, cfg sink.Config, db clickhouse.Config, log sink.Log) (*sink.Stage, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	s, err := sink.NewStage(cfg, dial(db), log, zerolog.Nop(), reg)
	if err != nil {
		t.Fatal(err)
	}
	return s, reg
}

// start runs a stage on a partition until stop, which gives Run's error.
func start(t testing.TB, s *sink.Stage, topic string, claim sink.Claim) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, topic, claim) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	return stop
}

func query[T any](t testing.TB, db driver.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := db.QueryRow(context.Background(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}
