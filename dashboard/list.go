package dashboard

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"leadd/lead"
)

// Listed is a prospect as a list shows it.
type Listed struct {
	Key, Name string
	Stage     lead.Stage // as of now
	Score     int64      // as of now
	Source    string     // of the first contact
	Reached   time.Time  // when the stage asked for was reached
	Contacts  uint64
	Last      time.Time // latest contact
}

// list gives one page of the prospects of a period that have reached stage
// (for lost: that are lost now), and how many there are in all. source ""
// is every source. It counts as the funnel does.
func (s store) list(ctx context.Context, product string, now time.Time, p Period, stage lead.Stage, source string, limit, offset int) ([]Listed, uint64, error) {
	from, to := p.wide()
	rows, err := selectRows[struct {
		Key     string    `ch:"key"`
		Reached time.Time `ch:"reached"`
		Source  string    `ch:"source"`
		Total   uint64    `ch:"total"`
	}](ctx, s, "prospects", populationSQL+listSQL, map[string]any{
		"product": product, "now": now, "from": from, "to": to, "by": bySource, "stage": stage.String(), "source": source,
		"limit": limit, "offset": offset,
	})
	if err != nil || len(rows) == 0 {
		return nil, 0, err
	}
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = r.Key
	}
	var names map[string]nameRow
	var standings map[string][]Standing
	var g errgroup.Group // without a context: see queryTimeout
	g.Go(func() (err error) { names, err = s.names(ctx, keys); return err })
	g.Go(func() (err error) {
		standings, err = s.standings(ctx, keys, []string{product}, now, everything)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, 0, err
	}
	list := make([]Listed, len(rows))
	for i, r := range rows {
		n := names[r.Key]
		list[i] = Listed{Key: r.Key, Name: n.Name, Source: r.Source, Reached: r.Reached, Contacts: n.Contacts, Last: n.Last}
		for _, standing := range standings[r.Key] { // one, or none yet
			list[i].Stage, list[i].Score = standing.Stage, standing.Score
		}
	}
	return list, rows[0].Total, nil
}

type nameRow struct {
	Key      string    `ch:"key"`
	Name     string    `ch:"name"`
	Contacts uint64    `ch:"contacts"`
	Last     time.Time `ch:"last_at"`
}

// names gives what a list shows of the prospects with these keys, whatever the
// product.
func (s store) names(ctx context.Context, keys []string) (map[string]nameRow, error) {
	names := make(map[string]nameRow, len(keys))
	if len(keys) == 0 {
		return names, nil
	}
	rows, err := selectRows[nameRow](ctx, s, "prospects", namesSQL, map[string]any{"keys": keys})
	for _, r := range rows {
		names[r.Key] = r
	}
	return names, err
}
