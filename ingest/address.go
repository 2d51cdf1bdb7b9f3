package ingest

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cleanAddress reads one mail address as people write it ("Ada <Ada@ACME.example>",
// "mailto:ada@acme.example", the first of several) and gives it in lower case
// with its domain in ASCII; false where it is none.
func cleanAddress(s string) (string, bool) {
	if len(s) > 2000 || strings.IndexByte(s, '@') < 0 {
		return "", false
	}
	if open := strings.LastIndexByte(s, '<'); open >= 0 {
		s, _, _ = strings.Cut(s[open+1:], ">")
	} else if i := strings.IndexAny(s, ",;"); i >= 0 {
		s = s[:i]
	}
	s = strings.Trim(s, " \t\r\n\u00a0\u200b\ufeff\"'()<>.")
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s, _, _ = strings.Cut(s[7:], "?")
	}
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || at > 64 || !utf8.ValidString(s) {
		return "", false
	}
	local, domain := strings.ToLower(s[:at]), s[at+1:]
	for _, r := range local {
		if r <= ' ' || r == 0x7f || r == '@' || r == '<' || r == '>' || r == ',' || r == ';' || r == ':' || r == '(' || r == ')' || r == '\\' || r == '"' ||
			r >= utf8.RuneSelf && !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) {
			return "", false
		}
	}
	if strings.HasPrefix(domain, "[") && strings.HasSuffix(domain, "]") {
		return local + "@" + strings.ToLower(domain), true
	}
	domain, ok := asciiDomain(domain)
	if !ok {
		return "", false
	}
	return local + "@" + domain, true
}
