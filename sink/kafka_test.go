package sink_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"leadd/lead"
)

type topicPartition struct {
	topic     string
	partition int
}

type committed struct {
	offset   int64
	metadata string
}

// memoryKafka is a broker in memory: logs, and one consumer group whose commits
// are refused where their generation is not the newest.
type memoryKafka struct {
	mu         sync.Mutex
	changed    chan struct{} // closed at every change
	logs       map[topicPartition][]lead.Record
	first      map[topicPartition]int64
	offsets    map[topicPartition]committed
	generation int
	fetchMax   int // records of one fetch
	// step, where set, is called before and after a commit or publication
	// takes effect.
	step func(what string)
}

func newMemoryKafka() *memoryKafka {
	return &memoryKafka{
		changed: make(chan struct{}), logs: map[topicPartition][]lead.Record{}, first: map[topicPartition]int64{},
		offsets: map[topicPartition]committed{}, fetchMax: 1 << 30,
	}
}

// notify is called with mu held.
func (k *memoryKafka) notify() {
	close(k.changed)
	k.changed = make(chan struct{})
}

func (k *memoryKafka) at(what string) {
	if k.step != nil {
		k.step(what)
	}
}

func (k *memoryKafka) append(topic string, partition int, values ...[]byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	tp := topicPartition{topic, partition}
	for _, v := range values {
		k.logs[tp] = append(k.logs[tp], lead.Record{Offset: int64(len(k.logs[tp])), Value: v})
	}
	k.notify()
}

func (k *memoryKafka) Fetch(ctx context.Context, topic string, partition int, from int64) ([]lead.Record, int64, error) {
	wait := time.After(500 * time.Millisecond)
	for {
		k.mu.Lock()
		tp := topicPartition{topic, partition}
		log, first, changed := k.logs[tp], k.first[tp], k.changed
		k.mu.Unlock()
		end := int64(len(log))
		if from < first || from > end {
			return nil, 0, fmt.Errorf("offset %d is out of range", from)
		}
		if from < end {
			log = log[from:]
			return log[:min(len(log), k.fetchMax)], end, nil
		}
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-wait:
			return nil, end, nil
		case <-changed:
		}
	}
}

func (k *memoryKafka) Offsets(_ context.Context, topic string, partition int) (first, end int64, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	tp := topicPartition{topic, partition}
	return k.first[tp], int64(len(k.logs[tp])), nil
}

func (k *memoryKafka) Publish(ctx context.Context, topic string, _, value []byte) error {
	k.at("before publishing")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	k.append(topic, 0, value)
	k.at("after publishing")
	return ctx.Err()
}

// deleteBefore is what retention does.
func (k *memoryKafka) deleteBefore(topic string, partition int, offset int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.first[topicPartition{topic, partition}] = offset
}

// waitFor waits until the group has settled offset.
func (k *memoryKafka) waitFor(t testing.TB, topic string, partition int, offset int64) {
	t.Helper()
	limit := time.After(60 * time.Second)
	for {
		k.mu.Lock()
		c, changed := k.offsets[topicPartition{topic, partition}], k.changed
		k.mu.Unlock()
		if c.offset >= offset {
			return
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("%s/%d stands at %d %s, not at %d", topic, partition, c.offset, c.metadata, offset)
		}
	}
}

// settle waits until everything in the partition is settled.
func (k *memoryKafka) settle(t testing.TB, topic string, partition int) {
	t.Helper()
	_, end, err := k.Offsets(t.Context(), topic, partition)
	if err != nil {
		t.Fatal(err)
	}
	k.waitFor(t, topic, partition, end)
}

// rebalance begins a generation, and fences the claims of earlier ones.
func (k *memoryKafka) rebalance() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.generation++
}

func (k *memoryKafka) claim(topic string, partition int) *memoryClaim {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := &memoryClaim{kafka: k, tp: topicPartition{topic, partition}, generation: k.generation, begun: committed{offset: -1}}
	if at, ok := k.offsets[c.tp]; ok {
		c.begun = at
	}
	return c
}

var errFenced = errors.New("illegal generation")

type memoryClaim struct {
	kafka      *memoryKafka
	tp         topicPartition
	generation int
	begun      committed
}

func (c *memoryClaim) Partition() int             { return c.tp.partition }
func (c *memoryClaim) Committed() (int64, string) { return c.begun.offset, c.begun.metadata }

func (c *memoryClaim) Commit(ctx context.Context, offset int64, metadata string) error {
	c.kafka.at("before committing")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.kafka.mu.Lock()
	fenced := c.generation != c.kafka.generation
	if !fenced {
		c.kafka.offsets[c.tp] = committed{offset, metadata}
		c.kafka.notify()
	}
	c.kafka.mu.Unlock()
	if fenced {
		return errFenced
	}
	c.kafka.at("after committing")
	return ctx.Err()
}
