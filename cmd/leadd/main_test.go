package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"leadd/dashboard"
	"leadd/internal/embedded"
	"leadd/internal/testenv"
)

// asLeadd in the environment makes the test binary behave as leadd itself, so
// that the tests run the real command in a process of its own, with -race.
const asLeadd = "LEADD_TEST_AS_LEADD"

func TestMain(m *testing.M) {
	if os.Getenv(asLeadd) != "" {
		embedded.ChildIfAsked()
		os.Exit(run(os.Args[1:], terminal{os.Stdin, os.Stdout, os.Stderr}))
	}
	testenv.Main(m)
}

// patience bounds waits for things that take milliseconds on a quiet machine,
// and minutes where a soak sends more.
var patience = time.Duration(scaled(1, 15)) * time.Minute

func leaddCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asLeadd+"=1")
	return cmd
}

// process is a running leadd.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	base string // http://host:port
	curl string // the line that the terminal offers
	log  *logBuffer
	out  io.Reader
}

// startLeadd runs "leadd serve" (or another command) and waits until it
// greets.
func startLeadd(t testing.TB, args ...string) *process {
	t.Helper()
	p := launchLeadd(t, args...)
	p.awaitGreeting()
	return p
}

// launchLeadd is startLeadd without the wait.
func launchLeadd(t testing.TB, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: leaddCommand(context.Background(), args...), log: &logBuffer{}}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = out
	p.cmd.Stderr = p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("log of leadd %s:\n%s", strings.Join(args, " "), p.log.tail())
		}
	})
	return p
}

var pageLine = regexp.MustCompile(`The page:\s+(http://[^/]+)/`)

func (p *process) awaitGreeting() {
	p.t.Helper()
	greeted := make(chan error, 1)
	go func() {
		lines := bufio.NewScanner(p.out)
		for lines.Scan() {
			if m := pageLine.FindStringSubmatch(lines.Text()); m != nil {
				p.base = m[1]
			}
			if strings.HasPrefix(lines.Text(), "curl ") {
				p.curl = lines.Text()
			}
			if strings.Contains(lines.Text(), "Ctrl-C") {
				greeted <- nil
				_, _ = io.Copy(io.Discard, p.out)
				return
			}
		}
		greeted <- errors.Join(errors.New("it ended without greeting"), lines.Err())
	}()
	select {
	case err := <-greeted:
		if err != nil {
			p.t.Fatalf("leadd did not start: %v\n%s", err, p.log.tail())
		}
	case <-time.After(patience):
		p.t.Fatalf("leadd did not become ready\n%s", p.log.tail())
	}
}

// kill ends the process as a power cut would, and waits for its end.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill() // it may have ended by itself
		_ = p.cmd.Wait()
	}
}

// stop asks the process to stop and fails the test where it does not do so
// well.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			p.t.Errorf("leadd stopped with %v\n%s", err, p.log.tail())
		}
	case <-time.After(10 * time.Second):
		p.t.Errorf("leadd did not stop within 10 s\n%s", p.log.tail())
		_ = p.cmd.Process.Kill() // it may have ended just now
		if err := <-ended; err == nil {
			p.t.Log("it ended by itself just then")
		}
	}
}

// post sends a form and gives the status and the answer.
func (p *process) post(path, contentType, body string) (int, string) {
	p.t.Helper()
	res, err := http.Post(p.base+path, contentType, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// get decodes a JSON answer of the API.
func (p *process) get(path string, into any) error {
	res, err := http.Get(p.base + path)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(res.Body)
		return fmt.Errorf("GET %s: %s: %s", path, res.Status, b)
	}
	return json.NewDecoder(res.Body).Decode(into)
}

// stageCounts reads the funnel: the count of each stage.
func (p *process) stageCounts() (map[string]int, error) {
	var funnel dashboard.Funnel
	if err := p.get("/api/v1/funnel", &funnel); err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, s := range funnel.Stages {
		counts[s.Stage.String()] = int(s.Count)
	}
	return counts, nil
}

// await polls until check says nil, and fails the test with its last error
// after a while.
func await(t testing.TB, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		<-tick.C
	}
}

// promptly has do done with 1, 2, ... until it takes less than limit once. On a
// busy machine even a form's way to the page may take longer: so each do may
// take four times as long as the form that is posted before it. seen is called
// when that was posted, and waits until it is on the page.
func (p *process) promptly(limit time.Duration, seen, do func(n int)) {
	p.t.Helper()
	const tries = 5
	for n := 1; ; n++ {
		began := time.Now()
		if code, answer := p.post("/in/website", formType, leadForm("ada", fmt.Sprintf("prompt%d.example", n))); code != http.StatusOK {
			p.t.Fatalf("%d %s", code, answer)
		}
		seen(n)
		form := time.Since(began)
		began = time.Now()
		do(n)
		took := time.Since(began)
		if took < max(limit, 4*form) {
			return
		}
		if n == tries {
			p.t.Errorf("%d times it took longer than %v, now %v, when a form took %v", n, limit, took, form)
			return
		}
	}
}

func (p *process) awaitCounts(want map[string]int) {
	p.t.Helper()
	await(p.t, "funnel", func() error {
		counts, err := p.stageCounts()
		if err != nil {
			return err
		}
		for stage, n := range want {
			if counts[stage] != n {
				return fmt.Errorf("%v, want %v", counts, want)
			}
		}
		return nil
	})
}

// writeConfig writes a configuration file in a directory of its own. The
// daemon picks its port, and keeps its data beside the file.
func writeConfig(t testing.TB, text string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "leadd.yaml")
	text = "listen: 127.0.0.1:0\ndata: " + filepath.Join(dir, "data") + "\n" + text
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// logBuffer keeps the end of a process's log.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.b.String()
	if n := len(s) - 8000; n > 0 {
		s = "..." + s[n:]
	}
	return s
}

// runLeadd runs a command to its end.
func runLeadd(t testing.TB, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := leaddCommand(t.Context(), args...)
	var out, errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

// data is the daemon's data directory.
func (p *process) data() string {
	args := p.cmd.Args
	return filepath.Join(filepath.Dir(args[slices.Index(args, "-c")+1]), "data")
}

// engineAddr is where the daemon's embedded ClickHouse listens.
func (p *process) engineAddr() string { return p.embeddedAddr("clickhouse") }

// embeddedAddr is where one of the daemon's embedded servers listens.
func (p *process) embeddedAddr(name string) string {
	p.t.Helper()
	addr, err := embedded.LastAddr(filepath.Join(p.data(), name))
	if err != nil {
		p.t.Fatal(err)
	}
	return addr
}

// metric reads one of the daemon's metrics: the sum over all its labels, 0
// where nothing has been counted yet.
func (p *process) metric(name string) (sum float64) {
	p.t.Helper()
	for line := range strings.Lines(p.page("/metrics")) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || (rest[0] != ' ' && rest[0] != '{') {
			continue
		}
		fields := strings.Fields(line)
		n, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			p.t.Fatal(err)
		}
		sum += n
	}
	return sum
}
