package sink

import (
	"github.com/ClickHouse/ch-go/proto"

	"leadd/lead"
)

// contacts is a block for the table of that name: one row for every record of
// lead.TopicScored.
type contacts struct {
	input proto.Input

	id, prospect                                 proto.ColStr
	source, kind, class                          *proto.ColLowCardinality[string]
	interest                                     proto.ColBool
	event                                        *proto.ColLowCardinality[string]
	at, received                                 *proto.ColDateTime64
	email, person, phone, title, company, domain proto.ColStr

	campaignSource, campaignMedium, campaignName *proto.ColLowCardinality[string]
	campaignTerm, campaignContent                *proto.ColLowCardinality[string]
	landing, referrer                            proto.ColStr

	subject, text        proto.ColStr
	fieldNames           *proto.ColArr[string]
	fieldKeys            *proto.ColArr[string]
	fieldValues          *proto.ColArr[string]
	messageID, inReplyTo proto.ColStr
	attachments          *proto.ColArr[string]

	findingCriteria   *proto.ColArr[string]
	findingWords      *proto.ColArr[string]
	findingPlaces     *proto.ColArr[string]
	findingStarts     *proto.ColArr[uint32]
	findingAmounts    *proto.ColArr[float64]
	findingCurrencies *proto.ColArr[string]
	findingDays       *proto.ColArr[proto.Nullable[int32]]

	partition proto.ColUInt32
	offset    proto.ColInt64

	scratch struct { // of one row's arrays
		a, b, c []string
		starts  []uint32
		amounts []float64
		days    []proto.Nullable[int32]
	}
}

func newContacts() *contacts {
	c := &contacts{
		source: lowCardinality(), kind: lowCardinality(), class: lowCardinality(), event: lowCardinality(),
		at: milliseconds(), received: milliseconds(),
		campaignSource: lowCardinality(), campaignMedium: lowCardinality(), campaignName: lowCardinality(),
		campaignTerm: lowCardinality(), campaignContent: lowCardinality(),
		fieldNames: new(proto.ColStr).Array(), fieldKeys: lowCardinalityArray(), fieldValues: new(proto.ColStr).Array(),
		attachments:     new(proto.ColStr).Array(),
		findingCriteria: lowCardinalityArray(), findingWords: new(proto.ColStr).Array(), findingPlaces: lowCardinalityArray(),
		findingStarts: new(proto.ColUInt32).Array(), findingAmounts: new(proto.ColFloat64).Array(),
		findingCurrencies: lowCardinalityArray(), findingDays: new(proto.ColInt32).Nullable().Array(),
	}
	c.input = proto.Input{
		{Name: "id", Data: &c.id},
		{Name: "prospect", Data: &c.prospect},
		{Name: "source", Data: c.source},
		{Name: "kind", Data: c.kind},
		{Name: "class", Data: c.class},
		{Name: "interest", Data: &c.interest},
		{Name: "event", Data: c.event},
		{Name: "at", Data: c.at},
		{Name: "received", Data: c.received},
		{Name: "email", Data: &c.email},
		{Name: "name", Data: &c.person},
		{Name: "phone", Data: &c.phone},
		{Name: "title", Data: &c.title},
		{Name: "company", Data: &c.company},
		{Name: "domain", Data: &c.domain},
		{Name: "campaign_source", Data: c.campaignSource},
		{Name: "campaign_medium", Data: c.campaignMedium},
		{Name: "campaign_name", Data: c.campaignName},
		{Name: "campaign_term", Data: c.campaignTerm},
		{Name: "campaign_content", Data: c.campaignContent},
		{Name: "landing", Data: &c.landing},
		{Name: "referrer", Data: &c.referrer},
		{Name: "subject", Data: &c.subject},
		{Name: "text", Data: &c.text},
		{Name: "field_names", Data: c.fieldNames},
		{Name: "field_keys", Data: c.fieldKeys},
		{Name: "field_values", Data: c.fieldValues},
		{Name: "message_id", Data: &c.messageID},
		{Name: "in_reply_to", Data: &c.inReplyTo},
		{Name: "attachments", Data: c.attachments},
		{Name: "finding_criteria", Data: c.findingCriteria},
		{Name: "finding_words", Data: c.findingWords},
		{Name: "finding_places", Data: c.findingPlaces},
		{Name: "finding_starts", Data: c.findingStarts},
		{Name: "finding_amounts", Data: c.findingAmounts},
		{Name: "finding_currencies", Data: c.findingCurrencies},
		{Name: "finding_days", Data: c.findingDays},
		{Name: "kafka_partition", Data: &c.partition},
		{Name: "kafka_offset", Data: &c.offset},
	}
	return c
}

func (c *contacts) name() string         { return "contacts" }
func (c *contacts) rows() int            { return c.id.Rows() }
func (c *contacts) columns() proto.Input { return c.input }
func (c *contacts) reset()               { c.input.Reset() }

func (c *contacts) add(partition int, s *lead.Scored) {
	contact := &s.Contact
	c.id.Append(contact.ID)
	c.prospect.Append(contact.Prospect)
	c.source.Append(contact.Source)
	c.kind.Append(string(contact.Kind))
	c.class.Append(string(contact.Class))
	c.interest.Append(contact.Class.Interest())
	c.event.Append(contact.Event)
	c.at.Append(contact.At)
	c.received.Append(contact.Received)
	c.email.Append(contact.Person.Email)
	c.person.Append(contact.Person.Name)
	c.phone.Append(contact.Person.Phone)
	c.title.Append(contact.Person.Title)
	c.company.Append(contact.Company.Name)
	c.domain.Append(contact.Company.Domain)
	c.campaignSource.Append(contact.Campaign.Source)
	c.campaignMedium.Append(contact.Campaign.Medium)
	c.campaignName.Append(contact.Campaign.Name)
	c.campaignTerm.Append(contact.Campaign.Term)
	c.campaignContent.Append(contact.Campaign.Content)
	c.landing.Append(contact.Campaign.Landing)
	c.referrer.Append(contact.Campaign.Referrer)
	c.subject.Append(contact.Subject)
	c.text.Append(contact.Text)
	c.addFields(contact.Fields)
	c.messageID.Append(contact.MessageID)
	c.inReplyTo.Append(contact.InReplyTo)
	c.attachments.Append(contact.Attachments)
	c.addFindings(s.Findings)
	c.partition.Append(uint32(partition))
	c.offset.Append(s.Offset)
}

func (c *contacts) addFields(fields []lead.Field) {
	x := &c.scratch
	x.a, x.b, x.c = x.a[:0], x.b[:0], x.c[:0]
	for i := range fields {
		x.a = append(x.a, fields[i].Name)
		x.b = append(x.b, fields[i].Key)
		x.c = append(x.c, fields[i].Value)
	}
	c.fieldNames.Append(x.a)
	c.fieldKeys.Append(x.b)
	c.fieldValues.Append(x.c)
}

func (c *contacts) addFindings(findings []lead.Finding) {
	x := &c.scratch
	x.a, x.b, x.c = x.a[:0], x.b[:0], x.c[:0]
	x.starts, x.amounts, x.days = x.starts[:0], x.amounts[:0], x.days[:0]
	currencies := make([]string, 0, len(findings))
	for i := range findings {
		f := &findings[i]
		x.a = append(x.a, f.Criterion)
		x.b = append(x.b, f.Words)
		x.c = append(x.c, f.Place)
		x.starts = append(x.starts, uint32(f.Start)) //nolint:gosec // checkScored has seen it
		x.amounts = append(x.amounts, f.Amount)
		currencies = append(currencies, f.Currency)
		days := proto.Null[int32]()
		if f.Days != nil {
			days = proto.NewNullable(int32(*f.Days)) //nolint:gosec // checkScored has seen it
		}
		x.days = append(x.days, days)
	}
	c.findingCriteria.Append(x.a)
	c.findingWords.Append(x.b)
	c.findingPlaces.Append(x.c)
	c.findingStarts.Append(x.starts)
	c.findingAmounts.Append(x.amounts)
	c.findingCurrencies.Append(currencies)
	c.findingDays.Append(x.days)
}
