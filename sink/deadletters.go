package sink

import (
	"github.com/ClickHouse/ch-go/proto"

	"leadd/lead"
)

// deadLetters is a block for the table dead_letters: one row for every id on
// lead.TopicDead.
type deadLetters struct {
	input proto.Input

	id                     proto.ColStr
	at                     *proto.ColDateTime64
	stage                  *proto.ColLowCardinality[string]
	source, reason, origin proto.ColStr
	raw                    proto.ColStr
	truncated              proto.ColBool
	partition              proto.ColUInt32
	offset                 proto.ColInt64
}

func newDeadLetters() *deadLetters {
	d := &deadLetters{at: milliseconds(), stage: lowCardinality()}
	d.input = proto.Input{
		{Name: "id", Data: &d.id},
		{Name: "at", Data: d.at},
		{Name: "stage", Data: d.stage},
		{Name: "source", Data: &d.source},
		{Name: "reason", Data: &d.reason},
		{Name: "origin", Data: &d.origin},
		{Name: "raw", Data: &d.raw},
		{Name: "truncated", Data: &d.truncated},
		{Name: "kafka_partition", Data: &d.partition},
		{Name: "kafka_offset", Data: &d.offset},
	}
	return d
}

func (d *deadLetters) name() string         { return "dead_letters" }
func (d *deadLetters) rows() int            { return d.id.Rows() }
func (d *deadLetters) columns() proto.Input { return d.input }
func (d *deadLetters) reset()               { d.input.Reset() }

func (d *deadLetters) add(partition int, offset int64, l *lead.DeadLetter) {
	d.id.Append(l.ID)
	d.at.Append(l.At)
	d.stage.Append(l.Stage)
	d.source.Append(l.Source)
	d.reason.Append(l.Reason)
	d.origin.Append(l.Origin)
	d.raw.AppendBytes(l.Raw)
	d.truncated.Append(l.Truncated)
	d.partition.Append(uint32(partition))
	d.offset.Append(offset)
}
