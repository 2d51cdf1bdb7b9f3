package stream_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"

	"leadd/internal/stream"
	"leadd/internal/testenv"
	"leadd/lead"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// brokers runs a test on each kind of Kafka.
func brokers(t *testing.T, test func(t *testing.T, c *stream.Client)) {
	for name, start := range map[string]func(testing.TB) string{
		"embedded": testenv.Kafka,
		"apache":   testenv.ApacheKafka,
	} {
		t.Run(name, func(t *testing.T) { test(t, dial(t, start(t))) })
	}
}

func dial(t testing.TB, addr string) *stream.Client {
	t.Helper()
	cfg := stream.DefaultConfig()
	cfg.Brokers = []string{addr}
	c, err := stream.Dial(cfg, zerolog.New(zerolog.NewTestWriter(t)), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEnsureTopicsTwice(t *testing.T) {
	brokers(t, func(t *testing.T, c *stream.Client) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := c.EnsureTopics(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// TestPartitionsAdded adds partitions to topics that hold contacts: keys stay
// where they are. Topics that were made anew with fewer are refused.
func TestPartitionsAdded(t *testing.T) {
	addr := testenv.Kafka(t)
	c := dial(t, addr)
	places := func(c *stream.Client) (all []int) {
		t.Helper()
		for i := range 20 { // most would move to one of the new partitions
			n, err := c.PartitionOf(lead.TopicContacts, fmt.Appendf(nil, "company%d.example", i))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, n)
		}
		return all
	}
	before := places(c)
	if err := c.Publish(t.Context(), lead.TopicContacts, []byte("company1.example"), []byte("1")); err != nil {
		t.Fatal(err)
	}
	admin := &kafka.Client{Addr: kafka.TCP(addr), Timeout: 10 * time.Second}
	res, err := admin.CreatePartitions(t.Context(), &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{
		{Name: lead.TopicContacts, Count: 16}, {Name: lead.TopicScored, Count: 16}, {Name: lead.TopicProspects, Count: 16},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for topic, err := range res.Errors {
		if err != nil {
			t.Fatalf("%s: %v", topic, err)
		}
	}
	again := dial(t, addr)
	if after := places(again); !slices.Equal(after, before) {
		t.Errorf("partitions %v, they were %v", after, before)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	claimed := make(chan int, 64)
	var group sync.WaitGroup
	group.Go(func() {
		err := again.Group(ctx, "g", []string{lead.TopicContacts}, func(ctx context.Context, claim *stream.Claim) error {
			claimed <- claim.Partition()
			<-ctx.Done()
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	for range 4 {
		if n := <-claimed; n >= 4 {
			t.Errorf("partition %d is worked on", n)
		}
	}
	cancel()
	group.Wait()

	if _, err := admin.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{lead.TopicContacts}}); err != nil {
		t.Fatal(err)
	}
	fewer := stream.DefaultConfig()
	fewer.Brokers, fewer.Partitions = []string{addr}, 2
	third, err := stream.Dial(fewer, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(third.Close)
	if err := third.EnsureTopics(t.Context()); err == nil || !strings.Contains(err.Error(), "made anew") {
		t.Errorf("fewer partitions than before: %v", err)
	}
}

// TestTopicAdded starts on topics whose layout an older version has remembered:
// what it did not know is added, and the rest stays as it was.
func TestTopicAdded(t *testing.T) {
	addr := testenv.Kafka(t)
	c := dial(t, addr)
	old := `{"leadd.contacts":2,"leadd.scored":2,"leadd.prospects":2,"leadd.cursors":4,"leadd.dead":4}`
	if _, err := c.Append(t.Context(), lead.TopicCursors, 0, []lead.Record{{Key: []byte("/partitions"), Value: []byte(old)}}); err != nil {
		t.Fatal(err)
	}
	if err := c.Publish(t.Context(), lead.TopicContacts, []byte("acme.example"), []byte("1")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds what the first has remembered
		c = dial(t, addr)
		widest := map[string]int{}
		for i := range 50 {
			for _, topic := range []string{lead.TopicContacts, lead.TopicNotices} {
				n, err := c.PartitionOf(topic, fmt.Appendf(nil, "key%d", i))
				if err != nil {
					t.Fatal(err)
				}
				widest[topic] = max(widest[topic], n)
			}
		}
		if widest[lead.TopicContacts] != 1 || widest[lead.TopicNotices] != 3 {
			t.Errorf("highest partitions %v", widest)
		}
	}
}

func TestPublishIsReadBackInOrder(t *testing.T) {
	brokers(t, func(t *testing.T, c *stream.Client) {
		const writers, each = 8, 50
		partition, err := c.PartitionOf(lead.TopicContacts, []byte("acme.example"))
		if err != nil {
			t.Fatal(err)
		}
		_, from, err := c.Offsets(t.Context(), lead.TopicContacts, partition)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					value := fmt.Appendf(nil, "%d %d", w, i)
					if err := c.Publish(t.Context(), lead.TopicContacts, []byte("acme.example"), value); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		next := [writers]int{}
		total := 0
		for offset := from; total < writers*each; {
			records, _, err := c.Fetch(t.Context(), lead.TopicContacts, partition, offset)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				var w, i int
				if _, err := fmt.Sscan(string(r.Value), &w, &i); err != nil {
					t.Fatal(err)
				}
				if next[w] != i {
					t.Fatalf("writer %d: record %d where %d was due", w, i, next[w])
				}
				if r.Offset != offset {
					t.Fatalf("offset %d where %d was due", r.Offset, offset)
				}
				next[w]++
				total++
				offset++
			}
		}
	})
}

func TestAppendGivesTheBaseOffset(t *testing.T) {
	brokers(t, func(t *testing.T, c *stream.Client) {
		_, end, err := c.Offsets(t.Context(), lead.TopicProspects, 1)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			base, err := c.Append(t.Context(), lead.TopicProspects, 1, []lead.Record{
				{Key: []byte("a"), Value: []byte("1")}, {Key: []byte("b")},
			})
			if err != nil {
				t.Fatal(err)
			}
			if base != end {
				t.Fatalf("base offset %d, want %d", base, end)
			}
			end += 2
		}
	})
}

func TestReadKeyGivesTheNewest(t *testing.T) {
	brokers(t, func(t *testing.T, c *stream.Client) {
		name := fmt.Sprint("box-", time.Now().UnixNano())
		read := func() (newest string) {
			t.Helper()
			if err := c.ReadKey(t.Context(), lead.TopicCursors, name, func(value []byte) { newest = string(value) }); err != nil {
				t.Fatal(err)
			}
			return newest
		}
		if v := read(); v != "" {
			t.Fatalf("before it was written: %q", v)
		}
		for i := range 3 {
			for _, key := range []string{name, "another"} {
				if err := c.Publish(t.Context(), lead.TopicCursors, []byte(key), fmt.Appendf(nil, "%s %d", key, i)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if v := read(); v != name+" 2" {
			t.Errorf("%q", v)
		}
	})
}

func TestRecordTooLargeFailsAlone(t *testing.T) {
	brokers(t, func(t *testing.T, c *stream.Client) {
		key := []byte("big")
		big := make([]byte, stream.MaxRecord+1000)
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				value := []byte("small")
				if i == 7 {
					value = big
				}
				err := c.Publish(t.Context(), lead.TopicDead, key, value)
				if tooLarge := errors.Is(err, stream.ErrTooLarge); tooLarge != (i == 7) || (i != 7 && err != nil) {
					t.Errorf("record %d: %v", i, err)
				}
			})
		}
		wg.Wait()
	})
}

func TestFetchOutOfRange(t *testing.T) {
	brokers(t, func(t *testing.T, c *stream.Client) {
		_, _, err := c.Fetch(t.Context(), lead.TopicCursors, 0, 1_000_000)
		if !errors.Is(err, stream.ErrOffsetOutOfRange) {
			t.Errorf("error %v", err)
		}
	})
}

func TestPublishEndsWithItsContext(t *testing.T) {
	c := dial(t, testenv.Kafka(t))
	away := stream.DefaultConfig()
	away.Brokers = []string{"127.0.0.1:1"}
	gone, err := stream.Dial(away, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Publish(t.Context(), "unknown", nil, nil); err == nil {
		t.Error("a topic that is not there was written to")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := gone.EnsureTopics(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if p := gone.Problems(ctx); len(p) != 1 {
		t.Errorf("problems %q", p)
	}
	if p := c.Problems(t.Context()); len(p) != 0 {
		t.Errorf("problems %q", p)
	}
}

// TestGroupFencesTheFormerOwner has one member own all partitions, then lets a
// second one join: partitions move, what the first had committed is what the
// second finds, and the first can no longer commit for them.
func TestGroupFencesTheFormerOwner(t *testing.T) {
	brokers(t, func(t *testing.T, c *stream.Client) {
		group := fmt.Sprint("test.", time.Now().UnixNano())
		ctx, cancel := context.WithCancel(t.Context())
		var members sync.WaitGroup
		defer members.Wait()
		defer cancel()

		type start struct {
			member string
			claim  *stream.Claim
		}
		starts := make(chan start, 64)
		join := func(member string) {
			members.Go(func() {
				err := c.Group(ctx, group, []string{lead.TopicScored}, func(ctx context.Context, claim *stream.Claim) error {
					starts <- start{member, claim}
					<-ctx.Done()
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		join("first")
		first := map[int]*stream.Claim{}
		for len(first) < 4 {
			s := <-starts
			if offset, _ := s.claim.Committed(); offset != -1 {
				t.Fatalf("partition %d begins at %d", s.claim.Partition(), offset)
			}
			first[s.claim.Partition()] = s.claim
		}
		for n, claim := range first {
			if err := claim.Commit(ctx, int64(100+n), fmt.Sprintf("note %d", n)); err != nil {
				t.Fatal(err)
			}
		}
		join("second")
		for moved := 0; moved < 2; {
			s := <-starts
			offset, note := s.claim.Committed()
			if n := s.claim.Partition(); offset != int64(100+n) || note != fmt.Sprintf("note %d", n) {
				t.Errorf("%s finds partition %d at %d with %q", s.member, n, offset, note)
			}
			if s.member == "second" {
				moved++
				if err := first[s.claim.Partition()].Commit(ctx, 1, ""); !errors.Is(err, stream.ErrFenced) {
					t.Errorf("the former owner's commit: %v", err)
				}
			}
		}
	})
}

func BenchmarkPublish(b *testing.B) {
	c := dial(b, testenv.Kafka(b))
	value := make([]byte, 600)
	for _, waiting := range []int{1, 32, 128} {
		b.Run(fmt.Sprintf("waiting-%d", waiting), func(b *testing.B) {
			var wg sync.WaitGroup
			todo := make(chan int)
			for range waiting {
				wg.Go(func() {
					for i := range todo {
						if err := c.Publish(b.Context(), lead.TopicContacts, fmt.Append(nil, i), value); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for i := range b.N {
				todo <- i
			}
			close(todo)
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
