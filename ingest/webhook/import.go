package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"leadd/ingest"
	"leadd/lead"
)

// ErrIgnored marks what is in order, but nothing about a prospect.
var ErrIgnored = errors.New("nothing about a prospect")

// ImportJSON makes of a line of a file the contact that the same body makes
// when it is posted to source: the same id, read by the source's preset where
// it is what the preset's sender posts. Nobody has signed it, as whoever
// imports has the file, so an event counts whatever the source says. The
// contact is complete and not handed in.
//
// Its id holds for ever, not for a day, as a file that is imported again must
// not count again. The error says what is wrong with the body; ErrIgnored:
// nothing.
func (h *Handler) ImportJSON(source string, body []byte, received time.Time) (lead.Contact, error) {
	src := h.sources[source]
	if src == nil {
		return lead.Contact{}, unknown(source)
	}
	const contentType = "application/json"
	if src.preset != nil {
		d := &delivery{header: http.Header{}, body: body, believed: true}
		var err error
		if src.preset.form {
			d.post, err = readPost(contentType, body)
		}
		var c lead.Contact
		if err == nil {
			c, err = h.contactOf(d, src, received)
		}
		var p *problem
		switch {
		case err == nil:
			c.RepeatAfter = 0
			return c, nil
		case errors.As(err, &p) && p.reason == "ignored":
			return lead.Contact{}, ErrIgnored
		}
	}
	posted, err := readPost(contentType, body)
	if err != nil {
		return lead.Contact{}, err
	}
	return h.imported(src, &posted, received)
}

// ImportRow is ImportJSON for a row of a table.
func (h *Handler) ImportRow(source string, cells []lead.Field, received time.Time) (lead.Contact, error) {
	src := h.sources[source]
	if src == nil {
		return lead.Contact{}, unknown(source)
	}
	var posted post
	for _, f := range cells {
		if err := posted.add(f.Name, f.Value); err != nil {
			return lead.Contact{}, err
		}
	}
	return h.imported(src, &posted, received)
}

func unknown(source string) error {
	return fmt.Errorf("import a post: no web form is called %q", source)
}

// imported makes the contact of a form. Two of its fields may hold the id that
// the delivery had at the front door: Idempotency-Key that of the header, and,
// where the source's sender gives its submissions ids, the submission's.
func (h *Handler) imported(src *source, posted *post, received time.Time) (lead.Contact, error) {
	header := http.Header{}
	posted.fields = slices.DeleteFunc(posted.fields, func(f lead.Field) bool {
		if !strings.EqualFold(f.Name, "Idempotency-Key") {
			return false
		}
		header.Set("Idempotency-Key", f.Value)
		return true
	})
	c, err := h.formContact(src, posted, origin{contact: src.givenID(header)}, received)
	if err != nil {
		return lead.Contact{}, err
	}
	if id := submissionID(c.Fields); id != "" && src.preset != nil {
		c.ID = lead.ContactID(src.name, "submission", id)
	}
	ingest.MarkEvent(&c)
	for i := range c.Fields {
		if c.At.IsZero() && c.Fields[i].Key == "date" {
			c.At, _ = ingest.ParseTime(c.Fields[i].Value)
		}
	}
	c.RepeatAfter = 0
	h.identity.Complete(&c)
	return c, aboutNobody(&c)
}

// submissionID finds what senders' exports call the id of a submission.
func submissionID(fields []lead.Field) string {
	for i := range fields {
		name := strings.NewReplacer(" ", "", "_", "", "-", "").Replace(strings.ToLower(fields[i].Name))
		switch name {
		case "submissionid", "responseid", "leadid", "webhookid", "#":
			return strings.TrimSpace(fields[i].Value)
		}
	}
	return ""
}
