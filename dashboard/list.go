package dashboard

import (
	"context"
	"time"

	"leadd/lead"
)

// Listed is a prospect as a list shows it.
type Listed struct {
	Key, Name string
	Stage     lead.Stage // as of now
	Score     int32
	Source    string    // of the first contact
	Reached   time.Time // when the stage asked for was reached
	Contacts  uint64
	Last      time.Time // latest contact
}

// list gives one page of the prospects of a period that have reached stage
// (for lost: that are lost now), and how many there are in all. source ""
// is every source. It counts as the funnel does.
func (s store) list(ctx context.Context, product string, p Period, stage lead.Stage, source string, limit, offset int) ([]Listed, uint64, error) {
	from, to := p.wide()
	rows, err := selectRows[struct {
		Key     string    `ch:"key"`
		Reached time.Time `ch:"reached"`
		Source  string    `ch:"source"`
		Total   uint64    `ch:"total"`
	}](ctx, s, "prospects", populationSQL+listSQL, map[string]any{
		"product": product, "from": from, "to": to, "by": bySource, "stage": stage.String(), "source": source,
		"limit": limit, "offset": offset,
	})
	if err != nil || len(rows) == 0 {
		return nil, 0, err
	}
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = r.Key
	}
	known, err := s.known(ctx, product, keys)
	if err != nil {
		return nil, 0, err
	}
	list := make([]Listed, len(rows))
	for i, r := range rows {
		k := known[r.Key]
		list[i] = Listed{
			Key: r.Key, Name: k.Name, Stage: readStage(k.Stage), Score: k.Score,
			Source: r.Source, Reached: r.Reached, Contacts: k.Contacts, Last: k.Last,
		}
	}
	return list, rows[0].Total, nil
}

type knownRow struct {
	Key      string    `ch:"key"`
	Name     string    `ch:"name"`
	Stage    string    `ch:"stage"`
	Score    int32     `ch:"score"`
	Contacts uint64    `ch:"contacts"`
	Last     time.Time `ch:"last_at"`
}

// known gives what a list shows of the prospects with these keys for a product.
func (s store) known(ctx context.Context, product string, keys []string) (map[string]knownRow, error) {
	known := make(map[string]knownRow, len(keys))
	if len(keys) == 0 {
		return known, nil
	}
	rows, err := selectRows[knownRow](ctx, s, "prospects", knownSQL, map[string]any{"product": product, "keys": keys})
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		known[r.Key] = r
	}
	return known, nil
}
