package notify

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	sent    *prometheus.CounterVec
	retries *prometheus.CounterVec
	refused *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	return &metrics{
		sent: f.NewCounterVec(prometheus.CounterOpts{
			Name: "leadd_notify_sent_total", Help: "Promotions and falls that a destination has taken.",
		}, []string{"destination", "stage"}),
		retries: f.NewCounterVec(prometheus.CounterOpts{
			Name: "leadd_notify_retries_total", Help: "Posts tried again because the destination failed.",
		}, []string{"destination"}),
		refused: f.NewCounterVec(prometheus.CounterOpts{
			Name: "leadd_notify_refused_total", Help: "Promotions and falls that a destination would not take; each is a dead letter.",
		}, []string{"destination"}),
	}
}
