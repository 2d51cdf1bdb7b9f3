package mail

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/textproto"
)

// Limits on what one mail may cost. What lies beyond them is passed over.
const (
	maxHeader      = 256 << 10
	maxText        = 256 << 10 // bytes of text taken from one mail, before and after decoding
	maxDepth       = 8         // parts within parts within parts
	maxParts       = 500
	maxAttachments = 100
)

// message is a mail taken apart.
type message struct {
	header      header
	plain       string // text/plain parts, decoded
	html        string // text/html parts, decoded
	report      string // multipart/report's report-type
	attachments []string
	cards       []string   // text/vcard parts
	nested      []*message // message/rfc822 parts
	parts       int
}

var (
	errEmpty  = errors.New("the message is empty")
	errBinary = errors.New("no mail: binary data without a readable header")
	errDamage = errors.New("the parts of the message are damaged")
)

// parse takes a mail apart: fast where it keeps the rules, patiently where it
// does not.
func parse(raw []byte, depth int) (*message, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, errEmpty
	}
	// An mbox separator before the header is no part of it.
	if bytes.HasPrefix(raw, []byte("From ")) || bytes.HasPrefix(raw, []byte(">From ")) {
		if i := bytes.IndexByte(raw, '\n'); i >= 0 {
			raw = raw[i+1:]
		}
	}
	m, err := parseFast(raw, depth)
	if err == nil {
		return m, nil
	}
	patient, perr := parseTolerant(raw, depth)
	if perr != nil {
		return nil, perr
	}
	if m != nil && len(m.plain)+len(m.html) > len(patient.plain)+len(patient.html) {
		return m, nil
	}
	return patient, nil
}

// parseFast reads a mail that keeps the rules. With an error, the message
// holds what was read until then, or is nil.
func parseFast(raw []byte, depth int) (*message, error) {
	br := bufio.NewReader(&io.LimitedReader{R: bytes.NewReader(raw), N: maxHeader})
	h, err := textproto.ReadHeader(br)
	if err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}
	m := &message{header: headerOf(&h)}
	if len(m.header) == 0 {
		return nil, errBinary
	}
	return m, m.read(m.header, newWholeBody(bodyOf(raw)), depth)
}

// bodyOf gives what stands behind the first empty line.
func bodyOf(raw []byte) []byte {
	for rest := raw; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			return nil
		}
		line := rest[:i]
		rest = rest[i+1:]
		if len(line) == 0 || len(line) == 1 && line[0] == '\r' {
			return rest
		}
	}
	return nil
}

func headerOf(h *textproto.Header) header {
	out := make(header, h.Len())
	for f := h.Fields(); f.Next(); {
		out[f.Key()] = append(out[f.Key()], f.Value())
	}
	return out
}

// read takes one part, or the message's body, into m.
func (m *message) read(h header, body io.Reader, depth int) error {
	mediaType, params := "text/plain", map[string]string(nil)
	if h.has("Content-Type") {
		mediaType, params = h.mediaType("Content-Type")
	}
	if strings.HasPrefix(mediaType, "multipart/") {
		return m.readParts(mediaType, params, body, depth)
	}
	disposition, dparams := "", map[string]string(nil)
	if h.has("Content-Disposition") {
		disposition, dparams = h.mediaType("Content-Disposition")
	}
	name := dparams["filename"]
	if name == "" {
		name = params["name"]
	}
	p := part{mediaType: mediaType, params: params, name: decodeWords(name), attached: disposition == "attachment"}
	if p.wanted() {
		encoded, err := readAtMost(body, 2*maxText)
		if err != nil {
			return fmt.Errorf("read %s part: %w", mediaType, err)
		}
		p.content = decodeTransfer(encoded, h.token("Content-Transfer-Encoding"))
		if p.isText() {
			p.text, p.content = decodeText(p.content, params["charset"]), nil
		}
	}
	m.take(p, depth)
	return nil
}

func (m *message) readParts(mediaType string, params map[string]string, body io.Reader, depth int) error {
	if mediaType == "multipart/report" {
		m.report = strings.ToLower(params["report-type"])
	}
	boundary := params["boundary"]
	if boundary == "" {
		return errDamage
	}
	if depth >= maxDepth {
		return nil
	}
	read := 0
	for mr := textproto.NewMultipartReader(body, boundary); m.parts < maxParts; m.parts++ {
		p, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			if read == 0 {
				return errDamage
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errDamage, err)
		}
		if err := m.read(headerOf(&p.Header), p, depth+1); err != nil {
			return err
		}
		read++
	}
	return nil
}

// part is a leaf of a message, decoded: a text, or other content where that is
// wanted.
type part struct {
	mediaType string
	params    map[string]string
	name      string
	attached  bool
	text      string
	content   []byte
}

func (p *part) isText() bool { return strings.HasPrefix(p.mediaType, "text/") }

func (p *part) isCard() bool {
	return p.mediaType == "text/vcard" || p.mediaType == "text/x-vcard" || p.mediaType == "text/directory" ||
		strings.HasSuffix(strings.ToLower(p.name), ".vcf")
}

func (p *part) wanted() bool {
	switch {
	case p.isCard(), p.mediaType == "message/rfc822", p.mediaType == "message/global":
		return true
	case p.attached:
		return false
	}
	return p.mediaType == "text/plain" || p.mediaType == "text/html" || p.mediaType == "" || p.mediaType == "text"
}

// take files a part under what it is.
func (m *message) take(p part, depth int) {
	switch {
	case p.isCard():
		if len(m.cards) < 3 {
			m.cards = append(m.cards, p.text+string(p.content))
		}
		m.attach(p.name)
	case p.mediaType == "message/rfc822" || p.mediaType == "message/global":
		if depth < maxDepth && len(m.nested) < 3 {
			if n, err := parse(p.content, depth+1); err == nil {
				m.nested = append(m.nested, n)
			}
		}
		if p.name != "" {
			m.attach(p.name)
		}
	case p.attached || !p.wanted():
		m.attach(p.name)
	case p.mediaType == "text/html":
		appendText(&m.html, p.text)
	default:
		text := p.text + string(p.content)
		if strings.EqualFold(p.params["format"], "flowed") {
			text = unflow(text, strings.EqualFold(p.params["delsp"], "yes"))
		}
		appendText(&m.plain, text)
	}
}

func (m *message) attach(name string) {
	if name = strings.TrimSpace(name); name != "" && len(m.attachments) < maxAttachments {
		m.attachments = append(m.attachments, name)
	}
}

func appendText(to *string, text string) {
	if room := maxText - len(*to); len(text) > room {
		text = cut(text, room)
	}
	if *to != "" && text != "" {
		*to += "\n"
	}
	*to += text
}

// cut shortens s to at most n bytes without breaking a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:max(n, 0)]
}

func decodeTransfer(b []byte, encoding string) []byte {
	switch encoding {
	case "base64":
		return decodeBase64(b)
	case "quoted-printable":
		return decodeQuoted(b)
	}
	return b
}

// unflow joins the soft-broken lines of format=flowed text (RFC 3676).
func unflow(text string, delsp bool) string {
	var out strings.Builder
	soft, depth := false, 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		d := 0
		for d < len(line) && line[d] == '>' {
			d++
		}
		content := strings.TrimPrefix(line[d:], " ")
		if !soft || d != depth || content == "-- " {
			if out.Len() > 0 {
				out.WriteByte('\n')
			}
			if d > 0 {
				out.WriteString(line[:d] + " ")
			}
		}
		soft, depth = strings.HasSuffix(content, " ") && content != "-- ", d
		if soft && delsp {
			content = strings.TrimSuffix(content, " ")
		}
		out.WriteString(content)
	}
	return out.String()
}
