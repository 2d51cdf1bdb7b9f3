package scoring

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	contacts   prometheus.Counter
	duplicates prometheus.Counter
	dead       prometheus.Counter
	restored   prometheus.Counter
	rivals     prometheus.Counter
	lag        *prometheus.GaugeVec
	batch      prometheus.Histogram
	latency    prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	return &metrics{
		contacts:   f.NewCounter(prometheus.CounterOpts{Name: "leadd_scoring_contacts_total", Help: "Contacts scored."}),
		duplicates: f.NewCounter(prometheus.CounterOpts{Name: "leadd_scoring_duplicates_total", Help: "Contacts delivered again and left out."}),
		dead:       f.NewCounter(prometheus.CounterOpts{Name: "leadd_scoring_dead_total", Help: "Records that could not be understood, sent to the dead letters."}),
		restored:   f.NewCounter(prometheus.CounterOpts{Name: "leadd_scoring_restored_records_total", Help: "Records of the changelog read to rebuild local stores."}),
		rivals:     f.NewCounter(prometheus.CounterOpts{Name: "leadd_scoring_rivals_total", Help: "Records of the changelog that a former owner wrote late and that were written over."}),
		lag:        f.NewGaugeVec(prometheus.GaugeOpts{Name: "leadd_scoring_lag", Help: "Contacts in the partition that are not scored yet."}, []string{"partition"}),
		batch: f.NewHistogram(prometheus.HistogramOpts{
			Name: "leadd_scoring_batch_contacts", Help: "Contacts stored at once.", Buckets: prometheus.ExponentialBuckets(1, 4, 8),
		}),
		latency: f.NewHistogram(prometheus.HistogramOpts{
			Name: "leadd_scoring_latency_seconds", Help: "From a contact's arrival to its scored record being on Kafka.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 12),
		}),
	}
}
