package mail

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"leadd/ingest"
	"leadd/lead"
)

// Reader makes contacts of mails. It is safe for concurrent use.
type Reader struct {
	id                    *ingest.Identity
	class, layout, titles *lexicon
	regions               map[string][]string // "en.west" -> countries, the likeliest first
}

// NewReader makes a Reader that knows our own domains by id.
func NewReader(id *ingest.Identity) *Reader {
	r := &Reader{
		id: id, class: parseLexicon(classWords), layout: parseLexicon(layoutWords), titles: parseLexicon(titleWords),
		regions: map[string][]string{},
	}
	for _, language := range []string{"en", "de", "fr", "es", "ru", "hy"} {
		for _, longitude := range []string{"west", "middle", "east"} {
			place := language + "." + longitude
			for _, country := range r.layout.list("region." + place) {
				r.regions[place] = append(r.regions[place], strings.ToUpper(country))
			}
		}
	}
	return r
}

// Contact reads one RFC 5322 message. received is when the server got it;
// where it is zero, only the message's own date is known. The contact is
// complete but for Source, and Received where received is zero. The same
// message gives the same ID through whichever mailbox it comes, with CRLF or
// LF line ends.
//
// The error is for what nobody could read: nothing at all, or binary data
// without a header.
func (r *Reader) Contact(raw []byte, received time.Time) (lead.Contact, error) {
	raw = tidy(raw)
	m, err := parse(raw, 0)
	if err != nil {
		return lead.Contact{}, fmt.Errorf("read mail of %d bytes: %w", len(raw), err)
	}
	id := contactID(m.header, raw) // of the header as it came
	m.header.recode(m.charset)
	l := r.open(m)
	c := r.contact(l, r.classify(l))
	c.Kind = lead.KindMail
	c.ID = id
	c.Subject = l.subject
	c.At, c.Received = r.when(l.date, received), received
	c.MessageID, c.InReplyTo = m.header.id("Message-Id"), m.header.answered()
	c.Attachments = m.attachments
	r.id.Complete(&c)
	return c, nil
}

// contactID makes the id: of Message-ID and body, or, without a Message-ID,
// of the headers that tell one mail from the next.
func contactID(h header, raw []byte) string {
	text := strings.TrimRight(withLF(bodyOf(raw)), "\n")
	if id := h.id("Message-Id"); id != "" {
		return lead.ContactID("mail", id, text)
	}
	return lead.ContactID("mail", "", h.raw("From"), h.raw("Date"), h.raw("Subject"), text)
}

// withLF gives b with CRLF as LF.
func withLF(b []byte) string {
	var out strings.Builder
	out.Grow(len(b))
	for {
		i := bytes.Index(b, []byte("\r\n"))
		if i < 0 {
			out.Write(b)
			return out.String()
		}
		out.Write(b[:i])
		b = b[i+1:]
	}
}

// when takes the Date header where it can be true.
func (r *Reader) when(date, received time.Time) time.Time {
	if date.Year() < 1990 || !received.IsZero() && date.After(received) {
		return received
	}
	return date
}

// letter is a message as it lies open before its reader.
type letter struct {
	m         *message
	header    header
	from      address // email normalised, or ""
	replyTo   address // likewise, and only where it differs from from
	to        []string
	subject   string
	bare      string // subject without "Re:", "Fwd:" and [tags]
	replied   bool   // the subject says "Re:"
	forwarded bool   // the subject says "Fwd:"
	date      time.Time
	text      string   // the body as text
	lines     []string // of text
	passage   passage
	own       string   // the sender's own new words
	signature []string // lines of their signature
	fields    []lead.Field
}

func (r *Reader) open(m *message) *letter {
	l := &letter{m: m, header: m.header, subject: m.header.text("Subject"), date: m.header.date()}
	l.from = r.address(m.header.raw("From"))
	for _, name := range [...]string{"Sender", "Reply-To", "Return-Path"} {
		if l.from.email != "" {
			break
		}
		s := r.address(m.header.raw(name))
		l.from.email = s.email
		if l.from.name == "" {
			l.from.name = s.name
		}
	}
	// A list of ours puts itself in the sender's place: "Jo via Sales".
	if r.id.Own(l.from.email) && (m.header.has("X-Original-From") || m.header.has("List-Id")) {
		for _, name := range []string{"X-Original-From", "Reply-To"} {
			if a := r.address(m.header.raw(name)); a.email != "" && !r.id.Own(a.email) {
				if a.name == "" {
					a.name = l.from.name
				}
				l.from = a
				break
			}
		}
	}
	if reply := r.address(m.header.raw("Reply-To")); reply.email != l.from.email {
		l.replyTo = reply
	}
	for _, name := range []string{"To", "Cc"} {
		for _, a := range parseAddresses(strings.Join(m.header[name], ", "), 50) {
			if email, ok := r.id.Email(a.email); ok {
				l.to = append(l.to, email)
			}
		}
	}
	l.bare, l.replied, l.forwarded = r.bareSubject(l.subject)
	l.text = m.text()
	l.lines = textLines(l.text)
	l.passage = r.divide(l.lines)
	l.own, l.signature = r.trim(l.passage.own, r.personal(l.from))
	return l
}

func (r *Reader) address(s string) address {
	a := parseAddress(s)
	if email, ok := r.id.Email(a.email); ok {
		a.email = email
	} else {
		a.email = ""
	}
	return a
}

// text gives the body: the plain part, or the HTML made plain where there is
// none worth the name.
func (m *message) text() string {
	plain := m.plain
	bare := strings.TrimSpace(plain)
	if m.html != "" && (bare == "" || len(bare) < 200 && strings.Contains(strings.ToLower(bare), "html")) {
		return htmlText(m.html)
	}
	if len(bare) > 5 && bare[0] == '<' {
		head := strings.ToLower(cut(bare, 15))
		for _, tag := range []string{"<html", "<!doctype html", "<div", "<p>", "<body", "<table"} {
			if strings.HasPrefix(head, tag) {
				return htmlText(plain)
			}
		}
	}
	return plain
}

// bareSubject takes "Re:", "Fwd:", "[tags]" and the like off a subject.
func (r *Reader) bareSubject(s string) (bare string, replied, forwarded bool) {
	bare = strings.TrimSpace(s)
	for range 12 {
		if strings.HasPrefix(bare, "[") {
			if i := strings.IndexByte(bare, ']'); i > 0 && i < 40 && i+1 < len(bare) {
				bare = strings.TrimSpace(bare[i+1:])
				continue
			}
		}
		prefix, rest, ok := strings.Cut(bare, ":")
		if !ok || len(prefix) > 24 {
			break
		}
		prefix, _, _ = strings.Cut(prefix, "[") // Re[2]:
		prefix, _, _ = strings.Cut(prefix, "(")
		switch text := normal(prefix); {
		case r.layout.is(text, "subject.reply"):
			replied = true
		case r.layout.is(text, "subject.forward"):
			forwarded = true
		default:
			return bare, replied, forwarded
		}
		bare = strings.TrimSpace(rest)
	}
	return bare, replied, forwarded
}

// original is the mail that l passes on, or nil: below its own words, or
// attached.
func (l *letter) original() *quoted {
	if len(l.m.nested) > 0 {
		n := l.m.nested[0]
		from := parseAddress(n.header.raw("From"))
		if from.email != "" {
			return &quoted{from: from, subject: n.header.text("Subject"), lines: textLines(n.text())}
		}
	}
	return l.passage.below
}

// contact fills in what the class allows to know: person, company, words.
func (r *Reader) contact(l *letter, class lead.Class) lead.Contact {
	switch class {
	case lead.ClassFormNotification:
		return r.formContact(l, l.fields)
	case lead.ClassForward:
		return r.forwardContact(l)
	}
	c := lead.Contact{Class: class, Text: l.own}
	who := l.from
	if r.isRobot(who.email) || r.id.Own(who.email) && l.replyTo.email != "" {
		if l.replyTo.email != "" && !r.id.Own(l.replyTo.email) && !r.isRobot(l.replyTo.email) {
			if name := l.replyTo.name; name == "" {
				l.replyTo.name = who.name
			}
			who = l.replyTo
		}
	}
	switch class {
	case lead.ClassInquiry, lead.ClassReply:
	case lead.ClassAutoReply:
		if r.isRobot(who.email) || r.id.Own(who.email) {
			return c
		}
	default:
		return c
	}
	r.describe(&c, who, l.own, l.signature, l.date)
	r.readCards(&c, l.m.cards)
	local, _, _ := strings.Cut(who.email, "@")
	if class == lead.ClassAutoReply && (hasTicket(l.subject) || c.Person.Name == "" && r.layout.has(normal(local), "role")) {
		c.Person, c.Company = lead.Person{}, lead.Company{} // a help desk's machine
	}
	return c
}

// hasTicket reports whether a subject has the number of a ticket: "[Ticket
// #48213]".
func hasTicket(subject string) bool {
	_, number, ok := strings.Cut(subject, "#")
	return ok && len(number) >= 4 && digits(number[:4]) == 4
}

// describe sets person and company from an address, words and signature.
func (r *Reader) describe(c *lead.Contact, who address, text string, signature []string, date time.Time) {
	domain := r.id.CompanyDomain(who.email)
	place := region{text: func() string { return text + "\n" + strings.Join(signature, "\n") }, email: who.email, date: date}
	name := cleanName(who.name)
	s := r.readSignature(signature, name, domain, place)
	switch {
	case name == "", r.impersonal(name, who.email):
		if s.Name != "" {
			name = s.Name
		} else if r.roleOnly(name, who.email) {
			name = ""
		}
	}
	if s.Phone == "" {
		s.Phone = r.saidPhone(text, place)
	}
	c.Person = lead.Person{Email: who.email, Name: name, Phone: s.Phone, Title: s.Title}
	c.Company = lead.Company{Name: s.company, Domain: domain}
	if c.Person.Title == "" {
		c.Person.Title = r.saidTitle(text)
	}
}

// impersonal: the display name has a department's word, is the address's
// local part, or is the company's name.
func (r *Reader) impersonal(name, email string) bool {
	text := normal(name)
	local, domain, _ := strings.Cut(email, "@")
	if r.layout.has(text, "role") || name == local || digits(name) > 0 {
		return true
	}
	label, _, _ := strings.Cut(domain, ".")
	label = letters(label)
	joined := letters(text)
	if len(label) <= 3 || !strings.Contains(joined, label) {
		return false
	}
	// "Ana Ruiz" at ruiz.example is a person all the same.
	return joined == label || !strings.Contains(" "+text, " "+label+" ")
}

// personal gives the display name where it can be a person's, else "".
func (r *Reader) personal(a address) string {
	name := cleanName(a.name)
	if name == "" || r.impersonal(name, a.email) {
		return ""
	}
	return name
}

// roleOnly: no word of it can be a person's.
func (r *Reader) roleOnly(name, email string) bool {
	if name == "" {
		return true
	}
	local, _, _ := strings.Cut(email, "@")
	return strings.EqualFold(name, local) && digits(name) > 0 || r.impersonal(name, email) && !r.looksLikeName(name)
}

// formContact makes the contact of a form's answers. Where the form lacks an
// address, the mail's Reply-To may have it.
func (r *Reader) formContact(l *letter, fields []lead.Field) lead.Contact {
	c := ingest.FormContact(fields, nil)
	c.Class = lead.ClassFormNotification
	if c.Person.Email == "" && l.replyTo.email != "" && !r.id.Own(l.replyTo.email) && !r.isRobot(l.replyTo.email) {
		c.Person.Email = l.replyTo.email
	}
	c.Person.Name = cleanName(c.Person.Name)
	if c.Person.Title == "" {
		c.Person.Title = r.saidTitle(c.Text)
	}
	if c.Person.Phone != "" {
		var all strings.Builder
		for _, f := range c.Fields {
			all.WriteString(f.Name + " " + f.Value + "\n")
		}
		if number := r.phone(c.Person.Phone, region{func() string { return all.String() + l.subject }, c.Person.Email, l.date}); number != "" {
			c.Person.Phone = number
		}
	}
	return c
}

// forwardContact makes the contact of the mail passed on: its sender is the
// person, its words are the evidence. The colleague's own remarks are not.
func (r *Reader) forwardContact(l *letter) lead.Contact {
	o := l.original()
	if o == nil {
		return lead.Contact{Class: lead.ClassForward, Text: l.own}
	}
	// A colleague may have got it from another colleague: look for the first
	// sender outside.
	lines, who := o.lines, r.senderOf(o)
	for range maxDepth {
		if who.email != "" && !r.id.Own(who.email) {
			break
		}
		below := r.divide(lines).below
		if below == nil {
			break
		}
		if email, ok := r.id.Email(below.from.email); !ok || r.id.Own(email) && r.id.Own(who.email) && len(below.lines) == 0 {
			break
		}
		lines, who = below.lines, r.senderOf(below)
	}
	if fields := r.formFields(lines); fields != nil && (who.email == "" || r.isRobot(who.email) || r.id.Own(who.email)) {
		if c := r.formContact(l, fields); c.Person.Email != "" && !r.id.Own(c.Person.Email) {
			c.Class = lead.ClassForward
			return c
		}
	}
	c := lead.Contact{Class: lead.ClassForward}
	p := r.divide(lines)
	var signature []string
	c.Text, signature = r.trim(p.own, r.personal(who))
	if who.email != "" && r.id.Own(who.email) {
		return c
	}
	r.describe(&c, who, c.Text, signature, l.date)
	return c
}

func (r *Reader) senderOf(q *quoted) address {
	a := q.from
	if email, ok := r.id.Email(a.email); ok {
		a.email = email
	} else {
		a.email = ""
	}
	return a
}
