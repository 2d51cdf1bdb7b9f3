package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
)

// Timings of group membership. A process that was killed keeps its partitions
// for one session; one that stops in order gives them back at once.
const (
	sessionTimeout    = 10 * time.Second
	heartbeatInterval = time.Second
	rebalanceTimeout  = 20 * time.Second
	joinBackoff       = time.Second
	commitTimeout     = 5 * time.Second
	leaveTimeout      = 3 * time.Second // to leave in order a group whose coordinator may hang
)

// Claim is one partition that this process owns as a member of a group, for
// one generation of the group.
type Claim struct {
	client     *Client
	group      string
	generation int
	member     string
	topic      string
	partition  int

	offset   int64
	metadata string
}

// Topic is the topic of the partition owned.
func (c *Claim) Topic() string { return c.topic }

// Partition is the number of the partition owned.
func (c *Claim) Partition() int { return c.partition }

// Committed is the offset that the group had committed when the claim began,
// -1 for none, and the text committed with it.
func (c *Claim) Committed() (offset int64, metadata string) { return c.offset, c.metadata }

// Commit stores the offset from which the next owner goes on, and a text for
// it. ErrFenced: the partition is no longer ours. Other failures are retried
// until ctx ends.
func (c *Claim) Commit(ctx context.Context, offset int64, metadata string) error {
	what := fmt.Sprintf("commit %s/%d at %d for %s", c.topic, c.partition, offset, c.group)
	return c.client.retry(ctx, "commit", what, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, commitTimeout)
		defer cancel()
		res, err := c.client.kafka.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
			GroupID: c.group, GenerationID: c.generation, MemberID: c.member,
			Topics: map[string][]kafka.OffsetCommit{
				c.topic: {{Partition: c.partition, Offset: offset, Metadata: metadata}},
			},
		})
		if err != nil {
			return err
		}
		for _, p := range res.Topics[c.topic] {
			if p.Error != nil {
				return p.Error
			}
		}
		c.client.metrics.commits.WithLabelValues(c.group).Inc()
		return nil
	})
}

// load asks the group's coordinator where the partition stands.
func (c *Claim) load(ctx context.Context) error {
	what := fmt.Sprintf("fetch the offset of %s/%d committed for %s", c.topic, c.partition, c.group)
	return c.client.retry(ctx, "committed", what, func(ctx context.Context) error {
		res, err := c.client.kafka.OffsetFetch(ctx, &kafka.OffsetFetchRequest{
			GroupID: c.group, Topics: map[string][]int{c.topic: {c.partition}},
		})
		if err != nil {
			return err
		}
		if res.Error != nil {
			return res.Error
		}
		for _, p := range res.Topics[c.topic] {
			if p.Partition == c.partition {
				if p.Error != nil {
					return p.Error
				}
				c.offset, c.metadata = p.CommittedOffset, p.Metadata
				return nil
			}
		}
		return errors.New("the answer leaves the partition out")
	})
}

// Group shares the partitions of topics with the other members of a consumer
// group: run is called for each partition that falls to this process, each in
// a goroutine of its own, and must return soon after its context ends, when
// the partition may move on. A run that fails is logged and begun anew after a
// pause. Group returns when ctx has ended and every run has returned.
func (c *Client) Group(ctx context.Context, group string, topics []string, run func(context.Context, *Claim) error) error {
	dialer, hangUp := hangingUp(*c.dialer)
	cg, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: group, Brokers: c.cfg.Brokers, Topics: topics, Dialer: dialer,
		SessionTimeout: sessionTimeout, HeartbeatInterval: heartbeatInterval,
		RebalanceTimeout: rebalanceTimeout, JoinGroupBackoff: joinBackoff,
		StartOffset: kafka.FirstOffset, Timeout: requestTimeout,
	})
	if err != nil {
		return fmt.Errorf("set up consumer group %s: %w", group, err)
	}
	log := c.log.With().Str("group", group).Logger()
	repeated := log.Sample(&zerolog.BurstSampler{Burst: 1, Period: 10 * time.Second})
	c.setJoined(group, false)
	var runs sync.WaitGroup
	defer runs.Wait()
	defer func() {
		late := time.AfterFunc(leaveTimeout, hangUp)
		defer late.Stop()
		// Ends the runs of the generation and leaves the group.
		if err := cg.Close(); err != nil {
			log.Warn().Err(err).Msg("leave consumer group")
		}
	}()
	for {
		gen, err := cg.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		c.setJoined(group, err == nil)
		if err != nil {
			c.metrics.retries.WithLabelValues("join").Inc()
			repeated.Warn().Err(err).Msg("cannot join consumer group, trying again")
			continue
		}
		for topic, assigned := range gen.Assignments {
			for _, a := range assigned {
				if a.ID >= c.width(topic) {
					continue // unused, see layout
				}
				claim := Claim{
					client: c, group: group, generation: int(gen.ID), member: gen.MemberID,
					topic: topic, partition: a.ID,
				}
				log.Debug().Str("topic", topic).Int("partition", a.ID).Int32("generation", gen.ID).Msg("partition is ours")
				runs.Add(1)
				gen.Start(func(ctx context.Context) {
					defer runs.Done()
					// The generation's own context cannot carry cancellation further down.
					ctx, cancel := context.WithCancel(ctx)
					defer cancel()
					claim.keepRunning(ctx, log, run)
				})
			}
		}
		gen.Start(func(ctx context.Context) {
			<-ctx.Done()
			c.setJoined(group, false)
		})
	}
}

// hangingUp gives a copy of the dialer whose connections can all be closed at
// once, for good: kafka-go's group knows no other way to stop waiting.
func hangingUp(d kafka.Dialer) (dialer *kafka.Dialer, hangUp func()) {
	var mu sync.Mutex
	open := map[*hungUp]bool{}
	over := false
	plain := net.Dialer{Timeout: d.Timeout}
	d.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := plain.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		if over {
			return nil, errors.Join(net.ErrClosed, conn.Close())
		}
		h := &hungUp{Conn: conn}
		h.forget = func() {
			mu.Lock()
			defer mu.Unlock()
			delete(open, h)
		}
		open[h] = true
		return h, nil
	}
	return &d, func() {
		mu.Lock()
		defer mu.Unlock()
		over = true
		for h := range open {
			_ = h.Conn.Close() // its owner hears of it
		}
	}
}

// hungUp is a connection of hangingUp's.
type hungUp struct {
	net.Conn
	forget func()
}

// Close closes the connection.
func (h *hungUp) Close() error {
	h.forget()
	return h.Conn.Close()
}

// width is how many partitions of topic are used.
func (c *Client) width(topic string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.partitions[topic]
}

// keepRunning calls run until ctx ends. Returning earlier would end the
// generation, and with it every other partition's run.
func (c *Claim) keepRunning(ctx context.Context, log zerolog.Logger, run func(context.Context, *Claim) error) {
	pause := time.Second
	for ctx.Err() == nil {
		began := time.Now()
		err := c.load(ctx)
		if err == nil {
			err = run(ctx, c)
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > time.Minute {
			pause = time.Second
		}
		if err == nil {
			err = errors.New("it returned early")
		}
		log.Error().Err(err).Str("topic", c.topic).Int("partition", c.partition).Dur("pause_ms", pause).
			Msg("partition's work failed, beginning anew after a pause")
		if !sleep(ctx, pause/2+rand.N(pause)) {
			return
		}
		pause = min(2*pause, 30*time.Second)
	}
}

func (c *Client) setJoined(group string, joined bool) {
	c.mu.Lock()
	c.groups[group] = joined
	c.mu.Unlock()
}
