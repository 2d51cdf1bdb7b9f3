package mail

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"strings"
	"time"
	"unicode/utf8"

	netmail "net/mail"
)

// header holds a message's or part's header fields under their canonical
// names, undecoded, in the order of appearance.
type header map[string][]string

// raw gives a field's first value that says something.
func (h header) raw(name string) string {
	for _, v := range h[name] {
		if v = strings.TrimSpace(v); v != "" {
			return v
		}
	}
	return ""
}

// text gives a field's first value with its encoded words decoded.
func (h header) text(name string) string { return decodeWords(h.raw(name)) }

func (h header) has(name string) bool { return len(h[name]) > 0 }

// token gives a field's first value in lower case up to the first ";".
func (h header) token(name string) string {
	v, _, _ := strings.Cut(strings.ToLower(h.raw(name)), ";")
	return strings.TrimSpace(v)
}

// id gives a message id without angle brackets and comments.
func (h header) id(name string) string {
	v := h.raw(name)
	if i := strings.IndexByte(v, '<'); i >= 0 {
		v = v[i+1:]
		if j := strings.IndexByte(v, '>'); j >= 0 {
			v = v[:j]
		}
	}
	return strings.TrimSpace(strings.ToValidUTF8(v, "\uFFFD"))
}

// answered gives the id of the mail that this one answers: In-Reply-To, or
// the last of References.
func (h header) answered() string {
	if id := h.id("In-Reply-To"); id != "" {
		return id
	}
	refs := strings.Fields(h.raw("References"))
	if len(refs) == 0 {
		return ""
	}
	return strings.ToValidUTF8(strings.Trim(refs[len(refs)-1], "<>"), "\uFFFD")
}

// date reads the Date field; the zero time where it cannot be read.
func (h header) date() time.Time {
	v := h.raw("Date")
	// As nearly all write it; ParseDate tries two dozen ways one by one.
	t, err := time.Parse("Mon, 2 Jan 2006 15:04:05 -0700", v)
	if err != nil {
		t, err = netmail.ParseDate(v)
	}
	if err != nil {
		return time.Time{}
	}
	return t
}

// mediaType reads a field such as Content-Type. Where the field breaks the
// rules, what can be recognised is taken.
func (h header) mediaType(name string) (string, map[string]string) {
	v := h.raw(name)
	if len(h[name]) > 1 { // of two, the one that says more
		for _, other := range h[name] {
			if lower := strings.ToLower(other); strings.Contains(lower, "multipart/") && strings.Contains(lower, "boundary") {
				v = other
				break
			}
		}
	}
	t, params, err := mime.ParseMediaType(v)
	if err == nil {
		return t, params
	}
	t, rest := v, ""
	if end := strings.IndexAny(v, "; \t"); end >= 0 {
		t, rest = v[:end], v[end+1:]
	}
	params = map[string]string{}
	for rest != "" {
		var p string
		if p, rest, _ = strings.Cut(rest, ";"); p != "" {
			k, v, _ := strings.Cut(p, "=")
			params[strings.ToLower(strings.TrimSpace(k))] = strings.Trim(strings.TrimSpace(v), `"'`)
		}
	}
	return strings.ToLower(strings.TrimSpace(t)), params
}

// decodeWords decodes RFC 2047 encoded words, also those that break the
// rules: a character cut in two by neighbouring words, words inside quotes,
// 8-bit bytes without any encoding. What cannot be decoded stays as it is.
func decodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		return decodeText([]byte(s), "")
	}
	s = decodeWordsOnce(s)
	if i := strings.Index(s, "=?"); i >= 0 && strings.Contains(s[i:], "?=") { // encoded twice
		s = decodeWordsOnce(s)
	}
	return s
}

func decodeWordsOnce(s string) string {
	var out strings.Builder
	var pending []byte // undecoded bytes of a run of words in one charset
	var charset string
	flush := func() {
		if len(pending) > 0 {
			out.WriteString(decodeText(pending, charset))
			pending = nil
		}
	}
	for s != "" {
		i := strings.Index(s, "=?")
		if i < 0 {
			break
		}
		cs, body, n, ok := encodedWord(s[i:])
		if !ok {
			flush()
			out.WriteString(decodeText([]byte(s[:i+2]), ""))
			s = s[i+2:]
			continue
		}
		// Blanks between two encoded words are no part of the text.
		if gap := s[:i]; len(pending) == 0 || strings.TrimSpace(gap) != "" {
			flush()
			out.WriteString(decodeText([]byte(gap), ""))
		}
		if !strings.EqualFold(cs, charset) {
			flush()
		}
		charset = cs
		pending = append(pending, body...)
		s = s[i+n:]
	}
	flush()
	out.WriteString(decodeText([]byte(s), ""))
	return out.String()
}

// encodedWord reads the encoded word at the head of s: its charset, its
// bytes, and how long it is.
func encodedWord(s string) (charset string, body []byte, n int, ok bool) {
	part := strings.SplitN(s[2:], "?", 4)
	if len(part) < 3 || len(part[1]) != 1 || strings.ContainsAny(part[0], " \t") {
		return "", nil, 0, false
	}
	n = 2 + len(part[0]) + 1 + 1 + 1 + len(part[2])
	switch {
	case len(part) == 4 && strings.HasPrefix(part[3], "="):
		n += 2
	case len(part) == 4 || part[2] == "": // a question mark in the text
		return "", nil, 0, false
	}
	charset, _, _ = strings.Cut(part[0], "*") // RFC 2231: charset*language
	q := part[1] == "Q" || part[1] == "q"
	if !q && part[1] != "B" && part[1] != "b" {
		return "", nil, 0, false
	}
	text := []byte(part[2])
	// Some mix the two up.
	if q {
		if hidden, ok := shortBase64(text); ok {
			return charset, hidden, n, true
		}
		return charset, decodeQuoted(bytes.ReplaceAll(text, []byte("_"), []byte(" "))), n, true
	}
	if i := bytes.IndexByte(text, '='); i >= 0 && i+2 < len(text) && unhex(text[i+1]) >= 0 && unhex(text[i+2]) >= 0 {
		return charset, decodeQuoted(bytes.ReplaceAll(text, []byte("_"), []byte(" "))), n, true
	}
	return charset, decodeBase64(text), n, true
}

// shortBase64 decodes a word that is base64 and says that it is not: letters
// without a blank whose number is right, in which a text with other letters
// hides.
func shortBase64(b []byte) ([]byte, bool) {
	if len(b) < 12 || len(b)%4 != 0 {
		return nil, false
	}
	for _, c := range bytes.TrimRight(b, "=") {
		if !inBase64(c) {
			return nil, false
		}
	}
	text := decodeBase64(b)
	return text, utf8.Valid(text) && utf8.RuneCount(text) < len(text) && !binary(text)
}

// decodeBase64 decodes what is base64 in b and passes over the rest.
func decodeBase64(b []byte) []byte {
	clean := make([]byte, 0, len(b))
	for _, c := range b {
		if inBase64(c) {
			clean = append(clean, c)
		}
	}
	if len(clean)%4 == 1 { // one letter alone carries no byte
		clean = clean[:len(clean)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, _ := base64.RawStdEncoding.Decode(out, clean) // nothing but its own letters is left to refuse
	return out[:n]
}

func inBase64(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/'
}

// decodeQuoted decodes quoted-printable; what breaks its rules stays as it is.
func decodeQuoted(b []byte) []byte {
	if bytes.IndexByte(b, '=') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '=' {
			out = append(out, b[i])
			continue
		}
		rest := b[i+1:]
		if len(rest) >= 2 && unhex(rest[0]) >= 0 && unhex(rest[1]) >= 0 {
			out = append(out, byte(unhex(rest[0])<<4|unhex(rest[1])))
			i += 2
			continue
		}
		// A soft line break, maybe with blanks before it.
		end := bytes.IndexByte(rest, '\n')
		if end >= 0 && len(bytes.TrimSpace(rest[:end])) == 0 {
			i += end + 1
			continue
		}
		if len(rest) == 0 {
			break
		}
		out = append(out, '=')
	}
	return out
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// wholeBody reads a body that is in memory.
type wholeBody struct {
	bytes.Reader
	b []byte
}

func newWholeBody(b []byte) *wholeBody {
	w := &wholeBody{b: b}
	w.Reset(b)
	return w
}

// readAtMost reads r to its end or to limit bytes.
func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	if whole, ok := r.(*wholeBody); ok { // is there already
		return whole.b[:min(int64(len(whole.b)), limit)], nil
	}
	return io.ReadAll(io.LimitReader(r, limit))
}
