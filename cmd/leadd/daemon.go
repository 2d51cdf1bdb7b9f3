package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/rs/zerolog"

	"leadd/config"
	"leadd/ingest"
	"leadd/ingest/fetch"
	"leadd/ingest/mailbox"
	"leadd/internal/clickhouse"
	"leadd/internal/embedded"
	"leadd/internal/stream"
	"leadd/lead"
	"leadd/scoring"
	"leadd/scoring/evidence"
	"leadd/sink"
	"leadd/sink/notify"
)

// The consumer groups.
const (
	groupScoring   = "leadd.scoring"
	groupSink      = "leadd.sink"
	groupMailboxes = "leadd.mailboxes"
	groupNotify    = "leadd.notify." // and the destination's name
)

// daemon wires the stages to Kafka and ClickHouse and runs them.
type daemon struct {
	cfg        config.Config
	roles      roles
	configFile string
	criteria   []*scoring.Criteria // one a product
	extractor  *evidence.Extractor // nil without the role scoring
	log        zerolog.Logger
	metrics    *prometheus.Registry
	whenReady  func(context.Context) // called once, when all is ready for the first time
	hangups    chan os.Signal        // SIGHUP: the criteria are to be read again

	stream    *stream.Client
	db        driver.Conn
	scoring   *scoring.Stage // nil without the role
	intake    *ingest.Intake
	mailboxes map[string]*mailbox.Mailbox // by name
	fetching  *fetch.Stage                // nil without the role ingest
	listener  net.Listener

	topicsReady, tablesReady atomic.Bool
	pinging                  sync.Mutex // held while ClickHouse is asked for a sign of life
}

// newDaemon prepares a daemon; nothing runs and nothing is opened before run.
func newDaemon(cfg config.Config, r roles, configFile string, log zerolog.Logger) (*daemon, error) {
	criteria, err := scoring.LoadAll(cfg.Criteria)
	if err != nil {
		return nil, err
	}
	var extractor *evidence.Extractor
	if r.scoring {
		if extractor, err = evidence.NewFrom(cfg.Lexicons); err != nil {
			return nil, err
		}
	}
	d := &daemon{cfg: cfg, roles: r, configFile: configFile, criteria: criteria, extractor: extractor, log: log, metrics: prometheus.NewRegistry(), hangups: make(chan os.Signal, 1)}
	d.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return d, nil
}

// run starts everything, serves until ctx ends, and stops in this order: the
// front doors, so that nothing new comes in; the stages; the servers beneath.
func (d *daemon) run(ctx context.Context) (err error) {
	tuneMemory()
	signal.Notify(d.hangups, syscall.SIGHUP)
	defer signal.Stop(d.hangups)
	listener, err := net.Listen("tcp", d.cfg.Listen)
	if err != nil {
		return fmt.Errorf("%w (listen in the configuration, or --listen, names another address)", err)
	}
	d.listener = listener
	defer func() {
		// A listener that was served is closed already.
		if cerr := listener.Close(); cerr != nil && !errors.Is(cerr, net.ErrClosed) {
			err = errors.Join(err, cerr)
		}
	}()

	d.log.Info().Str("version", currentVersion()).Stringer("roles", &d.roles).Str("listen", listener.Addr().String()).
		Str("criteria", idsOf(d.criteria)).Msg("leadd is starting")
	if all := (roles{true, true, true, true}); d.roles != all && (len(d.cfg.Kafka.Brokers) == 0 || len(d.cfg.ClickHouse.Addr) == 0) {
		d.log.Warn().Msg("this process runs some roles on embedded servers, which no other process can share; to divide the work, give kafka.brokers and clickhouse.addr")
	}

	servers := newLayer(d.log, "servers")
	defer servers.stop()
	if err := d.startServers(servers); err != nil {
		return err
	}
	if err := d.connect(); err != nil {
		return err
	}
	defer d.stream.Close()
	defer func() { err = errors.Join(err, d.db.Close()) }()

	stages := newLayer(d.log, "stages")
	defer stages.stop()
	doors := newLayer(d.log, "front doors")
	defer doors.stop()
	if err := d.startStages(stages, doors); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		d.log.Info().Msg("leadd is stopping")
		return nil
	case err := <-firstFailure(doors, stages, servers):
		return err
	}
}

// startServers starts the embedded Kafka and ClickHouse where no others are
// configured.
func (d *daemon) startServers(servers *layer) error {
	if len(d.cfg.Kafka.Brokers) == 0 {
		kafka, err := embedded.StartKafka(filepath.Join(d.cfg.Data, "kafka"), d.log)
		if err != nil {
			return err
		}
		servers.onStop(kafka.Close)
		d.cfg.Kafka.Brokers = []string{kafka.Addr()}
	}
	if len(d.cfg.ClickHouse.Addr) == 0 && (d.roles.sink || d.roles.dashboard) {
		engine, err := embedded.NewClickHouse(filepath.Join(d.cfg.Data, "clickhouse"), d.cfg.ClickHouse.Database, d.log)
		if err != nil {
			return err
		}
		d.cfg.ClickHouse.Addr = []string{engine.Addr()}
		servers.run("embedded ClickHouse", engine.Run)
	}
	return nil
}

// connect prepares the clients; they connect when first used.
func (d *daemon) connect() (err error) {
	if d.stream, err = stream.Dial(d.cfg.Kafka, d.log, d.metrics); err != nil {
		return err
	}
	if d.db, err = clickhouse.Open(d.cfg.ClickHouse); err != nil {
		return fmt.Errorf("set up ClickHouse: %w", err)
	}
	return nil
}

func (d *daemon) startStages(stages, doors *layer) error {
	topics := stages.once("topics", func(ctx context.Context) error {
		if err := d.stream.EnsureTopics(ctx); err != nil {
			return err
		}
		d.topicsReady.Store(true)
		return nil
	})
	if d.roles.scoring {
		if err := d.startScoring(stages, topics); err != nil {
			return err
		}
	}
	if d.roles.sink {
		if err := d.startSink(stages, topics); err != nil {
			return err
		}
		if err := d.startNotify(stages, topics); err != nil {
			return err
		}
	}
	handler, err := d.handler()
	if err != nil {
		return err
	}
	doors.run("web server", func(ctx context.Context) error { return serveHTTP(ctx, d.listener, newServer(handler)) })
	if d.roles.ingest && len(d.mailboxes) > 0 {
		doors.run("mailboxes", func(ctx context.Context) error {
			if !wait(ctx, topics) {
				return nil
			}
			return d.stream.Group(ctx, groupMailboxes, []string{lead.TopicCursors}, d.runMailboxes)
		})
	}
	if d.roles.ingest {
		d.startFetching(doors, topics)
	}
	stages.run("greeting", d.awaitReady)
	return nil
}

func (d *daemon) startScoring(stages *layer, topics <-chan struct{}) error {
	d.log.Info().Str("lexicons", d.extractor.Version()).Msg("scoring reads evidence")
	stage := scoring.NewStage(scoring.DefaultConfig(), scoring.NewEngine(d.criteria...), d.extractor.Extract, d.stream,
		filepath.Join(d.cfg.Data, "scoring"), d.log, d.metrics)
	d.scoring = stage
	adopted := stages.once("criteria", func(ctx context.Context) error {
		if !wait(ctx, topics) {
			return nil
		}
		return d.adopt(ctx, d.criteria)
	})
	stages.run("scoring", func(ctx context.Context) error {
		if !wait(ctx, adopted) {
			return nil
		}
		stages.run("new criteria", d.reloadOnHangup)
		return d.stream.Group(ctx, groupScoring, []string{lead.TopicContacts}, func(ctx context.Context, c *stream.Claim) error {
			return stage.Run(ctx, c)
		})
	})
	return nil
}

func (d *daemon) startSink(stages *layer, topics <-chan struct{}) error {
	stage, err := sink.NewStage(sink.DefaultConfig(), connectSink(d.cfg.ClickHouse), d.stream, d.log, d.metrics)
	if err != nil {
		return err
	}
	tables := stages.once("tables", d.migrate)
	stages.run("sink", func(ctx context.Context) error {
		if !wait(ctx, topics) || !wait(ctx, tables) {
			return nil
		}
		return d.stream.Group(ctx, groupSink, []string{lead.TopicScored, lead.TopicDead}, func(ctx context.Context, c *stream.Claim) error {
			return stage.Run(ctx, c.Topic(), c)
		})
	})
	return nil
}

// startNotify sends promotions to each destination, which is a consumer group
// of its own.
func (d *daemon) startNotify(stages *layer, topics <-chan struct{}) error {
	stage, err := notify.NewStage(d.cfg.Notify, d.stream, time.Now(), d.log, d.metrics)
	if err != nil {
		return err
	}
	for name := range d.cfg.Notify {
		stages.run("notify "+name, func(ctx context.Context) error {
			if !wait(ctx, topics) {
				return nil
			}
			return d.stream.Group(ctx, groupNotify+name, []string{lead.TopicScored}, func(ctx context.Context, c *stream.Claim) error {
				return stage.Run(ctx, name, c)
			})
		})
	}
	return nil
}

// connectSink opens the sink's connections.
func connectSink(cfg clickhouse.Config) sink.Connect {
	return func(ctx context.Context, buffer *proto.Buffer) (*ch.Client, error) {
		return clickhouse.Dial(ctx, cfg, buffer)
	}
}

// startTime is how long the embedded engine may take to begin to answer
// before that is worth a warning.
const startTime = 5 * time.Second

// migrate brings the tables up to date, as soon as ClickHouse answers.
func (d *daemon) migrate(ctx context.Context) error {
	repeated := d.log.Sample(&zerolog.BurstSampler{Burst: 1, Period: 10 * time.Second})
	began := time.Now()
	for {
		err := clickhouse.CreateDatabase(ctx, d.cfg.ClickHouse)
		if err == nil {
			err = sink.Migrate(ctx, d.db)
		}
		if err == nil {
			d.tablesReady.Store(true)
			return nil
		}
		if time.Since(began) < startTime {
			d.log.Debug().Err(err).Msg("ClickHouse does not answer yet")
		} else {
			repeated.Warn().Err(err).Msg("cannot bring the tables up to date, trying again")
		}
		if !wait(ctx, time.After(200*time.Millisecond)) {
			return nil
		}
	}
}

// awaitReady calls whenReady once nothing stands in the way.
func (d *daemon) awaitReady(ctx context.Context) error {
	for len(d.problems(ctx)) > 0 {
		if !wait(ctx, time.After(100*time.Millisecond)) {
			return nil
		}
	}
	d.log.Info().Str("page", "http://"+reachable(d.listener.Addr())+"/").Msg("leadd is ready")
	if d.whenReady != nil {
		d.whenReady(ctx)
	}
	return nil
}

// wait waits for done and reports whether ctx lasted as long.
func wait[T any](ctx context.Context, done <-chan T) bool {
	select {
	case <-ctx.Done():
		return false
	case <-done:
		return true
	}
}

// layer is a set of goroutines that are stopped together.
type layer struct {
	log     zerolog.Logger
	name    string
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	closers []func() error
	failed  chan error // the first failure
}

func newLayer(log zerolog.Logger, name string) *layer {
	l := &layer{log: log, name: name, failed: make(chan error, 1)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// run begins f, which ends with the layer. A failure ends the daemon.
func (l *layer) run(name string, f func(context.Context) error) {
	l.running.Go(func() {
		err := f(l.ctx)
		if err == nil || l.ctx.Err() != nil {
			return
		}
		select {
		case l.failed <- fmt.Errorf("%s: %w", name, err):
		default:
		}
	})
}

// once is run for work that ends by itself; the channel closes when it has
// succeeded.
func (l *layer) once(name string, f func(context.Context) error) <-chan struct{} {
	done := make(chan struct{})
	l.run(name, func(ctx context.Context) error {
		if err := f(ctx); err != nil {
			return err
		}
		if ctx.Err() == nil {
			close(done)
		}
		return nil
	})
	return done
}

func (l *layer) onStop(f func() error) { l.closers = append(l.closers, f) }

// stop ends the layer and waits for it.
func (l *layer) stop() {
	l.cancel()
	l.running.Wait()
	for _, f := range l.closers {
		if err := f(); err != nil {
			l.log.Warn().Err(err).Str("layer", l.name).Msg("while stopping")
		}
	}
	l.log.Debug().Str("layer", l.name).Msg("stopped")
}

func firstFailure(layers ...*layer) <-chan error {
	first := make(chan error, len(layers))
	for _, l := range layers {
		go func() {
			select {
			case err := <-l.failed:
				first <- err
			case <-l.ctx.Done():
			}
		}()
	}
	return first
}
