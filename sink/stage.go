package sink

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"leadd/lead"
)

// Log is what the sink needs of Kafka. Its calls bear the server's failures
// and fail when ctx ends.
type Log interface {
	// Fetch reads records of one partition from an offset on, waiting about
	// half a second for the first; it may return none. end is the offset
	// behind the partition's last record. It fails where from lies outside
	// the bounds that Offsets gives.
	Fetch(ctx context.Context, topic string, partition int, from int64) (records []lead.Record, end int64, err error)
	// Offsets gives the first offset that a partition still has, and the one
	// behind its last record.
	Offsets(ctx context.Context, topic string, partition int) (first, end int64, err error)
	// Publish appends a record and returns when it is durable.
	Publish(ctx context.Context, topic string, key, value []byte) error
}

// Claim is a partition that this process owns in its consumer group.
type Claim interface {
	Partition() int
	// Committed is the offset committed when the claim began, -1 for none,
	// and the metadata committed with it.
	Committed() (offset int64, metadata string)
	// Commit fails where the partition is no longer ours.
	Commit(ctx context.Context, offset int64, metadata string) error
}

// Stage stores partitions of lead.TopicScored and lead.TopicDead in
// ClickHouse. It is for concurrent use.
type Stage struct {
	cfg     Config
	connect Connect
	log     Log
	logger  zerolog.Logger
	warn    zerolog.Logger // for what repeats: a line in ten seconds
	metrics *metrics

	memory    *semaphore.Weighted // bytes of the records that wait in all partitions
	repeating *semaphore.Weighted // one announced range is repeated at a time, which bounds their memory
	inserting *semaphore.Weighted // two partitions insert at a time: one sends while the server works for the other
	buffers   sync.Pool           // *[]byte, see database
	spare     sync.Pool           // empty *blocks of lead.TopicScored
}

// NewStage prepares a sink. Nothing is connected before Run. The database must
// have been migrated, see Migrate.
func NewStage(cfg Config, connect Connect, log Log, logger zerolog.Logger, reg prometheus.Registerer) (*Stage, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	return &Stage{
		cfg: cfg, connect: connect, log: log, logger: logger,
		warn:      logger.Sample(&zerolog.BurstSampler{Burst: 1, Period: 10 * time.Second}),
		metrics:   newMetrics(reg),
		memory:    semaphore.NewWeighted(cfg.MemoryBytes),
		repeating: semaphore.NewWeighted(1),
		inserting: semaphore.NewWeighted(2),
	}, nil
}

// Run stores what a partition carries until ctx ends, and returns nil then. It
// returns an error where the partition is no longer ours, where Kafka has lost
// what was announced, or where the committed offset cannot be understood; a
// database that is away is waited for.
func (s *Stage) Run(ctx context.Context, topic string, claim Claim) error {
	r := &run{
		Stage: s, topic: topic, partition: claim.Partition(), claim: claim,
		db: database{connect: s.connect, memory: &s.buffers},
	}
	r.lag = s.metrics.lag.WithLabelValues(topic, strconv.Itoa(r.partition))
	defer s.metrics.lag.DeleteLabelValues(topic, strconv.Itoa(r.partition))
	defer r.db.close()
	err := r.run(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sink %s/%d: %w", topic, r.partition, err)
	}
	return nil
}

// A run is the storing of one partition.
type run struct {
	*Stage
	topic     string
	partition int
	claim     Claim
	db        database

	lag     prometheus.Gauge
	end     atomic.Int64 // of the partition in Kafka
	settled atomic.Int64
}

func (r *run) run(ctx context.Context) error {
	if r.topic != lead.TopicScored && r.topic != lead.TopicDead {
		return fmt.Errorf("no table is fed by this topic (only by %s and %s)", lead.TopicScored, lead.TopicDead)
	}
	from, seen, err := r.takeOver(ctx)
	if err != nil {
		return err
	}
	// Three at work at once, so that a batch gathers while another is stored.
	g, ctx := errgroup.WithContext(ctx)
	records := make(chan []lead.Record)
	batches := make(chan *batch)
	g.Go(func() error { return r.fetch(ctx, from, records) })
	g.Go(func() error { r.gather(ctx, from, seen, records, batches); return nil })
	g.Go(func() error { return r.storeAll(ctx, batches) })
	return g.Wait()
}

func (r *run) setEnd(end int64) {
	r.end.Store(end)
	r.setLag()
}

func (r *run) setSettled(offset int64) {
	r.settled.Store(offset)
	r.setLag()
}

func (r *run) setLag() {
	r.lag.Set(float64(max(0, r.end.Load()-r.settled.Load())))
}
