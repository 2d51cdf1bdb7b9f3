package sink_test

import (
	"context"
	"testing"
	"time"

	"leadd/lead"
)

// TestStopsWhileTheServerIsSilent ends a run whose query has been sent, while
// its rows have not: neither side hears of the other.
func TestStopsWhileTheServerIsSilent(t *testing.T) {
	cfg, _ := freshDatabase(t)
	kafka := newMemoryKafka()
	kafka.append(lead.TopicScored, 0, scoredRecords(t, 20)...)
	p := newProxy(t, cfg.Addr[0])
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stopped := make(chan struct{})
	p.before = func() bool { cancel(); <-stopped; return false }
	p.start(t)
	cfg.Addr = []string{p.addr()}
	s, _ := newStage(t, smallBatches(5), cfg, kafka)
	began := time.Now()
	err := s.Run(ctx, lead.TopicScored, kafka.claim(lead.TopicScored, 0))
	close(stopped)
	if err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v to stop", took)
	}
}
