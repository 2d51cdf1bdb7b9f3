package testenv

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// process is a server's program with all it has started, in a process group
// of its own.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	log   string // file of what it has written
}

// startProcess starts the program; its output is added to the file log.
func startProcess(log, program string, args ...string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close() //nolint:errcheck // the program has its own handle
	p := &process{cmd: exec.Command(program, args...), ended: make(chan struct{}), log: log}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = childAttributes()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its log
		close(p.ended)
	}()
	return p, nil
}

// signal sends s to the program and all it has started.
func (p *process) signal(s syscall.Signal) {
	_ = syscall.Kill(-p.cmd.Process.Pid, s) // fails where it has ended already
}

// stop ends the program and waits for it: politely first, if wait is not 0.
func (p *process) stop(wait time.Duration) {
	if wait > 0 {
		p.signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(wait):
		}
	}
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// await waits until answers returns nil.
func (p *process) await(limit time.Duration, answers func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := answers()
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended: %s", filepath.Base(p.cmd.Path), p.lastLines())
		default:
		}
		if time.Now().After(deadline) {
			p.stop(0)
			return fmt.Errorf("%s does not answer after %v: %w: %s", filepath.Base(p.cmd.Path), limit, err, p.lastLines())
		}
		time.Sleep(20 * time.Millisecond) // an outside process can only be asked again
	}
}

func (p *process) lastLines() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-2000):])
}

// freePort is a loopback port that was free a moment ago.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nothing was accepted
	return l.Addr().(*net.TCPAddr).Port
}
