package main

import (
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"leadd/internal/clickhouse"
	"leadd/internal/testenv"
	"leadd/lead"
)

// signal sends s to the process.
func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// TestReplicas shares the work among three processes on Apache Kafka. One is
// killed. One is frozen for longer than its session and wakes up as a zombie
// that still believes it owns its partitions, while the others have gone on.
func TestReplicas(t *testing.T) {
	t.Parallel()
	kafka, cfg := testenv.Apache(t), clickhouse.DefaultConfig()
	addr, database := testenv.ClickHouseDB(t)
	cfg.Addr, cfg.Database = []string{addr}, database
	config := givenServers(kafka.Addr(), cfg)

	var replicas [3]*process
	var files [3]string
	var bases [3]atomic.Pointer[string]
	start := func(i int) {
		t.Helper()
		replicas[i] = startLeadd(t, "serve", "-c", files[i])
		bases[i].Store(&replicas[i].base)
	}
	for i := range replicas {
		files[i] = writeConfig(t, config)
		start(i)
	}
	rounds := scaled(1, 10)
	const steps = 6
	c := campaign{prospects: 40, each: 2 * steps * rounds}
	share := c.total() / steps / rounds
	load := newCrowd(t, c, 3*time.Second, func(try int) string { return *bases[try%3].Load() })
	for range rounds {
		victims := rand.Perm(3)
		killed, frozen, left := victims[0], victims[1], replicas[victims[2]]
		scored := func() float64 { return left.metric("leadd_scoring_contacts_total") }

		load.release(share)
		load.awaitAcked(load.released - share/2)
		replicas[killed].kill()
		load.release(share)
		load.awaitAcked(load.released)
		awaitStored(t, cfg, load.released) // the others have taken over

		load.release(share)
		load.awaitAcked(load.released - share/2)
		replicas[frozen].signal(syscall.SIGSTOP)
		before := scored()
		load.release(share)
		load.awaitAcked(load.released)
		awaitStored(t, cfg, load.released) // one alone does it all
		if scored() == before {
			t.Error("the replica that is left has scored nothing")
		}

		replicas[frozen].signal(syscall.SIGCONT)
		load.release(share)
		replicas[frozen].awaitReady()
		start(killed)
		load.release(share)
		load.awaitAcked(load.released)
	}
	load.finish()
	asUndisturbed(t, c, cfg)
	for _, p := range replicas {
		p.stop()
	}
}

// TestRaisedPartitions has an operator add partitions to the topics: keys stay
// where their history is.
func TestRaisedPartitions(t *testing.T) {
	t.Parallel()
	testenv.ClickHouse(t)
	file, addr := writeConfig(t, busyForm), freeAddr(t)
	c := campaign{prospects: 40, each: 10}
	p := startLeadd(t, "serve", "-c", file, "--listen", addr)
	load := newCrowd(t, c, 20*time.Second, func(int) string { return "http://" + addr })
	load.release(c.total() / 3)
	load.awaitAcked(load.released)

	client := &kafka.Client{Addr: kafka.TCP(p.embeddedAddr("kafka")), Timeout: patience}
	var topics []kafka.TopicPartitionsConfig
	for _, name := range []string{lead.TopicContacts, lead.TopicScored, lead.TopicProspects, lead.TopicCursors} {
		topics = append(topics, kafka.TopicPartitionsConfig{Name: name, Count: 8})
	}
	res, err := client.CreatePartitions(t.Context(), &kafka.CreatePartitionsRequest{Topics: topics})
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range res.Errors {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	load.release(c.total() / 3)
	load.awaitAcked(load.released)
	p.stop()

	p = startLeadd(t, "serve", "-c", file, "--listen", addr)
	if !strings.Contains(p.log.tail(), "more partitions") {
		t.Error("the log does not speak of the partitions added")
	}
	load.finish()
	asUndisturbed(t, c, p.database())
	p.stop()
}
