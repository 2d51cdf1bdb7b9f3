package scoring

import (
	"errors"
	"fmt"
)

// Config is how the scoring stage works; which criteria it judges by is the
// engine's.
type Config struct {
	// Criteria is the criteria file; empty: the built-in default criteria.
	Criteria string `yaml:"criteria"`
	// BatchContacts is how many contacts are applied and stored at once, at
	// most.
	BatchContacts int `yaml:"batch_contacts"`
	// CacheBytes is how much state of hot prospects is kept in memory, per
	// partition, as encoded bytes; the memory taken is about twice that.
	CacheBytes int `yaml:"cache_bytes"`
}

// DefaultConfig is the configuration where the file says nothing.
func DefaultConfig() Config {
	return Config{BatchContacts: 2000, CacheBytes: 4 << 20}
}

// Validate names every mistake in c, joined; nil where there is none.
func (c Config) Validate() error {
	var errs []error
	if c.BatchContacts < 1 || c.BatchContacts > 100_000 {
		errs = append(errs, fmt.Errorf("batch_contacts: %d is not between 1 and 100000", c.BatchContacts))
	}
	if c.CacheBytes < 0 {
		errs = append(errs, fmt.Errorf("cache_bytes: %d is negative", c.CacheBytes))
	}
	return errors.Join(errs...)
}
