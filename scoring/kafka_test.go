package scoring_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/internal/stream"
	"leadd/internal/testenv"
	"leadd/lead"
	"leadd/scoring"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// On real Kafka servers: a process is stopped in the middle, another with an
// empty disk goes on, and every prospect ends up as in one pure run.
func TestStageOnKafka(t *testing.T) {
	for name, start := range map[string]func(testing.TB) string{"embedded": testenv.Kafka, "apache": testenv.ApacheKafka} {
		t.Run(name, func(t *testing.T) { stageOnKafka(t, start(t)) })
	}
}

func stageOnKafka(t *testing.T, addr string) {
	const contacts = 300
	cfg := stream.DefaultConfig()
	cfg.Brokers = []string{addr}
	client, err := stream.Dial(cfg, zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.InfoLevel), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := client.EnsureTopics(ctx); err != nil {
		t.Fatal(err)
	}
	engine := scoring.NewEngine(scoring.Default())
	want := map[string]*lead.Prospect{}
	r := rand.New(rand.NewPCG(1, 1))
	next := map[int]int64{} // of each partition: offset of the next contact
	publish := func(from, to int) {
		for i := from; i < to; i++ {
			c, _ := randomContact(r, i)
			key := []byte(c.Prospect)
			partition, err := client.PartitionOf(lead.TopicContacts, key)
			if err != nil {
				t.Fatal(err)
			}
			offset, err := client.Append(ctx, lead.TopicContacts, partition, []lead.Record{{Key: key, Value: encode(t, &c)}})
			if err != nil {
				t.Fatal(err)
			}
			next[partition] = offset + 1
			want[c.Prospect], _ = engine.Apply(want[c.Prospect], &c, findNeed(&c), offset)
		}
	}
	run := func(name string) {
		ctx, stop := context.WithCancel(ctx)
		stage, _ := newStage(t, client, filepath.Join(t.TempDir(), name), 16)
		ended := make(chan error)
		go func() {
			ended <- client.Group(ctx, "leadd-scoring", []string{lead.TopicContacts}, func(ctx context.Context, claim *stream.Claim) error {
				return stage.Run(ctx, claim)
			})
		}()
		for len(scoredOf(t, ctx, client, next)) < sum(next) && ctx.Err() == nil {
			time.Sleep(20 * time.Millisecond) // polls a server
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	publish(0, contacts/2)
	run("first")
	publish(contacts/2, contacts)
	run("second")

	for key, p := range want {
		partition, err := client.PartitionOf(lead.TopicProspects, []byte(key))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, r := range readAll(t, ctx, client, lead.TopicProspects, partition) {
			if string(r.Key) == "p/"+key {
				got = string(r.Value)
			}
		}
		if d := cmp.Diff(string(encode(t, p)), got); d != "" {
			t.Error(key, d)
		}
	}
}

// scoredOf gives the place of every contact scored.
func scoredOf(t *testing.T, ctx context.Context, client *stream.Client, partitions map[int]int64) map[string]bool {
	t.Helper()
	places := map[string]bool{}
	for partition := range partitions {
		for _, r := range readAll(t, ctx, client, lead.TopicScored, partition) {
			var s lead.Scored
			if err := lead.Decode(r.Value, &s); err != nil {
				t.Fatal(err)
			}
			places[fmt.Sprint(partition, "@", s.Offset)] = true
		}
	}
	return places
}

func sum(next map[int]int64) (n int) {
	for _, offset := range next {
		n += int(offset)
	}
	return n
}

func readAll(t *testing.T, ctx context.Context, client *stream.Client, topic string, partition int) (all []lead.Record) {
	t.Helper()
	first, end, err := client.Offsets(ctx, topic, partition)
	for at := first; err == nil && at < end; {
		var records []lead.Record
		records, _, err = client.Fetch(ctx, topic, partition, at)
		if len(records) == 0 {
			break
		}
		all = append(all, records...)
		at = records[len(records)-1].Offset + 1
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}
