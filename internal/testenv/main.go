package testenv

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"leadd/internal/embedded"
)

// shared are the servers that all tests of one test binary use. They are
// started by the first test that asks, and stopped by Main.
var shared struct {
	sync.Mutex
	inMain     bool
	clickHouse *clickHouse
	apache     *ApacheServer
}

// Main is to be called by TestMain, and ends the process:
//
//	func TestMain(m *testing.M) { testenv.Main(m) }
func Main(m *testing.M) {
	embedded.ChildIfAsked()
	shared.Lock()
	shared.inMain = true
	shared.Unlock()
	code := m.Run()
	if err := stopShared(); err != nil {
		fmt.Fprintln(os.Stderr, "testenv: stop servers:", err)
		code = max(code, 1)
	}
	os.Exit(code) //nolint:revive // it is TestMain
}

func stopShared() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.apache != nil {
		shared.apache.Kill()
		if err := os.RemoveAll(shared.apache.dir); err != nil {
			return err
		}
	}
	if shared.clickHouse != nil {
		return shared.clickHouse.stop()
	}
	return nil
}

// lockShared locks shared for a test that wants a shared server.
func lockShared(t testing.TB) {
	t.Helper()
	shared.Lock()
	if !shared.inMain {
		shared.Unlock()
		t.Fatal("testenv: this package needs: func TestMain(m *testing.M) { testenv.Main(m) }")
	}
}

// absent ends a test whose server is not on this machine.
func absent(t testing.TB, format string, args ...any) {
	t.Helper()
	reason := fmt.Sprintf(format, args...)
	if os.Getenv("CI") != "" {
		t.Fatalf("%s (a failure, as CI is set)", reason)
	}
	t.Skip(reason)
}
