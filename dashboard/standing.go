package dashboard

import (
	"context"
	"math"
	"time"

	"leadd/lead"
)

// Standing is where a prospect stands for one product at a time.
type Standing struct {
	Product  string     `json:"product"`
	Stage    lead.Stage `json:"stage"` // falls that silence has brought by then included
	Score    int64      `json:"score"`
	Criteria string     `json:"criteria"` // version that judged it last; "": none has yet

	stored lead.Standing // as its newest contact left it: Stage and Falls
	judged time.Time     // of that contact
}

type standingRow struct {
	Key      string      `ch:"key"`
	Product  string      `ch:"of_product"`
	Seen     time.Time   `ch:"seen"`
	Stage    string      `ch:"newest_stage"`
	FallsAt  []time.Time `ch:"newest_falls_at"`
	FallsTo  []string    `ch:"newest_falls_to"`
	Criteria string      `ch:"newest_criteria"`
	Judged   time.Time   `ch:"judged_at"`
	Score    int64       `ch:"score"`
}

// everything is an upto that leaves nothing out.
const everything = math.MaxInt64

// standings gives where prospects stand at a time, by key; of each not before
// its newest contact. Without products it gives them all, by name. What is
// behind upto on Kafka is left out.
func (s store) standings(ctx context.Context, keys, products []string, at time.Time, upto int64) (map[string][]Standing, error) {
	if products == nil {
		products = []string{}
	}
	rows, err := selectRows[standingRow](ctx, s, "standings", worthSQL+standingsSQL,
		map[string]any{"keys": keys, "products": products, "at": at, "upto": upto})
	if err != nil {
		return nil, err
	}
	all := make(map[string][]Standing, len(keys))
	for i := range rows {
		all[rows[i].Key] = append(all[rows[i].Key], rows[i].standing())
	}
	return all, nil
}

func (r *standingRow) standing() Standing {
	s := Standing{Product: r.Product, Score: r.Score, Criteria: r.Criteria, stored: lead.Standing{Stage: readStage(r.Stage)}, judged: r.Judged}
	for i := range min(len(r.FallsAt), len(r.FallsTo)) { // written together
		s.stored.Falls = append(s.stored.Falls, lead.Fall{At: r.FallsAt[i], To: readStage(r.FallsTo[i])})
	}
	seen := s.stored
	seen.Fall(r.Seen, r.Seen) // the evidence is not asked for
	s.Stage = seen.Stage
	return s
}

// arrange puts one prospect's standings in the order in which products can be
// chosen; for one that has not judged it yet, the prospect is a contact.
func (d *Dashboard) arrange(standings []Standing, chosen string) []Standing {
	byProduct := make(map[string]Standing, len(standings))
	var stored []string
	for _, s := range standings {
		byProduct[s.Product] = s
		stored = append(stored, s.Product)
	}
	arranged := []Standing{}
	for _, name := range d.products(stored, chosen) {
		s := byProduct[name]
		s.Product = name
		arranged = append(arranged, s)
	}
	return arranged
}
