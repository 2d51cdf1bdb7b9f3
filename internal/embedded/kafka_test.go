package embedded

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
)

// broker is a broker with connections of its own: pooled ones outlive it.
type broker struct {
	*Kafka
	transport *kafka.Transport
}

func startKafka(t testing.TB, dir string) *broker {
	t.Helper()
	k, err := StartKafka(dir, zerolog.New(zerolog.NewTestWriter(t)))
	if err != nil {
		t.Fatal(err)
	}
	return &broker{k, &kafka.Transport{}}
}

func closeKafka(t testing.TB, k *broker) {
	t.Helper()
	k.transport.CloseIdleConnections()
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}

func client(k *broker) *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(k.Addr()), Timeout: 10 * time.Second, Transport: k.transport}
}

func createTopic(k *broker, topic string, partitions int, configs ...kafka.ConfigEntry) error {
	resp, err := client(k).CreateTopics(context.Background(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: topic, NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: configs,
	}}})
	if err != nil {
		return err
	}
	return resp.Errors[topic]
}

func produce(k *broker, topic string, partition int, records ...kafka.Record) (int64, error) {
	resp, err := client(k).Produce(context.Background(), &kafka.ProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err != nil {
		return 0, err
	}
	return resp.BaseOffset, resp.Error
}

func record(key, value string) kafka.Record {
	return kafka.Record{Key: kafka.NewBytes([]byte(key)), Value: kafka.NewBytes([]byte(value)), Time: time.Now()}
}

type got struct {
	offset     int64
	key, value string
}

func readAll(t testing.TB, k *broker, topic string, partition int) (all []got, end int64) {
	t.Helper()
	offsets, err := client(k).ListOffsets(context.Background(), &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{topic: {kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	at := offsets.Topics[topic][0]
	if at.Error != nil {
		t.Fatal(at.Error)
	}
	for next := at.FirstOffset; next < at.LastOffset; {
		resp, err := client(k).Fetch(context.Background(), &kafka.FetchRequest{
			Topic: topic, Partition: partition, Offset: next, MinBytes: 1, MaxBytes: 16 << 20, MaxWait: time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		if resp.Error != nil {
			t.Fatalf("fetch %s/%d@%d: %v", topic, partition, next, resp.Error)
		}
		before := next
		for {
			r, err := resp.Records.ReadRecord()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if r.Offset < next {
				continue // a batch begins before the offset asked for
			}
			all = append(all, got{r.Offset, readBytes(t, r.Key), readBytes(t, r.Value)})
			next = r.Offset + 1
		}
		if next == before {
			t.Fatalf("no records at %s/%d@%d, log end %d", topic, partition, next, at.LastOffset)
		}
	}
	return all, at.LastOffset
}

func readBytes(t testing.TB, b kafka.Bytes) string {
	t.Helper()
	if b == nil {
		return ""
	}
	v, err := io.ReadAll(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(v)
}

// produceUntilKilled is the child of TestKafkaSurvivesKill: it prints the
// number of every record once the record and its commit were acknowledged.
func produceUntilKilled(dir string) {
	server, err := StartKafka(dir, zerolog.Nop())
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	k := &broker{server, &kafka.Transport{}}
	if err := createTopic(k, "t", 1); err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	start := time.Now().UnixNano()
	for i := start; ; i++ {
		number := strconv.FormatInt(i, 10)
		offset, err := produce(k, "t", 0, record("k", number))
		if err == nil {
			err = commitAs(k, "g", "", -1, "t", offset, number)
		}
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println(number)
	}
}

func TestKafkaSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := 0
	want := map[string]bool{}
	last := ""
	for round := range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killedProducer+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if strings.HasPrefix(lines.Text(), "error") {
				t.Fatal(lines.Text())
			}
			last = lines.Text()
			want[last] = true
			if n == 100+37*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed
		acknowledged = len(want)
	}

	k := startKafka(t, dir)
	defer closeKafka(t, k)
	// Numbers grow, and all have as many digits.
	if _, number := committed(t, k, "g", "t"); number < last {
		t.Errorf("the commit is of %s, %s was acknowledged", number, last)
	}
	seen := map[string]int{}
	all, end := readAll(t, k, "t", 0)
	for _, r := range all {
		seen[r.value]++
	}
	for v := range want {
		if seen[v] != 1 {
			t.Errorf("acknowledged record %s is there %d times", v, seen[v])
		}
	}
	if acknowledged < 300 || end < int64(acknowledged) {
		t.Errorf("%d acknowledged, log ends at %d", acknowledged, end)
	}
}

func TestKafkaComesBackAtItsAddress(t *testing.T) {
	dir := t.TempDir()
	k := startKafka(t, dir)
	addr := k.Addr()
	if _, err := StartKafka(dir, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), "another leadd") {
		t.Errorf("second broker on the same directory: %v", err)
	}
	closeKafka(t, k)
	k = startKafka(t, dir)
	defer closeKafka(t, k)
	if k.Addr() != addr {
		t.Errorf("at %s, was at %s", k.Addr(), addr)
	}
}

func TestKafkaMakesNoTopicUnasked(t *testing.T) {
	k := startKafka(t, t.TempDir())
	defer closeKafka(t, k)
	w := &kafka.Writer{Addr: kafka.TCP(k.Addr()), Topic: "misspelt", RequiredAcks: kafka.RequireAll, AllowAutoTopicCreation: true, MaxAttempts: 1}
	defer w.Close()
	if err := w.WriteMessages(context.Background(), kafka.Message{Value: []byte("x")}); err == nil {
		t.Error("written to a topic that nobody made")
	}
}

func TestKafkaRecordSize(t *testing.T) {
	k := startKafka(t, t.TempDir())
	defer closeKafka(t, k)
	if err := createTopic(k, "big", 1, kafka.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: strconv.Itoa(4 << 20)}); err != nil {
		t.Fatal(err)
	}
	value := strings.Repeat("x", 4<<20-200)
	if _, err := produce(k, "big", 0, record("k", value)); err != nil {
		t.Errorf("just below the limit: %v", err)
	}
	if _, err := produce(k, "big", 0, record("k", value+value)); !errors.Is(err, kafka.MessageSizeTooLarge) {
		t.Errorf("above the limit: %v", err)
	}
	if all, _ := readAll(t, k, "big", 0); len(all) != 1 || all[0].value != value {
		t.Errorf("read back %d records", len(all))
	}
}

// join makes a group's only member and returns its generation.
func join(t testing.TB, k *broker, group, topic string) *kafka.Generation {
	t.Helper()
	g, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: group, Brokers: []string{k.Addr()}, Topics: []string{topic},
		SessionTimeout: 6 * time.Second, HeartbeatInterval: 500 * time.Millisecond, RebalanceTimeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() }) // the broker is gone by then
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	gen, err := g.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return gen
}

func commit(k *broker, gen *kafka.Generation, generation int32, topic string, offset int64, metadata string) error {
	return commitAs(k, gen.GroupID, gen.MemberID, generation, topic, offset, metadata)
}

func commitAs(k *broker, group, member string, generation int32, topic string, offset int64, metadata string) error {
	resp, err := client(k).OffsetCommit(context.Background(), &kafka.OffsetCommitRequest{
		GroupID: group, GenerationID: int(generation), MemberID: member,
		Topics: map[string][]kafka.OffsetCommit{topic: {{Partition: 0, Offset: offset, Metadata: metadata}}},
	})
	if err != nil {
		return err
	}
	return resp.Topics[topic][0].Error
}

func committed(t testing.TB, k *broker, group, topic string) (int64, string) {
	t.Helper()
	resp, err := client(k).OffsetFetch(context.Background(), &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: {0}}})
	if err != nil {
		t.Fatal(err)
	}
	p := resp.Topics[topic][0]
	if p.Error != nil {
		t.Fatal(p.Error)
	}
	return p.CommittedOffset, p.Metadata
}

func TestKafkaCommitsCarryGenerationAndMetadata(t *testing.T) {
	dir := t.TempDir()
	k := startKafka(t, dir)
	if err := createTopic(k, "t", 3); err != nil {
		t.Fatal(err)
	}
	gen := join(t, k, "g", "t")
	if n := len(gen.Assignments["t"]); n != 3 {
		t.Errorf("the only member has %d of 3 partitions", n)
	}
	if err := commit(k, gen, gen.ID, "t", 7, "19"); err != nil {
		t.Fatal(err)
	}
	if err := commit(k, gen, gen.ID-1, "t", 8, "zombie"); !errors.Is(err, kafka.IllegalGeneration) {
		t.Errorf("commit of a generation before: %v", err)
	}
	closeKafka(t, k)

	// The member has not left, and is not waited for.
	k = startKafka(t, dir)
	defer closeKafka(t, k)
	began := time.Now()
	if offset, metadata := committed(t, k, "g", "t"); offset != 7 || metadata != "19" {
		t.Errorf("committed %d %q", offset, metadata)
	}
	again := join(t, k, "g", "t")
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("joining after a restart took %v", took)
	}
	if err := commit(k, gen, gen.ID, "t", 9, "zombie"); err == nil {
		t.Error("a member of the process before could commit")
	}
	if err := commit(k, again, again.ID, "t", 8, "20"); err != nil {
		t.Error(err)
	}
}

func fillCompacted(t testing.TB, k *broker) {
	t.Helper()
	if err := createTopic(k, "state", 2,
		kafka.ConfigEntry{ConfigName: "cleanup.policy", ConfigValue: "compact"},
		kafka.ConfigEntry{ConfigName: "min.compaction.lag.ms", ConfigValue: "3600000"},
		kafka.ConfigEntry{ConfigName: "retention.ms", ConfigValue: "1"},
	); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		for p := range 2 {
			if _, err := produce(k, "state", p, record("a", strconv.Itoa(i)), record("b", strconv.Itoa(i))); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func latest(all []got) map[string]string {
	m := map[string]string{}
	for _, r := range all {
		m[r.key] = r.value
	}
	return m
}

func checkLatest(t testing.TB, k *broker) (records int) {
	t.Helper()
	for p := range 2 {
		all, end := readAll(t, k, "state", p)
		if m := latest(all); m["a"] != "49" || m["b"] != "49" || end != 100 {
			t.Errorf("partition %d: %v, log ends at %d", p, m, end)
		}
		records += len(all)
	}
	return records
}

func TestKafkaCompactsAtStart(t *testing.T) {
	dir := t.TempDir()
	k := startKafka(t, dir)
	fillCompacted(t, k)
	if n := checkLatest(t, k); n != 200 {
		t.Errorf("%d records", n)
	}
	closeKafka(t, k)

	if err := compactDir(dir, 0, zerolog.Nop()); err != nil {
		t.Fatal(err)
	}
	k = startKafka(t, dir)
	if n := checkLatest(t, k); n >= 50 {
		t.Errorf("%d records are left", n)
	}
	offset, err := produce(k, "state", 0, record("a", "50"))
	if err != nil || offset != 100 {
		t.Errorf("the next record is at %d: %v", offset, err)
	}
	closeKafka(t, k)
	if _, err := os.Stat(filepath.Join(dir, "before-compaction")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("old files are still there: %v", err)
	}
}

func TestKafkaUndoesInterruptedCompaction(t *testing.T) {
	dir := t.TempDir()
	k := startKafka(t, dir)
	fillCompacted(t, k)
	closeKafka(t, k)

	partitions, _, err := compactedPartitions(dir)
	if err != nil || len(partitions) != 2 {
		t.Fatal(partitions, err)
	}
	if err := linkPartitions(partitions, filepath.Join(dir, "before-compaction")); err != nil {
		t.Fatal(err)
	}
	// As when the process dies between deleting and writing.
	for i, p := range partitions {
		old := filepath.Join(p, "0.dat")
		b, err := os.ReadFile(old)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(old); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			if err := os.WriteFile(old, b[:len(b)/2], 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	k = startKafka(t, dir)
	defer closeKafka(t, k)
	if n := checkLatest(t, k); n != 200 {
		t.Errorf("%d of 200 records are back", n)
	}
}

func BenchmarkKafkaProduce(b *testing.B) {
	k := startKafka(b, b.TempDir())
	defer closeKafka(b, k)
	if err := createTopic(k, "t", 1); err != nil {
		b.Fatal(err)
	}
	value := string(bytes.Repeat([]byte("x"), 600))
	for b.Loop() {
		if _, err := produce(k, "t", 0, record("k", value)); err != nil {
			b.Fatal(err)
		}
	}
}
