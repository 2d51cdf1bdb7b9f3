package sink

import (
	"github.com/ClickHouse/ch-go/proto"

	"leadd/lead"
)

// reasons is a block for the table of that name: one row for every line that
// a contact added to its prospect's ledger.
type reasons struct {
	input proto.Input

	prospect         proto.ColStr
	product          *proto.ColLowCardinality[string]
	contact          proto.ColStr
	line             proto.ColUInt16
	criterion        *proto.ColLowCardinality[string]
	points           proto.ColInt32
	evidence, person proto.ColStr
	at               *proto.ColDateTime64
	criteria         *proto.ColLowCardinality[string]
	partition        proto.ColUInt32
	offset           proto.ColInt64
}

func newReasons() *reasons {
	r := &reasons{product: lowCardinality(), criterion: lowCardinality(), at: milliseconds(), criteria: lowCardinality()}
	r.input = proto.Input{
		{Name: "prospect", Data: &r.prospect},
		{Name: "product", Data: r.product},
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
	for i := range s.Verdicts {
		for j := range s.Verdicts[i].Reasons {
			r.addLine(partition, s, &s.Verdicts[i], j)
		}
	}
}

func (r *reasons) addLine(partition int, s *lead.Scored, v *lead.Verdict, line int) {
	reason := &v.Reasons[line]
	r.prospect.Append(s.Contact.Prospect)
	r.product.Append(v.Product)
	r.contact.Append(reason.Contact)
	r.line.Append(uint16(line)) //nolint:gosec // checkScored has seen it
	r.criterion.Append(reason.Criterion)
	r.points.Append(int32(reason.Points)) //nolint:gosec // checkScored has seen it
	r.evidence.Append(reason.Evidence)
	r.person.Append(reason.Person)
	r.at.Append(reason.At)
	r.criteria.Append(v.Criteria)
	r.partition.Append(uint32(partition))
	r.offset.Append(s.Offset)
}
