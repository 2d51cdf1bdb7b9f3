package sink

import (
	"github.com/ClickHouse/ch-go/proto"

	"leadd/lead"
)

// reasons is a block for the table of that name: one row for every line that
// a contact added to its prospect's ledger.
type reasons struct {
	input proto.Input

	prospect, contact proto.ColStr
	line              proto.ColUInt16
	criterion         *proto.ColLowCardinality[string]
	points            proto.ColInt32
	evidence, person  proto.ColStr
	at                *proto.ColDateTime64
	criteria          *proto.ColLowCardinality[string]
	partition         proto.ColUInt32
	offset            proto.ColInt64
}

func newReasons() *reasons {
	r := &reasons{criterion: lowCardinality(), at: milliseconds(), criteria: lowCardinality()}
	r.input = proto.Input{
		{Name: "prospect", Data: &r.prospect},
		{Name: "contact", Data: &r.contact},
		{Name: "line", Data: &r.line},
		{Name: "criterion", Data: r.criterion},
		{Name: "points", Data: &r.points},
		{Name: "evidence", Data: &r.evidence},
		{Name: "person", Data: &r.person},
		{Name: "at", Data: r.at},
		{Name: "criteria", Data: r.criteria},
		{Name: "kafka_partition", Data: &r.partition},
		{Name: "kafka_offset", Data: &r.offset},
	}
	return r
}

func (r *reasons) name() string         { return "reasons" }
func (r *reasons) rows() int            { return r.line.Rows() }
func (r *reasons) columns() proto.Input { return r.input }
func (r *reasons) reset()               { r.input.Reset() }

func (r *reasons) add(partition int, s *lead.Scored) {
	for i := range s.Reasons {
		reason := &s.Reasons[i]
		r.prospect.Append(s.Contact.Prospect)
		r.contact.Append(reason.Contact)
		r.line.Append(uint16(i)) //nolint:gosec // checkScored has seen it
		r.criterion.Append(reason.Criterion)
		r.points.Append(int32(reason.Points)) //nolint:gosec // checkScored has seen it
		r.evidence.Append(reason.Evidence)
		r.person.Append(reason.Person)
		r.at.Append(reason.At)
		r.criteria.Append(s.Criteria)
		r.partition.Append(uint32(partition))
		r.offset.Append(s.Offset)
	}
}
