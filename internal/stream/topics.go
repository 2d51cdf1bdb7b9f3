package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"

	"leadd/lead"
)

// MaxRecord is the size in bytes up to which topics take a record or an
// atomic batch.
const MaxRecord = 4 << 20

// minCompactionLag keeps rival records of a key visible for this many
// milliseconds, so that an owner finds and heals what a zombie wrote late.
const minCompactionLag = "3600000"

// EnsureTopics creates the topics that are missing and learns the number of
// partitions of each. It retries until Kafka answers or ctx ends. Two
// processes may do so at once. It refuses topics that belong together but
// differ in their number of partitions: a prospect's contacts, results and
// state would no longer share one. Partitions that were added since the first
// start stay unused, see layout.
func (c *Client) EnsureTopics(ctx context.Context) error {
	facts := map[string]string{"retention.ms": "-1"}
	compacted := map[string]string{"cleanup.policy": "compact", "min.compaction.lag.ms": minCompactionLag}
	var configs []kafka.TopicConfig
	for _, t := range []struct {
		name     string
		settings map[string]string
	}{
		{lead.TopicContacts, facts},
		{lead.TopicScored, facts},
		{lead.TopicProspects, compacted},
		{lead.TopicCursors, compacted},
		{lead.TopicNotices, facts},
		{lead.TopicDead, facts},
	} {
		cfg := kafka.TopicConfig{Topic: t.name, NumPartitions: c.cfg.Partitions, ReplicationFactor: c.cfg.Replication}
		if cfg.ReplicationFactor == 0 {
			cfg.ReplicationFactor = -1
		}
		cfg.ConfigEntries = []kafka.ConfigEntry{{ConfigName: "max.message.bytes", ConfigValue: fmt.Sprint(MaxRecord)}}
		for name, value := range t.settings {
			cfg.ConfigEntries = append(cfg.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
		}
		configs = append(configs, cfg)
	}
	var there layout
	err := c.retry(ctx, "topics", "create Kafka topics", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		var err error
		there, err = c.createTopics(ctx, configs)
		if err != nil && ctx.Err() == nil {
			return c.diagnose(ctx, err)
		}
		return err
	})
	if err != nil {
		return err
	}
	used, err := c.recall(ctx, there)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.partitions = used
	c.mu.Unlock()
	return nil
}

// createTopics gives the number of partitions of each topic.
func (c *Client) createTopics(ctx context.Context, configs []kafka.TopicConfig) (layout, error) {
	res, err := c.kafka.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: configs})
	if err != nil {
		return nil, err
	}
	for name, err := range res.Errors {
		if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return nil, fmt.Errorf("topic %s: %w", name, err)
		}
	}
	var names []string
	for _, cfg := range configs {
		names = append(names, cfg.Topic)
	}
	meta, err := c.kafka.Metadata(ctx, &kafka.MetadataRequest{Topics: names})
	if err != nil {
		return nil, err
	}
	partitions := layout{}
	for _, t := range meta.Topics {
		if t.Error != nil {
			return nil, fmt.Errorf("topic %s: %w", t.Name, t.Error)
		}
		partitions[t.Name] = len(t.Partitions)
	}
	for _, name := range names {
		if partitions[name] == 0 {
			return nil, fmt.Errorf("topic %s: %w", name, kafka.UnknownTopicOrPartition)
		}
	}
	return partitions, nil
}

// PartitionOf says in which partition of topic records with this key are: by
// murmur2, as Kafka's own clients do. EnsureTopics must have run.
func (c *Client) PartitionOf(topic string, key []byte) (int, error) {
	c.mu.Lock()
	n := c.partitions[topic]
	c.mu.Unlock()
	if n == 0 {
		return 0, fmt.Errorf("topic %s: number of partitions not known yet", topic)
	}
	var few [64]int // so that most topics need no memory for it
	all := few[:0]
	for i := range n {
		all = append(all, i)
	}
	return kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: key}, all...), nil
}
