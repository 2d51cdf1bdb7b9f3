package fetch

import (
	"maps"
	"slices"

	"leadd/ingest"
	"leadd/lead"
)

// contact makes a contact of a notice and what was fetched for it, with the
// field recognition of a form post.
func (s *source) contact(id *ingest.Identity, n *lead.Notice, a *answer) (lead.Contact, error) {
	keys := make(ingest.FieldMap, len(a.keys)+len(s.Fields))
	maps.Copy(keys, a.keys)
	maps.Copy(keys, s.Fields)
	if len(a.fields) == 0 {
		return lead.Contact{}, &failure{gone, "the API has it without any answer", 0}
	}
	c := ingest.FormContact(slices.Concat(a.fields, n.Fields), keys)
	c.ID, c.Source, c.Received = n.ID, n.Source, n.Received
	switch {
	case !a.at.IsZero():
		c.At = a.at
	case !n.At.IsZero():
		c.At = n.At
	}
	switch {
	case n.Class != "":
		c.Class = n.Class
	case a.class != "":
		c.Class = a.class
	}
	if n.Event != "" {
		c.Kind, c.Event = lead.KindEvent, n.Event
	}
	if a.person != "" {
		c.Prospect = "id:" + n.Source + ":" + a.person
	}
	id.Complete(&c)
	return c, nil
}
