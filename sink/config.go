package sink

import (
	"fmt"
	"time"
)

// Config bounds the sink's batches. A record that comes alone is stored at
// once; these bounds are for load.
type Config struct {
	FlushInterval time.Duration // a partition under load is stored once in so long
	FlushRecords  int           // or as soon as so many records wait
	FlushBytes    int64         // or so many bytes of records
	MemoryBytes   int64         // bytes of records that may wait in all partitions together; the heap takes about six times as much
}

// DefaultConfig is the configuration of a sink of which nothing is said.
func DefaultConfig() Config {
	return Config{
		FlushInterval: time.Second,
		FlushRecords:  50_000,
		FlushBytes:    8 << 20,
		MemoryBytes:   16 << 20,
	}
}

// Validate says what is wrong with the configuration, nil for nothing.
func (c Config) Validate() error {
	switch {
	case c.FlushInterval <= 0:
		return fmt.Errorf("FlushInterval is %v: give a time above 0, such as 1s", c.FlushInterval)
	case c.FlushRecords < 1:
		return fmt.Errorf("FlushRecords is %d: give at least 1", c.FlushRecords)
	case c.FlushBytes < 1:
		return fmt.Errorf("FlushBytes is %d: give at least 1", c.FlushBytes)
	case c.MemoryBytes < c.FlushBytes:
		return fmt.Errorf("MemoryBytes is %d, less than FlushBytes (%d): no full batch would fit", c.MemoryBytes, c.FlushBytes)
	}
	return nil
}
