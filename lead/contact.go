package lead

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Kind is the way a contact reached us.
type Kind string

// The kinds.
const (
	KindForm  Kind = "form"  // a form post
	KindMail  Kind = "mail"  // a mail
	KindEvent Kind = "event" // something another system reports: a call held, a contract sent
)

// Class says what sort of message a contact is.
type Class string

// The classes. A direct form post is an inquiry, whatever it says.
const (
	ClassInquiry          Class = "inquiry"           // somebody writes to us on their own account
	ClassReply            Class = "reply"             // an answer to something we wrote
	ClassFormNotification Class = "form_notification" // a mail that a site builder makes of a form post
	ClassForward          Class = "forward"           // a colleague passes a mail on
	ClassAutoReply        Class = "auto_reply"        // out of office and other automatic answers (RFC 3834)
	ClassBounce           Class = "bounce"            // a delivery report (RFC 3464)
	ClassNewsletter       Class = "newsletter"        // bulk mail
	ClassVendorPitch      Class = "vendor_pitch"      // somebody selling to us
	ClassJob              Class = "job"               // somebody looking for work with us
	ClassInternal         Class = "internal"          // mail among our own people
	ClassOther            Class = "other"             // anything else: press, students, invoices
)

// Interest reports whether a contact of this class can show interest in
// buying. The others are kept for the record; they meet no criterion, earn no
// points and are left out of the funnel.
func (c Class) Interest() bool {
	switch c {
	case ClassInquiry, ClassReply, ClassFormNotification, ClassForward:
		return true
	}
	return false
}

// Person is somebody at a prospect. Unknown parts are empty.
type Person struct {
	Email string `json:"email,omitempty"` // normalised: lower case, IDN domain in Unicode's ASCII form
	Name  string `json:"name,omitempty"`
	Phone string `json:"phone,omitempty"` // E.164 ("+4930123456") where it could be read as a number
	Title string `json:"title,omitempty"` // job title as they write it
}

// Company is the organisation a person writes for. Unknown parts are empty.
type Company struct {
	Name   string `json:"name,omitempty"`
	Domain string `json:"domain,omitempty"` // registrable domain ("acme.co.uk"); never a free-mail provider's
}

// Campaign is where a contact came from, as the form or link said it.
type Campaign struct {
	Source   string `json:"source,omitempty"` // utm_source
	Medium   string `json:"medium,omitempty"` // utm_medium
	Name     string `json:"name,omitempty"`   // utm_campaign
	Term     string `json:"term,omitempty"`   // utm_term
	Content  string `json:"content,omitempty"`
	Landing  string `json:"landing,omitempty"`  // first page visited
	Referrer string `json:"referrer,omitempty"` // page the visitor came from
}

// Field is one answer of a form.
type Field struct {
	Name  string `json:"name"`  // as the sender named it: "Your E-Mail"
	Key   string `json:"key"`   // what it means ("email", "budget"), or the name in snake case
	Value string `json:"value"` // several answers are joined by ", "
}

// Contact is one immutable fact: somebody touched us. Times are UTC with
// milliseconds; all text is valid UTF-8 without NUL.
type Contact struct {
	ID       string    `json:"id"`       // the same however often it is delivered; see ContactID
	Prospect string    `json:"prospect"` // key of the prospect it is about
	Source   string    `json:"source"`   // the configured source it came through: "website"
	Kind     Kind      `json:"kind"`
	Class    Class     `json:"class"`
	At       time.Time `json:"at"`       // when they touched us, by the sender's clock
	Received time.Time `json:"received"` // when leadd received it

	// RepeatAfter is set where the id is made from the content alone, in
	// seconds: the same content received at least so long after the last
	// time is a new contact and not a second delivery. 0: the id says it all.
	RepeatAfter int64 `json:"repeat_after,omitempty"`

	Person   Person   `json:"person"`
	Company  Company  `json:"company"`
	Campaign Campaign `json:"campaign"`

	Subject string  `json:"subject,omitempty"`
	Text    string  `json:"text,omitempty"`   // their own new words, without quotes, signature and disclaimer
	Fields  []Field `json:"fields,omitempty"` // a form's answers in the order sent
	Event   string  `json:"event,omitempty"`  // KindEvent: contacted, negotiating, contract_out, signed, declined, ...

	MessageID   string   `json:"message_id,omitempty"`  // a mail's own id, without angle brackets
	InReplyTo   string   `json:"in_reply_to,omitempty"` // the mail it answers, without angle brackets
	Attachments []string `json:"attachments,omitempty"` // names of a mail's attachments
}

// ContactID makes the id of a contact from what identifies its delivery
// (source and submission id, Message-ID and content, ...): 32 hexadecimal
// digits of the SHA-256 over the parts, each behind its length.
func ContactID(parts ...string) string {
	b := make([]byte, 0, 1024)
	for _, p := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}
