package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/rs/zerolog"
)

// needEngine skips where there is no engine, but not in CI.
func needEngine(t testing.TB) {
	t.Helper()
	if _, err := findEngine(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// runClickHouse runs an engine until stop is called.
func runClickHouse(t testing.TB, dir string, log zerolog.Logger) (c *ClickHouse, stop func()) {
	t.Helper()
	c, err := NewClickHouse(dir, "default", log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	ready(t, c)
	return c, stop
}

func ready(t testing.TB, c *ClickHouse) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := c.Ready(ctx); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, c *ClickHouse) driver.Conn {
	t.Helper()
	db, err := clickhouse.Open(&clickhouse.Options{Addr: []string{c.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func run(t testing.TB, db driver.Conn, query string) {
	t.Helper()
	if err := db.Exec(context.Background(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func count(t testing.TB, db driver.Conn) (n uint64) {
	t.Helper()
	if err := db.QueryRow(context.Background(), "SELECT count() FROM rows").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// enginePID is the engine's process, or 0 where there is none.
func enginePID(dir string) int {
	b, err := os.ReadFile(filepath.Join(dir, "data", "status"))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "PID: ")
	number, _, _ := strings.Cut(rest, "\n")
	pid, err := strconv.Atoi(number)
	if err != nil {
		return 0
	}
	return pid
}

func TestClickHouseKeepsRowsAndStopsQuickly(t *testing.T) {
	needEngine(t)
	dir := t.TempDir()
	c, stop := runClickHouse(t, dir, zerolog.New(zerolog.NewTestWriter(t)))
	addr := c.Addr()
	db := open(t, c)
	run(t, db, "CREATE DATABASE leadd")
	run(t, db, "CREATE TABLE leadd.other (n UInt64) ENGINE = MergeTree ORDER BY n")
	run(t, db, "CREATE TABLE rows (n UInt64) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 100")
	ctx := clickhouse.Context(context.Background(), clickhouse.WithSettings(clickhouse.Settings{"async_insert": 0, "insert_deduplication_token": "0-10"}))
	for range 2 { // the second is the same block again
		batch, err := db.PrepareBatch(ctx, "INSERT INTO rows")
		if err != nil {
			t.Fatal(err)
		}
		for n := range uint64(10) {
			if err := batch.Append(n); err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, db); n != 10 {
		t.Errorf("%d rows", n)
	}

	began := time.Now()
	stop() // db is still connected
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("stopping took %v", took)
	}

	c, _ = runClickHouse(t, dir, zerolog.New(zerolog.NewTestWriter(t)))
	if c.Addr() != addr {
		t.Errorf("at %s, was at %s", c.Addr(), addr)
	}
	db = open(t, c)
	if n := count(t, db); n != 10 {
		t.Errorf("%d rows after a restart", n)
	}
	run(t, db, "INSERT INTO leadd.other VALUES (1)")
}

func TestClickHouseIsStartedAgain(t *testing.T) {
	needEngine(t)
	var log syncBuffer
	dir := t.TempDir()
	c, _ := runClickHouse(t, dir, zerolog.New(&log))
	db := open(t, c)
	run(t, db, "CREATE TABLE rows (n UInt64) ENGINE = MergeTree ORDER BY n")
	run(t, db, "INSERT INTO rows SETTINGS async_insert = 0 VALUES (1), (2), (3)")

	pid := enginePID(dir)
	if pid == 0 {
		t.Fatal("no engine to kill")
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	ready(t, c)
	if n := count(t, open(t, c)); n != 3 {
		t.Errorf("%d rows", n)
	}
	if now := enginePID(dir); now == pid {
		t.Errorf("it was not killed: process %d, then %d", pid, now)
	}
	if !strings.Contains(log.String(), "ended by itself") {
		t.Errorf("no log line: %s", log.String())
	}
}

// runEngineUntilKilled is the parent of TestClickHouseDiesWithItsParent.
func runEngineUntilKilled(dir string) {
	c, err := NewClickHouse(dir, "default", zerolog.New(os.Stderr))
	if err == nil {
		err = c.Run(context.Background())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func TestClickHouseDiesWithItsParent(t *testing.T) {
	needEngine(t)
	dir := t.TempDir()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), killedParent+"="+dir)
	parent.Stderr = os.Stderr
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	c := &ClickHouse{}
	waitFor(t, "a port", func() bool {
		b, err := os.ReadFile(filepath.Join(dir, "port"))
		c.addr = "127.0.0.1:" + strings.TrimSpace(string(b))
		return err == nil
	})
	ready(t, c)
	db := open(t, c)
	run(t, db, "CREATE TABLE rows (n UInt64) ENGINE = MergeTree ORDER BY n")
	run(t, db, "INSERT INTO rows SETTINGS async_insert = 0 VALUES (1), (2), (3)")
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // killed
	waitFor(t, "the end of the engine", func() bool {
		conn, err := net.Dial("tcp", c.Addr())
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})

	c, _ = runClickHouse(t, dir, zerolog.New(zerolog.NewTestWriter(t)))
	if n := count(t, open(t, c)); n != 3 {
		t.Errorf("%d rows", n)
	}
}

func waitFor(t testing.TB, what string, there func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !there() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(10 * time.Millisecond) // another process can only be asked again
	}
}

// Clients come and go in the middle of things; the engine has to bear it.
func TestClickHouseBearsVanishingClients(t *testing.T) {
	needEngine(t)
	dir := t.TempDir()
	c, _ := runClickHouse(t, dir, zerolog.New(zerolog.NewTestWriter(t)))
	pid := enginePID(dir)
	silent, err := net.Dial("tcp", c.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if err := silent.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	var n uint64
	if err := open(t, c).QueryRow(ctx, "SELECT count() FROM numbers(100000000000)").Scan(&n); err == nil {
		t.Error("a long query was not cancelled")
	}
	if err := open(t, c).Exec(context.Background(), "SELECT * FROM nowhere"); err == nil {
		t.Error("no error from a table that is not there")
	}
	ready(t, c)
	if now := enginePID(dir); now != pid {
		t.Errorf("the engine died: process %d, was %d", now, pid)
	}

	// What is no client at all kills this engine; it is started again.
	stray, err := net.Dial("tcp", c.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stray.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	defer stray.Close()
	waitFor(t, "another engine", func() bool {
		now := enginePID(dir)
		return now != 0 && now != pid
	})
	ready(t, c)
}

func TestClickHouseWithoutEngine(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("PATH", "")
	_, err := NewClickHouse(t.TempDir(), "default", zerolog.Nop())
	if !errors.Is(err, ErrNoEngine) || !strings.Contains(err.Error(), "make engine") {
		t.Errorf("got %v", err)
	}
	t.Setenv("LEADD_ENGINE", filepath.Join(t.TempDir(), "libchdb.so"))
	if _, err := NewClickHouse(t.TempDir(), "default", zerolog.Nop()); !errors.Is(err, ErrNoEngine) {
		t.Errorf("missing file in LEADD_ENGINE: %v", err)
	}
}

// TestWhatIsNoEngine: files that cannot be run, or are no library.
func TestWhatIsNoEngine(t *testing.T) {
	for _, name := range []string{"clickhouse", "libchdb.so"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(file, []byte("no engine"), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("LEADD_ENGINE", file)
			c, err := NewClickHouse(t.TempDir(), "default", zerolog.Nop())
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), file) {
				t.Errorf("got %v", err)
			}
		})
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
