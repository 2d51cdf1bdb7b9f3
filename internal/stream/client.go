// Package stream carries records to and from Kafka: topics, a producer that
// groups what is waiting into one write, reads and atomic appends of a single
// partition, and consumer groups whose commits are fenced by the generation.
// It is the only importer of kafka-go.
//
// A server that is away is waited for: reads and appends retry, with a
// rate-limited warning, until the caller's context ends.
package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"leadd/internal/certs"

	"leadd/lead"
)

// Config says which Kafka to use. The zero Config asks for the embedded one.
type Config struct {
	// Brokers are host:port addresses to begin with; the others are learned.
	Brokers []string `yaml:"brokers"`
	// Partitions is how many partitions topics are created with; how many
	// processes can share the work. Existing topics keep theirs.
	Partitions int `yaml:"partitions"`
	// Replication is the replication factor topics are created with; 0 leaves
	// it to the brokers.
	Replication int `yaml:"replication"`

	TLS  TLSConfig  `yaml:"tls"`
	SASL SASLConfig `yaml:"sasl"`
}

// TLSConfig says how connections are encrypted.
type TLSConfig struct {
	Enabled bool `yaml:"enabled"`
	// CAFile holds the certificates to trust, PEM; empty: the system's.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile are our own certificate, PEM, where brokers ask for one.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

// SASLConfig says how we authenticate.
type SASLConfig struct {
	// Mechanism is "plain", "scram-sha-256", "scram-sha-512", or empty for none.
	Mechanism string `yaml:"mechanism"`
	User      string `yaml:"user"`
	Password  string `yaml:"password"`
}

// DefaultConfig is the configuration where the file says nothing.
func DefaultConfig() Config { return Config{Partitions: 4} }

// Validate names every mistake in c, joined; nil where there is none.
func (c Config) Validate() error {
	var errs []error
	for _, b := range c.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			errs = append(errs, fmt.Errorf("brokers: %q is not host:port", b))
		}
	}
	if c.Partitions < 1 || c.Partitions > 1000 {
		errs = append(errs, fmt.Errorf("partitions: %d is not between 1 and 1000", c.Partitions))
	}
	if c.Replication < 0 {
		errs = append(errs, fmt.Errorf("replication: %d is negative; leave it out for the brokers' default", c.Replication))
	}
	if !slices.Contains([]string{"", "plain", "scram-sha-256", "scram-sha-512"}, c.SASL.Mechanism) {
		errs = append(errs, fmt.Errorf("sasl.mechanism: %q is not plain, scram-sha-256 or scram-sha-512", c.SASL.Mechanism))
	}
	if c.SASL.Mechanism == "" && (c.SASL.User != "" || c.SASL.Password != "") {
		errs = append(errs, errors.New("sasl.mechanism: missing beside user and password; say plain, scram-sha-256 or scram-sha-512"))
	}
	if _, err := c.TLS.load(); err != nil {
		errs = append(errs, fmt.Errorf("tls: %w", err))
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		errs = append(errs, errors.New("tls: cert_file and key_file go together"))
	}
	return errors.Join(errs...)
}

// Client speaks to one Kafka cluster. It is safe for concurrent use.
type Client struct {
	cfg       Config
	log       zerolog.Logger
	repeated  zerolog.Logger // for warnings that every retry would repeat
	kafka     *kafka.Client
	transport *kafka.Transport
	dialer    *kafka.Dialer
	metrics   *metrics
	publisher publisher

	mu         sync.Mutex
	partitions layout          // as of EnsureTopics
	groups     map[string]bool // group -> has joined
}

// Dial prepares a client; it connects when first used. It fails only for a
// configuration that cannot work, such as a certificate that cannot be read.
func Dial(cfg Config, log zerolog.Logger, reg prometheus.Registerer) (*Client, error) {
	mechanism, err := cfg.SASL.mechanism()
	if err != nil {
		return nil, fmt.Errorf("set up Kafka authentication: %w", err)
	}
	tlsConfig, err := cfg.TLS.load()
	if err != nil {
		return nil, fmt.Errorf("set up TLS for Kafka: %w", err)
	}
	transport := &kafka.Transport{
		ClientID:    "leadd",
		DialTimeout: 5 * time.Second,
		IdleTimeout: 5 * time.Minute,
		// How long a moved leader goes unnoticed.
		MetadataTTL: 2 * time.Second,
		TLS:         tlsConfig,
		SASL:        mechanism,
	}
	return &Client{
		cfg:       cfg,
		log:       log,
		repeated:  log.Sample(&zerolog.BurstSampler{Burst: 3, Period: 10 * time.Second}),
		transport: transport,
		kafka:     &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Timeout: requestTimeout, Transport: transport},
		dialer: &kafka.Dialer{
			ClientID: "leadd", Timeout: 5 * time.Second, DualStack: true,
			TLS: tlsConfig, SASLMechanism: mechanism,
		},
		metrics:    newMetrics(reg),
		partitions: layout{},
		publisher:  newPublisher(),
		groups:     map[string]bool{},
	}, nil
}

// requestTimeout bounds one request, so that a broker that has frozen is
// given up and asked again.
const requestTimeout = 10 * time.Second

// Close gives up idle connections. What is under way fails by its context.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// diagnose finds out why a request failed: the transport says of a refused
// password or certificate only that no broker is available.
func (c *Client) diagnose(ctx context.Context, failed error) error {
	for _, broker := range c.cfg.Brokers {
		conn, err := c.dialer.DialContext(ctx, "tcp", broker)
		if err == nil {
			_ = conn.Close() // nothing was written
			return failed
		}
		failed = fmt.Errorf("connect to broker %s: %w", broker, err)
	}
	return failed
}

// Problems names what keeps c from working, for a readiness page; empty when
// all is well: the brokers cannot be reached, or a group has not been joined.
func (c *Client) Problems(ctx context.Context) []string {
	var problems []string
	if err := c.ping(ctx); err != nil {
		problems = append(problems, "Kafka does not answer: "+c.diagnose(ctx, err).Error())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for group, joined := range c.groups {
		if !joined {
			problems = append(problems, "consumer group "+group+" has not been joined yet")
		}
	}
	slices.Sort(problems)
	return problems
}

// ping asks the leaders of all partitions of contacts, which is where a contact
// must get to be accepted. (The metadata would come out of kafka-go's cache.)
func (c *Client) ping(ctx context.Context) error {
	c.mu.Lock()
	n := c.partitions[lead.TopicContacts]
	c.mu.Unlock()
	if n == 0 {
		_, err := c.kafka.ApiVersions(ctx, &kafka.ApiVersionsRequest{})
		return err
	}
	var ends []kafka.OffsetRequest
	for partition := range n {
		ends = append(ends, kafka.LastOffsetOf(partition))
	}
	res, err := c.kafka.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{lead.TopicContacts: ends}})
	if err != nil {
		return err
	}
	for _, p := range res.Topics[lead.TopicContacts] {
		if p.Error != nil {
			return fmt.Errorf("%s/%d: %w", lead.TopicContacts, p.Partition, p.Error)
		}
	}
	return nil
}

func (s SASLConfig) mechanism() (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "":
		return nil, nil
	case "plain":
		return plain.Mechanism{Username: s.User, Password: s.Password}, nil
	case "scram-sha-256":
		return scram.Mechanism(scram.SHA256, s.User, s.Password)
	case "scram-sha-512":
		return scram.Mechanism(scram.SHA512, s.User, s.Password)
	}
	return nil, fmt.Errorf("mechanism %q is not known", s.Mechanism)
}

func (t TLSConfig) load() (*tls.Config, error) {
	if !t.Enabled {
		return nil, nil
	}
	roots, err := certs.Pool(t.CAFile)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	if t.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read cert_file and key_file: %w", err)
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	return cfg, nil
}
