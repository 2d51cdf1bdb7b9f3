package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// ApacheServer is a real Apache Kafka, a single node, which a test can stop,
// kill, pause and start again at the same address with the same data. Its
// records are synced by the system only: they survive Kill.
type ApacheServer struct {
	addr    string
	dir     string
	java    string
	jars    string
	process *process
}

// ApacheKafka is the address of a real Apache Kafka that all tests of this
// test binary share.
func ApacheKafka(t testing.TB) string {
	t.Helper()
	lockShared(t)
	defer shared.Unlock()
	if shared.apache == nil {
		dir, err := os.MkdirTemp("", "leadd-kafka-") //nolint:usetesting // it outlives this test
		if err != nil {
			t.Fatal(err)
		}
		shared.apache = newApache(t, dir)
	}
	return shared.apache.Addr()
}

// Apache is a real Apache Kafka of the test's own, running. It takes some
// seconds and 300 MB: for tests that stop it.
func Apache(t testing.TB) *ApacheServer {
	t.Helper()
	s := newApache(t, t.TempDir())
	t.Cleanup(s.Kill)
	return s
}

func newApache(t testing.TB, dir string) *ApacheServer {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	s := &ApacheServer{dir: dir, jars: filepath.Join(filepath.Dir(here), "kafka", "libs")}
	java, err := exec.LookPath("java")
	if err != nil {
		absent(t, "no Apache Kafka: java is not installed (17 or newer): run internal/testenv/install.sh")
	}
	s.java = java
	if _, err := os.Stat(filepath.Join(s.jars, "pom.xml")); err != nil {
		absent(t, "no Apache Kafka: its jars are not there: run internal/testenv/install.sh")
	}

	broker, controller := freePort(t), freePort(t)
	s.addr = fmt.Sprintf("127.0.0.1:%d", broker)
	properties := fmt.Sprintf(`process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:%[2]d
listeners=PLAINTEXT://127.0.0.1:%[1]d,CONTROLLER://127.0.0.1:%[2]d
advertised.listeners=PLAINTEXT://127.0.0.1:%[1]d
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=%[3]s
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=1500
controller.quorum.election.timeout.ms=300
controller.quorum.election.backoff.max.ms=100
`, broker, controller, filepath.Join(dir, "data"))
	if err := os.WriteFile(s.file("server.properties"), []byte(properties), 0o600); err != nil {
		t.Fatal(err)
	}
	format, err := s.run("kafka.tools.StorageTool", "format", "--cluster-id", "leadd-tests-----------", "--config", s.file("server.properties"))
	if err != nil {
		t.Fatal(err)
	}
	<-format.ended
	if !format.cmd.ProcessState.Success() {
		t.Fatalf("format Apache Kafka's directory: %s", format.lastLines())
	}
	s.Start(t)
	return s
}

func (s *ApacheServer) file(name string) string { return filepath.Join(s.dir, name) }

func (s *ApacheServer) run(class string, args ...string) (*process, error) {
	return startProcess(s.file("output.log"), s.java, append([]string{
		"-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-cp", filepath.Join(s.jars, "*"), class,
	}, args...)...)
}

// Addr is the broker's address, host:port.
func (s *ApacheServer) Addr() string { return s.addr }

// Start starts the stopped or killed server and waits until it answers.
func (s *ApacheServer) Start(t testing.TB) {
	t.Helper()
	p, err := s.run("kafka.Kafka", s.file("server.properties"))
	if err != nil {
		t.Fatal(err)
	}
	s.process = p
	client := &kafka.Client{Addr: kafka.TCP(s.addr), Timeout: 2 * time.Second, Transport: &kafka.Transport{}}
	if err := p.await(90*time.Second, func() error {
		m, err := client.Metadata(context.Background(), &kafka.MetadataRequest{})
		if err == nil && len(m.Brokers) == 0 {
			err = errors.New("the broker is still fenced")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// Stop shuts the server down in order.
func (s *ApacheServer) Stop() { s.process.stop(20 * time.Second) }

// Kill ends the server at once.
func (s *ApacheServer) Kill() { s.process.stop(0) }

// Pause makes the server hang: connections stay, and nothing is answered
// until Resume.
func (s *ApacheServer) Pause() { s.process.signal(syscall.SIGSTOP) }

// Resume ends Pause.
func (s *ApacheServer) Resume() { s.process.signal(syscall.SIGCONT) }
