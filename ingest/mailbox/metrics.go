package mailbox

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are one mailbox's, told apart by the label "mailbox".
type metrics struct {
	mails       prometheus.Counter
	deadLetters prometheus.Counter
	reconnects  prometheus.Counter
	retries     prometheus.Counter
	connected   prometheus.Gauge
	changed     prometheus.Counter
	refused     prometheus.Counter
	uid         *prometheus.GaugeVec
}

func newMetrics(mailbox string, reg prometheus.Registerer) metrics {
	labels := prometheus.Labels{"mailbox": mailbox}
	counter := func(name, help string) prometheus.Counter {
		return registered(reg, prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}))
	}
	gauge := func(name, help string) prometheus.Gauge {
		return registered(reg, prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}))
	}
	return metrics{
		mails:       counter("leadd_mailbox_mails_total", "Mails that became contacts and are in Kafka."),
		deadLetters: counter("leadd_mailbox_dead_letters_total", "Mails that could not be understood and are in Kafka as dead letters."),
		reconnects:  counter("leadd_mailbox_reconnects_total", "Connections that failed or ended and were tried again."),
		retries:     counter("leadd_mailbox_retries_total", "Writes to Kafka that failed and were tried again."),
		connected:   gauge("leadd_mailbox_connected", "1 while the folders can be read, else 0."),
		changed:     counter("leadd_mailbox_changed_total", "Mails flagged or moved on the server after Kafka had them."),
		refused:     counter("leadd_mailbox_refused_changes_total", "Refusals by the server to flag or move mails."),
		uid: registered(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "leadd_mailbox_uid", Help: "UID up to which the position in the folder was saved.", ConstLabels: labels,
		}, []string{"folder"})),
	}
}

// registered registers c, or gives the one that an earlier Mailbox of the same
// name registered: a mailbox may leave this process and come back.
func registered[C prometheus.Collector](reg prometheus.Registerer, c C) C {
	var already prometheus.AlreadyRegisteredError
	if err := reg.Register(c); errors.As(err, &already) {
		if earlier, ok := already.ExistingCollector.(C); ok {
			return earlier
		}
	}
	return c
}
