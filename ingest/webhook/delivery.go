package webhook

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/encoding/json"

	"leadd/ingest"
	"leadd/lead"
)

// delivery is one post of a sender, as received.
type delivery struct {
	method string
	uri    string // as the sender has called it
	header http.Header
	query  url.Values
	body   []byte
	post   post // the body taken apart, where the preset wants it so
	// contact is the contact's id where a header that is signed gives one.
	contact string
	token   string // of a signature that does not cover the body; "": it does
	// believed: its time counts, whoever sent it.
	believed bool
}

// value gives the header or the field that has a name.
func (d *delivery) value(from place, name string) string {
	if from == inHeader {
		return d.header.Get(name)
	}
	return d.field(name)
}

// field gives a form's field.
func (d *delivery) field(name string) string {
	for i := range d.post.fields {
		if d.post.fields[i].Name == name {
			return d.post.fields[i].Value
		}
	}
	return ""
}

// carried gives the secrets that a delivery carries with it.
func (d *delivery) carried() []string {
	secrets := d.query["secret"]
	r := http.Request{Header: d.header}
	if _, password, ok := r.BasicAuth(); ok {
		secrets = append(secrets, password)
	}
	if token, ok := strings.CutPrefix(d.header.Get("Authorization"), "Bearer "); ok {
		secrets = append(secrets, token)
	}
	return secrets
}

// decode reads the JSON body into v. The error says that this is not what
// sender sends.
func (d *delivery) decode(v any, sender string) error {
	return decodeJSON(d.body, v, sender)
}

func decodeJSON(body []byte, v any, sender string) error {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if err := ingest.CheckJSON(body); err != nil {
		return notUnderstood(err.Error())
	}
	if err := json.Unmarshal(body, v); err != nil {
		return unlike(sender)
	}
	return nil
}

// unlike says that a delivery is not what the preset's sender sends.
func unlike(sender string) *problem {
	return notUnderstood("the body is not what " + sender + " sends; check the source's preset, and which events are sent here")
}

// ignored is the answer to deliveries that are in order, but make no contact.
func ignored(what string) *problem {
	return &problem{http.StatusOK, "ignored", what}
}

// submission is what a delivery says.
type submission struct {
	id     string     // the sender's own; "": the content tells one from another
	at     time.Time  // when it was made; zero: not said
	class  lead.Class // "": an inquiry
	event  string     // for what is no form: what has happened
	fields []lead.Field
	files  []string // names
	mail   []byte   // an RFC 5322 message; of the rest, only files counts then

	answers int // how many were added
}

// add adds an answer, unless there are too many. key is what it means where
// the name does not tell, or "".
func (s *submission) add(name, key string, value text) {
	if s.answers++; s.answers > maxAnswers || name == "" || strings.TrimSpace(string(value)) == "" {
		return
	}
	for i := range s.fields {
		if s.fields[i].Name == name {
			if len(s.fields[i].Value) < ingest.MaxText { // what is over is cut off in the end
				s.fields[i].Value += ", " + string(value)
			}
			return
		}
	}
	s.fields = append(s.fields, lead.Field{Name: name, Key: key, Value: string(value)})
}

// contact makes a contact of a submission that is no mail.
func (s *submission) contact(m ingest.FieldMap) lead.Contact {
	known := make(ingest.FieldMap, len(m))
	for _, f := range s.fields {
		if f.Key != "" {
			known[f.Name] = f.Key
		}
	}
	maps.Copy(known, m) // what the configuration says goes before
	c := ingest.FormContact(s.fields, known)
	if !s.at.IsZero() {
		c.At = s.at
	}
	if s.class != "" {
		c.Class = s.class
	}
	if s.event != "" {
		c.Kind, c.Event = lead.KindEvent, s.event
	}
	c.Attachments = s.files
	return c
}

// text is a JSON value as a text: a string, a number as it is written,
// whatever its size, true or false; what a list or an object holds, joined by
// ", "; null is "".
type text string

// UnmarshalJSON reads any value.
func (t *text) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case 'n':
		*t = ""
	case '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = text(s)
	case '[', '{':
		*t = joined(b)
	default:
		*t = text(b)
	}
	return nil
}

// joined gives the values of a list or an object.
func joined(b []byte) text {
	fields, err := ingest.Flatten(append(append([]byte(`{"":`), b...), '}'))
	if err != nil {
		return ""
	}
	values := make([]string, 0, len(fields))
	for _, f := range fields {
		if strings.TrimSpace(f.Value) != "" {
			values = append(values, f.Value)
		}
	}
	return text(strings.Join(values, ", "))
}

// time reads a time as senders write it; zero where it is none.
func (t text) time() time.Time {
	at, _ := ingest.ParseTime(strings.TrimSpace(string(t)))
	return at
}

// firstOf gives the first text that says something.
func firstOf(texts ...text) text {
	for _, t := range texts {
		if strings.TrimSpace(string(t)) != "" {
			return t
		}
	}
	return ""
}

// joinTexts joins what says something by ", ".
func joinTexts(texts ...text) text {
	said := make([]string, 0, len(texts))
	for _, t := range texts {
		if strings.TrimSpace(string(t)) != "" {
			said = append(said, string(t))
		}
	}
	return text(strings.Join(said, ", "))
}

// addSorted adds the answers of an object, by name, as its order is lost.
func (s *submission) addSorted(answers map[string]text) {
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		s.add(name, "", answers[name])
	}
}

// addObject adds what a JSON object holds, in its order.
func (s *submission) addObject(object []byte, sender string) error {
	if len(object) == 0 {
		return nil
	}
	fields, err := ingest.Flatten(object)
	if err != nil {
		return unlike(sender)
	}
	for _, f := range fields {
		s.add(f.Name, "", text(f.Value))
	}
	return nil
}
