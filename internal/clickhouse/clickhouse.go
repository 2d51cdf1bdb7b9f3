// Package clickhouse opens connections to ClickHouse as configured.
package clickhouse

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"regexp"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"leadd/internal/certs"
)

// Config says which ClickHouse to use. Without Addr it is the embedded one.
type Config struct {
	// Addr are host:port addresses of the native protocol; the next is tried
	// where one does not answer.
	Addr     []string `yaml:"addr"`
	Database string   `yaml:"database"` // created where it does not exist
	User     string   `yaml:"user"`
	Password string   `yaml:"password"`
	TLS      TLS      `yaml:"tls"`
}

// TLS says how connections are encrypted.
type TLS struct {
	Enabled bool `yaml:"enabled"`
	// CAFile holds the certificates to trust, PEM; empty: the system's.
	CAFile string `yaml:"ca_file"`
}

// DefaultConfig is the configuration where the file says nothing.
func DefaultConfig() Config { return Config{Database: "leadd", User: "default"} }

const (
	dialTimeout = 5 * time.Second
	// Not the driver's default of five minutes, in which a server that has
	// frozen would hold up everything.
	readTimeout = time.Minute
)

var databaseName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// Validate names every mistake in c, joined; nil where there is none.
func (c Config) Validate() error {
	var errs []error
	for _, addr := range c.Addr {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			errs = append(errs, fmt.Errorf("addr: %q is not host:port; the native protocol's port is 9000, or 9440 with TLS", addr))
		}
	}
	if !databaseName.MatchString(c.Database) {
		errs = append(errs, fmt.Errorf("database: %q is no name: letters, digits and _ only", c.Database))
	}
	if _, err := c.TLS.load(); err != nil {
		errs = append(errs, fmt.Errorf("tls.ca_file: %w", err))
	}
	if c.TLS.CAFile != "" && !c.TLS.Enabled {
		errs = append(errs, errors.New("tls.ca_file: of no use while tls.enabled is not true"))
	}
	return errors.Join(errs...)
}

// Open prepares a pool of connections for queries; the first use connects. It fails only
// for a configuration that cannot work.
func Open(c Config) (driver.Conn, error) {
	options, err := c.options()
	if err != nil {
		return nil, err
	}
	options.Auth.Database = c.Database
	return clickhouse.Open(options)
}

// Dial opens one connection for inserts of whole columns, which encodes what
// it sends in buffer. It tries the addresses in their order.
func Dial(ctx context.Context, c Config, buffer *proto.Buffer) (*ch.Client, error) {
	tlsConfig, err := c.TLS.load()
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, addr := range c.Addr {
		if tlsConfig != nil {
			// ch-go, unlike the pool, does not derive it from the address.
			tlsConfig = tlsConfig.Clone()
			tlsConfig.ServerName, _, _ = net.SplitHostPort(addr) // Validate has split it
		}
		client, err := ch.DialWithBuffer(ctx, ch.Options{
			Address: addr, Database: c.Database, User: c.User, Password: c.Password, TLS: tlsConfig,
			DialTimeout: dialTimeout, HandshakeTimeout: dialTimeout, ReadTimeout: readTimeout,
		}, buffer)
		if err == nil {
			return client, nil
		}
		errs = append(errs, fmt.Errorf("connect to ClickHouse at %s: %w", addr, err))
	}
	return nil, errors.Join(errs...)
}

// CreateDatabase creates the configured database where it does not exist.
func CreateDatabase(ctx context.Context, c Config) (err error) {
	options, err := c.options()
	if err != nil {
		return err
	}
	// Not the configured one, which may not be there yet.
	options.Auth.Database = "default"
	conn, err := clickhouse.Open(options)
	if err != nil {
		return fmt.Errorf("connect to ClickHouse: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS `"+c.Database+"`"); err != nil {
		return fmt.Errorf("create database %s: %w", c.Database, err)
	}
	return nil
}

func (c Config) options() (*clickhouse.Options, error) {
	tlsConfig, err := c.TLS.load()
	if err != nil {
		return nil, err
	}
	return &clickhouse.Options{
		Addr:            c.Addr,
		Auth:            clickhouse.Auth{Username: c.User, Password: c.Password},
		DialTimeout:     dialTimeout,
		MaxOpenConns:    16,
		MaxIdleConns:    16,
		ConnMaxLifetime: time.Hour,
		ReadTimeout:     readTimeout,
		TLS:             tlsConfig,
		Compression:     &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
	}, nil
}

// load gives nil where connections are not encrypted.
func (t TLS) load() (*tls.Config, error) {
	if !t.Enabled {
		return nil, nil
	}
	roots, err := certs.Pool(t.CAFile)
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}, nil
}
