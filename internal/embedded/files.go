package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lockDir makes dir and keeps other processes out of it for as long as the
// returned file is open. The system drops the lock when the process dies.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, fmt.Errorf("lock data directory %s: another leadd uses it (stop that one, or give this one a directory of its own): %w", dir, releaseAfter(f, err))
	}
	return f, nil
}

func releaseAfter(lock *os.File, err error) error {
	return errors.Join(err, lock.Close())
}

// portFile is the file, in a server's directory, of the port it listens on.
const portFile = "port"

// LastAddr is where the embedded server with its data in dir listens, or did
// when it ran last: host:port.
func LastAddr(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, portFile))
	if err != nil {
		return "", fmt.Errorf("find the embedded server's port: %w", err)
	}
	port, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 16)
	if err != nil {
		return "", fmt.Errorf("find the embedded server's port in %s: %w", dir, err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port), nil
}

// listenAgain listens on the loopback port that was used in dir the last time,
// or on a free one, which it writes down.
func listenAgain(dir string) (net.Listener, error) {
	if addr, err := LastAddr(dir); err == nil {
		if l, err := net.Listen("tcp", addr); err == nil {
			return l, nil
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen on loopback: %w", err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String()) // an address of the listener's own making
	if err := os.WriteFile(filepath.Join(dir, portFile), []byte(port+"\n"), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write down port: %w", err), l.Close())
	}
	return l, nil
}

// remove deletes a file or directory that may not be there.
func remove(path string) error {
	if err := os.RemoveAll(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
