package dashboard

import (
	"context"
	"net/http"
	"time"
)

// DeadLetter is something that could not be understood, as the page shows it.
type DeadLetter struct {
	ID        string    `ch:"id"`
	At        time.Time `ch:"at"`
	Stage     string    `ch:"stage"`
	Source    string    `ch:"source"`
	Reason    string    `ch:"reason"`
	Origin    string    `ch:"origin"`
	Sample    string    `ch:"sample"` // the beginning of what came in
	Bytes     uint64    `ch:"bytes"`  // kept of it
	Truncated bool      `ch:"truncated"`
	Total     uint64    `ch:"total"` // dead letters in all
}

// dead gives one page of the dead letters, newest first.
func (s store) dead(ctx context.Context, limit, offset int) ([]DeadLetter, error) {
	return selectRows[DeadLetter](ctx, s, "dead letters", deadSQL, map[string]any{"limit": limit, "offset": offset})
}

type deadView struct {
	List   []DeadLetter
	Paging paging
}

func (d *Dashboard) deadPage(r *http.Request) (any, error) {
	page, err := pageNumber(r.URL.Query())
	if err != nil {
		return nil, err
	}
	v := deadView{}
	if v.List, err = d.store.dead(r.Context(), listPage, (page-1)*listPage); err != nil {
		return nil, err
	}
	var total uint64
	if len(v.List) > 0 {
		total = v.List[0].Total
	}
	v.Paging = newPaging("/dead", page, len(v.List), total)
	return v, nil
}
