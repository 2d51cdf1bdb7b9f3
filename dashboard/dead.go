package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"leadd/lead"
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

// What says where something went wrong, for somebody who does not know the
// parts of leadd: "Through website, not understood".
func (l DeadLetter) What() string {
	switch own := "leadd's own record in " + l.Source; {
	case l.Stage == "notify":
		return "Message to " + l.Source + ", not delivered"
	case l.announced():
		return "Announced by " + l.Source + ", not fetched"
	case l.Stage == "scoring":
		return own + ", not scored"
	case l.Stage == "sink":
		return own + ", not stored"
	case strings.HasPrefix(l.Source, ownTopics):
		return own + ", not understood"
	}
	return "Through " + l.Source + ", not understood"
}

// Kept says what the kept bytes are.
func (l DeadLetter) Kept() string {
	switch {
	case l.Stage == "notify":
		return "What was to be sent"
	case l.announced():
		return "What was announced"
	}
	return "What came in"
}

// ownTopics begins the names of leadd's topics, which are the source of what
// is not a sender's fault.
const ownTopics = "leadd."

// announced tells whether it is a notice that could not be fetched.
func (l DeadLetter) announced() bool {
	return l.Stage == "ingest" && strings.HasPrefix(l.Origin, lead.TopicNotices+"/")
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
	q := r.URL.Query()
	page, err := pageNumber(q)
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
	v.Paging = newPaging(path("/dead", url.Values{}, "product", q.Get("product")), page, len(v.List), total)
	return v, nil
}
