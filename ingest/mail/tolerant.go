package mail

import (
	"bytes"
	"mime"
	"net/textproto"
	"strings"
	"unicode/utf8"

	"github.com/jhillyerd/enmime/v2"
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
	appendText(&m.plain, decodeText(decodeTransfer(body, h.token("Content-Transfer-Encoding")), ""))
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
			leaf.text, leaf.content = guessText(leaf.content), nil
		}
		m.take(leaf, depth+level+1)
	}
}

// looseHeader reads header lines and passes over what is none, up to the
// first empty line. Where the very first lines are no header lines, there is
// no header: all is body.
func looseHeader(raw []byte) (header, []byte) {
	h := header{}
	name, rest := "", raw
	for len(rest) > 0 && len(raw)-len(rest) < maxHeader {
		line, next, _ := bytes.Cut(rest, []byte("\n"))
		line = bytes.TrimRight(line, "\r")
		if len(line) == 0 {
			if len(h) == 0 {
				rest = next
				continue
			}
			return h, next
		}
		key, value, ok := bytes.Cut(line, []byte(":"))
		switch {
		case line[0] == ' ' || line[0] == '\t':
			if name != "" {
				v := h[name]
				v[len(v)-1] += " " + string(bytes.TrimSpace(line))
			}
		case ok && headerName(key):
			name = textproto.CanonicalMIMEHeaderKey(string(bytes.TrimRight(key, " \t")))
			h[name] = append(h[name], string(bytes.TrimSpace(value)))
		case len(h) == 0:
			return header{}, raw
		default:
			name = ""
		}
		rest = next
	}
	return h, rest
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
