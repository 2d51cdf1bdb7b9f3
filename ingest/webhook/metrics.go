package webhook

import "github.com/prometheus/client_golang/prometheus"

// unknownSource stands for the names of sources that do not exist, so that
// nobody can make up label values.
const unknownSource = "unknown"

type metrics struct {
	accepted *prometheus.CounterVec
	refused  *prometheus.CounterVec
	seconds  prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer, l *load) metrics {
	m := metrics{
		accepted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leadd_webhook_accepted_total",
			Help: "Posts answered with success after Kafka had the contact.",
		}, []string{"source"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leadd_webhook_refused_total",
			Help: "Posts that made no contact, by reason.",
		}, []string{"source", "reason"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "leadd_webhook_request_seconds",
			Help:    "Time from a post's headers to its answer.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 12),
		}),
	}
	reg.MustRegister(m.accepted, m.refused, m.seconds,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "leadd_webhook_waiting_posts",
			Help: "Posts that are being read or wait for Kafka; more than 1024 are refused.",
		}, func() float64 { return float64(l.posts.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "leadd_webhook_held_bytes",
			Help: "Bytes of posts held in memory; posts that would need more than 128 MiB are refused.",
		}, func() float64 { return float64(l.bytes.Load()) }))
	return m
}
