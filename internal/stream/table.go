package stream

import "context"

// ReadKey gives the newest value of a key on a compacted topic, nil where
// there is none. It reads the key's whole partition.
func (c *Client) ReadKey(ctx context.Context, topic, key string) (value []byte, err error) {
	partition, err := c.PartitionOf(topic, []byte(key))
	if err != nil {
		return nil, err
	}
	next, end, err := c.Offsets(ctx, topic, partition)
	for err == nil && next < end {
		records, fetchedEnd, ferr := c.Fetch(ctx, topic, partition, next)
		if ferr != nil {
			return nil, ferr
		}
		for _, r := range records {
			if string(r.Key) == key {
				value = r.Value
			}
			next = r.Offset + 1
		}
		if len(records) == 0 {
			end = fetchedEnd
		}
	}
	return value, err
}
