package lead

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/segmentio/encoding/json"
)

// FormatVersion is the version of the records this build writes. Every value
// on Kafka is a JSON object whose first member is "v", so that a reader can
// tell a newer format from garbage before it looks further.
const FormatVersion = 1

// ErrNewerFormat marks a record that a newer leadd has written.
var ErrNewerFormat = errors.New("written by a newer version of leadd")

// Seen is the value of a contact id's own key on TopicProspects: the contact
// has been applied.
type Seen struct {
	Prospect string `json:"prospect"`
	Received int64  `json:"received"` // Unix milliseconds; see Contact.RepeatAfter
	Offset   int64  `json:"offset"`   // of the contact in its partition of TopicContacts
}

// Value is what can be written on a topic.
type Value interface {
	Contact | Scored | Prospect | DeadLetter | Seen
}

var prefix = []byte(`{"v":` + strconv.Itoa(FormatVersion) + `,`)

// Encode writes v as a record's value. The same value gives the same bytes
// on every machine.
func Encode[T Value](v *T) ([]byte, error) {
	return Append(make([]byte, 0, usualSize(v)), v)
}

// usualSize is how many bytes most values of a type take, so that one buffer
// does.
func usualSize(v any) int {
	if _, ok := v.(*Scored); ok {
		return 3 << 10
	}
	return 1 << 10
}

// Append is Encode, to the end of b.
func Append[T Value](b []byte, v *T) ([]byte, error) {
	b, err := appendMembers(append(b, prefix[:len(prefix)-1]...), v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", *v, err)
	}
	return b, nil
}

// AppendScored is Append for a scored contact that was read from the record
// contact and found canonical by DecodeContact. It was not changed since, and
// its bytes are taken over as they are.
func AppendScored(b []byte, s *Scored, contact []byte) ([]byte, error) {
	b = append(append(b, prefix...), `"contact":{`...)
	b, err := appendMembers(append(b, contact[len(prefix):]...), &struct {
		Contact *struct{} `json:"contact,omitempty"` // hides that of Scored
		Scored
	}{Scored: *s})
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", *s, err)
	}
	return b, nil
}

// appendMembers writes a comma and the members of an object and its closing
// brace.
func appendMembers(b []byte, v any) ([]byte, error) {
	n := len(b)
	b, err := json.Append(b, v, 0)
	if err == nil {
		b[n] = ',' // the object's own brace
	}
	return b, err
}

// Decode reads what Encode wrote. It fails with ErrNewerFormat where the
// record's version is not known, and with another error where it is no record
// at all. v refers to b's bytes, which must not change afterwards.
func Decode[T Value](b []byte, v *T) error {
	version, rest, ok := cutVersion(b)
	if !ok {
		return fmt.Errorf("decode %T: not a leadd record: it does not begin with its version", *v)
	}
	if version != FormatVersion {
		return fmt.Errorf("decode %T: format %d, this is format %d: %w", *v, version, FormatVersion, ErrNewerFormat)
	}
	if len(rest) == 0 {
		return fmt.Errorf("decode %T: the record ends after its version", *v)
	}
	rest, err := json.Parse(b, v, json.ZeroCopy)
	if err != nil {
		return fmt.Errorf("decode %T: %w", *v, err)
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return fmt.Errorf("decode %T: %d bytes stand behind the record's end", *v, len(rest))
	}
	return nil
}

func cutVersion(b []byte) (version int, rest []byte, ok bool) {
	rest, ok = bytes.CutPrefix(b, []byte(`{"v":`))
	if !ok {
		return 0, nil, false
	}
	n := 0
	for n < len(rest) && n < 9 && rest[n] >= '0' && rest[n] <= '9' {
		n++
	}
	version, err := strconv.Atoi(string(rest[:n]))
	return version, rest[n:], err == nil
}
