package testenv

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/rs/zerolog"

	"leadd/internal/embedded"
)

type clickHouse struct {
	addr   string
	dir    string
	cancel context.CancelFunc
	done   chan error
}

func (c *clickHouse) stop() error {
	c.cancel()
	return errors.Join(<-c.done, os.RemoveAll(c.dir))
}

// ClickHouse is the native address of an embedded engine that all tests of
// this test binary share.
func ClickHouse(t testing.TB) string {
	t.Helper()
	lockShared(t)
	defer shared.Unlock()
	if shared.clickHouse == nil {
		shared.clickHouse = startClickHouse(t)
	}
	return shared.clickHouse.addr
}

func startClickHouse(t testing.TB) *clickHouse {
	t.Helper()
	dir, err := os.MkdirTemp("", "leadd-clickhouse-") //nolint:usetesting // it outlives this test
	if err != nil {
		t.Fatal(err)
	}
	server, err := embedded.NewClickHouse(dir, "default", zerolog.New(os.Stderr))
	if errors.Is(err, embedded.ErrNoEngine) {
		_ = os.RemoveAll(dir)
		absent(t, "%v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background()) // it outlives this test
	c := &clickHouse{addr: server.Addr(), dir: dir, cancel: cancel, done: make(chan error, 1)}
	go func() { c.done <- server.Run(ctx) }()
	ready, cancelReady := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancelReady()
	if err := server.Ready(ready); err != nil {
		t.Fatal(errors.Join(err, c.stop()))
	}
	return c
}

// ClickHouseDB is a new database on the shared engine, dropped when the test
// ends.
func ClickHouseDB(t testing.TB) (addr, database string) {
	t.Helper()
	addr = ClickHouse(t)
	database = "test_" + strings.ToLower(rand.Text())
	db, err := clickhouse.Open(&clickhouse.Options{Addr: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Exec(t.Context(), "CREATE DATABASE "+database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// t's own context has ended by now.
		if err := errors.Join(db.Exec(context.Background(), "DROP DATABASE "+database+" SYNC"), db.Close()); err != nil {
			t.Errorf("drop test database: %v", err)
		}
	})
	return addr, database
}
