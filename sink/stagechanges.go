package sink

import (
	"github.com/ClickHouse/ch-go/proto"

	"leadd/lead"
)

// stageChanges is a block for the table stage_changes: one row for every
// contact that moved its prospect to another stage.
type stageChanges struct {
	input proto.Input

	prospect, contact proto.ColStr
	source, from, to  *proto.ColLowCardinality[string]
	at                *proto.ColDateTime64
	rule, evidence    proto.ColStr
	score             proto.ColInt32
	criteria          *proto.ColLowCardinality[string]
	partition         proto.ColUInt32
	offset            proto.ColInt64
}

func newStageChanges() *stageChanges {
	c := &stageChanges{
		source: lowCardinality(), from: lowCardinality(), to: lowCardinality(),
		at: milliseconds(), criteria: lowCardinality(),
	}
	c.input = proto.Input{
		{Name: "prospect", Data: &c.prospect},
		{Name: "contact", Data: &c.contact},
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
	if s.Change == nil {
		return
	}
	c.prospect.Append(s.Contact.Prospect)
	c.contact.Append(s.Contact.ID)
	c.source.Append(s.Contact.Source)
	c.from.Append(s.Change.From.String())
	c.to.Append(s.Change.To.String())
	c.at.Append(s.Change.At)
	c.rule.Append(s.Change.Rule)
	c.evidence.Append(s.Change.Evidence)
	c.score.Append(int32(s.Score)) //nolint:gosec // checkScored has seen it
	c.criteria.Append(s.Criteria)
	c.partition.Append(uint32(partition))
	c.offset.Append(s.Offset)
}
