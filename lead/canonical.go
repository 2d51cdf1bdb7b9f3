package lead

import (
	"encoding/binary"
	"math/bits"
	"time"
	"unicode/utf8"
	"unsafe"
)

// DecodeContact is Decode for a contact, several times faster where the record
// is canonical: just the bytes that Encode makes of the contact. AppendScored
// can take those over. The memory of c.Fields is used again.
func DecodeContact(b []byte, c *Contact) (canonical bool, err error) {
	p := canon{b: b}
	fields := c.Fields[:0]
	*c = Contact{}
	if p.contact(c, fields) {
		return true, nil
	}
	*c = Contact{}
	return false, Decode(b, c)
}

// canon reads the form that Encode writes and no other: members in their
// order, no white space, one spelling for everything. What it refuses is left
// to Decode.
type canon struct {
	b   []byte // what is still to be read
	bad bool
}

func (p *canon) contact(c *Contact, fields []Field) bool {
	p.literal(`{"v":1,"id":`)
	c.ID = p.text()
	p.literal(`,"prospect":`)
	c.Prospect = p.text()
	p.literal(`,"source":`)
	c.Source = p.text()
	p.literal(`,"kind":`)
	c.Kind = Kind(p.text())
	p.literal(`,"class":`)
	c.Class = Class(p.text())
	p.literal(`,"at":`)
	c.At = p.time()
	p.literal(`,"received":`)
	c.Received = p.time()
	if p.follows(`,"repeat_after":`) {
		c.RepeatAfter = p.number()
	}
	p.literal(`,"person":`)
	p.object(
		member{`"email":`, &c.Person.Email}, member{`"name":`, &c.Person.Name},
		member{`"phone":`, &c.Person.Phone}, member{`"title":`, &c.Person.Title})
	p.literal(`,"company":`)
	p.object(member{`"name":`, &c.Company.Name}, member{`"domain":`, &c.Company.Domain})
	p.literal(`,"campaign":`)
	p.object(
		member{`"source":`, &c.Campaign.Source}, member{`"medium":`, &c.Campaign.Medium}, member{`"name":`, &c.Campaign.Name},
		member{`"term":`, &c.Campaign.Term}, member{`"content":`, &c.Campaign.Content},
		member{`"landing":`, &c.Campaign.Landing}, member{`"referrer":`, &c.Campaign.Referrer})
	p.option(`,"subject":`, &c.Subject)
	p.option(`,"text":`, &c.Text)
	if p.follows(`,"fields":[`) {
		c.Fields = p.fields(fields)
	}
	p.option(`,"event":`, &c.Event)
	p.option(`,"message_id":`, &c.MessageID)
	p.option(`,"in_reply_to":`, &c.InReplyTo)
	if p.follows(`,"attachments":[`) {
		c.Attachments = p.texts()
	}
	p.literal(`}`)
	return !p.bad && len(p.b) == 0
}

func (p *canon) fields(fields []Field) []Field {
	if fields == nil {
		fields = make([]Field, 0, 12)
	}
	for {
		var f Field
		p.literal(`{"name":`)
		f.Name = p.text()
		p.literal(`,"key":`)
		f.Key = p.text()
		p.literal(`,"value":`)
		f.Value = p.text()
		p.literal(`}`)
		fields = append(fields, f)
		if !p.follows(`,`) {
			p.literal(`]`)
			return fields
		}
	}
}

func (p *canon) texts() (texts []string) {
	for {
		texts = append(texts, p.text())
		if !p.follows(`,`) {
			p.literal(`]`)
			return texts
		}
	}
}

// member is a string in an object, left out where it is empty.
type member struct {
	name string // with quotes and colon
	to   *string
}

func (p *canon) object(members ...member) {
	p.literal(`{`)
	first := true
	for _, m := range members {
		rest := p.b
		if (first || p.follows(`,`)) && p.follows(m.name) {
			*m.to = p.filled()
			first = false
		} else {
			p.b = rest
		}
	}
	p.literal(`}`)
}

// option reads a member that is left out where it is empty.
func (p *canon) option(name string, to *string) {
	if p.follows(name) {
		*to = p.filled()
	}
}

func (p *canon) filled() string {
	s := p.text()
	p.bad = p.bad || s == ""
	return s
}

// follows skips s where it comes next.
func (p *canon) follows(s string) bool {
	if len(p.b) < len(s) || string(p.b[:len(s)]) != s {
		return false
	}
	p.b = p.b[len(s):]
	return true
}

func (p *canon) literal(s string) {
	if !p.follows(s) {
		p.fail()
	}
}

// fail ends the reading: nothing follows any more.
func (p *canon) fail() { p.b, p.bad = nil, true }

// number reads an integer other than 0.
func (p *canon) number() int64 {
	negative, n, digits := p.follows(`-`), int64(0), 0
	for digits < len(p.b) && digits < 18 && p.b[digits] >= '0' && p.b[digits] <= '9' {
		n = n*10 + int64(p.b[digits]-'0')
		digits++
	}
	if digits == 0 || p.b[0] == '0' {
		p.fail()
		return 0
	}
	p.b = p.b[digits:]
	if negative {
		return -n
	}
	return n
}

// time reads an instant in UTC, as RFC 3339 with no more digits than needed.
func (p *canon) time() time.Time {
	const form = `"0000-00-00T00:00:00`
	if len(p.b) < len(form) {
		p.fail()
		return time.Time{}
	}
	var part [6]int
	n := 0
	for i, f := range []byte(form) {
		switch c := p.b[i]; {
		case f != '0' && c != f, f == '0' && (c < '0' || c > '9'):
			p.fail()
			return time.Time{}
		case f == '0':
			part[n] = part[n]*10 + int(c-'0')
		case i > 0:
			n++
		}
	}
	p.b = p.b[len(form):]
	nanos := 0
	if p.follows(`.`) {
		nanos = p.fraction()
	}
	p.literal(`Z"`)
	t := time.Date(part[0], time.Month(part[1]), part[2], part[3], part[4], part[5], nanos, time.UTC)
	year, month, day := t.Date()
	p.bad = p.bad || year == 0 || year != part[0] || int(month) != part[1] || day != part[2] ||
		part[3] > 23 || part[4] > 59 || part[5] > 59
	return t
}

func (p *canon) fraction() (nanos int) {
	digits := 0
	for digits < len(p.b) && digits < 9 && p.b[digits] >= '0' && p.b[digits] <= '9' {
		nanos = nanos*10 + int(p.b[digits]-'0')
		digits++
	}
	if digits == 0 || p.b[digits-1] == '0' {
		p.fail()
		return 0
	}
	p.b = p.b[digits:]
	for ; digits < 9; digits++ {
		nanos *= 10
	}
	return nanos
}

// text reads a string. It lies in the record's own bytes unless there are
// escapes in it.
func (p *canon) text() string {
	if !p.follows(`"`) {
		p.fail()
		return ""
	}
	b, escapes := p.b, 0
	for i := 0; ; {
		i += plain(b[i:])
		if i >= len(b) {
			break
		}
		switch c := b[i]; {
		case c == '"':
			p.b = b[i+1:]
			if escapes > 0 {
				return unescape(b[:i], escapes)
			}
			return unsafe.String(unsafe.SliceData(b), i) //nolint:gosec // the bytes do not change, see Decode
		case c == '\\' && i+1 < len(b) && escapeOf[b[i+1]] != 0:
			escapes++
			i += 2
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && size == 1 || r == '\u2028' || r == '\u2029' {
				p.fail()
				return ""
			}
			i += size
		default:
			p.fail()
			return ""
		}
	}
	p.fail()
	return ""
}

// escapeOf gives the character that stands for a letter behind a backslash.
// Others have no escape or, as U+2028, are rare.
var escapeOf = [256]byte{'"': '"', '\\': '\\', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func unescape(b []byte, escapes int) string {
	s := make([]byte, 0, len(b)-escapes)
	from := 0
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' {
			s = append(s, b[from:i]...)
			i++
			s = append(s, escapeOf[b[i]])
			from = i + 1
		}
	}
	s = append(s, b[from:]...)
	return unsafe.String(unsafe.SliceData(s), len(s)) //nolint:gosec // nobody else has s
}

// plain counts the leading bytes that stand for themselves: ASCII but quote,
// backslash and control characters; eight at a time.
func plain(b []byte) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		n := binary.LittleEndian.Uint64(b[i:])
		// Above the first byte that is found there may be false ones.
		if found := (n | (n - ones*' ') | (n ^ ones*'"' - ones) | (n ^ ones*'\\' - ones)) & tops; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(b) && b[i] >= ' ' && b[i] < utf8.RuneSelf && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}
