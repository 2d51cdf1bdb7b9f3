package scoring

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/lead"
)

// Log is what the stage needs of Kafka: reading and appending to single
// partitions.
type Log interface {
	// Fetch gives records from offset from on; it waits about half a second
	// for new ones and may then give none. end is the log's end.
	Fetch(ctx context.Context, topic string, partition int, from int64) (records []lead.Record, end int64, err error)
	// Append writes the records as one atomic batch and gives the offset of
	// the first once they are safe. They may be written twice.
	Append(ctx context.Context, topic string, partition int, records []lead.Record) (base int64, err error)
	// Offsets gives the first offset there is, and the one behind the last.
	Offsets(ctx context.Context, topic string, partition int) (first, end int64, err error)
}

// Claim is the ownership of one partition of lead.TopicContacts.
type Claim interface {
	Partition() int
	// Committed gives the offset committed last, -1 where there is none.
	Committed() (offset int64, metadata string)
	// Commit fails where the partition has moved on to another owner.
	Commit(ctx context.Context, offset int64, metadata string) error
}

const (
	drainTime = 5 * time.Second // for the batch under way when the stage must stop
	idleTime  = time.Minute     // between looks for rivals while nothing comes in
)

// Stage scores the contacts of Kafka: one Run for each partition that this
// process owns.
type Stage struct {
	config  Config
	engine  atomic.Pointer[Engine] // that the next batch is judged by
	extract func(*lead.Contact) []lead.Finding
	log     Log
	dir     string
	logger  zerolog.Logger
	metrics *metrics
	idle    time.Duration

	mu     sync.Mutex
	busy   map[int]chan struct{} // of each partition: full while a Run has it
	rooms  map[int]*room         // of each partition that a Run has
	blocks *pebble.Cache         // while there are users
	users  int
}

// NewStage makes the stage. extract finds the evidence in a contact's words;
// it must be pure and safe for concurrent use. dir holds the local stores, one
// a partition; it may be deleted while the stage does not run.
func NewStage(config Config, engine *Engine, extract func(*lead.Contact) []lead.Finding, log Log, dir string, logger zerolog.Logger, reg prometheus.Registerer) *Stage {
	s := &Stage{
		config: config, extract: extract, log: log, dir: dir, idle: idleTime,
		logger: logger.With().Str("stage", "scoring").Logger(), metrics: newMetrics(reg), busy: make(map[int]chan struct{}), rooms: make(map[int]*room),
	}
	s.engine.Store(engine)
	return s
}

// Use has other criteria judge from each partition's next batch on: a contact
// is judged by the ones or by the others. A prospect's earlier points are set
// right at its next contact, see Engine.Apply. It can be called at any time.
func (s *Stage) Use(engine *Engine) { s.engine.Store(engine) }

// Run scores the contacts of the claimed partition until ctx is done, which is
// no error. Where it fails, it can be run again: what was not stored is done
// again with the same results.
func (s *Stage) Run(ctx context.Context, claim Claim) error {
	partition := claim.Partition()
	release, err := s.acquire(ctx, partition)
	if err != nil {
		return nil // ctx is done
	}
	defer release()
	log := s.logger.With().Int("partition", partition).Logger()
	blocks := s.openBlocks()
	defer s.closeBlocks()
	store, err := openStore(filepath.Join(s.dir, strconv.Itoa(partition)), blocks, log)
	if err != nil {
		return err
	}
	s.watch(partition, store.room)
	label := strconv.Itoa(partition)
	defer s.metrics.lag.DeleteLabelValues(label)
	w := &worker{
		Stage: s, claim: claim, partition: partition, store: store, logger: log,
		cache: newCache(s.config.CacheBytes), engine: s.engine.Load(), lag: s.metrics.lag.WithLabelValues(label),
	}
	err = w.run(ctx)
	if errors.Is(err, errStoreBroken) && ctx.Err() == nil {
		log.Warn().Err(err).Str("dir", store.dir).Msg("local store cannot be read; it is deleted and rebuilt from Kafka")
		if err = store.reset(log); err != nil {
			return err // it is closed
		}
		s.watch(partition, store.room)
		w.cache = newCache(s.config.CacheBytes)
		err = w.run(ctx)
	}
	if ctx.Err() != nil {
		err = nil
	}
	s.forget(partition)
	if closing := w.store.close(); closing != nil {
		err = errors.Join(err, fmt.Errorf("close local store: %w", closing))
	}
	return err
}

// Problems names what keeps the stage from working, for a readiness page.
func (s *Stage) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var problems []string
	for _, r := range s.rooms {
		if r.full.Load() {
			problems = append(problems, "scoring: the disk under "+r.dir+" is full")
		}
	}
	slices.Sort(problems)
	return problems
}

func (s *Stage) watch(partition int, r *room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rooms[partition] = r
}

func (s *Stage) forget(partition int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rooms, partition)
}

// openBlocks gives the cache that the stores share. It takes its memory with
// the first of them, and closeBlocks gives it back with the last.
func (s *Stage) openBlocks() *pebble.Cache {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users++; s.users == 1 {
		s.blocks = pebble.NewCache(int64(s.config.BlockBytes))
	}
	return s.blocks
}

func (s *Stage) closeBlocks() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 {
		s.blocks.Unref() // a store that is still closing holds it
	}
}

// acquire waits until no other Run has the partition: its store has one user.
func (s *Stage) acquire(ctx context.Context, partition int) (release func(), err error) {
	s.mu.Lock()
	busy := s.busy[partition]
	if busy == nil {
		busy = make(chan struct{}, 1)
		s.busy[partition] = busy
	}
	s.mu.Unlock()
	select {
	case busy <- struct{}{}:
		return func() { <-busy }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// worker is one Run.
type worker struct {
	*Stage
	claim     Claim
	partition int
	store     *store
	cache     *cache
	engine    *Engine // that judges the batch under way
	logger    zerolog.Logger
	lag       prometheus.Gauge
	at        position
	checked   time.Time // last look for rivals
}

func (w *worker) run(ctx context.Context) error {
	if err := w.restore(ctx); err != nil {
		return err
	}
	w.checked = time.Now()
	for ctx.Err() == nil {
		records, end, err := w.log.Fetch(ctx, lead.TopicContacts, w.partition, w.at.next)
		if err != nil {
			return fmt.Errorf("read contacts: %w", err)
		}
		if err := w.work(ctx, records); err != nil {
			return err
		}
		w.lag.Set(float64(max(0, end-w.at.next)))
		if len(records) == 0 && time.Since(w.checked) > w.idle {
			w.checked = time.Now()
			if err := w.catchUp(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// work applies the records, batch by batch.
func (w *worker) work(ctx context.Context, records []lead.Record) error {
	for len(records) > 0 && ctx.Err() == nil {
		w.follow()
		b := newBatch(w, len(records))
		for len(records) > 0 && !b.full() {
			if records[0].Offset >= w.at.next { // a rival may have been ahead
				if err := b.add(records[0]); err != nil {
					return err
				}
			}
			records = records[1:]
		}
		if err := w.flush(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// follow takes the engine that Use has given.
func (w *worker) follow() {
	if engine := w.Stage.engine.Load(); engine != w.engine {
		w.logger.Info().Strs("from", w.engine.ids()).Strs("to", engine.ids()).Int64("offset", w.at.next).Msg("judging by other criteria from here on")
		w.engine = engine
	}
}

// ids names the versions of the criteria, one a product.
func (e *Engine) ids() []string {
	ids := make([]string, len(e.products))
	for i, p := range e.products {
		ids[i] = p.criteria.ID()
	}
	return ids
}

// flush makes a batch durable. The order of its steps is what makes a contact
// count exactly once, wherever the process is killed:
//
//  1. Dead letters, before anything says that their contacts are done.
//  2. The scored records, before the states. A restart goes on behind the
//     highest offset that the changelog or the store knows. Were the states
//     written first, a crash between would leave contacts applied that the
//     sink never hears of. This way round they are applied again, from the
//     same state, and give the same records with the same offsets, of which
//     readers drop the second.
//  3. The states and seen ids, to the changelog, in one atomic append: the
//     highest offset in it stands for all below.
//  4. The local store, which must not run ahead of the changelog.
//  5. The group's offset. It fails where another process owns the partition.
//
// A batch under way is finished when ctx ends, within drainTime.
func (w *worker) flush(ctx context.Context, b *batch) error {
	if b.next == w.at.next {
		return nil
	}
	records, rows, err := b.changes()
	if err != nil {
		return err
	}
	ctx, cancel := drain(ctx)
	defer cancel()
	if err := w.append(ctx, lead.TopicDead, b.dead); err != nil {
		return err
	}
	if err := w.append(ctx, lead.TopicScored, b.scored); err != nil {
		return err
	}
	b.observe(time.Now())
	at := position{next: b.next, changelog: w.at.changelog}
	rivals := false
	if len(records) > 0 {
		base, err := w.log.Append(ctx, lead.TopicProspects, w.partition, records)
		if err != nil {
			return fmt.Errorf("write states: %w", err)
		}
		if rivals = base != at.changelog; !rivals {
			at.changelog += int64(len(records))
		}
	}
	if err := w.store.write(ctx, rows, at); err != nil {
		return err
	}
	w.at = at
	for _, state := range b.states {
		w.cache.put(state.prospect, state.size)
	}
	if rivals {
		if err := w.catchUp(ctx); err != nil {
			return err
		}
	}
	if err := w.claim.Commit(ctx, w.at.next, ""); err != nil {
		return fmt.Errorf("commit offset %d of contacts: %w", w.at.next, err)
	}
	return nil
}

// drain gives a context that lives on for drainTime after ctx is done.
func drain(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(drainTime, cancel)
	})
	return out, func() { stop(); cancel() }
}

// maxAppend is how many bytes of records go into one append; a single record
// may be larger.
const maxAppend = 900 << 10

// append writes records of any number, in as few appends as their size allows.
func (w *worker) append(ctx context.Context, topic string, records []lead.Record) error {
	partition := w.partition
	if topic == lead.TopicDead {
		partition = 0 // it need not have as many partitions as the others
	}
	for len(records) > 0 {
		n, size := 0, 0
		for n < len(records) && (n == 0 || size+recordSize(records[n]) <= maxAppend) {
			size += recordSize(records[n])
			n++
		}
		if _, err := w.log.Append(ctx, topic, partition, records[:n]); err != nil {
			return fmt.Errorf("write to %s: %w", topic, err)
		}
		records = records[n:]
	}
	return nil
}

func recordSize(r lead.Record) int { return len(r.Key) + len(r.Value) + 32 }
