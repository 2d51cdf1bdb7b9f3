package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/segmentio/kafka-go"
)

// ErrTooLarge marks a record that the broker refuses for its size.
var ErrTooLarge = errors.New("record is larger than the topic takes")

// ErrOffsetOutOfRange marks a read from an offset that the partition does not
// have (any more).
var ErrOffsetOutOfRange = errors.New("offset is out of the partition's range")

// ErrFenced marks a commit by a process that no longer owns the partition.
var ErrFenced = errors.New("partition has moved to another process")

// final reports an error that another try cannot mend, in our own words where
// callers decide by it.
func final(err error) (isFinal bool, named error) {
	switch {
	case errors.Is(err, kafka.MessageSizeTooLarge), errors.Is(err, kafka.RecordListTooLarge):
		return true, fmt.Errorf("%w: %w", ErrTooLarge, err)
	case errors.Is(err, kafka.OffsetOutOfRange):
		return true, fmt.Errorf("%w: %w", ErrOffsetOutOfRange, err)
	case errors.Is(err, kafka.IllegalGeneration), errors.Is(err, kafka.UnknownMemberId),
		errors.Is(err, kafka.RebalanceInProgress), errors.Is(err, kafka.FencedInstanceID):
		return true, fmt.Errorf("%w: %w", ErrFenced, err)
	case errors.Is(err, kafka.TopicAuthorizationFailed), errors.Is(err, kafka.GroupAuthorizationFailed),
		errors.Is(err, kafka.SASLAuthenticationFailed), errors.Is(err, kafka.InvalidTopic):
		return true, err
	}
	return false, err
}

// retry runs do until it succeeds, fails for good, or ctx ends; the error then
// holds the last failure. what completes "could not ...".
func (c *Client) retry(ctx context.Context, operation, what string, do func(context.Context) error) error {
	pause := 50 * time.Millisecond
	for {
		err := do(ctx)
		if err == nil {
			return nil
		}
		isFinal, err := final(err)
		if isFinal {
			return fmt.Errorf("%s: %w", what, err)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w (last failure: %w)", what, ctx.Err(), err)
		}
		c.metrics.retries.WithLabelValues(operation).Inc()
		c.repeated.Warn().Err(err).Str("operation", what).Msg("Kafka does not answer, trying again")
		if !sleep(ctx, pause/2+rand.N(pause)) {
			return fmt.Errorf("%s: %w (last failure: %w)", what, ctx.Err(), err)
		}
		pause = min(2*pause, 2*time.Second)
	}
}

// sleep waits for d and reports whether ctx lasted as long.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
