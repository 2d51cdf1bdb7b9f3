package scoring

// Config is how the scoring stage works; which criteria it judges by is the
// engine's.
type Config struct {
	// BatchContacts is how many contacts are applied and stored at once, at
	// most.
	BatchContacts int
	// CacheBytes is how much state of hot prospects is kept in memory, per
	// partition, as encoded bytes; the memory taken is about twice that.
	CacheBytes int
	// BlockBytes is how much of the local stores' files is kept in memory, all
	// partitions together.
	BlockBytes int
}

// DefaultConfig is the configuration where the file says nothing.
func DefaultConfig() Config {
	return Config{BatchContacts: 2000, CacheBytes: 4 << 20, BlockBytes: 32 << 20}
}
