package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// mailgunScheme is how Mailgun signs: an HMAC over a time and a token, which
// stand in the form beside it. It does not cover the mail, so a token is taken
// for one mail only.
//
// Mailgun asks not to be strict with the time. Its page does not say whether a
// repeated delivery is signed anew; others have seen that it is not, and lost
// mails with a window of minutes. The window covers its last repetition,
// after eight hours.
func mailgunScheme() *scheme {
	return &scheme{
		place: inBody, signature: "signature", time: "timestamp", unit: time.Second, window: 9 * time.Hour,
		id: "token", once: true, signed: "{time}{id}", hash: sha256.New, decode: hex.DecodeString,
	}
}

// readMailgun reads a mail that a Mailgun route forwards: whole, where the
// route's address ends in "mime" (/in/NAME?mime), else taken apart.
func readMailgun(d *delivery) (submission, error) {
	s := submission{files: d.post.files}
	if raw := d.field("body-mime"); raw != "" {
		s.mail = []byte(raw)
		return s, nil
	}
	var m message
	if given := d.field("message-headers"); given != "" {
		var pairs [][]text
		if err := decodeJSON([]byte(given), &pairs, "Mailgun"); err != nil {
			return submission{}, unlike("Mailgun")
		}
		for _, p := range pairs {
			if len(p) == 2 {
				m.headers = append(m.headers, headerLine{string(p[0]), string(p[1])})
			}
		}
	}
	m.setDefault("From", string(firstOf(text(d.field("from")), text(d.field("sender")))))
	m.setDefault("To", d.field("recipient"))
	m.setDefault("Subject", d.field("subject"))
	m.text, m.html = d.field("body-plain"), d.field("body-html")
	if s.mail = m.rfc5322(); s.mail == nil || d.field("from")+d.field("sender") == "" {
		return submission{}, unlike("Mailgun")
	}
	return s, nil
}
