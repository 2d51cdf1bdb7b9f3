package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	produceapi "github.com/segmentio/kafka-go/protocol/produce"

	"leadd/lead"
)

// Bounds of one fetch. The wait is short because a fetch that is abandoned
// keeps its connection until it ends. A batch of any size takes at least
// 64 KiB of memory while it is read, and batches can be as small as a record:
// so a fetch takes up to fifty times its bytes.
const (
	maxFetchBytes = 1 << 20
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
	p := &part{lane: lane{topic, partition}, records: records}
	err = c.retry(ctx, "produce", what, func(ctx context.Context) error {
		if err := c.produce(ctx, []*part{p}); err != nil {
			return err
		}
		return p.err
	})
	return p.base, err
}

// part is what one write brings to one partition, as one atomic batch.
type part struct {
	lane
	records []lead.Record

	base int64 // offset of the first record, once written
	err  error // why this part was refused
}

// produce writes all parts, to partitions with the same leader, in one
// request. An error means that it is not known whether any is written.
func (c *Client) produce(ctx context.Context, parts []*part) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	topics := map[string]int{} // index in req.Topics
	req := &produceapi.Request{Acks: int16(kafka.RequireAll), Timeout: int32(requestTimeout / time.Millisecond)}
	for _, p := range parts {
		i, ok := topics[p.topic]
		if !ok {
			i = len(req.Topics)
			topics[p.topic] = i
			req.Topics = append(req.Topics, produceapi.RequestTopic{Topic: p.topic})
		}
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, produceapi.RequestPartition{
			Partition: int32(p.partition), RecordSet: protocol.RecordSet{Records: recordReader(p.records)},
		})
	}
	began := time.Now()
	answer, err := c.transport.RoundTrip(ctx, c.kafka.Addr, req)
	if err != nil {
		return err
	}
	took := time.Since(began).Seconds()
	res, ok := answer.(*produceapi.Response)
	if !ok {
		return fmt.Errorf("the broker answered a write with %T", answer)
	}
	answers := map[lane]produceapi.ResponsePartition{}
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			answers[lane{t.Topic, int(p.Partition)}] = p
		}
	}
	for _, p := range parts {
		answer, ok := answers[p.lane]
		p.base = answer.BaseOffset
		switch {
		case !ok:
			p.err = errors.New("the broker's answer leaves the partition out")
		case answer.ErrorCode != 0:
			p.err = kafka.Error(answer.ErrorCode)
		default:
			p.err = nil
			c.metrics.produceSeconds.WithLabelValues(p.topic).Observe(took)
			c.metrics.produceBatch.WithLabelValues(p.topic).Observe(float64(len(p.records)))
		}
	}
	return nil
}

func recordReader(records []lead.Record) protocol.RecordReader {
	batch := make([]protocol.Record, len(records))
	for i, r := range records {
		batch[i] = protocol.Record{Key: protocol.NewBytes(r.Key), Value: protocol.NewBytes(r.Value)}
	}
	return protocol.NewRecordReader(batch...)
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
		key, err := take(rec.Key)
		if err != nil {
			return nil, fmt.Errorf("read key at offset %d: %w", rec.Offset, err)
		}
		value, err := take(rec.Value)
		if err != nil {
			return nil, fmt.Errorf("read value at offset %d: %w", rec.Offset, err)
		}
		if rec.Offset >= from {
			records = append(records, lead.Record{Offset: rec.Offset, Key: key, Value: value})
		}
	}
}

// take copies b and gives its memory back: each batch received holds 64 KiB
// or more until all its keys and values are closed.
func take(b kafka.Bytes) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	defer b.Close() //nolint:errcheck // it always succeeds
	return kafka.ReadAll(b)
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
