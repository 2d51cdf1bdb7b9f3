package fetch

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	contacts    *prometheus.CounterVec
	deadLetters *prometheus.CounterVec
	retries     *prometheus.CounterVec
	requests    *prometheus.CounterVec
	seconds     *prometheus.HistogramVec
	waiting     *prometheus.GaugeVec
	stopped     *prometheus.GaugeVec
	lag         *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{"source"}, labels...))
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, append([]string{"source"}, labels...))
	}
	m := &metrics{
		contacts:    counter("leadd_fetch_contacts_total", "Notices that became contacts and are in Kafka."),
		deadLetters: counter("leadd_fetch_dead_letters_total", "Notices that became dead letters."),
		retries:     counter("leadd_fetch_retries_total", "Writes to Kafka that failed and were tried again."),
		requests:    counter("leadd_fetch_requests_total", "Requests to a sender's API, by what came of them.", "verdict"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "leadd_fetch_request_seconds",
			Help:    "Time of one request to a sender's API.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2.5, 10),
		}, []string{"source"}),
		waiting: gauge("leadd_fetch_waiting_records", "Notices taken from Kafka that are not fetched yet."),
		stopped: gauge("leadd_fetch_stopped", "1 while the API refuses or fails, so that nothing is fetched but for a try now and then."),
		lag:     gauge("leadd_fetch_lag_records", "Records of the topic, of all sources, behind the position committed.", "partition"),
	}
	reg.MustRegister(m.contacts, m.deadLetters, m.retries, m.requests, m.seconds, m.waiting, m.stopped, m.lag)
	return m
}

// sourceMetrics are those of one source.
type sourceMetrics struct {
	contacts, deadLetters, retries prometheus.Counter
	requests                       func(verdict) prometheus.Counter
	seconds                        prometheus.Observer
	waiting, stopped               prometheus.Gauge
}

func (m *metrics) of(source string) *sourceMetrics {
	return &sourceMetrics{
		contacts:    m.contacts.WithLabelValues(source),
		deadLetters: m.deadLetters.WithLabelValues(source),
		retries:     m.retries.WithLabelValues(source),
		requests:    func(v verdict) prometheus.Counter { return m.requests.WithLabelValues(source, string(v)) },
		seconds:     m.seconds.WithLabelValues(source),
		waiting:     m.waiting.WithLabelValues(source),
		stopped:     m.stopped.WithLabelValues(source),
	}
}
