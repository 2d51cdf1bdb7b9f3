package mail

import (
	"html"
	"strings"
	"unicode"
)

// address is one sender or recipient as written: "Ada Lovelace <ada@acme.example>".
type address struct {
	name  string
	email string // as written, not yet normalised
}

// parseAddress reads the first address of a header field or a quoted header
// line. Either part may be missing.
func parseAddress(s string) address {
	if list := parseAddresses(s, 1); len(list) > 0 {
		return list[0]
	}
	return address{}
}

// parseAddresses reads up to limit addresses. It takes what people and
// programs write, not only what the standard allows.
func parseAddresses(s string, limit int) []address {
	var out []address
	for s != "" && len(out) < limit {
		var one string
		one, s = cutAddress(s)
		if a := readAddress(one); a != (address{}) {
			out = append(out, a)
		}
	}
	return out
}

// cutAddress cuts s at the first comma or semicolon that separates addresses:
// one outside quotes, brackets and comments, with an "@" before it.
func cutAddress(s string) (first, rest string) {
	quoted, depth, at := false, 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<' || c == '(':
			depth++
		case (c == '>' || c == ')') && depth > 0:
			depth--
		case c == '@':
			at = true
		case (c == ',' || c == ';') && depth == 0 && at:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func readAddress(s string) address {
	s = strings.TrimSpace(s)
	if strings.Contains(s, "&lt;") {
		s = html.UnescapeString(s)
	}
	open := strings.LastIndexByte(s, '<')
	if open >= 0 {
		email, after, _ := strings.Cut(s[open+1:], ">")
		name, _, _ := strings.Cut(s[:open], "<")
		if strings.TrimSpace(name) == "" {
			name = strings.Trim(after, " ()")
		}
		return address{decodeName(name), mailAddress(email)}
	}
	// addr (Name), addr [mailto:addr], Name addr
	name := ""
	if i := strings.IndexAny(s, "(["); i >= 0 && strings.Contains(s[:i], "@") {
		name = strings.Trim(s[i:], "()[] ")
		s = s[:i]
	} else if i >= 0 && strings.Contains(s[i:], "@") {
		name = s[:i]
		s = strings.Trim(s[i:], "()[] ")
	}
	if !strings.Contains(s, "@") {
		return address{name: decodeName(s)}
	}
	words := strings.Fields(s)
	for i, w := range words {
		if strings.Contains(w, "@") {
			if name == "" {
				name = strings.Join(words[:i], " ")
			}
			return address{decodeName(name), mailAddress(w)}
		}
	}
	return address{decodeName(name), mailAddress(s)}
}

func mailAddress(s string) string {
	s = strings.Trim(s, " \t<>()[]\"'*;,")
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	if !strings.Contains(s, "@") {
		return ""
	}
	return decodeWords(s)
}

// decodeName decodes a display name and takes off what is no part of it.
func decodeName(s string) string {
	s = strings.ReplaceAll(strings.TrimSpace(s), `\"`, "")
	return strings.Trim(decodeWords(strings.Trim(s, `"'* `)), "\"'* \t:")
}

// cleanName makes a person's name of a display name: "Albrecht, Rainer (CEO)"
// becomes "Rainer Albrecht", "'Jo' via Sales" becomes "Jo". An address, or
// nothing but digits, is no name.
func cleanName(s string) string {
	s = strings.ReplaceAll(s, "\u00a0", " ")
	for _, marks := range []string{"()", "[]"} {
		if i := strings.IndexByte(s, marks[0]); i >= 0 {
			if j := strings.IndexByte(s[i:], marks[1]); j >= 0 {
				s = s[:i] + " " + s[i+j+1:]
			} else {
				s = s[:i]
			}
		}
	}
	lower := strings.ToLower(s)
	for _, via := range []string{" via ", " über ", " from ", " | ", " - "} {
		if i := strings.Index(lower, via); i > 0 && i < len(s) {
			s, lower = s[:i], lower[:i]
		}
	}
	s = strings.Trim(strings.Join(strings.Fields(s), " "), "\"'<>,;:*- ")
	if strings.Contains(s, "@") || !strings.ContainsFunc(s, unicode.IsLetter) {
		return ""
	}
	if last, first, ok := strings.Cut(s, ","); ok && !strings.Contains(first, ",") {
		first = strings.TrimSpace(first)
		if n := len(strings.Fields(first)); n > 0 && n <= 3 && len(strings.Fields(last)) <= 3 {
			s = first + " " + strings.TrimSpace(last)
		}
	}
	return s
}
