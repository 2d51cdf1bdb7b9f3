package dashboard

import (
	"context"
	"time"

	"leadd/lead"
)

type timelineRow struct {
	ID                string    `ch:"id"`
	Source            string    `ch:"source"`
	Kind              string    `ch:"kind"`
	Class             string    `ch:"class"`
	Interest          bool      `ch:"interest"`
	Event             string    `ch:"event"`
	At                time.Time `ch:"at"`
	Received          time.Time `ch:"received"`
	Email             string    `ch:"email"`
	Name              string    `ch:"name"`
	Phone             string    `ch:"phone"`
	Title             string    `ch:"title"`
	Company           string    `ch:"company"`
	Domain            string    `ch:"domain"`
	CampaignSource    string    `ch:"campaign_source"`
	CampaignMedium    string    `ch:"campaign_medium"`
	CampaignName      string    `ch:"campaign_name"`
	CampaignTerm      string    `ch:"campaign_term"`
	CampaignContent   string    `ch:"campaign_content"`
	Landing           string    `ch:"landing"`
	Referrer          string    `ch:"referrer"`
	Subject           string    `ch:"subject"`
	Text              string    `ch:"text"`
	Cut               uint8     `ch:"cut"`
	FieldNames        []string  `ch:"field_names"`
	FieldKeys         []string  `ch:"field_keys"`
	FieldValues       []string  `ch:"field_values"`
	MessageID         string    `ch:"message_id"`
	InReplyTo         string    `ch:"in_reply_to"`
	Attachments       []string  `ch:"attachments"`
	FindingCriteria   []string  `ch:"finding_criteria"`
	FindingWords      []string  `ch:"finding_words"`
	FindingPlaces     []string  `ch:"finding_places"`
	FindingStarts     []uint32  `ch:"finding_starts"`
	FindingAmounts    []float64 `ch:"finding_amounts"`
	FindingCurrencies []string  `ch:"finding_currencies"`
	FindingDays       []*int32  `ch:"finding_days"`
	Stage             string    `ch:"stage"`
	Score             int32     `ch:"score"`
}

// timeline gives the newest contacts of a prospect, newest first.
func (s store) timeline(ctx context.Context, key, product string, upto int64) ([]Entry, error) {
	rows, err := selectRows[timelineRow](ctx, s, "timeline", timelineSQL,
		map[string]any{"key": key, "product": product, "upto": upto, "limit": maxTimeline, "chars": maxChars})
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, len(rows))
	for i := range rows {
		entries[i] = rows[i].entry(key)
	}
	return entries, nil
}

func (r *timelineRow) entry(key string) Entry {
	e := Entry{
		Contact: lead.Contact{
			ID: r.ID, Prospect: key, Source: r.Source, Kind: lead.Kind(r.Kind), Class: lead.Class(r.Class),
			At: r.At, Received: r.Received, Event: r.Event, Subject: r.Subject, Text: r.Text,
			Person:  lead.Person{Email: r.Email, Name: r.Name, Phone: r.Phone, Title: r.Title},
			Company: lead.Company{Name: r.Company, Domain: r.Domain},
			Campaign: lead.Campaign{
				Source: r.CampaignSource, Medium: r.CampaignMedium, Name: r.CampaignName, Term: r.CampaignTerm,
				Content: r.CampaignContent, Landing: r.Landing, Referrer: r.Referrer,
			},
			MessageID: r.MessageID, InReplyTo: r.InReplyTo, Attachments: r.Attachments,
		},
		Interest: r.Interest, TextCut: r.Cut == 1, Stage: readStage(r.Stage), Score: r.Score,
	}
	// Columns of one row are written together; the shortest one is the limit all the same.
	for i := range min(len(r.FieldNames), len(r.FieldKeys), len(r.FieldValues)) {
		e.Fields = append(e.Fields, lead.Field{Name: r.FieldNames[i], Key: r.FieldKeys[i], Value: r.FieldValues[i]})
	}
	for i := range min(len(r.FindingCriteria), len(r.FindingWords), len(r.FindingPlaces), len(r.FindingStarts),
		len(r.FindingAmounts), len(r.FindingCurrencies), len(r.FindingDays)) {
		f := lead.Finding{
			Criterion: r.FindingCriteria[i], Words: r.FindingWords[i], Place: r.FindingPlaces[i], Start: int(r.FindingStarts[i]),
			Amount: r.FindingAmounts[i], Currency: r.FindingCurrencies[i],
		}
		if d := r.FindingDays[i]; d != nil {
			n := int(*d)
			f.Days = &n
		}
		e.Findings = append(e.Findings, f)
	}
	return e
}
