package webhook

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/ingest"
	"leadd/ingest/mail"
	"leadd/lead"
)

const (
	prefix = "/in/"

	// acceptTimeout bounds how long a sender waits while Kafka is away.
	acceptTimeout = 10 * time.Second

	// repeatAfter is how long the same content is taken for the same
	// delivery, where the sender gives it no id: a day, in seconds.
	repeatAfter = 86400
)

// Acceptor is where contacts go; ingest.Intake is one. All return nil only
// once what they were given is durable.
type Acceptor interface {
	Accept(ctx context.Context, c *lead.Contact) error
	Announce(ctx context.Context, notices []lead.Notice) error
	Refuse(ctx context.Context, d lead.DeadLetter) error
}

// Handler answers the posts of all sources, at /in/{source}. It is safe for
// concurrent use. The server that runs it bounds, by its read time-out, how
// long a sender may take until its body begins to come; from then on the
// handler does.
type Handler struct {
	sources   map[string]*source
	identity  *ingest.Identity
	acceptor  Acceptor
	log       zerolog.Logger
	mails     *mail.Reader
	refusals  zerolog.Logger // log, but some lines a minute at most
	forgeries zerolog.Logger // likewise, so that forged posts cannot hide other refusals
	floods    zerolog.Logger
	page      *template.Template
	metrics   metrics
	load      load
	pace      pace
	patience  patience
}

// New makes the handler. The keys of sources are their names in the path. The
// error names every mistake in their configuration.
func New(sources map[string]Config, id *ingest.Identity, a Acceptor, log zerolog.Logger, reg prometheus.Registerer) (*Handler, error) {
	h := &Handler{sources: make(map[string]*source, len(sources)), identity: id, acceptor: a, log: log, mails: mail.NewReader(id)}
	names := make([]string, 0, len(sources))
	for name := range sources {
		names = append(names, name)
	}
	slices.Sort(names)
	var errs []error
	for _, name := range names {
		src, err := newSource(name, sources[name])
		if err != nil {
			errs = append(errs, err)
		}
		h.sources[name] = src
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	page, err := template.New("page").Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("read the page of thanks: %w", err)
	}
	h.page = page
	h.refusals = log.Sample(&zerolog.BurstSampler{Burst: 10, Period: time.Minute})
	h.forgeries = log.Sample(&zerolog.BurstSampler{Burst: 10, Period: time.Minute})
	h.floods = log.Sample(&zerolog.BurstSampler{Burst: 10, Period: time.Minute})
	h.pace, h.load.maxBytes = usualPace(), maxHeld
	h.metrics = newMetrics(reg, &h.load)
	for name, src := range h.sources {
		src.accepted = h.metrics.accepted.WithLabelValues(name)
	}
	return h, nil
}

// ServeHTTP takes one post. Nothing is answered with success before the
// contact is durable.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	w.Header().Set("Access-Control-Allow-Origin", "*") // forms stand on other sites
	label := unknownSource
	src := h.sources[strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, prefix), "/")]
	if src != nil {
		label = src.name
	}
	if src != nil && src.preset != nil && src.preset.handshake != nil && r.Method == http.MethodGet {
		h.shake(w, r, src)
		return
	}
	held := hold{load: &h.load}
	defer held.release()
	id, err := h.take(w, r, src, &held)
	var p *problem
	switch {
	case err == nil && id == "":
		preflight(w)
		return
	case err == nil:
		h.answerAccepted(w, r, src, id)
	case errors.As(err, &p) && p.reason == "honeypot":
		h.answerAccepted(w, r, src, id) // a robot learns nothing
	case errors.As(err, &p):
		h.answerProblem(w, r, src, p)
	}
	if p == nil {
		src.accepted.Inc()
	} else {
		h.metrics.refused.WithLabelValues(label, p.reason).Inc()
		h.logRefusal(label, p)
	}
	h.metrics.seconds.Observe(time.Since(begin).Seconds())
}

func (h *Handler) logRefusal(source string, p *problem) {
	log, level := h.refusals, zerolog.WarnLevel
	switch {
	case p.reason == "ignored":
		log, level = h.log, zerolog.DebugLevel
	case p.status == http.StatusUnauthorized:
		log = h.forgeries
	case p.flood():
		log = h.floods
	}
	log.WithLevel(level).Str("source", source).Int("status", p.status).Str("reason", p.reason).Msg("post refused: " + p.text)
}

// take makes a contact of a post and hands it in. It gives the contact's id;
// none and no error for a preflight. Every error is a *problem.
func (h *Handler) take(w http.ResponseWriter, r *http.Request, src *source, held *hold) (string, error) {
	switch {
	case src == nil:
		return "", &problem{http.StatusNotFound, "unknown_source", "no source has this name; check the address against the sources in leadd's configuration"}
	case r.Method == http.MethodOptions:
		return "", nil
	case r.Method != http.MethodPost:
		return "", &problem{http.StatusMethodNotAllowed, "method", "only POST is taken here; post the form's fields"}
	}
	now := time.Now()
	if src.addresses != nil {
		if err := src.admit(w, r, now); err != nil {
			return "", err
		}
	}
	if src.preset != nil {
		return h.takeDelivery(w, r, src, held)
	}
	if src.addresses == nil {
		if err := src.admitSender(w, now); err != nil {
			return "", err
		}
	}
	body, err := h.readBody(w, r, src.MaxBody, held)
	if err != nil {
		return "", err
	}
	posted, err := readPost(r.Header.Get("Content-Type"), body)
	if err != nil {
		return "", h.buryIf(r, src, body, err)
	}
	if r.URL.RawQuery != "" {
		posted.addCampaign(campaignOf(r.URL.Query()))
	}
	id, err := h.accept(h.patience.context(), src, posted, origin{contact: src.givenID(r.Header), page: r.Referer()}, now)
	if err != nil {
		return id, h.buryIf(r, src, body, err) // a honeypot's has an id
	}
	return id, nil
}

func (h *Handler) accept(ctx context.Context, src *source, posted post, from origin, received time.Time) (string, error) {
	c, err := h.formContact(src, &posted, from, received)
	if err != nil {
		return "", err
	}
	if posted.json && src.Events {
		ingest.MarkEvent(&c)
	}
	if slices.ContainsFunc(posted.fields, func(f lead.Field) bool { return f.Name == src.Honeypot && strings.TrimSpace(f.Value) != "" }) {
		return c.ID, &problem{http.StatusOK, "honeypot", "the field that people do not see is filled in"}
	}
	src.doubtTime(&c)
	h.identity.Complete(&c)
	if err := aboutNobody(&c); err != nil {
		return "", err
	}
	return h.store(ctx, src, &c)
}

// formContact makes a contact of a post that anybody may send. It is not
// complete yet.
func (h *Handler) formContact(src *source, posted *post, from origin, received time.Time) (lead.Contact, error) {
	posted.guessAll()
	c := ingest.FormContact(posted.fields, src.Fields)
	if len(c.Fields) == 0 && len(posted.files) == 0 {
		return lead.Contact{}, &problem{http.StatusBadRequest, "empty", "the form is empty: no field has a value; fill in at least one"}
	}
	c.Source, c.Attachments, c.Received = src.name, posted.files, received
	if c.ID = from.contact; c.ID == "" {
		c.ID, c.RepeatAfter = contentID(&c), repeatAfter
	}
	ingest.LandedOn(&c, from.page)
	return c, nil
}

// maxPast is how far back a stranger's time may lie: longer than any sender
// tries again, and not so long that history can be made up.
const maxPast = 365 * 24 * time.Hour

// doubtTime leaves out the time of a contact whose sender cannot be believed
// it: it counts from its arrival then, and the answer stays among the fields.
// A time to come is nobody's; see Complete.
func (s *source) doubtTime(c *lead.Contact) {
	if s.addresses != nil && c.At.Before(c.Received.Add(-maxPast)) {
		c.At = time.Time{}
	}
}

// store hands a contact in, as long as ctx lasts, and gives its id.
func (h *Handler) store(ctx context.Context, src *source, c *lead.Contact) (string, error) {
	if err := h.acceptor.Accept(ctx, c); err != nil {
		h.refusals.Error().Err(err).Str("source", src.name).Msg("contact not stored")
		return "", unavailable()
	}
	h.log.Debug().Str("source", src.name).Str("id", c.ID).Str("kind", string(c.Kind)).Int("fields", len(c.Fields)).Msg("contact accepted")
	return c.ID, nil
}

// givenID makes the contact's id of the sender's own id for the delivery, where
// a header has it; of a signed delivery's only the one that is signed. "": the
// body tells, or nothing.
func (s *source) givenID(header http.Header) string {
	if s.preset != nil {
		if scheme := s.preset.scheme; scheme != nil && scheme.place == inHeader && scheme.id != "" && header.Get(scheme.id) != "" {
			return lead.ContactID(s.name, "submission", header.Get(scheme.id))
		}
		return ""
	}
	for _, name := range [...]string{"Idempotency-Key", "Webhook-Id"} {
		if key := strings.TrimSpace(header.Get(name)); key != "" {
			return lead.ContactID(s.name, "key", key)
		}
	}
	return ""
}

// contentID makes an id of the fields kept, in any order. Tokens that change
// with every try are no part of it.
func contentID(c *lead.Contact) string {
	var orderRoom [32]int // for most forms
	order := orderRoom[:0]
	for i := range c.Fields {
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b int) int {
		if n := strings.Compare(c.Fields[a].Name, c.Fields[b].Name); n != 0 {
			return n
		}
		return strings.Compare(c.Fields[a].Value, c.Fields[b].Value)
	})
	var partsRoom [67]string
	parts := append(partsRoom[:0], c.Source, "content")
	for _, i := range order {
		parts = append(parts, c.Fields[i].Name, c.Fields[i].Value)
	}
	parts = append(parts, "files")
	parts = append(parts, c.Attachments...)
	return lead.ContactID(parts...)
}

// buryIf buries a post whose problem says that it is to be kept.
func (h *Handler) buryIf(r *http.Request, src *source, body []byte, err error) error {
	var p *problem
	if errors.As(err, &p) && p.keep() {
		return h.bury(r, src, body, p)
	}
	return err
}

// bury puts a post that cannot be read to the dead letters and gives the
// problem to answer with: another one where even that is not possible now.
func (h *Handler) bury(r *http.Request, src *source, body []byte, p *problem) error {
	raw, now := body, time.Now()
	if src.scraps != nil {
		var room bool
		if raw, room = src.scraps.keep(body, now); !room {
			return src.tooMany("dead_letters", "too many posts have come here that cannot be read; mend this one, or wait a minute and send it again: "+p.text)
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), acceptTimeout)
	defer cancel()
	err := h.acceptor.Refuse(ctx, lead.DeadLetter{
		ID: lead.ContactID(src.name, "dead", string(body)), At: now.UTC().Truncate(time.Millisecond),
		Stage: "ingest", Source: src.name, Reason: p.text,
		Origin: originOf(r, src).String(),
		Raw:    raw, Truncated: len(raw) < len(body),
	})
	if err != nil {
		h.refusals.Error().Err(err).Str("source", src.name).Msg("dead letter not stored")
		return unavailable()
	}
	return p
}
