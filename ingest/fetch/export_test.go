package fetch

import (
	"context"

	"leadd/lead"
)

// NewVia is New with a way to the APIs of the test's own.
var NewVia = newStage

// GiveUp is how long a notice is tried.
const GiveUp = giveUp

// MaxUnderWay bounds the notices of a partition that wait.
const MaxUnderWay = maxUnderWay

// FetchOnce makes a contact of a notice in one try.
func FetchOnce(ctx context.Context, s *Stage, n *lead.Notice) (lead.Contact, error) {
	h := &handler{run: &run{Stage: s, source: s.sources[n.Source]}, notice: n}
	return h.fetch(ctx)
}

// ReadUsage gives what Meta's headers say: the fullest limit in percent.
var ReadUsage = usageOf

// Metadata is what is committed with an offset.
func Metadata(offset, next int64, open []int64) string {
	return position{offset, next, open}.metadata()
}

// IsSettled reports whether what was committed says that a notice is settled.
func IsSettled(committed int64, metadata string, offset int64) bool {
	return parsePosition(committed, metadata).isSettled(offset)
}
