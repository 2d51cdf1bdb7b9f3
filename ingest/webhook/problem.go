package webhook

import "net/http"

// problem is why a post made no contact.
type problem struct {
	status int
	reason string // the metric's label: one of the words below
	text   string // for the sender: what was wrong, and what to do; never values of the post
}

// Error makes a problem an error.
func (p *problem) Error() string { return p.text }

// keep reports whether the post goes to the dead letters: there is something
// in it, but we cannot read it.
func (p *problem) keep() bool {
	return p.reason == "not_understood" || p.reason == "unsupported"
}

// flood reports the problems that come from too many posts, not from this one.
func (p *problem) flood() bool {
	switch p.reason {
	case "rate_address", "rate_source", "dead_letters", "overload":
		return true
	}
	return false
}

func notUnderstood(text string) *problem {
	return &problem{http.StatusBadRequest, "not_understood", text}
}

func unsupported(text string) *problem {
	return &problem{http.StatusUnsupportedMediaType, "unsupported", text}
}

func unavailable() *problem {
	return &problem{http.StatusServiceUnavailable, "unavailable", "it could not be stored just now; send it again in a few seconds"}
}
