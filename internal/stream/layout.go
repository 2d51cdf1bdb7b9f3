package stream

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/segmentio/kafka-go"

	"leadd/lead"
)

// layoutKey is the key, in partition 0 of lead.TopicCursors, under which the
// layout is remembered. It is no name that a mailbox can have.
const layoutKey = "/partitions"

// layout says over how many partitions of each topic the keys are spread. It
// is remembered with the first start: the partition of a key depends on it, so
// that partitions added later must stay unused, or a prospect's next contact
// would meet none of its history.
type layout map[string]int

// recall compares the partitions that there are with those remembered, and
// gives the layout to use.
func (c *Client) recall(ctx context.Context, there layout) (layout, error) {
	var known layout
	err := c.readKey(ctx, lead.TopicCursors, 0, layoutKey, func(value []byte) {
		var l layout
		if err := json.Unmarshal(value, &l); err != nil || l[lead.TopicContacts] == 0 {
			c.log.Error().Err(err).Str("topic", lead.TopicCursors).Str("key", layoutKey).Msg("a record is not what leadd writes there, and is passed over")
			return
		}
		known = l
	})
	if err != nil {
		return nil, fmt.Errorf("recall the number of partitions: %w", err)
	}
	if known == nil {
		return there, c.remember(ctx, there)
	}
	added := false
	for topic, n := range there {
		if _, ok := known[topic]; !ok { // it came with a later version of leadd
			known[topic], added = n, true
		}
	}
	if added {
		if err := c.remember(ctx, known); err != nil {
			return nil, err
		}
	}
	raised := false
	for topic, n := range known {
		if there[topic] < n {
			return nil, fmt.Errorf("topic %s has %d partitions, but keys were spread over %d: it was made anew; "+
				"delete the others of leadd's topics as well, or make it again with %d: %w", topic, there[topic], n, n, kafka.InvalidTopic)
		}
		raised = raised || there[topic] > n
	}
	if !raised {
		return known, nil
	}
	empty, err := c.isEmpty(ctx, lead.TopicContacts, there[lead.TopicContacts])
	if err != nil {
		return nil, err
	}
	if empty { // a new beginning
		return there, c.remember(ctx, there)
	}
	c.log.Warn().Interface("partitions", there).Interface("used", known).
		Msg("Kafka topics have more partitions than when the first contacts arrived; those added stay unused, as a key's history must stay in its partition")
	return known, nil
}

func (c *Client) remember(ctx context.Context, l layout) error {
	if l[lead.TopicScored] != l[lead.TopicContacts] || l[lead.TopicProspects] != l[lead.TopicContacts] {
		return fmt.Errorf("topics %s, %s and %s have %d, %d and %d partitions; they must be equal, and are never changed once contacts have arrived: %w",
			lead.TopicContacts, lead.TopicScored, lead.TopicProspects,
			l[lead.TopicContacts], l[lead.TopicScored], l[lead.TopicProspects], kafka.InvalidTopic)
	}
	value, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode the number of partitions: %w", err)
	}
	_, err = c.Append(ctx, lead.TopicCursors, 0, []lead.Record{{Key: []byte(layoutKey), Value: value}})
	return err
}

// isEmpty reports whether a topic of n partitions never had a record.
func (c *Client) isEmpty(ctx context.Context, topic string, n int) (bool, error) {
	for partition := range n {
		if _, end, err := c.Offsets(ctx, topic, partition); end > 0 || err != nil {
			return false, err
		}
	}
	return true, nil
}
