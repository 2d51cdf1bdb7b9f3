package sink

import (
	"github.com/ClickHouse/ch-go/proto"

	"leadd/lead"
)

// scores is a block for the table of that name: one row for every contact and
// product, the prospect's standing after the contact.
type scores struct {
	input proto.Input

	prospect  proto.ColStr
	product   *proto.ColLowCardinality[string]
	contact   proto.ColStr
	asOf      *proto.ColDateTime64
	stage     *proto.ColLowCardinality[string]
	score     proto.ColInt32
	criteria  *proto.ColLowCardinality[string]
	partition proto.ColUInt32
	offset    proto.ColInt64
}

func newScores() *scores {
	c := &scores{product: lowCardinality(), asOf: milliseconds(), stage: lowCardinality(), criteria: lowCardinality()}
	c.input = proto.Input{
		{Name: "prospect", Data: &c.prospect},
		{Name: "product", Data: c.product},
		{Name: "contact", Data: &c.contact},
		{Name: "as_of", Data: c.asOf},
		{Name: "stage", Data: c.stage},
		{Name: "score", Data: &c.score},
		{Name: "criteria", Data: c.criteria},
		{Name: "kafka_partition", Data: &c.partition},
		{Name: "kafka_offset", Data: &c.offset},
	}
	return c
}

func (c *scores) name() string         { return "scores" }
func (c *scores) rows() int            { return c.score.Rows() }
func (c *scores) columns() proto.Input { return c.input }
func (c *scores) reset()               { c.input.Reset() }

func (c *scores) add(partition int, s *lead.Scored) {
	for i := range s.Verdicts {
		v := &s.Verdicts[i]
		c.prospect.Append(s.Contact.Prospect)
		c.product.Append(v.Product)
		c.contact.Append(s.Contact.ID)
		c.asOf.Append(s.AsOf)
		c.stage.Append(v.Stage.String())
		c.score.Append(int32(v.Score)) //nolint:gosec // checkScored has seen it
		c.criteria.Append(v.Criteria)
		c.partition.Append(uint32(partition))
		c.offset.Append(s.Offset)
	}
}
