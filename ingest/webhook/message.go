package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"mime"
	"strings"
)

// message is a mail that a sender has taken apart. Put together again it can
// be read as any other.
type message struct {
	headers    []headerLine // as far as the sender passes them on
	text, html string
	files      []attachment
}

type headerLine struct{ name, value string }

type attachment struct {
	name, mediaType string
	content         string // in base64
}

// setDefault adds a header that is not there.
func (m *message) setDefault(name, value string) {
	if value = strings.TrimSpace(value); value == "" {
		return
	}
	for _, h := range m.headers {
		if strings.EqualFold(h.name, name) {
			return
		}
	}
	m.headers = append(m.headers, headerLine{name, value})
}

// rfc5322 writes the message; nil where there is none. The same message is
// always the same bytes.
func (m *message) rfc5322() []byte {
	if len(m.headers) == 0 {
		return nil
	}
	var b bytes.Buffer
	for _, h := range m.headers {
		if isHeaderName(h.name) && !describesBody(h.name) {
			b.WriteString(h.name + ": " + oneLine(h.value) + "\r\n")
		}
	}
	sum := sha256.Sum256([]byte(m.text + "\x00" + m.html))
	boundary := hex.EncodeToString(sum[:])
	b.WriteString("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n")
	part := func(mediaType, disposition, content string) {
		b.WriteString("--" + boundary + "\r\nContent-Type: " + mediaType + "\r\nContent-Transfer-Encoding: base64\r\n" + disposition + "\r\n" + content + "\r\n")
	}
	if m.text != "" || m.html == "" {
		part("text/plain; charset=utf-8", "", base64.StdEncoding.EncodeToString([]byte(m.text)))
	}
	if m.html != "" {
		part("text/html; charset=utf-8", "", base64.StdEncoding.EncodeToString([]byte(m.html)))
	}
	for _, f := range m.files {
		disposition := mime.FormatMediaType("attachment", map[string]string{"filename": oneLine(f.name)})
		if disposition == "" {
			continue
		}
		part(f.mediaType, "Content-Disposition: "+disposition+"\r\n", f.content)
	}
	b.WriteString("--" + boundary + "--\r\n")
	return b.Bytes()
}

// isHeaderName keeps what a sender calls a header from becoming two.
func isHeaderName(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == ':' {
			return false
		}
	}
	return s != ""
}

// describesBody reports the headers that were true of the body before it was
// taken apart.
func describesBody(name string) bool {
	name = strings.ToLower(name)
	return name == "mime-version" || name == "content-type" || name == "content-transfer-encoding" || name == "content-disposition"
}

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\r' || r == '\n' || r == 0 }), " ")
}

// headerLines reads a header as it stood in the mail.
func headerLines(block string) []headerLine {
	var lines []headerLine
	for line := range strings.Lines(block) {
		line = strings.TrimRight(line, "\r\n")
		if line != "" && (line[0] == ' ' || line[0] == '\t') && len(lines) > 0 {
			lines[len(lines)-1].value += line
			continue
		}
		if name, value, ok := strings.Cut(line, ":"); ok {
			lines = append(lines, headerLine{strings.TrimSpace(name), strings.TrimSpace(value)})
		}
	}
	return lines
}
