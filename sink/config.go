package sink

import (
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Config bounds the sink's batches. A record that comes alone is stored at
// once; these bounds are for load.
type Config struct {
	FlushInterval time.Duration `yaml:"flush_interval"` // a partition under load is stored once in so long
	FlushRecords  int           `yaml:"flush_records"`  // or as soon as so many records wait
	FlushBytes    int64         `yaml:"flush_bytes"`    // or so many bytes of records
	MemoryBytes   int64         `yaml:"memory_bytes"`   // bytes of records that may wait in all partitions together; the heap takes about six times as much
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
		return fmt.Errorf("flush_interval is %v: give a time above 0, such as 1s", c.FlushInterval)
	case c.FlushRecords < 1:
		return fmt.Errorf("flush_records is %d: give at least 1", c.FlushRecords)
	case c.FlushBytes < 1:
		return fmt.Errorf("flush_bytes is %d: give at least 1", c.FlushBytes)
	case c.MemoryBytes < c.FlushBytes:
		return fmt.Errorf("memory_bytes is %d, less than flush_bytes (%d): no full batch would fit", c.MemoryBytes, c.FlushBytes)
	}
	return nil
}

// ClickHouseConfig says how to reach the database, over the native protocol.
type ClickHouseConfig struct {
	Addr     string `yaml:"addr"`     // host:port; the server's default ports are 9000 and, with TLS, 9440
	Database string `yaml:"database"` // created where it is missing
	User     string `yaml:"user"`
	Password string `yaml:"password"`
	TLS      bool   `yaml:"tls"` // with the system's root certificates
}

// Open gives a pool of connections for queries. Nothing is dialled yet.
func (c ClickHouseConfig) Open() (driver.Conn, error) {
	db, err := clickhouse.Open(&clickhouse.Options{
		Addr:        []string{c.Addr},
		Auth:        clickhouse.Auth{Database: c.Database, Username: c.User, Password: c.Password},
		TLS:         c.tls(),
		Compression: &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
	})
	if err != nil {
		return nil, fmt.Errorf("set up ClickHouse connections to %s: %w", c.Addr, err)
	}
	return db, nil
}

// options are those of a connection for inserts.
func (c ClickHouseConfig) options() ch.Options {
	return ch.Options{
		Address: c.Addr, Database: c.Database, User: c.User, Password: c.Password,
		TLS: c.tls(), DialTimeout: dialTimeout, HandshakeTimeout: dialTimeout, ReadTimeout: insertTimeout,
	}
}

func (c ClickHouseConfig) tls() *tls.Config {
	if !c.TLS {
		return nil
	}
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		host = c.Addr
	}
	return &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
}
