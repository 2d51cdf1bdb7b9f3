package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"leadd/internal/testenv"
)

// TestStoreDeleted deletes the local store between two starts.
func TestStoreDeleted(t *testing.T) {
	t.Parallel()
	testenv.ClickHouse(t)
	c := campaign{prospects: 40, each: 10}
	file, addr := writeConfig(t, busyForm), freeAddr(t)
	p := startLeadd(t, "serve", "-c", file, "--listen", addr)
	load := newCrowd(t, c, 20*time.Second, func(int) string { return "http://" + addr })
	load.release(c.total() / 2)
	load.awaitAcked(load.released)
	p.stop()
	if err := os.RemoveAll(filepath.Join(p.data(), "scoring")); err != nil {
		t.Fatal(err)
	}
	p = startLeadd(t, "serve", "-c", file, "--listen", addr)
	load.finish()
	asUndisturbed(t, c, p.database())
	if !strings.Contains(p.log.tail(), "local store rebuilt from Kafka") {
		t.Error("the log does not tell of the store's rebuilding")
	}
	if p.metric("leadd_scoring_restored_records_total") == 0 {
		t.Error("no record is counted as restored")
	}
	p.stop()
}

// TestStoreDiskFull fills the disk under the local store while contacts come
// in. Scoring waits, says so, and goes on when there is room again.
func TestStoreDiskFull(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("mounting a small disk needs root on Linux")
	}
	t.Parallel()
	testenv.ClickHouse(t)
	file, addr := writeConfig(t, busyForm), freeAddr(t)
	disk := filepath.Join(filepath.Dir(file), "data", "scoring")
	if err := os.MkdirAll(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	// Large enough that the stores never fill it alone, and free some memtables.
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, fmt.Sprintf("size=%dm", scaled(64, 512))); err != nil {
		t.Skipf("mounting a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	rounds := scaled(1, 10)
	c := campaign{prospects: 40, each: 100 * rounds}
	p := startLeadd(t, "serve", "-c", file, "--listen", addr)
	load := newCrowd(t, c, 20*time.Second, func(int) string { return "http://" + addr })
	// fillUp takes all of the disk, and sends contacts until that is felt.
	fillUp := func(limit int) (room func()) {
		t.Helper()
		room = fill(t, disk)
		await(t, "a full disk in readyz", func() error {
			code, said := p.ready()
			if code == http.StatusServiceUnavailable && strings.Contains(said, "full") {
				return nil
			}
			if load.released < limit {
				load.release(20)
			}
			return fmt.Errorf("%d %s after %d contacts", code, said, load.released)
		})
		return room
	}
	for round := range rounds {
		room := fillUp(c.total() * (2*round + 1) / (2*rounds + 1))
		load.release(100)
		load.awaitAcked(load.released) // the front door stays open
		room()
		p.awaitReady()
		awaitStored(t, p.database(), load.released)
	}

	// It stops in order also while the disk is full.
	room := fillUp(c.total())
	p.stop()
	room()
	p = startLeadd(t, "serve", "-c", file, "--listen", addr)
	load.finish()
	asUndisturbed(t, c, p.database())
	p.stop()
}

// fill takes all of a disk; what it gives makes room again.
func fill(t testing.TB, disk string) (room func()) {
	t.Helper()
	name := filepath.Join(disk, "ballast")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 1<<20); len(block) > 0; {
		n, err := f.Write(block)
		switch {
		case n == 0 && errors.Is(err, syscall.ENOSPC):
			block = block[:len(block)/2]
		case err != nil && !errors.Is(err, syscall.ENOSPC):
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Error(err)
		}
	}
}
