package ingest

import (
	"strings"
	"time"
	"unicode/utf8"

	"leadd/lead"
)

// What a contact holds at most; Complete cuts off the rest.
const (
	MaxText        = 256 << 10 // bytes of Contact.Text
	MaxFields      = 200       // entries of Contact.Fields
	MaxValue       = 16 << 10  // bytes of a field's value
	MaxAnswers     = 256 << 10 // bytes of all fields' names and values
	MaxLine        = 1 << 10   // bytes of every other text: names, subject, a field's name, ...
	MaxAttachments = 100       // entries of Contact.Attachments
)

// Complete normalises c: address, phone number and company domain, text to
// valid UTF-8 without control characters and to the limits above, times to UTC milliseconds.
// It says whose the address is (Provider), and sets the prospect's key: the
// company's domain (of the address, else of the website or of a company named
// like a domain), else the address (without its tag and dots, as
// IdentityConfig says), else the phone number, else the key that the caller
// has left in c.Prospect ("id:SOURCE:ID"), else "anonymous:" and c.ID, which
// must be set before.
//
// A time that cannot be is replaced: no At, one before 1970 or one later than
// Received becomes Received. Complete has no clock of its own.
func (id *Identity) Complete(c *lead.Contact) {
	c.Received = milliseconds(c.Received)
	c.At = milliseconds(c.At)
	if !c.Received.IsZero() && c.At.After(c.Received) || c.At.Year() < 1970 {
		c.At = c.Received
	}

	cleanLines(
		&c.ID, &c.Source, &c.Event, &c.Subject, &c.MessageID, &c.InReplyTo,
		&c.Person.Email, &c.Person.Name, &c.Person.Phone, &c.Person.Title,
		&c.Company.Name, &c.Company.Domain,
		&c.Campaign.Source, &c.Campaign.Medium, &c.Campaign.Name, &c.Campaign.Term,
		&c.Campaign.Content, &c.Campaign.Landing, &c.Campaign.Referrer,
	)
	c.Text = strings.TrimSpace(cleanText(c.Text, MaxText))
	c.Fields = cleanFields(c.Fields)
	c.Attachments = c.Attachments[:min(len(c.Attachments), MaxAttachments)]
	for i := range c.Attachments {
		cleanLines(&c.Attachments[i])
	}

	if email, ok := id.Email(c.Person.Email); ok {
		c.Person.Email = email
	} else {
		c.Person.Email = ""
	}
	phone := id.Phone(c.Person.Phone)
	if phone != "" {
		c.Person.Phone = phone
	}
	var company string
	if company, c.Provider = id.provider(c.Person.Email); company == "" {
		company = id.companyOf(c)
	}
	c.Company.Domain = company
	c.Prospect = id.prospectKey(c, phone)
}

// companyOf finds the domain of the company that c says it comes from.
func (id *Identity) companyOf(c *lead.Contact) string {
	if domain := id.siteDomain(c.Company.Domain); domain != "" {
		return domain
	}
	for i := range c.Fields {
		if c.Fields[i].Key == "website" {
			if domain := id.siteDomain(c.Fields[i].Value); domain != "" {
				return domain
			}
		}
	}
	return id.siteDomain(c.Company.Name)
}

func (id *Identity) prospectKey(c *lead.Contact, phone string) string {
	switch {
	case c.Company.Domain != "":
		return c.Company.Domain
	case c.Person.Email != "":
		return id.personKey(c.Person.Email)
	case phone != "":
		return phone
	case strings.HasPrefix(c.Prospect, "id:"):
		return cleanText(c.Prospect, MaxLine)
	}
	return "anonymous:" + c.ID
}

// milliseconds gives t in UTC without what is finer than a millisecond; the
// zero time where a record could not carry the year.
func milliseconds(t time.Time) time.Time {
	t = t.UTC().Truncate(time.Millisecond)
	if t.Year() > 2299 {
		return time.Time{}
	}
	return t
}

// cleanFields cleans names and values and cuts off what is over the limits.
func cleanFields(fields []lead.Field) []lead.Field {
	fields = fields[:min(len(fields), MaxFields)]
	room := MaxAnswers
	for i := range fields {
		f := &fields[i]
		cleanLines(&f.Name, &f.Key)
		f.Value = cleanText(f.Value, min(MaxValue, room-len(f.Name)))
		room -= len(f.Name) + len(f.Value)
		if room < MaxLine {
			return fields[:i+1]
		}
	}
	return fields
}

// cleanLines makes each text a single line: no control characters, one blank
// between words.
func cleanLines(texts ...*string) {
	for _, s := range texts {
		if *s == "" || isCleanLine(*s) {
			continue
		}
		*s = strings.Join(strings.FieldsFunc(cleanText(*s, MaxLine), func(r rune) bool {
			return r <= ' ' || r == 0x7f || r == '\u00a0' || r == '\u200b' || r == '\ufeff' || r == '\u2028' || r == '\u2029'
		}), " ")
	}
}

// isCleanLine is the quick way out of cleanLines: short printable ASCII with
// single blanks between words.
func isCleanLine(s string) bool {
	if len(s) > MaxLine {
		return false
	}
	blank := true
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ' && blank, c < ' ', c >= 0x7f:
			return false
		default:
			blank = c == ' '
		}
	}
	return !blank
}

// cleanText makes s valid UTF-8 of at most limit bytes, without control
// characters other than those between lines and columns: they say nothing,
// and NUL is refused further on.
func cleanText(s string, limit int) string {
	if !isPlain(s) {
		s = strings.Map(func(r rune) rune {
			if isControl(r) {
				return -1
			}
			return r
		}, strings.ToValidUTF8(s, "\ufffd"))
	}
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// isPlain reports whether s is printable ASCII in lines and columns, as most
// text is.
func isPlain(s string) bool {
	s = s[printablePrefix(s):]
	for i := range len(s) {
		if c := s[i]; c >= 0x7f || isControl(rune(c)) {
			return false
		}
	}
	return true
}

// printablePrefix gives how many bytes at the front of s, in words of eight, are
// printable ASCII.
func printablePrefix(s string) (n int) {
	const ones = 0x0101010101010101
	for ; n+8 <= len(s); n += 8 {
		w := uint64(s[n]) | uint64(s[n+1])<<8 | uint64(s[n+2])<<16 | uint64(s[n+3])<<24 |
			uint64(s[n+4])<<32 | uint64(s[n+5])<<40 | uint64(s[n+6])<<48 | uint64(s[n+7])<<56
		// The top bit of a byte is set where that is no ASCII, DEL, or below the blank.
		if (w|(w+ones)|((w-' '*ones)&^w))&(0x80*ones) != 0 {
			return n
		}
	}
	return n
}

func isControl(r rune) bool {
	return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f
}
