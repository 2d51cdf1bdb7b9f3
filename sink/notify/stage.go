package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/lead"
)

// Log is what the stage needs of Kafka. Its calls bear the server's failures
// and fail when ctx ends.
type Log interface {
	// Fetch reads records of one partition from an offset on, waiting about
	// half a second for the first; it may return none.
	Fetch(ctx context.Context, topic string, partition int, from int64) (records []lead.Record, end int64, err error)
	// Offsets gives the first offset that a partition still has, and the one
	// behind its last record.
	Offsets(ctx context.Context, topic string, partition int) (first, end int64, err error)
	// Publish appends a record and returns when it is durable.
	Publish(ctx context.Context, topic string, key, value []byte) error
}

// Claim is a partition that this process owns in a destination's group.
type Claim interface {
	Partition() int
	// Committed is the offset committed when the claim began, -1 for none,
	// and the metadata committed with it.
	Committed() (offset int64, metadata string)
	// Commit fails where the partition is no longer ours.
	Commit(ctx context.Context, offset int64, metadata string) error
}

// freshness is how long before it was received a contact may have happened for its
// promotion to be told: what an import of last year's mails brings about is no
// news.
const freshness = 24 * time.Hour

// drainTime is how long an answer that is awaited when the stage must stop,
// and then its commit, may take.
const drainTime = 3 * time.Second

// Stage sends what lead.TopicScored carries to the destinations. It is for
// concurrent use.
type Stage struct {
	destinations map[string]*destination
	log          Log
	metrics      *metrics
	began        time.Time
}

// NewStage prepares the stage for destinations by name; see Config.Validate. A
// destination that is new is not told of what was received more than an hour
// before began.
func NewStage(destinations map[string]Config, log Log, began time.Time, logger zerolog.Logger, reg prometheus.Registerer) (*Stage, error) {
	s := &Stage{destinations: map[string]*destination{}, log: log, metrics: newMetrics(reg), began: began}
	for name, cfg := range destinations {
		d, err := newDestination(name, cfg, s.metrics, logger)
		if err != nil {
			return nil, fmt.Errorf("notify %s: %w", name, err)
		}
		s.destinations[name] = d
	}
	return s, nil
}

// Run sends what a partition of lead.TopicScored carries to one destination
// until ctx ends, and returns nil then. A destination that does not answer is
// tried again, for three days; what it refuses becomes a dead letter.
func (s *Stage) Run(ctx context.Context, name string, claim Claim) error {
	d, ok := s.destinations[name]
	if !ok {
		return fmt.Errorf("notify: no destination is named %q", name)
	}
	r := &run{Stage: s, destination: d, claim: claim}
	if err := r.run(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("notify %s of %s/%d: %w", name, lead.TopicScored, claim.Partition(), err)
	}
	return nil
}

// run is the sending of one partition to one destination.
type run struct {
	*Stage
	destination *destination
	claim       Claim
	next        int64     // offset of the record to read next
	seen        int64     // highest contact's offset read; what is not above it a rival scorer wrote
	since       time.Time // what was received before is not told
}

func (r *run) run(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		records, _, err := r.log.Fetch(ctx, lead.TopicScored, r.claim.Partition(), r.next)
		if err != nil {
			first, _, berr := r.log.Offsets(ctx, lead.TopicScored, r.claim.Partition())
			if berr != nil || r.next >= first {
				return fmt.Errorf("read from %d: %w", r.next, err)
			}
			r.destination.logger.Error().Int64("from", r.next).Int64("to", first).
				Msg("Kafka has deleted records before they were told: its retention is too short")
			r.next = first
			continue
		}
		for _, record := range records {
			if err := r.tell(ctx, record); err != nil {
				return err
			}
		}
		if len(records) > 0 {
			if err := r.commit(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// lookBack is how long before its first start a destination is told of what
// was received: it may have been killed before it could note that it began.
const lookBack = time.Hour

// begin finds where to go on. A destination that is new reads from the start,
// and is told of what has been received in the hour before the daemon began.
func (r *run) begin(ctx context.Context) error {
	committed, metadata := r.claim.Committed()
	if committed < 0 {
		first, _, err := r.log.Offsets(ctx, lead.TopicScored, r.claim.Partition())
		if err != nil {
			return fmt.Errorf("find the bounds: %w", err)
		}
		r.next, r.seen, r.since = first, -1, r.began.Add(-lookBack)
		return r.commit(ctx)
	}
	r.next = committed
	p, err := parsePosition(metadata)
	r.seen, r.since = p.seen, p.since
	return err
}

// commit notes how far the destination has come. It fails where the partition
// is no longer ours.
func (r *run) commit(ctx context.Context) error {
	return r.claim.Commit(ctx, r.next, position{r.seen, r.since}.String())
}

// tell sends what a record brought about and moves behind it.
func (r *run) tell(ctx context.Context, record lead.Record) error {
	var s lead.Scored
	if err := lead.Decode(record.Value, &s); err != nil || s.Offset <= r.seen { // the sink makes a dead letter of what it cannot read
		r.next = record.Offset + 1
		return nil
	}
	news := slices.DeleteFunc(moves(&s), func(m move) bool { return !r.wants(m) })
	if len(news) > 0 {
		// A process that has lost the partition fails here and sends nothing.
		if err := r.commit(ctx); err != nil {
			return err
		}
	}
	for _, m := range news {
		if err := r.send(ctx, record, m); err != nil {
			return err
		}
	}
	r.next, r.seen = record.Offset+1, s.Offset
	if len(news) == 0 {
		return nil
	}
	// At once, even while stopping, so that it is not sent again.
	ctx, cancel := outlive(ctx)
	defer cancel()
	return r.commit(ctx)
}

func (r *run) wants(m move) bool {
	c := &m.scored.Contact
	if c.Received.Before(r.since) || c.Received.Sub(m.change.At) > freshness {
		return false
	}
	return len(r.destination.stages) == 0 || slices.Contains(r.destination.stages, m.change.To)
}

// send returns nil where the destination has the move, or a dead letter says
// why not.
func (r *run) send(ctx context.Context, record lead.Record, m move) error {
	refused := r.destination.send(ctx, m)
	if refused == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	letter := lead.DeadLetter{
		ID: lead.ContactID("notify", r.destination.name, m.id()), At: time.Now().UTC().Truncate(time.Millisecond),
		Stage: "notify", Source: r.destination.name, Reason: refused.Error(),
		Origin: lead.TopicScored + "/" + strconv.Itoa(r.claim.Partition()) + "@" + strconv.FormatInt(record.Offset, 10),
	}
	var err error
	if letter.Raw, err = m.webhook(""); err != nil {
		return err
	}
	value, err := lead.Encode(&letter)
	if err != nil {
		return err
	}
	if err := r.log.Publish(ctx, lead.TopicDead, []byte(letter.ID), value); err != nil {
		return fmt.Errorf("write a dead letter: %w", err)
	}
	r.metrics.refused.WithLabelValues(r.destination.name).Inc()
	r.destination.logger.Error().Err(refused).Str("dead_letter", letter.ID).Msg("destination does not take a promotion; leadd replay sends it again")
	return nil
}

// outlive gives a context that lives on for drainTime after ctx is done.
func outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(drainTime, cancel) })
	return out, func() { stop(); cancel() }
}

// Resend sends what a record of lead.TopicScored brought about to a
// destination again.
func (s *Stage) Resend(ctx context.Context, name string, scored *lead.Scored) error {
	d, ok := s.destinations[name]
	if !ok {
		return fmt.Errorf("no destination is named %q", name)
	}
	var errs []error
	for _, m := range moves(scored) {
		errs = append(errs, d.once(ctx, m))
	}
	return errors.Join(errs...)
}
