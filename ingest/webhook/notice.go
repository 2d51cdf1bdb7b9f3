package webhook

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"leadd/lead"
)

// acceptNotices hands in what a delivery announces, for package fetch to
// fetch, and gives the id of the first contact to come. Where a part cannot be
// understood, the rest is handed in all the same.
func (h *Handler) acceptNotices(ctx context.Context, d *delivery, src *source, received time.Time) (string, error) {
	notices, err := src.preset.notices(d, &src.Config)
	for i := range notices {
		n := &notices[i]
		n.ID = lead.ContactID(src.name, "submission", n.ID)
		n.Source, n.Sender, n.Received = src.name, src.Preset, received.UTC().Truncate(time.Millisecond)
	}
	if len(notices) > 0 {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), acceptTimeout)
		defer cancel()
		if err := h.acceptor.Announce(ctx, notices); err != nil {
			h.refusals.Error().Err(err).Str("source", src.name).Msg("notices not stored")
			return "", unavailable()
		}
		h.log.Debug().Str("source", src.name).Int("notices", len(notices)).Msg("notices accepted")
	}
	switch {
	case err != nil:
		return "", err
	case len(notices) == 0:
		return "", ignored("nothing in it says something new of a prospect")
	}
	return notices[0].ID, nil
}

// shake answers the GET by which a sender finds out whether it may post here.
func (h *Handler) shake(w http.ResponseWriter, r *http.Request, src *source) {
	contentType, answer, p := src.preset.handshake(&src.Config, r.URL.Query())
	if p != nil {
		h.answerProblem(w, r, src, p)
		h.metrics.refused.WithLabelValues(src.name, p.reason).Inc()
		h.logRefusal(src.name, p)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(answer) // whoever has gone away asks again
	h.log.Info().Str("source", src.name).Msg("handshake answered")
}

// handshake answers a sender's GET by its query.
type handshake func(c *Config, query url.Values) (contentType string, answer []byte, p *problem)

func badHandshake(text string) *problem {
	return &problem{http.StatusForbidden, "handshake", text}
}

// isID reports whether s is an id that can stand in an API's address.
func isID(s text) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_':
		default:
			return false
		}
	}
	return s != "" && len(s) <= 100
}
