package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"leadd/lead"
)

// Producer appends a record to a topic and returns when Kafka has it with
// acks=all; an error means that this is not known. It is safe for concurrent
// use, and gives up when ctx is done.
type Producer interface {
	Publish(ctx context.Context, topic string, key, value []byte) error
}

// ErrIncomplete marks a contact that lacks what every contact must have. It
// is a mistake of the caller; the contact will not be accepted later either.
var ErrIncomplete = errors.New("incomplete contact")

// Intake is where every door hands in its contacts. It is safe for concurrent
// use.
type Intake struct {
	producer Producer
	contacts *prometheus.CounterVec
	notices  *prometheus.CounterVec
	dead     *prometheus.CounterVec
	seconds  prometheus.Histogram
}

// NewIntake makes an intake that writes through p and registers its metrics
// on reg.
func NewIntake(p Producer, reg prometheus.Registerer) *Intake {
	i := &Intake{
		producer: p,
		contacts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leadd_ingest_contacts_total",
			Help: "Contacts handed to Kafka; a second delivery of the same contact counts again.",
		}, []string{"source", "kind"}),
		notices: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leadd_ingest_notices_total",
			Help: "Notices handed to Kafka, whose contacts are still to be fetched; a second delivery counts again.",
		}, []string{"source"}),
		dead: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leadd_ingest_dead_letters_total",
			Help: "Inputs that could not be understood and went to the dead letters.",
		}, []string{"source"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "leadd_ingest_accept_seconds",
			Help:    "Time until Kafka had an accepted contact.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 12),
		}),
	}
	reg.MustRegister(i.contacts, i.notices, i.dead, i.seconds)
	return i
}

// Accept writes c on lead.TopicContacts under its prospect's key and returns
// nil once Kafka has it. After any error the sender must not be told that we
// have it.
func (i *Intake) Accept(ctx context.Context, c *lead.Contact) error {
	if c.ID == "" || c.Prospect == "" || c.Source == "" {
		return fmt.Errorf("accept contact %q of source %q for prospect %q: %w: id, source and prospect must be set", c.ID, c.Source, c.Prospect, ErrIncomplete)
	}
	begin := time.Now()
	value, err := lead.Encode(c)
	if err != nil {
		return fmt.Errorf("accept contact %s: %w", c.ID, err)
	}
	if err := i.producer.Publish(ctx, lead.TopicContacts, []byte(c.Prospect), value); err != nil {
		return fmt.Errorf("accept contact %s: %w", c.ID, err)
	}
	i.seconds.Observe(time.Since(begin).Seconds())
	i.contacts.WithLabelValues(c.Source, string(c.Kind)).Inc()
	return nil
}

// Announce writes notices on lead.TopicNotices, each under its key, and returns
// nil once Kafka has them all. After any error it may have some of them.
func (i *Intake) Announce(ctx context.Context, notices []lead.Notice) error {
	var g errgroup.Group
	for n := range notices {
		// All at once, so that few writes carry them.
		g.Go(func() error {
			value, err := lead.Encode(&notices[n])
			if err != nil {
				return fmt.Errorf("announce %s: %w", notices[n].ID, err)
			}
			if err := i.producer.Publish(ctx, lead.TopicNotices, notices[n].Key(), value); err != nil {
				return fmt.Errorf("announce %s: %w", notices[n].ID, err)
			}
			i.notices.WithLabelValues(notices[n].Source).Inc()
			return nil
		})
	}
	return g.Wait()
}

// Refuse writes d on lead.TopicDead under its id and returns nil once Kafka
// has it. Raw beyond lead.MaxRaw is cut off.
func (i *Intake) Refuse(ctx context.Context, d lead.DeadLetter) error {
	if len(d.Raw) > lead.MaxRaw {
		d.Raw, d.Truncated = d.Raw[:lead.MaxRaw], true
	}
	value, err := lead.Encode(&d)
	if err != nil {
		return fmt.Errorf("refuse %s: %w", d.ID, err)
	}
	if err := i.producer.Publish(ctx, lead.TopicDead, []byte(d.ID), value); err != nil {
		return fmt.Errorf("refuse %s: %w", d.ID, err)
	}
	i.dead.WithLabelValues(d.Source).Inc()
	return nil
}
