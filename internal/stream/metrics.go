package stream

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	produceSeconds *prometheus.HistogramVec // by topic
	produceBatch   *prometheus.HistogramVec // records in a write, by topic
	retries        *prometheus.CounterVec   // by operation
	commits        *prometheus.CounterVec   // by group
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		produceSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "leadd_kafka_produce_seconds",
			Help:    "Time of one write to Kafka, acknowledged by all replicas.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}, []string{"topic"}),
		produceBatch: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "leadd_kafka_produce_records",
			Help:    "Records in one write to Kafka.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 14),
		}, []string{"topic"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leadd_kafka_retries_total",
			Help: "Requests to Kafka that failed and were tried again.",
		}, []string{"operation"}),
		commits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leadd_kafka_commits_total",
			Help: "Offsets committed.",
		}, []string{"group"}),
	}
	reg.MustRegister(m.produceSeconds, m.produceBatch, m.retries, m.commits)
	return m
}
