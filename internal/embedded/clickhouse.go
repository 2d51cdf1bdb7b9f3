package embedded

import (
	"bufio"
	"context"
	_ "embed" // the engine's configuration
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/rs/zerolog"
)

const (
	stopWait    = time.Second            // how long a stopped engine may take before it is killed
	minBackOff  = 100 * time.Millisecond // before the first restart
	maxBackOff  = 10 * time.Second       // between restarts
	steadyAfter = time.Minute            // a run so long begins the back-off anew

	// What ends by itself so often, and never lives so long, is no engine.
	maxRefusals  = 5
	startedAfter = 10 * time.Second
)

//go:embed clickhouse.xml
var clickHouseConfig []byte

// ClickHouse is the real engine in a child process of this binary. It serves
// the native protocol on loopback to user "default" without a password.
//
// An insert that was answered is kept however the process or its parent ends;
// through a power cut too, where the table's settings ask for syncing.
type ClickHouse struct {
	dir      string
	database string
	addr     string
	engine   engine
	log      zerolog.Logger
}

// NewClickHouse prepares an engine with its data in dir, which is made where
// it does not exist, and chooses its port: the one of the last time where it
// is still free. The database is created where it does not exist, before the
// first client is served: the engine would end when one asks for a database
// that is not there. ErrNoEngine says what to do where no engine is found.
// Nothing runs before Run.
func NewClickHouse(dir, database string, log zerolog.Logger) (*ClickHouse, error) {
	if os.Getenv(childVariable) != "" {
		return nil, errors.New("embedded clickhouse: this process was started as the engine: call embedded.ChildIfAsked first in main or TestMain")
	}
	eng, err := findEngine()
	if err != nil {
		return nil, fmt.Errorf("embedded clickhouse: %w", err)
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("embedded clickhouse: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded clickhouse: make data directory: %w", err)
	}
	l, err := listenAgain(dir)
	if err != nil {
		return nil, fmt.Errorf("embedded clickhouse: %w", err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil { // the engine takes the port over
		return nil, fmt.Errorf("embedded clickhouse: choose a port: %w", err)
	}
	return &ClickHouse{dir: dir, database: database, addr: addr, engine: eng, log: log}, nil
}

// Addr is the native protocol's address, host:port, the same after a restart
// of the engine.
func (c *ClickHouse) Addr() string { return c.addr }

// Ready waits until the engine answers, or for the end of ctx.
func (c *ClickHouse) Ready(ctx context.Context) error {
	db, err := clickhouse.Open(&clickhouse.Options{Addr: []string{c.addr}, DialTimeout: time.Second, MaxOpenConns: 1})
	if err != nil {
		return fmt.Errorf("embedded clickhouse: %w", err)
	}
	defer db.Close() //nolint:errcheck // nothing was written through it
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := db.Ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("embedded clickhouse at %s is not ready: %w", c.addr, errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}

// Run keeps the engine running until ctx is done, then stops it, within about
// a second, and returns nil. An engine that ends by itself is started again.
// A directory that another process uses is an error, and so is a file that
// turns out to be no engine.
func (c *ClickHouse) Run(ctx context.Context) (err error) {
	lock, err := lockDir(c.dir)
	if err != nil {
		return fmt.Errorf("run embedded clickhouse: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	config := filepath.Join(c.dir, "config.xml")
	if err := os.WriteFile(config, clickHouseConfig, 0o600); err != nil {
		return fmt.Errorf("run embedded clickhouse: %w", err)
	}

	backOff, refusals := minBackOff, 0
	for {
		began := time.Now()
		err := c.runOnce(ctx, config)
		if ctx.Err() != nil {
			return nil
		}
		lived := time.Since(began)
		if lived > steadyAfter {
			backOff = minBackOff
		}
		switch {
		case refusals < 0:
		case lived > startedAfter:
			refusals = -1 // it is an engine; whatever happens later may pass
		case !killed(err):
			if refusals++; refusals == maxRefusals {
				return fmt.Errorf("run embedded clickhouse: %s ended %d times as soon as it was started; is it libchdb.so or a clickhouse binary? its last words are in the log: %w",
					c.engine.path, refusals, err)
			}
		}
		c.log.Error().Err(err).Dur("lived_ms", lived).Dur("restart_in_ms", backOff).Msg("embedded clickhouse ended by itself")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(backOff):
		}
		backOff = min(2*backOff, maxBackOff)
	}
}

// killed reports whether a child was ended by a signal.
func killed(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() < 0
}

// runOnce runs one child to its end, or to ctx's.
func (c *ClickHouse) runOnce(ctx context.Context, config string) error {
	// The parent-death signal is sent when the thread that started the child
	// ends, so this thread must live as long.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	cmd, err := c.command(config)
	if err != nil {
		return err
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-ended:
			return
		case <-ctx.Done():
		}
		// Its query ends with its input; connected clients would then keep
		// it for seconds.
		_ = stdin.Close()
		select {
		case <-ended:
		case <-time.After(stopWait):
			_ = cmd.Process.Kill()
		}
	}()
	c.forward(stderr)
	err = cmd.Wait()
	close(ended)
	<-stopped
	return err
}

func (c *ClickHouse) command(config string) (*exec.Cmd, error) {
	host, port, err := net.SplitHostPort(c.addr)
	if err != nil {
		return nil, err
	}
	args := []string{
		"--config-file=" + config,
		"--path=" + filepath.Join(c.dir, "data"),
		"--listen_host=" + host, "--tcp_port=" + port,
		"--logger.console", "--log-level=error",
		"--input-format=LineAsString",
		// The last query reads standard input to its end, which is what
		// keeps the engine running.
		"--query=CREATE DATABASE IF NOT EXISTS `" + c.database + "`; SYSTEM START LISTEN TCP; SELECT count() FROM table",
	}
	var cmd *exec.Cmd
	if c.engine.library {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		cmd = exec.Command(self, args...)
		cmd.Env = append(os.Environ(), childVariable+"="+c.engine.path)
	} else {
		cmd = exec.Command(c.engine.path, append([]string{"local"}, args...)...)
	}
	cmd.Dir = c.dir
	cmd.SysProcAttr = childAttributes()
	return cmd, nil
}

// forward logs the engine's errors until its output ends.
func (c *ClickHouse) forward(r io.Reader) {
	log := c.log.Sample(&zerolog.BurstSampler{Burst: 10, Period: 10 * time.Second})
	lines := bufio.NewReaderSize(r, 4096)
	for {
		line, cut, err := lines.ReadLine()
		for cut && err == nil {
			_, cut, err = lines.ReadLine()
		}
		if err != nil {
			return
		}
		if text := strings.TrimSpace(string(line)); worthLogging(text) {
			log.Warn().Str("line", text).Msg("embedded clickhouse")
		}
	}
}

// worthLogging tells apart from the rest: stack traces, and the errors of a
// single query, which its sender is told and which may quote its data.
func worthLogging(line string) bool {
	if strings.Contains(line, " <Error> ") || strings.Contains(line, " <Fatal> ") {
		return !strings.Contains(line, " TCPHandler: ") && !strings.Contains(line, " executeQuery: ") && !strings.Contains(line, " @ 0x")
	}
	return strings.Contains(line, "engine: ") // child.go's own
}
