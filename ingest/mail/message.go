package mail

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	nettextproto "net/textproto"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/textproto"
	"golang.org/x/text/encoding"
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
	cards       []string          // text/vcard parts
	nested      []*message        // message/rfc822 parts
	charset     encoding.Encoding // of the first text that is not UTF-8; nil: none
	parts       int
}

var (
	errEmpty  = errors.New("the message is empty")
	errBinary = errors.New("no mail: binary data without a readable header")
	errLong   = errors.New("the header is too long")
	errDamage = errors.New("the parts of the message are damaged")
)

// parse takes a mail apart: fast where it keeps the rules, patiently where it
// does not.
func parse(raw []byte, depth int) (*message, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, errEmpty
	}
	// An mbox separator before the header is no part of it.
	if separator, ok := bytes.CutPrefix(bytes.TrimPrefix(raw, []byte(">")), []byte("From ")); ok && !bytes.HasPrefix(bytes.TrimLeft(separator, " "), []byte(":")) {
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
	head := &io.LimitedReader{R: bytes.NewReader(raw), N: maxHeader}
	br := bufio.NewReader(head)
	h, err := textproto.ReadHeader(br)
	if err == nil && head.N == 0 && br.Buffered() == 0 {
		err = errLong
	}
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
		name := f.Key()
		if strings.HasSuffix(name, " ") { // "From : ..."
			name = nettextproto.CanonicalMIMEHeaderKey(strings.TrimRight(name, " "))
		}
		out[name] = append(out[name], f.Value())
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
		if p.mediaType == "application/octet-stream" && !binary(p.content) {
			p.mediaType = "text/plain"
		}
		if p.isText() {
			p.text, p.content = m.decode(p.content, params["charset"]), nil
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
	// A text whose sender does not know its type comes as octets, without a
	// name.
	return p.mediaType == "text/plain" || p.mediaType == "text/html" || p.mediaType == "" || p.mediaType == "text" ||
		p.mediaType == "application/octet-stream" && p.name == ""
}

// decode gives a text part as UTF-8, and remembers its charset for what does
// not say its own.
func (m *message) decode(b []byte, name string) string {
	if m.charset == nil {
		m.charset = charsetOf(b, name)
	}
	return decodeText(b, name)
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
		appendText(&m.plain, m.cutFiles(text))
	}
}

func (m *message) attach(name string) {
	if name = strings.TrimSpace(name); name != "" && len(m.attachments) < maxAttachments {
		m.attachments = append(m.attachments, name)
	}
}

// cutFiles cuts files out of a text that stand in it as uuencode writes them,
// and notes their names.
func (m *message) cutFiles(text string) string {
	var left strings.Builder
	for from := 0; ; {
		begin := strings.Index(text[from:], "begin ")
		if begin < 0 {
			break
		}
		begin += from
		from = begin + len("begin ")
		line, _, _ := strings.Cut(text[begin:], "\n")
		words := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if begin > 0 && text[begin-1] != '\n' || len(words) < 3 || len(words[1]) != 3 || digits(words[1]) != 3 {
			continue
		}
		end := strings.Index(text[from:], "\nend")
		if end < 0 {
			break
		}
		m.attach(words[2])
		left.WriteString(text[:begin])
		text, from = text[from+end+len("\nend"):], 0
	}
	if left.Len() == 0 {
		return text
	}
	return left.String() + text
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

func decodeTransfer(b []byte, transfer string) []byte {
	switch {
	case transfer == "base64" && !isSpaced(b):
		return decodeBase64(b)
	case transfer == "quoted-printable":
		b = decodeQuoted(b)
	}
	if text, ok := hiddenBase64(b); ok {
		return text
	}
	return b
}

// isSpaced reports whether b has blanks between its words, as base64 has not.
func isSpaced(b []byte) bool {
	b = b[:min(len(b), 2000)]
	return bytes.Count(b, []byte(" ")) > len(b)/20+2
}

// hiddenBase64 decodes what is base64 and does not say so: long lines of
// nothing else, that make a text.
func hiddenBase64(b []byte) ([]byte, bool) {
	line, _, _ := bytes.Cut(bytes.TrimSpace(b), []byte("\n"))
	if len(bytes.TrimRight(line, "\r")) < 60 || bytes.IndexByte(line, ' ') >= 0 {
		return nil, false
	}
	for _, c := range bytes.TrimSpace(b) {
		if !inBase64(c) && c != '=' && c != '\n' && c != '\r' {
			return nil, false
		}
	}
	text := decodeBase64(b)
	return text, utf8.Valid(text) && bytes.IndexByte(text, ' ') > 0 && !binary(text)
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
