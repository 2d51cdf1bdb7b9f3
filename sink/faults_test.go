package sink_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"leadd/lead"
)

// A killer ends a process at its n-th step; a step is the moment before or
// after a commit, an insert or a publication takes effect.
type killer struct {
	n     int64
	steps atomic.Int64
	kill  context.CancelFunc
	what  atomic.Value
}

func (k *killer) step(what string) (alive bool) {
	n := k.steps.Add(1)
	if n == k.n {
		k.what.Store(what)
		k.kill()
	}
	return n < k.n
}

// killCase is what killAtEveryStep does in each partition.
type killCase struct {
	records   func(partition int) [][]byte
	before    []string // SQL before the first process
	meanwhile []string // SQL between the two
	check     func(db driver.Conn, kafka *memoryKafka, partition int)
}

// killAtEveryStep runs a stage that is killed at its first step, then another
// that finishes; then the same over again in the next partition with one killed
// at its second step, and so on until there is no such step.
func killAtEveryStep(t *testing.T, topic string, c killCase) {
	cfg, db := freshDatabase(t)
	for n := 1; ; n++ {
		kafka := newMemoryKafka()
		kafka.append(topic, n, c.records(n)...)
		for _, sql := range c.before {
			mustExec(t, db, sql)
		}

		p := newProxy(t, cfg.Addr[0])
		ctx, cancel := context.WithCancel(context.Background())
		k := &killer{n: int64(n), kill: cancel}
		kafka.step = func(what string) { k.step(what) }
		p.before = func() bool { return k.step("before inserting") }
		p.after = func() bool { return k.step("after inserting") }
		p.start(t)
		doomed := cfg
		doomed.Addr = []string{p.addr()}
		s, _ := newStage(t, smallBatches(5), doomed, kafka)
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx, topic, kafka.claim(topic, n)) }()
		if survived := settledOrKilled(ctx, kafka, topicPartition{topic, n}); survived {
			cancel()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			// It was killed after its last step, or not at all.
			c.check(db, kafka, n)
			if n < 15 {
				t.Errorf("only %d steps", n)
			}
			t.Logf("%d steps", n-1)
			return
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		for _, sql := range c.meanwhile {
			mustExec(t, db, sql)
		}
		kafka.step = nil
		kafka.rebalance()
		s, _ = newStage(t, smallBatches(3), cfg, kafka) // the successor would cut other batches
		stop := start(t, s, topic, kafka.claim(topic, n))
		kafka.settle(t, topic, n)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		c.check(db, kafka, n)
		if t.Failed() {
			t.Fatalf("killed at step %d, %v", n, k.what.Load())
		}
	}
}

func settledOrKilled(ctx context.Context, kafka *memoryKafka, tp topicPartition) (settled bool) {
	for ctx.Err() == nil {
		kafka.mu.Lock()
		at, end, changed := kafka.offsets[tp].offset, len(kafka.logs[tp]), kafka.changed
		kafka.mu.Unlock()
		if at == int64(end) {
			return true
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
	return false
}

// hardRecords are 14 contacts with rivals, garbage and a row that its table
// will refuse (contact 8) among them. In batches of five, the second begins
// with a rival.
func hardRecords(t *testing.T) [][]byte {
	v := scoredRecords(t, 14)
	return slices.Concat(v[:5], v[4:5], v[5:7], [][]byte{[]byte("garbage")}, v[5:6], v[7:], v[13:])
}

func refuseContact8(table string) string {
	return "ALTER TABLE " + table + " ADD CONSTRAINT IF NOT EXISTS not_8 CHECK kafka_offset != 26"
}

func TestKilledAtEveryStep(t *testing.T) {
	killAtEveryStep(t, lead.TopicScored, killCase{
		records: func(int) [][]byte { return hardRecords(t) },
		before:  []string{refuseContact8("contacts")},
		check: func(db driver.Conn, kafka *memoryKafka, partition int) {
			checkPartition(t, db, partition, 14, 8)
			if ids := deadIDs(t, kafka); len(ids) != 2 {
				t.Errorf("%d dead letters", len(ids))
			}
		},
	})
}

// What one process has begun to narrow down, the next must not insert as a
// whole, even where nothing is refused any more.
func TestKilledAtEveryStepAndConstraintDropped(t *testing.T) {
	killAtEveryStep(t, lead.TopicScored, killCase{
		records:   func(int) [][]byte { return hardRecords(t) },
		before:    []string{refuseContact8("reasons")},
		meanwhile: []string{"ALTER TABLE reasons DROP CONSTRAINT not_8"},
		check: func(db driver.Conn, _ *memoryKafka, partition int) {
			// Contact 8's two reasons are there or not, as the constraint was.
			if n := query[uint64](t, db, "SELECT count() FROM reasons WHERE kafka_partition = ? AND kafka_offset != 26", partition); n != 19 {
				t.Errorf("%d reasons", n)
			}
			if n := query[uint64](t, db, "SELECT toUInt64(count() - uniqExact(prospect, kafka_offset, line)) FROM reasons WHERE kafka_partition = ?", partition); n != 0 {
				t.Errorf("%d reasons twice", n)
			}
			if n := query[uint64](t, db, "SELECT count() FROM contacts WHERE kafka_partition = ?", partition); n != 14 {
				t.Errorf("%d contacts", n)
			}
		},
	})
}

func TestKilledAtEveryStepWithDeadLetters(t *testing.T) {
	killAtEveryStep(t, lead.TopicDead, killCase{
		records: func(partition int) [][]byte {
			letters := deadRecords(t, 100*partition, 12)
			garbage := fmt.Appendf(nil, "garbage %d", partition)
			return append(letters[:7:7], append([][]byte{letters[2], garbage, letters[6]}, letters[7:]...)...)
		},
		check: func(db driver.Conn, _ *memoryKafka, partition int) {
			if n := query[uint64](t, db, "SELECT count() FROM dead_letters WHERE kafka_partition = ?", partition); n != 13 {
				t.Errorf("%d dead letters", n)
			}
			if n := query[uint64](t, db, "SELECT uniqExact(id) FROM dead_letters WHERE kafka_partition = ?", partition); n != 13 {
				t.Errorf("%d different dead letters", n)
			}
		},
	})
}

// A process that lost its partition in mid-insert finishes the insert long
// after its successor has stored the same range and more.
func TestZombieFinishesItsInsertLate(t *testing.T) {
	cfg, db := freshDatabase(t)
	kafka := newMemoryKafka()
	kafka.append(lead.TopicScored, 0, scoredRecords(t, 20)...)

	p := newProxy(t, cfg.Addr[0])
	arrived, release := make(chan struct{}), make(chan struct{})
	var answered = make(chan struct{})
	p.hold = sync.OnceFunc(func() { close(arrived); <-release })
	p.after = sync.OnceValue(func() bool { close(answered); return true })
	p.start(t)
	slow := cfg
	slow.Addr = []string{p.addr()}
	zombie, _ := newStage(t, smallBatches(5), slow, kafka)
	done := make(chan error, 1)
	go func() { done <- zombie.Run(context.Background(), lead.TopicScored, kafka.claim(lead.TopicScored, 0)) }()
	<-arrived // the rows of [0, 5) are on their way

	kafka.rebalance()
	s, _ := newStage(t, smallBatches(5), cfg, kafka)
	stop := start(t, s, lead.TopicScored, kafka.claim(lead.TopicScored, 0))
	kafka.settle(t, lead.TopicScored, 0)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	checkStored(t, db, 20)

	close(release)
	<-answered
	// It inserts the other tables' rows as well, and is stopped when it wants to settle.
	if err := <-done; !errors.Is(err, errFenced) {
		t.Errorf("zombie ended with %v", err)
	}
	checkStored(t, db, 20)
}

// The server has stored a block, but its answer is lost; the same process
// inserts it again.
func TestAnswerLost(t *testing.T) {
	cfg, db := freshDatabase(t)
	kafka := newMemoryKafka()
	kafka.append(lead.TopicScored, 0, scoredRecords(t, 20)...)
	p := newProxy(t, cfg.Addr[0])
	var answers atomic.Int64
	p.after = func() bool { return answers.Add(1)%3 != 1 }
	p.start(t)
	cfg.Addr = []string{p.addr()}
	storeAll(t, smallBatches(5), cfg, kafka, lead.TopicScored)
	checkStored(t, db, 20)
	if answers.Load() <= 12 {
		t.Errorf("%d inserts: none was tried again", answers.Load())
	}
}

func TestFencedProcessInsertsNothing(t *testing.T) {
	cfg, db := freshDatabase(t)
	kafka := newMemoryKafka()
	kafka.append(lead.TopicScored, 0, scoredRecords(t, 20)...)
	claim := kafka.claim(lead.TopicScored, 0)
	kafka.rebalance()
	s, _ := newStage(t, smallBatches(5), cfg, kafka)
	if err := s.Run(t.Context(), lead.TopicScored, claim); !errors.Is(err, errFenced) {
		t.Errorf("ended with %v", err)
	}
	for _, table := range []string{"contacts", "reasons", "stage_changes", "scores"} {
		if n := query[uint64](t, db, "SELECT count() FROM "+table); n != 0 {
			t.Errorf("%d %s", n, table)
		}
	}
}

func mustExec(t testing.TB, db driver.Conn, sql string) {
	t.Helper()
	if err := db.Exec(context.Background(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// deadIDs are the ids of the dead letters published, with their reasons.
func deadIDs(t testing.TB, kafka *memoryKafka) map[string]string {
	t.Helper()
	kafka.mu.Lock()
	defer kafka.mu.Unlock()
	ids := map[string]string{}
	for _, r := range kafka.logs[topicPartition{lead.TopicDead, 0}] {
		var l lead.DeadLetter
		if err := lead.Decode(r.Value, &l); err != nil {
			t.Fatal(err)
		}
		ids[l.ID] = l.Reason
	}
	return ids
}
