package sink

import (
	"github.com/ClickHouse/ch-go/proto"

	"leadd/lead"
)

// stageChanges is a block for the table stage_changes: one row for every
// move of a prospect to another stage.
type stageChanges struct {
	input proto.Input

	prospect         proto.ColStr
	product          *proto.ColLowCardinality[string]
	contact          proto.ColStr
	line             proto.ColUInt16
	source, from, to *proto.ColLowCardinality[string]
	at               *proto.ColDateTime64
	rule, evidence   proto.ColStr
	score            proto.ColInt32
	criteria         *proto.ColLowCardinality[string]
	partition        proto.ColUInt32
	offset           proto.ColInt64
}

func newStageChanges() *stageChanges {
	c := &stageChanges{
		product: lowCardinality(), source: lowCardinality(), from: lowCardinality(), to: lowCardinality(),
		at: milliseconds(), criteria: lowCardinality(),
	}
	c.input = proto.Input{
		{Name: "prospect", Data: &c.prospect},
		{Name: "product", Data: c.product},
		{Name: "contact", Data: &c.contact},
		{Name: "line", Data: &c.line},
		{Name: "source", Data: c.source},
		{Name: "from_stage", Data: c.from},
		{Name: "to_stage", Data: c.to},
		{Name: "at", Data: c.at},
		{Name: "rule", Data: &c.rule},
		{Name: "evidence", Data: &c.evidence},
		{Name: "score", Data: &c.score},
		{Name: "criteria", Data: c.criteria},
		{Name: "kafka_partition", Data: &c.partition},
		{Name: "kafka_offset", Data: &c.offset},
	}
	return c
}

func (c *stageChanges) name() string         { return "stage_changes" }
func (c *stageChanges) rows() int            { return c.score.Rows() }
func (c *stageChanges) columns() proto.Input { return c.input }
func (c *stageChanges) reset()               { c.input.Reset() }

func (c *stageChanges) add(partition int, s *lead.Scored) {
	for i := range s.Verdicts {
		for j := range s.Verdicts[i].Changes {
			c.addChange(partition, s, &s.Verdicts[i], j)
		}
	}
}

func (c *stageChanges) addChange(partition int, s *lead.Scored, v *lead.Verdict, line int) {
	change := &v.Changes[line]
	c.prospect.Append(s.Contact.Prospect)
	c.product.Append(v.Product)
	c.contact.Append(s.Contact.ID)
	c.line.Append(uint16(line)) //nolint:gosec // checkScored has seen it
	c.source.Append(s.Contact.Source)
	c.from.Append(change.From.String())
	c.to.Append(change.To.String())
	c.at.Append(change.At)
	c.rule.Append(change.Rule)
	c.evidence.Append(change.Evidence)
	c.score.Append(int32(v.Score)) //nolint:gosec // checkScored has seen it
	c.criteria.Append(v.Criteria)
	c.partition.Append(uint32(partition))
	c.offset.Append(s.Offset)
}
