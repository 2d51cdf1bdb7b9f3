package stream

import "context"

// ReadKey calls each with every value of a key that a compacted topic still
// has, the oldest first; the last one counts. It reads the key's whole
// partition.
func (c *Client) ReadKey(ctx context.Context, topic, key string, each func(value []byte)) error {
	partition, err := c.PartitionOf(topic, []byte(key))
	if err != nil {
		return err
	}
	return c.readKey(ctx, topic, partition, key, each)
}

func (c *Client) readKey(ctx context.Context, topic string, partition int, key string, each func(value []byte)) error {
	next, end, err := c.Offsets(ctx, topic, partition)
	for err == nil && next < end {
		records, fetchedEnd, ferr := c.Fetch(ctx, topic, partition, next)
		if ferr != nil {
			return ferr
		}
		for _, r := range records {
			if string(r.Key) == key {
				each(r.Value)
			}
			next = r.Offset + 1
		}
		if len(records) == 0 {
			end = fetchedEnd
		}
	}
	return err
}
