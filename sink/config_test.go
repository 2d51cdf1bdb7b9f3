package sink_test

import (
	"strings"
	"testing"

	"leadd/sink"
)

func TestConfigMistakes(t *testing.T) {
	if err := sink.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*sink.Config){
		"FlushInterval is 0s":  func(c *sink.Config) { c.FlushInterval = 0 },
		"FlushRecords is 0":    func(c *sink.Config) { c.FlushRecords = 0 },
		"FlushBytes is 0":      func(c *sink.Config) { c.FlushBytes = 0 },
		"less than FlushBytes": func(c *sink.Config) { c.MemoryBytes = c.FlushBytes - 1 },
	} {
		cfg := sink.DefaultConfig()
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}
