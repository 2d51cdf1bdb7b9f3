package webhook

import (
	"leadd/ingest"
	"leadd/lead"
)

// readAny reads whatever has names and values, as the plain door does. Where
// the signature covers no id, the same content within a day is the same
// delivery; put an id or a time into the body where that is not what you want.
func readAny(d *delivery) (submission, error) {
	d.post.guessAll()
	s := submission{fields: d.post.fields, files: d.post.files}
	if d.post.json {
		c := lead.Contact{Fields: s.fields}
		ingest.MarkEvent(&c)
		s.event = c.Event
	}
	return s, nil
}
