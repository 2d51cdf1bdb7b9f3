package webhook

// readSendGrid reads a mail that SendGrid's Inbound Parse posts: whole, where
// it is set to send the raw mail, else taken apart, each part in the charset
// that the field charsets names.
//
// SendGrid does not sign these posts unless told to, with a key of its own
// making that is not read here; the secret is carried in the address.
func readSendGrid(d *delivery) (submission, error) {
	s := submission{files: d.post.files}
	if raw := d.field("email"); raw != "" {
		s.mail = []byte(raw)
		return s, nil
	}
	charsets := map[string]text{}
	if given := d.field("charsets"); given != "" {
		if err := decodeJSON([]byte(given), &charsets, "SendGrid"); err != nil {
			return submission{}, unlike("SendGrid")
		}
	}
	field := func(name string) string { return string(decode([]byte(d.field(name)), string(charsets[name]))) }
	m := message{headers: headerLines(field("headers")), text: field("text"), html: field("html")}
	m.setDefault("From", field("from"))
	m.setDefault("To", field("to"))
	m.setDefault("Subject", field("subject"))
	if s.mail = m.rfc5322(); s.mail == nil || d.field("headers")+d.field("from") == "" {
		return submission{}, unlike("SendGrid")
	}
	return s, nil
}
