package fetch

import (
	"context"
	"net/http"
	"time"

	"leadd/ingest"
	"leadd/lead"
)

// api is what is known of a sender's API.
type api struct {
	name    string // for people
	url     string // where the configuration names none
	version string // likewise; "": it has none

	// fetch asks for what a notice announces. Its error is a *failure, or the
	// context's.
	fetch func(ctx context.Context, c *client, n *lead.Notice) (answer, error)
	// header adds what every request carries beside the token; nil: nothing.
	header func(h http.Header, version string)
	// judge tells what an answer that is no success means, where its status
	// does not; nil, or a nil failure: the status tells.
	judge func(status int, header http.Header, body []byte) *failure
	// rest is how long to wait after a success, by what the API says of the
	// limit's use; nil: not at all.
	rest func(header http.Header) time.Duration
}

// apis are those that can be asked, by the preset that announces.
func apis() map[string]api {
	return map[string]api{
		"meta":     metaAPI(),
		"linkedin": linkedInAPI(),
		"hubspot":  hubSpotAPI(),
	}
}

// answer is what an API says of a notice.
type answer struct {
	fields []lead.Field    // answers, named as people named them
	keys   ingest.FieldMap // what a name means where it does not tell; what the configuration says goes before
	at     time.Time       // zero: the notice's
	class  lead.Class      // "": the notice's
	person string          // the sender's own id of the person; "": none
}

// add adds an answer that says something.
func (a *answer) add(name, value string) {
	if name != "" && value != "" {
		a.fields = append(a.fields, lead.Field{Name: name, Value: value})
	}
}
