package mailbox

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/lead"
)

// Reader reads a mail as a person would. Many mails are read at once.
type Reader interface {
	// Contact makes a contact of raw, all but its source. received is when
	// the server got the mail, or zero where it does not say; then Received
	// may be left zero. An error means that the mail cannot be understood at
	// all.
	Contact(raw []byte, received time.Time) (lead.Contact, error)
}

// Acceptor is the way to Kafka. Both methods return once Kafka has what they
// were given, and are called for many mails at once.
type Acceptor interface {
	Accept(ctx context.Context, c *lead.Contact) error
	Refuse(ctx context.Context, d lead.DeadLetter) error
}

// Mailbox reads folders of one IMAP account.
type Mailbox struct {
	name    string
	cfg     Config
	reader  Reader
	to      Acceptor
	cursors Cursors
	log     zerolog.Logger
	often   zerolog.Logger // for what may fail many times a second
	metrics metrics

	reconnect span          // between connections
	rewrite   span          // between tries to write to Kafka
	silence   time.Duration // longest while an answer is awaited
	saveEvery time.Duration // while mails come in; a lone mail's position is saved at once

	// Only Run's goroutine touches these.
	withheld withheld
	tokens   tokens

	mu     sync.Mutex
	ready  bool
	reason string
}

// New makes the mailbox that is configured as name, which becomes its
// contacts' source. cfg must be valid; what it leaves out has its default.
func New(name string, cfg Config, r Reader, to Acceptor, cursors Cursors, log zerolog.Logger, reg prometheus.Registerer) *Mailbox {
	log = log.With().Str("mailbox", name).Logger()
	m := &Mailbox{
		name:      name,
		cfg:       cfg.withDefaults(),
		reader:    r,
		to:        to,
		cursors:   cursors,
		log:       log,
		often:     log.Sample(&zerolog.BurstSampler{Burst: 1, Period: 10 * time.Second}),
		metrics:   newMetrics(name, reg),
		reconnect: span{time.Second, time.Minute},
		rewrite:   span{100 * time.Millisecond, 10 * time.Second},
		silence:   30 * time.Second,
		saveEvery: time.Second,
		reason:    "not started",
	}
	if m.cfg.OAuth != nil {
		m.tokens.cfg = *m.cfg.OAuth
	}
	return m
}

// Run reads the folders until ctx is done, and then returns nil. Whatever
// fails meanwhile is tried again, for as long as it takes. Run may be called
// again after it has returned.
func (m *Mailbox) Run(ctx context.Context) error {
	defer m.setReady(false, "stopped")
	if m.cfg.exposed() {
		m.log.Warn().Str("addr", m.cfg.Addr).Msg("what opens the mailbox crosses the network in the clear; use tls: tls or tls: starttls")
	}
	m.setReady(false, "loading its position")
	at, err := m.load(ctx)
	if err != nil {
		return nil
	}

	again := backoff{span: m.reconnect}
	for {
		m.setReady(false, "connecting to "+m.cfg.Addr)
		opened, err := m.session(ctx, &at)
		if ctx.Err() != nil {
			return nil
		}
		m.metrics.reconnects.Inc()
		m.setReady(false, err.Error())
		if opened && m.withheld.times == 0 {
			again.reset()
		}
		if errors.Is(err, errLogin) {
			again.longest()
		}
		m.log.Warn().Err(err).Msg("connection lost or refused; trying again")
		if !again.wait(ctx) {
			return nil
		}
	}
}

// Ready reports whether all folders can be read; where they cannot, why.
func (m *Mailbox) Ready() (ok bool, reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ready, m.reason
}

func (m *Mailbox) setReady(ok bool, reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ready, m.reason = ok, reason
	if ok {
		m.metrics.connected.Set(1)
	} else {
		m.metrics.connected.Set(0)
	}
}

// load gives the position to begin at. It fails only when ctx is done.
func (m *Mailbox) load(ctx context.Context) (Position, error) {
	var at Position
	err := retry(ctx, m.rewrite, func() (err error) {
		at, err = m.cursors.Load(ctx, m.name)
		return err
	}, m.writeFailed("load the position"))
	if err != nil {
		return Position{}, err
	}
	at = at.clone()
	if at.Account != m.cfg.account() {
		if at.Account != "" {
			m.log.Info().Str("was", at.Account).Str("is", m.cfg.account()).Msg("configured for another account; reading it from the start")
		}
		at = Position{Account: m.cfg.account()}
	}
	if at.Folders == nil {
		at.Folders = map[string]Cursor{}
	}
	return at, nil
}

// writeFailed counts and logs what will be tried again.
func (m *Mailbox) writeFailed(doing string) func(error) {
	return func(err error) {
		m.metrics.retries.Inc()
		m.often.Warn().Err(err).Str("doing", doing).Msg("failed; trying again until it works")
	}
}
