package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"

	"leadd/lead"
)

// Bounds of one fetch. The wait is short because a fetch that is abandoned
// keeps its connection until it ends.
const (
	maxFetchBytes = 4 << 20
	maxFetchWait  = 500 * time.Millisecond
)

// Append writes the records to one partition as one atomic batch and returns
// the offset of the first once all in-sync replicas have it. It retries until
// ctx ends; what was written by a try whose answer was lost stays, so readers
// must be able to bear records twice. ErrTooLarge: the topic does not take so
// much at once.
func (c *Client) Append(ctx context.Context, topic string, partition int, records []lead.Record) (base int64, err error) {
	if len(records) == 0 {
		return 0, errors.New("append to Kafka: no records")
	}
	what := fmt.Sprintf("append %d records to %s/%d", len(records), topic, partition)
	err = c.retry(ctx, "produce", what, func(ctx context.Context) error {
		batch := make([]kafka.Record, len(records))
		for i, r := range records {
			batch[i] = kafka.Record{Key: kafka.NewBytes(r.Key), Value: kafka.NewBytes(r.Value)}
		}
		began := time.Now()
		res, err := c.kafka.Produce(ctx, &kafka.ProduceRequest{
			Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll,
			Records: kafka.NewRecordReader(batch...),
		})
		if err != nil {
			return err
		}
		if res.Error != nil {
			return res.Error
		}
		c.metrics.produceSeconds.WithLabelValues(topic).Observe(time.Since(began).Seconds())
		c.metrics.produceBatch.WithLabelValues(topic).Observe(float64(len(records)))
		base = res.BaseOffset
		return nil
	})
	return base, err
}

// Fetch reads records of one partition from the given offset on, waiting
// about half a second for the first; it may return none. end is the offset
// behind the last record that there is. Server failures are retried until ctx
// ends. ErrOffsetOutOfRange: from is not between the bounds that Offsets gives.
func (c *Client) Fetch(ctx context.Context, topic string, partition int, from int64) (records []lead.Record, end int64, err error) {
	what := fmt.Sprintf("read %s/%d from %d", topic, partition, from)
	err = c.retry(ctx, "fetch", what, func(ctx context.Context) error {
		res, err := c.kafka.Fetch(ctx, &kafka.FetchRequest{
			Topic: topic, Partition: partition, Offset: from,
			MinBytes: 1, MaxBytes: maxFetchBytes, MaxWait: maxFetchWait,
		})
		if err != nil {
			return err
		}
		if res.Error != nil {
			return res.Error
		}
		records, err = readRecords(res.Records, from)
		end = res.HighWatermark
		if len(records) == 0 && err == nil {
			// What stood between here and the end was compacted away.
			end = from
		}
		return err
	})
	return records, end, err
}

// readRecords copies what the broker sent, less what lies before from: a
// broker returns whole batches.
func readRecords(r kafka.RecordReader, from int64) ([]lead.Record, error) {
	var records []lead.Record
	for {
		rec, err := r.ReadRecord()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			if len(records) > 0 {
				// The last batch of an answer may be cut off; it comes whole next time.
				return records, nil
			}
			return nil, fmt.Errorf("decode records: %w", err)
		}
		if rec.Offset < from {
			continue
		}
		key, err := kafka.ReadAll(rec.Key)
		if err != nil {
			return nil, fmt.Errorf("read key at offset %d: %w", rec.Offset, err)
		}
		value, err := kafka.ReadAll(rec.Value)
		if err != nil {
			return nil, fmt.Errorf("read value at offset %d: %w", rec.Offset, err)
		}
		records = append(records, lead.Record{Offset: rec.Offset, Key: key, Value: value})
	}
}

// Offsets gives the first offset a partition still has, and the one behind
// its last record.
func (c *Client) Offsets(ctx context.Context, topic string, partition int) (first, end int64, err error) {
	what := fmt.Sprintf("list offsets of %s/%d", topic, partition)
	err = c.retry(ctx, "offsets", what, func(ctx context.Context) error {
		res, err := c.kafka.ListOffsets(ctx, &kafka.ListOffsetsRequest{
			Topics: map[string][]kafka.OffsetRequest{
				topic: {kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition)},
			},
		})
		if err != nil {
			return err
		}
		for _, p := range res.Topics[topic] {
			if p.Partition != partition {
				continue
			}
			if p.Error != nil {
				return p.Error
			}
			first, end = p.FirstOffset, p.LastOffset
			return nil
		}
		return kafka.UnknownTopicOrPartition
	})
	return first, end, err
}
