package sink

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	rows          *prometheus.CounterVec
	batches       *prometheus.CounterVec
	batchRows     *prometheus.HistogramVec
	insertSeconds *prometheus.HistogramVec
	lag           *prometheus.GaugeVec
	retries       *prometheus.CounterVec
	dead          *prometheus.CounterVec
	rivals        prometheus.Counter
	storedSeconds prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	return &metrics{
		rows: f.NewCounterVec(prometheus.CounterOpts{
			Name: "leadd_sink_rows_total", Help: "Rows stored in ClickHouse; a range repeated after a take-over counts again.",
		}, []string{"table"}),
		batches: f.NewCounterVec(prometheus.CounterOpts{
			Name: "leadd_sink_batches_total", Help: "Ranges of a partition stored as a whole.",
		}, []string{"topic"}),
		batchRows: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "leadd_sink_batch_rows", Help: "Rows of one insert.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 9),
		}, []string{"table"}),
		insertSeconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "leadd_sink_insert_seconds", Help: "Time of one insert that succeeded.",
			Buckets: prometheus.ExponentialBuckets(0.004, 2, 12),
		}, []string{"table"}),
		lag: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "leadd_sink_lag", Help: "Records of a partition that are not stored yet.",
		}, []string{"topic", "partition"}),
		retries: f.NewCounterVec(prometheus.CounterOpts{
			Name: "leadd_sink_retries_total", Help: "Inserts tried again because ClickHouse failed.",
		}, []string{"table"}),
		dead: f.NewCounterVec(prometheus.CounterOpts{
			Name: "leadd_sink_dead_total",
			Help: "Records that became dead letters: unreadable, or refused by a table. Reason lost: a dead letter that its own table refused; it is left on its topic only.",
		}, []string{"reason"}),
		rivals: f.NewCounter(prometheus.CounterOpts{
			Name: "leadd_sink_rivals_total", Help: "Records dropped because another scorer had written the same.",
		}),
		storedSeconds: f.NewHistogram(prometheus.HistogramOpts{
			Name: "leadd_sink_received_to_stored_seconds", Help: "Time from a contact's arrival at leadd until it could be seen in ClickHouse.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2.5, 14),
		}),
	}
}
