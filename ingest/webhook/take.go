package webhook

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"leadd/ingest"
	"leadd/lead"
)

// takeDelivery makes a contact of what a known sender posts. Nothing is read
// of a body before its signature is found right, but where the signature is
// in it; and what nobody has signed is never kept.
func (h *Handler) takeDelivery(w http.ResponseWriter, r *http.Request, src *source, held *hold) (string, error) {
	p, now := src.preset, time.Now()
	d := &delivery{method: r.Method, uri: src.signedURI(r), header: r.Header, query: r.URL.Query()}
	verify := func(at place) error {
		if p.scheme == nil || p.scheme.place != at {
			return nil
		}
		return p.scheme.verify(d, src.Secret, now)
	}
	if err := verify(inAddress); err != nil {
		return "", err
	}
	var err error
	if d.body, err = h.readBody(w, r, src.MaxBody, held); err != nil {
		return "", err
	}
	if err := verify(inHeader); err != nil {
		return "", err
	}
	if p.form {
		if d.post, err = readPost(r.Header.Get("Content-Type"), d.body); err != nil {
			return "", h.buryIf(r, src, d.body, p.unread(err))
		}
	}
	if err := verify(inBody); err != nil {
		return "", err
	}
	if p.scheme != nil && p.scheme.once {
		d.token = d.value(p.scheme.place, p.scheme.id)
	}
	d.contact = src.givenID(r.Header)
	if src.addresses == nil {
		if err := src.admitSender(w, now); err != nil {
			return "", err
		}
	}
	id, err := h.acceptDelivery(h.patience.context(), d, src, now)
	if err != nil {
		return "", h.buryIf(r, src, d.body, err)
	}
	return id, nil
}

// replayDelivery takes a delivery that was verified, but not understood, and
// so is a dead letter.
func (h *Handler) replayDelivery(ctx context.Context, src *source, letter *lead.DeadLetter, from origin) (string, error) {
	d := &delivery{body: letter.Raw, contact: from.contact}
	if src.preset.form {
		var err error
		if d.post, err = readPost(from.contentType, d.body); err != nil {
			return "", err
		}
	}
	return h.acceptDelivery(ctx, d, src, letter.At)
}

func (h *Handler) acceptDelivery(ctx context.Context, d *delivery, src *source, received time.Time) (string, error) {
	if src.preset.notices != nil {
		return h.acceptNotices(ctx, d, src, received)
	}
	c, err := h.contactOf(d, src, received)
	if err != nil {
		return "", err
	}
	if d.token != "" && !src.tokens.take(d.token, c.ID, received) {
		return "", &problem{http.StatusUnauthorized, "replayed", "the signature has been used for something else before; sign what you send"}
	}
	return h.store(ctx, src, &c)
}

// unread is the problem of a body that could not be taken apart. Where the
// signature is in the body, there is none then.
func (p *preset) unread(err error) error {
	var bad *problem
	if errors.As(err, &bad) && p.scheme != nil && p.scheme.place == inBody {
		return &problem{bad.status, "signature_missing", bad.text}
	}
	return err
}

func (h *Handler) contactOf(d *delivery, src *source, received time.Time) (lead.Contact, error) {
	s, err := src.preset.read(d)
	if err != nil {
		return lead.Contact{}, err
	}
	if s.mail != nil {
		return h.mailContact(d, &s, src, received)
	}
	c := s.contact(src.Fields)
	events := d.post.json && (src.preset.events || d.believed)
	if events {
		ingest.MarkEvent(&c)
	}
	if len(c.Fields) == 0 && len(c.Attachments) == 0 {
		return lead.Contact{}, &problem{http.StatusBadRequest, "empty", "no field has a value; fill in at least one"}
	}
	c.Source, c.Received = src.name, received
	switch {
	case s.id != "":
		c.ID = lead.ContactID(c.Source, "submission", s.id)
	case d.contact != "":
		c.ID = d.contact
	default:
		c.ID, c.RepeatAfter = contentID(&c), repeatAfter
	}
	if !d.believed {
		src.doubtTime(&c)
	}
	h.identity.Complete(&c)
	if events {
		return c, aboutNobody(&c)
	}
	return c, nil
}

// mailContact reads a mail; its id is that which it has in a mailbox too,
// where the sender has passed it on whole.
func (h *Handler) mailContact(d *delivery, s *submission, src *source, received time.Time) (lead.Contact, error) {
	c, err := h.mails.Contact(s.mail, received)
	if err != nil {
		return lead.Contact{}, notUnderstood(err.Error())
	}
	c.Source = src.name
	c.Attachments = append(c.Attachments, s.files...)
	if !d.believed {
		src.doubtTime(&c)
	}
	h.identity.Complete(&c) // cleans the names too
	return c, nil
}

// tokens remembers what the signatures of a sender that does not sign the
// content were used for, at least as long as they are fresh. It does so in
// this process only: with several, a stolen signature is good for one forged
// mail in each.
type tokens struct {
	window time.Duration

	mu       sync.Mutex
	now, old map[string]string // token -> contact
	since    time.Time         // when now was begun
}

// take reports whether a token can be used for a contact: it is new, or was
// used for that one.
func (t *tokens) take(token, contact string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now == nil || now.Sub(t.since) > t.window {
		t.now, t.old, t.since = map[string]string{}, t.now, now
	}
	for _, taken := range []map[string]string{t.now, t.old} {
		if before, ok := taken[token]; ok {
			return before == contact
		}
	}
	t.now[token] = contact
	return true
}
