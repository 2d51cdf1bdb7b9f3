package dashboard

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"leadd/lead"
)

// Funnel is how far the prospects of a period have come.
type Funnel struct {
	From *time.Time `json:"from"` // first instant of the period; null: open
	To   *time.Time `json:"to"`   // first instant behind the period; null: open
	By   string     `json:"by"`   // source, campaign, kind, day, week or month; "" is no grouping
	Tally
	Groups []Group `json:"groups"` // times ascending, others by prospects, most first; [] without By
}

// Group is the part of a funnel that belongs to one source, one week, ...
// A prospect belongs to the group of its first contact, so groups add up.
type Group struct {
	Key string `json:"key"` // a source's or campaign's name, "2026-10-05" (a day, or a week's Monday), "2026-10"
	Tally
}

// Tally counts prospects by stage.
type Tally struct {
	Prospects uint64      `json:"prospects"` // whose first contact of interest lies in the period
	Stages    []StageStep `json:"stages"`    // contact, lead, opportunity, customer
	Lost      uint64      `json:"lost"`      // of the prospects, those that have declined; they stay in the stages they had reached
}

// StageStep is one stage of a funnel.
type StageStep struct {
	Stage lead.Stage `json:"stage"`

	// Count is the prospects that ever reached the stage or a later one. For
	// the contact stage it is the contacts they made within the period.
	Count     uint64 `json:"count"`
	Prospects uint64 `json:"prospects"` // that ever reached the stage or a later one

	Conversion    *float64 `json:"conversion"`     // share of the stage before, 0 to 1; null for contacts and where that stage is empty
	Overall       *float64 `json:"overall"`        // share of all prospects, 0 to 1; null where there are none
	MedianSeconds *float64 `json:"median_seconds"` // half of them took longer from the stage before (lead: from first contact); null where nobody did
}

type funnelRow struct {
	Set                uint64   `ch:"set"`
	Key                string   `ch:"key"`
	Prospects          uint64   `ch:"prospects"`
	Contacts           uint64   `ch:"contacts"`
	Leads              uint64   `ch:"leads"`
	Opportunities      uint64   `ch:"opportunities"`
	Customers          uint64   `ch:"customers"`
	Lost               uint64   `ch:"lost"`
	LeadSeconds        *float64 `ch:"lead_seconds"`
	OpportunitySeconds *float64 `ch:"opportunity_seconds"`
	CustomerSeconds    *float64 `ch:"customer_seconds"`
}

// What the column "set" of queries/funnel.sql says.
const (
	setBy     = 1
	setBucket = 2
	setAll    = 3
)

// funnel counts the prospects of a period by their stages for a product,
// grouped by by and, in the same pass, by buckets of time. Both may be "".
func (s store) funnel(ctx context.Context, product string, now time.Time, p Period, by, bucket string) (Funnel, []Group, error) {
	from, to := p.wide()
	rows, err := selectRows[funnelRow](ctx, s, "funnel", populationSQL+funnelSQL, map[string]any{
		"product": product, "now": now, "from": from, "to": to, "by": by, "bucket": bucket,
	})
	if err != nil {
		return Funnel{}, nil, err
	}
	f := Funnel{From: openEnd(p.From), To: openEnd(p.To), By: by, Tally: funnelRow{}.tally(), Groups: []Group{}}
	var buckets []Group
	for _, r := range rows {
		switch {
		case r.Set == setAll:
			f.Tally = r.tally()
		case r.Set == setBy && by != "":
			f.Groups = append(f.Groups, Group{r.Key, r.tally()})
		case r.Set == setBucket && bucket != "":
			buckets = append(buckets, Group{r.Key, r.tally()})
		}
	}
	byKey := func(a, b Group) int { return cmp.Compare(a.Key, b.Key) }
	if by == byDay || by == byWeek || by == byMonth {
		slices.SortFunc(f.Groups, byKey)
	}
	slices.SortFunc(buckets, byKey)
	return f, buckets, nil
}

func (r funnelRow) tally() Tally {
	steps := []StageStep{
		{Stage: lead.StageContact, Count: r.Contacts, Prospects: r.Prospects},
		{Stage: lead.StageLead, Count: r.Leads, Prospects: r.Leads, MedianSeconds: r.LeadSeconds},
		{Stage: lead.StageOpportunity, Count: r.Opportunities, Prospects: r.Opportunities, MedianSeconds: r.OpportunitySeconds},
		{Stage: lead.StageCustomer, Count: r.Customers, Prospects: r.Customers, MedianSeconds: r.CustomerSeconds},
	}
	for i := range steps {
		steps[i].Overall = share(steps[i].Prospects, r.Prospects)
		if i > 0 {
			steps[i].Conversion = share(steps[i].Prospects, steps[i-1].Prospects)
		}
	}
	return Tally{Prospects: r.Prospects, Stages: steps, Lost: r.Lost}
}

// share gives part/whole to four decimals, nil where there is no whole.
func share(part, whole uint64) *float64 {
	if whole == 0 {
		return nil
	}
	f := math.Round(float64(part)/float64(whole)*1e4) / 1e4
	return &f
}

func openEnd(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Promotion is a prospect's rise from one stage to a higher one.
type Promotion struct {
	Key, Name string
	Source    string // of the contact that brought it about
	From, To  lead.Stage
	At        time.Time
	Evidence  string
}

// promotions gives the newest promotions for a product, whatever the period.
func (s store) promotions(ctx context.Context, product string, limit uint32) ([]Promotion, error) {
	rows, err := selectRows[struct {
		Key      string    `ch:"key"`
		Source   string    `ch:"source"`
		From     string    `ch:"from"`
		To       string    `ch:"to"`
		At       time.Time `ch:"at"`
		Evidence string    `ch:"evidence"`
	}](ctx, s, "promotions", promotionsSQL, map[string]any{"product": product, "limit": limit})
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = r.Key
	}
	names, err := s.names(ctx, keys)
	if err != nil {
		return nil, err
	}
	promotions := make([]Promotion, len(rows))
	for i, r := range rows {
		promotions[i] = Promotion{
			Key: r.Key, Name: names[r.Key].Name, Source: r.Source,
			From: readStage(r.From), To: readStage(r.To), At: r.At, Evidence: r.Evidence,
		}
	}
	return promotions, nil
}

// anything tells whether a single contact has arrived.
func (s store) anything(ctx context.Context) (bool, error) {
	rows, err := selectRows[struct {
		Yes bool `ch:"yes"`
	}](ctx, s, "contacts", anySQL, nil)
	return len(rows) > 0 && rows[0].Yes, err
}

// readStage reads a stage that the sink has written. A name that a newer
// version may have written shows as a contact rather than as an error.
func readStage(name string) lead.Stage {
	stage, err := lead.ParseStage(name)
	if err != nil {
		return lead.StageContact
	}
	return stage
}
