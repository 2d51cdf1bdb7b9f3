package webhook

import (
	"strings"

	"leadd/lead"
)

// readAny reads whatever has names and values, as the plain door does. Where
// the signature covers no id, the same content within a day is the same
// delivery; put an id or a time into the body where that is not what you want.
func readAny(d *delivery) (submission, error) {
	d.post.guessAll()
	return submission{fields: d.post.fields, files: d.post.files}, nil
}

// aboutNobody is the problem of an event that names nobody: it would make a
// prospect, and a customer, of no one.
func aboutNobody(c *lead.Contact) error {
	if c.Kind != lead.KindEvent || !strings.HasPrefix(c.Prospect, "anonymous:") {
		return nil
	}
	return notUnderstood("the event is about nobody; say whom: {\"event\": ..., \"person\": {\"email\": ...}}, or \"company\": {\"domain\": ...}")
}
