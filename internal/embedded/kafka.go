package embedded

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Kafka is a single broker inside the process. What it has acknowledged is on
// disk (each batch is synced) and is there again when the same directory is
// opened, however the process ended.
//
// It differs from Apache Kafka in this: nothing is ever deleted by age or
// size, and compacted topics are compacted only while the broker starts, so
// min.compaction.lag.ms has no effect.
type Kafka struct {
	cluster *kfake.Cluster
	addr    string
	lock    *os.File
}

// brokerConfigs replaces defaults that do not suit a broker which is the only
// copy of its records.
var brokerConfigs = map[string]string{
	// Retention would empty a partition, and an emptied partition starts
	// again at offset 0 after a restart.
	"log.retention.ms":    "-1",
	"log.retention.bytes": "-1",
	// The periodic compaction deletes the old segments before it writes the
	// new ones. Twenty years: never; see compactDir.
	"log.cleaner.backoff.ms": "630720000000",
	// Committed offsets must outlive a long holiday: twenty years.
	"offset.retention.ms": "630720000000",
	// Apache Kafka's minimum of 6 s makes fail-over slow to test.
	"group.min.session.timeout.ms": "1000",
}

// StartKafka opens the broker on the directory dir, which is made where it
// does not exist, and serves on loopback. The port is the one used the last
// time, so that clients find the broker again, unless somebody else has taken
// it. A directory that another process uses is an error.
func StartKafka(dir string, log zerolog.Logger) (*Kafka, error) {
	lock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("start embedded kafka: %w", err)
	}
	k := &Kafka{lock: lock}
	if err := k.start(dir, log); err != nil {
		return nil, fmt.Errorf("start embedded kafka in %s: %w", dir, releaseAfter(lock, err))
	}
	return k, nil
}

func (k *Kafka) start(dir string, log zerolog.Logger) error {
	// The sessions of consumers of the process before are of no use, and
	// would keep new consumers waiting for dead ones.
	if err := remove(filepath.Join(dir, "session_state.json")); err != nil {
		return err
	}
	if err := compactDir(dir, compactSlack, log); err != nil {
		return err
	}
	cluster, err := openCluster(dir, log, func(_, _ string) (net.Listener, error) { return listenAgain(dir) })
	if err != nil {
		return err
	}
	k.cluster = cluster
	k.addr = cluster.ListenAddrs()[0]

	// A snapshot is believed by the start after a crash if it fits the files'
	// sizes. A compacted log may have grown to the very size again.
	snapshots, _ := filepath.Glob(filepath.Join(dir, "partitions", "*", "snapshot.json")) // fails only on a bad pattern
	for _, s := range snapshots {
		if err := remove(s); err != nil {
			cluster.Close()
			return err
		}
	}
	return nil
}

func openCluster(dir string, log zerolog.Logger, listen func(network, addr string) (net.Listener, error)) (*kfake.Cluster, error) {
	c, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ClusterID("leadd"),
		kfake.DataDir(dir),
		kfake.SyncWrites(),
		kfake.BrokerConfigs(brokerConfigs),
		kfake.WithLogger(kafkaLog{log}),
		kfake.ListenFn(listen),
	)
	if err != nil {
		return nil, err
	}
	c.ControlKey(kmsg.CreateTopics.Int16(), dropRetention)
	return c, nil
}

// dropRetention takes the retention out of a request to create topics: see
// brokerConfigs. The broker then handles the request as usual.
func dropRetention(r kmsg.Request) (kmsg.Response, error, bool) { //nolint:revive // the order is kfake's
	if req, ok := r.(*kmsg.CreateTopicsRequest); ok {
		for i := range req.Topics {
			t := &req.Topics[i]
			t.Configs = slices.DeleteFunc(t.Configs, func(c kmsg.CreateTopicsRequestTopicConfig) bool {
				return strings.HasPrefix(c.Name, "retention.")
			})
		}
	}
	return nil, nil, false
}

// Addr is the broker's address, host:port.
func (k *Kafka) Addr() string { return k.addr }

// Close ends all connections and closes the files. It does not wait for
// clients.
func (k *Kafka) Close() error {
	k.cluster.Close()
	if err := k.lock.Close(); err != nil {
		return fmt.Errorf("close embedded kafka: %w", err)
	}
	return nil
}

// kafkaLog passes the broker's warnings and errors on.
type kafkaLog struct{ log zerolog.Logger }

// Logf implements kfake.Logger.
func (l kafkaLog) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.log.Error().Msgf(format, args...)
	case kfake.LogLevelWarn:
		l.log.Warn().Msgf(format, args...)
	}
}
