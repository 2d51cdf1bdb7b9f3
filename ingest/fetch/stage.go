package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/ingest"
	"leadd/lead"
)

// Log is what fetching needs of Kafka. Its calls bear the server's failures
// and fail when ctx ends.
type Log interface {
	// Fetch reads records of one partition from an offset on, waiting about
	// half a second for the first; it may return none. end is the offset
	// behind the partition's last record.
	Fetch(ctx context.Context, topic string, partition int, from int64) (records []lead.Record, end int64, err error)
	// Offsets gives the first offset that a partition still has, and the one
	// behind its last record.
	Offsets(ctx context.Context, topic string, partition int) (first, end int64, err error)
}

// Claim is a partition of lead.TopicNotices that this process owns in a
// source's consumer group.
type Claim interface {
	Partition() int
	// Committed is the offset committed when the claim began, -1 for none,
	// and the metadata committed with it.
	Committed() (offset int64, metadata string)
	// Commit fails where the partition is no longer ours.
	Commit(ctx context.Context, offset int64, metadata string) error
}

// Acceptor is the way to Kafka; ingest.Intake is one. Both return nil only
// once what they were given is durable.
type Acceptor interface {
	Accept(ctx context.Context, c *lead.Contact) error
	Refuse(ctx context.Context, d lead.DeadLetter) error
}

// Source is a configured source whose notices are fetched.
type Source struct {
	Name   string
	Sender string // its preset
	API    Config
	Fields ingest.FieldMap // what its fields mean, where their names do not tell
}

// source is a Source made ready.
type source struct {
	Source
	client  *client
	metrics *sourceMetrics
}

// Stage makes contacts of notices. It is for concurrent use.
type Stage struct {
	sources  map[string]*source
	names    []string // sorted
	identity *ingest.Identity
	to       Acceptor
	log      Log
	logger   zerolog.Logger
	often    zerolog.Logger // for what may fail many times a second
	metrics  *metrics
}

// New prepares the fetching of sources, whose configuration must be valid.
// Nothing is asked before Run.
func New(sources []Source, id *ingest.Identity, to Acceptor, log Log, logger zerolog.Logger, reg prometheus.Registerer) (*Stage, error) {
	transport := http.DefaultTransport
	if t, ok := transport.(*http.Transport); ok {
		transport = t.Clone() // connections of our own, with the environment's proxy
	}
	return newStage(sources, id, to, log, logger, reg, transport)
}

func newStage(
	sources []Source, id *ingest.Identity, to Acceptor, log Log, logger zerolog.Logger, reg prometheus.Registerer, transport http.RoundTripper,
) (*Stage, error) {
	s := &Stage{
		sources: make(map[string]*source, len(sources)), identity: id, to: to, log: log, logger: logger,
		often:   logger.Sample(&zerolog.BurstSampler{Burst: 1, Period: 10 * time.Second}),
		metrics: newMetrics(reg),
	}
	http := newHTTP(transport)
	for _, src := range sources {
		if err := src.API.Validate(src.Sender); err != nil {
			return nil, fmt.Errorf("fetch for source %q: %w", src.Name, err)
		}
		api := apis()[src.Sender]
		cfg := src.API
		cfg.Token = strings.TrimSpace(cfg.Token)
		if cfg.URL == "" {
			cfg.URL = api.url
		}
		if cfg.Version == "" {
			cfg.Version = api.version
		}
		m := s.metrics.of(src.Name)
		s.sources[src.Name] = &source{
			Source: src, metrics: m,
			client: &client{api: api, cfg: cfg, fields: src.Fields, http: http, gate: newGate(s.tell(src.Name, m)), metrics: m},
		}
		s.names = append(s.names, src.Name)
	}
	slices.Sort(s.names)
	return s, nil
}

// tell says that a source has come to a stop, or goes on.
func (s *Stage) tell(source string, m *sourceMetrics) func(trouble string) {
	log := s.logger.With().Str("source", source).Logger()
	repeated := log.Sample(&zerolog.BurstSampler{Burst: 2, Period: time.Minute})
	return func(trouble string) {
		if trouble == "" {
			m.stopped.Set(0)
			repeated.Info().Msg("the API answers again")
			return
		}
		m.stopped.Set(1)
		repeated.Warn().Str("reason", trouble).Msg("nothing is fetched for now; trying again after a pause, nothing is lost")
	}
}

// Sources names the sources, sorted.
func (s *Stage) Sources() []string { return slices.Clone(s.names) }

// Trouble says why nothing is fetched for a source now; "" where all is well.
func (s *Stage) Trouble(source string) string {
	src := s.sources[source]
	if src == nil {
		return ""
	}
	trouble, until, _ := src.client.gate.state()
	if trouble == "" {
		return ""
	}
	return trouble + " (next try " + until.UTC().Format(time.RFC3339) + ")"
}

// Run fetches for one source what a partition of lead.TopicNotices announces,
// until ctx ends, and returns nil then. It returns an error where the
// partition is no longer ours; an API that is away or refuses is waited for.
func (s *Stage) Run(ctx context.Context, source string, claim Claim) error {
	src := s.sources[source]
	if src == nil {
		return fmt.Errorf("fetch: there is no source %q", source)
	}
	partition := strconv.Itoa(claim.Partition())
	r := &run{Stage: s, source: src, claim: claim, lag: s.metrics.lag.WithLabelValues(source, partition)}
	defer s.metrics.lag.DeleteLabelValues(source, partition)
	defer src.client.http.CloseIdleConnections()
	err := r.run(ctx)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("fetch for source %q, %s/%d: %w", source, lead.TopicNotices, claim.Partition(), err)
}

// run is the fetching of one partition's notices for one source.
type run struct {
	*Stage
	source *source
	claim  Claim
	lag    prometheus.Gauge

	next      int64     // offset to read next
	end       int64     // of the partition
	underWay  []*flight // by offset
	committed position
	before    position // what was committed when the run began

	handlers sync.WaitGroup
	settled  chan struct{} // gets a value, or has one, when a flight has ended
}

// flight is a notice being fetched.
type flight struct {
	offset int64
	object string
	done   chan struct{} // closed when it is settled
}

// maxUnderWay is how many notices of a partition wait for their answers at
// once. Those that fail wait here until they succeed or are given up.
const maxUnderWay = 256

// lastCommit bounds the commit when a run ends.
const lastCommit = 2 * time.Second

func (r *run) run(ctx context.Context) error {
	r.settled = make(chan struct{}, 1)
	if err := r.begin(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		r.handlers.Wait()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCommit)
		defer cancel()
		_ = r.commit(last) // what is not committed is fetched again, and counts once
	}()
	for {
		records, end, err := r.log.Fetch(ctx, lead.TopicNotices, r.claim.Partition(), r.next)
		if err != nil {
			return err
		}
		r.end = end
		for _, record := range records {
			if err := r.take(ctx, record); err != nil {
				return err
			}
			r.next = record.Offset + 1
		}
		if err := r.commit(ctx); err != nil {
			return err
		}
	}
}

// begin finds where to go on. Where the topic was made anew, that is its
// beginning.
func (r *run) begin(ctx context.Context) error {
	first, end, err := r.log.Offsets(ctx, lead.TopicNotices, r.claim.Partition())
	if err != nil {
		return err
	}
	offset, metadata := r.claim.Committed()
	if offset > end || offset >= 0 && offset < first {
		r.logger.Error().Str("source", r.source.Name).Int("partition", r.claim.Partition()).Int64("committed", offset).Int64("first", first).Int64("end", end).
			Msg("Kafka does not have the notices from which to go on; beginning with the first there is")
		offset, metadata = first, ""
	}
	r.before = parsePosition(max(offset, first), metadata)
	r.next, r.committed = r.before.offset, r.before
	return nil
}

// take begins to fetch what a record announces, if it is our source's. It
// waits while too many are under way.
func (r *run) take(ctx context.Context, record lead.Record) error {
	if r.before.isSettled(record.Offset) {
		return nil
	}
	var n lead.Notice
	err := lead.Decode(record.Value, &n)
	switch {
	case err == nil && (n.ID == "" || n.Object == ""):
		err = errors.New("it has no id, or names nothing to fetch")
	case err == nil && n.Source == r.source.Name && n.Sender != r.source.Sender:
		err = &failure{gone, fmt.Sprintf("the source's preset was %s and is %s now", n.Sender, r.source.Sender), 0}
	}
	owner := n.Source
	if r.sources[owner] == nil && err != nil {
		owner = r.names[0] // to bury it; what is only of a source not configured now waits for it
	}
	if owner != r.source.Name {
		return nil
	}
	for len(r.underWay) >= maxUnderWay {
		if err := r.commit(ctx); err != nil {
			return err
		}
		if len(r.underWay) < maxUnderWay {
			break
		}
		select {
		case <-r.settled:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f := &flight{offset: record.Offset, object: n.Object, done: make(chan struct{})}
	// What happens to one object is told in its order.
	var before <-chan struct{}
	for i := len(r.underWay) - 1; i >= 0; i-- {
		if r.underWay[i].object == f.object {
			before = r.underWay[i].done
			break
		}
	}
	r.underWay = append(r.underWay, f)
	r.source.metrics.waiting.Inc()
	r.handlers.Go(func() {
		defer r.source.metrics.waiting.Dec()
		if before != nil {
			select {
			case <-before:
			case <-ctx.Done():
				return
			}
		}
		h := &handler{run: r, notice: &n, record: record}
		if err != nil {
			err = h.bury(ctx, err.Error())
		} else {
			err = h.handle(ctx)
		}
		if err != nil {
			return // the context has ended
		}
		close(f.done)
		select {
		case r.settled <- struct{}{}:
		default:
		}
	})
	return nil
}

// commit drops the flights that have ended and commits how far we have come.
func (r *run) commit(ctx context.Context) error {
	r.underWay = slices.DeleteFunc(r.underWay, func(f *flight) bool {
		select {
		case <-f.done:
			return true
		default:
			return false
		}
	})
	at := position{next: max(r.next, r.before.next)}
	for _, f := range r.underWay {
		at.open = append(at.open, f.offset)
	}
	for _, offset := range r.before.open {
		if offset >= r.next { // not taken again yet
			at.open = append(at.open, offset)
		}
	}
	at.offset = at.next
	if len(at.open) > 0 {
		at.offset = at.open[0]
	}
	if !at.equal(r.committed) {
		if err := r.claim.Commit(ctx, at.offset, at.metadata()); err != nil {
			return err
		}
		r.committed = at
	}
	r.lag.Set(float64(max(0, r.end-r.committed.offset)))
	return nil
}
