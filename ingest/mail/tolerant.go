package mail

import (
	"bytes"
	"maps"
	"mime"
	"net/textproto"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jhillyerd/enmime/v2"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
)

// maxTolerant is how much of a damaged mail is looked at, in bytes. The text
// stands at the beginning; behind it are attachments.
const maxTolerant = 4 << 20

// parseTolerant reads a mail that breaks the rules, as well as it can be
// read. It fails only where there is no header and no text either.
func parseTolerant(raw []byte, depth int) (*message, error) {
	if len(raw) > maxTolerant {
		raw = raw[:maxTolerant]
	}
	h, body := looseHeader(raw)
	if len(h) == 0 && binary(raw) {
		return nil, errBinary
	}
	// enmime follows parts within parts without a limit.
	if len(h) > 0 && bytes.Count(raw, []byte("multipart/")) <= 4*maxDepth {
		h.mendBoundary(body)
		if m := parsePatient(h, body, depth); m != nil {
			return m, nil
		}
	}
	m := &message{header: h}
	appendText(&m.plain, m.cutFiles(m.decode(decodeTransfer(body, h.token("Content-Transfer-Encoding")), "")))
	return m, nil
}

// mendBoundary puts right a Content-Type whose boundary never comes in the
// body, where the body shows another one: a line "--..." with a part's header
// below it.
func (h header) mendBoundary(body []byte) {
	mediaType, params := h.mediaType("Content-Type")
	if !strings.HasPrefix(mediaType, "multipart/") || params["boundary"] != "" && hasLine(body, "--"+params["boundary"]) {
		return
	}
	for rest := body; len(rest) > 0; {
		line, next, _ := bytes.Cut(rest, []byte("\n"))
		line = bytes.TrimSpace(line)
		if bytes.HasPrefix(line, []byte("--")) && len(line) > 2 && len(line) < 80 && len(next) > 8 && bytes.EqualFold(next[:8], []byte("Content-")) {
			h["Content-Type"] = []string{mime.FormatMediaType(mediaType, map[string]string{"boundary": string(line[2:])})}
			return
		}
		rest = next
	}
}

// hasLine: body has the line, alone or with blanks behind it.
func hasLine(body []byte, line string) bool {
	for rest := body; ; {
		i := bytes.Index(rest, []byte(line))
		if i < 0 {
			return false
		}
		starts := len(rest) == len(body) && i == 0 || i > 0 && rest[i-1] == '\n'
		rest = rest[i+len(line):]
		if starts && (len(rest) == 0 || rest[0] == '\r' || rest[0] == '\n' || rest[0] == ' ') {
			return true
		}
	}
}

// parsePatient lets enmime take the mail apart; nil where it finds no text.
// enmime sees a header with the broken lines left out.
func parsePatient(h header, body []byte, depth int) *message {
	var clean bytes.Buffer
	for _, name := range []string{"Content-Type", "Content-Transfer-Encoding"} {
		if v := h.raw(name); v != "" {
			clean.WriteString(name + ": " + v + "\r\n")
		}
	}
	clean.WriteString("Mime-Version: 1.0\r\n\r\n")
	clean.Write(body)
	root, err := enmime.NewParser(enmime.SkipMalformedParts(true), enmime.MultipartWOBoundaryAsSinglePart(true),
		enmime.MaxStoredPartErrors(1), enmime.DisableCharacterDetection(true)).ReadParts(&clean)
	if err != nil {
		return nil
	}
	m := &message{header: h}
	m.takeAll(root, depth, 0)
	if len(m.plain)+len(m.html)+len(m.nested) == 0 {
		return nil
	}
	return m
}

func (m *message) takeAll(p *enmime.Part, depth, level int) {
	for ; p != nil && m.parts < maxParts && depth+level < maxDepth; p = p.NextSibling {
		m.parts++
		if p.ContentType == "multipart/report" {
			m.report = strings.ToLower(p.ContentTypeParams["report-type"])
		}
		if strings.HasPrefix(p.ContentType, "multipart/") && p.FirstChild != nil {
			m.takeAll(p.FirstChild, depth, level+1)
			continue
		}
		leaf := part{
			mediaType: p.ContentType, params: p.ContentTypeParams,
			name: decodeText([]byte(p.FileName), ""), attached: p.Disposition == "attachment", content: p.Content,
		}
		if strings.HasPrefix(leaf.mediaType, "multipart/") { // a boundary that never came
			leaf.mediaType = "text/plain"
		}
		if len(leaf.content) > 2*maxText {
			leaf.content = leaf.content[:2*maxText]
		}
		if leaf.isText() {
			leaf.text, leaf.content = m.decode(leaf.content, ""), nil
		}
		m.take(leaf, depth+level+1)
	}
}

// tidy makes of a whole mail in UTF-16, behind a byte order mark, or with
// nothing but CR at its lines' ends one that can be read as any other.
func tidy(raw []byte) []byte {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	head := raw[:min(len(raw), 1000)]
	if marked := bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")); marked && zeros(head, 0)+zeros(head, 1) > min(len(head), 512)/4 {
		table := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
		if text, err := table.NewDecoder().Bytes(raw[:min(len(raw), maxTolerant)]); err == nil {
			raw, head = text, text[:min(len(text), 1000)]
		}
	}
	if bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0 {
		return bytes.ReplaceAll(raw, []byte("\r"), []byte("\n"))
	}
	return raw
}

// Limits of a header that breaks the rules, in bytes.
const (
	maxKept  = 64 << 10 // of fields that nobody asks for
	maxField = 32 << 10 // of one field
)

// looseHeader reads header lines and passes over what is none, up to the
// first empty line, or to where only text follows. Where the very first lines
// are no header lines, there is no header: all is body.
func looseHeader(raw []byte) (header, []byte) {
	h := header{}
	name, kept, rest := "", 0, raw
	for len(rest) > 0 {
		line, next, _ := bytes.Cut(rest, []byte("\n"))
		line = bytes.TrimRight(line, "\r")
		if len(bytes.TrimSpace(line)) == 0 {
			switch {
			case len(h) == 0:
				rest = next
				continue
			case len(line) == 0 || !startsField(next):
				return h, next
			}
		}
		key, value, ok := bytes.Cut(line, []byte(":"))
		switch {
		case line[0] == ' ' || line[0] == '\t':
			if v := h[name]; name != "" && len(v[len(v)-1]) < maxField {
				v[len(v)-1] += " " + string(bytes.TrimSpace(line[:min(len(line), maxField)]))
			}
		case ok && headerName(key) && (usualField(key) || !h.has("From") || moreFields(next)):
			name = textproto.CanonicalMIMEHeaderKey(string(bytes.TrimRight(key, " \t")))
			if kept += len(line); kept > maxKept && !usualField(key) {
				name = ""
				break
			}
			h[name] = append(h[name], string(bytes.TrimSpace(value[:min(len(value), maxField)])))
		case len(h) == 0:
			return header{}, raw
		case !moreFields(next) || bytes.HasPrefix(line, []byte("--")) && strings.HasPrefix(h.token("Content-Type"), "multipart/"):
			return h, rest
		default:
			name = ""
		}
		rest = next
	}
	return h, rest
}

// startsField reports whether a header's field begins here.
func startsField(b []byte) bool {
	key, _, ok := bytes.Cut(b[:min(len(b), 80)], []byte(":"))
	return ok && headerName(key)
}

// moreFields reports whether a usual field comes before the next empty line,
// not far from here.
func moreFields(b []byte) bool {
	for range 20 {
		line, next, _ := bytes.Cut(b, []byte("\n"))
		if len(bytes.TrimSpace(line)) == 0 {
			return false
		}
		if key, _, ok := bytes.Cut(line[:min(len(line), 80)], []byte(":")); ok && headerName(key) && usualField(key) {
			return true
		}
		b = next
	}
	return false
}

// usualField reports whether mails' headers have a field of this name, and
// texts hardly ever a line that begins so.
func usualField(key []byte) bool {
	switch strings.ToLower(string(bytes.TrimRight(key, " \t"))) {
	case "from", "to", "cc", "subject", "date", "sender", "received", "references", "precedence", "organization", "importance", "priority",
		"keywords", "lines", "status", "sensitivity":
		return true
	}
	return bytes.IndexByte(key, '-') > 0
}

// recode puts 8-bit text in the header right that does not say its charset: it
// is that of the body, or, where that has none, the one that the header's
// letters show.
func (h header) recode(body encoding.Encoding) {
	table := body
	for _, values := range h {
		for i, v := range values {
			if utf8.ValidString(v) {
				continue
			}
			if table == nil {
				if table = GuessCharset(h.eightBit()); table == nil {
					return // UTF-8 with a few broken bytes
				}
			}
			if text, err := table.NewDecoder().String(v); err == nil {
				values[i] = text
			}
		}
	}
}

// eightBit gives all values that are not ASCII, in a fixed order.
func (h header) eightBit() []byte {
	var all []byte
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			if !utf8.ValidString(v) {
				all = append(append(all, v...), '\n')
			}
		}
	}
	return all
}

func headerName(b []byte) bool {
	b = bytes.TrimRight(b, " \t")
	if len(b) == 0 || len(b) > 80 {
		return false
	}
	for _, c := range b {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// binary reports whether b's beginning is nothing that a person could read.
func binary(b []byte) bool {
	b = b[:min(len(b), 4096)]
	control := 0
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != 0x1b || c == 0x7f {
			control++
		}
	}
	if control*20 > len(b) {
		return true
	}
	letters := 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r != utf8.RuneError && (r > ' ' || r == '\n') {
			letters += n
		}
		i += n
	}
	return letters*2 < len(b)
}
