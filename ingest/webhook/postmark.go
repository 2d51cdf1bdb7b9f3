package webhook

import "strings"

// readPostmark reads a mail that Postmark's inbound stream posts: whole, where
// the stream is set to include the raw mail, else taken apart. The attachments'
// content is given on only for vCards, which say who somebody is.
//
// Postmark signs nothing; the secret is the password in the address, as its
// page proposes: https://any:SECRET@...
func readPostmark(d *delivery) (submission, error) {
	var body struct {
		ID       text `json:"MessageID"`
		From     text `json:"From"`
		FromFull struct {
			Email text `json:"Email"`
			Name  text `json:"Name"`
		} `json:"FromFull"`
		To      text `json:"To"`
		Cc      text `json:"Cc"`
		ReplyTo text `json:"ReplyTo"`
		Subject text `json:"Subject"`
		Date    text `json:"Date"`
		Text    text `json:"TextBody"`
		HTML    text `json:"HtmlBody"`
		Raw     text `json:"RawEmail"`
		Headers []struct {
			Name  text `json:"Name"`
			Value text `json:"Value"`
		} `json:"Headers"`
		Attachments []struct {
			Name    text `json:"Name"`
			Type    text `json:"ContentType"`
			Content text `json:"Content"`
		} `json:"Attachments"`
	}
	if err := d.decode(&body, "Postmark"); err != nil {
		return submission{}, err
	}
	if body.Raw != "" {
		return submission{mail: []byte(body.Raw)}, nil
	}
	if body.ID == "" || body.From == "" && body.FromFull.Email == "" {
		return submission{}, unlike("Postmark")
	}
	m := message{text: string(body.Text), html: string(body.HTML)}
	for _, h := range body.Headers {
		m.headers = append(m.headers, headerLine{string(h.Name), string(h.Value)})
	}
	from := string(body.From)
	if email := string(body.FromFull.Email); email != "" {
		from = email
		if name := strings.NewReplacer(`"`, "", `\`, "").Replace(string(body.FromFull.Name)); name != "" {
			from = `"` + name + `" <` + email + ">"
		}
	}
	m.setDefault("From", from)
	m.setDefault("To", string(body.To))
	m.setDefault("Cc", string(body.Cc))
	m.setDefault("Reply-To", string(body.ReplyTo))
	m.setDefault("Subject", string(body.Subject))
	m.setDefault("Date", string(body.Date))
	m.setDefault("Message-Id", "<"+string(body.ID)+"@inbound.postmarkapp.com>")
	for _, a := range body.Attachments {
		f := attachment{name: string(a.Name), mediaType: "application/octet-stream"}
		if strings.Contains(strings.ToLower(string(a.Type)), "vcard") || strings.HasSuffix(strings.ToLower(f.name), ".vcf") {
			f.mediaType, f.content = "text/vcard", string(a.Content)
		}
		m.files = append(m.files, f)
	}
	return submission{mail: m.rfc5322()}, nil
}
