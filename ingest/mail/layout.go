package mail

import (
	"strings"
	"unicode"
)

// passage is a mail's text divided: the sender's own lines, and the mail
// that is quoted or passed on below them.
type passage struct {
	own    []string // without quoted lines
	quotes bool     // somebody else's words were quoted
	whose  string   // the line that says whose words they are
	below  *quoted  // a whole mail stands below, with its header
	marked bool     // a line says that it was forwarded
}

// quoted is a mail that stands within another one's text.
type quoted struct {
	from    address
	to      string
	subject string
	lines   []string // what stands below its header
}

// textLines makes lines of text: line ends and invisible characters made one
// kind, blanks at the ends taken off.
func textLines(text string) []string {
	for i := range len(text) {
		// A CR before an LF goes with the blanks below.
		if c := text[i]; c >= 0x80 || c == 0 || c == '\r' && (i+1 == len(text) || text[i+1] != '\n') {
			text = invisible.Replace(strings.ReplaceAll(text, "\r\n", "\n"))
			break
		}
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRightFunc(line, unicode.IsSpace)
	}
	return lines
}

var invisible = strings.NewReplacer("\r", "\n", "\u00a0", " ", "\u202f", " ", "\u200b", "", "\u200c", "", "\ufeff", "",
	"\u2060", "", "\u00ad", "", "\u2028", "\n", "\u2029", "\n", "\x00", "")

// divide parts the sender's own lines from what they quote or pass on.
func (r *Reader) divide(lines []string) passage {
	var p passage
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		text := strings.TrimSpace(line)
		if text == "" {
			p.own = append(p.own, line)
			continue
		}
		if text[0] == '>' {
			p.quotes = true
			// Some quote the whole of what they forward.
			if r.marker(strings.TrimLeft(text, "> ")) == "forwarded" && allQuoted(lines[i:]) {
				p.marked, p.below = true, r.marked(unquote(lines[i:]))
				return p
			}
			continue
		}
		if kind := r.marker(text); kind != "" {
			if kind == "forwarded.end" {
				continue
			}
			p.quotes, p.marked = true, kind == "forwarded"
			p.below = r.marked(lines[i:])
			return p
		}
		if q, ok := r.quotedHeader(lines[i:], 3); ok {
			p.quotes, p.below = true, q
			p.own = dropRule(p.own)
			return p
		}
		if n := r.attribution(lines[i:]); n > 0 {
			p.quotes, p.whose = true, strings.Join(lines[i:i+n], " ")
			next := i + n
			for next < len(lines) && strings.TrimSpace(lines[next]) == "" {
				next++
			}
			if next < len(lines) && strings.TrimSpace(lines[next])[0] != '>' {
				// Quoted without marks: all below is theirs.
				p.below = &quoted{from: parseAddress(attributedTo(p.whose)), lines: lines[next:]}
				return p
			}
			i += n - 1
			continue
		}
		p.own = append(p.own, line)
	}
	return p
}

// allQuoted: every line is empty or quoted.
func allQuoted(lines []string) bool {
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" && line[0] != '>' {
			return false
		}
	}
	return true
}

// dropRule takes off the line that Outlook draws above a quoted mail.
func dropRule(lines []string) []string {
	for len(lines) > 0 {
		last := strings.TrimSpace(lines[len(lines)-1])
		if strings.Trim(last, "_-") != "" {
			break
		}
		lines = lines[:len(lines)-1]
	}
	return lines
}

// marker tells whether a line announces a forwarded or quoted mail, or ends
// one: the section of the word list, or "".
func (r *Reader) marker(line string) string {
	if len(line) > 200 {
		return ""
	}
	ruled := strings.HasPrefix(line, "--") || strings.HasPrefix(line, "__") || strings.HasPrefix(line, "==") || strings.HasPrefix(line, "##") || strings.HasPrefix(line, "*-")
	if !ruled && !strings.HasSuffix(line, ":") {
		return ""
	}
	text := normal(line)
	for _, section := range []string{"forwarded.end", "forwarded", "original"} {
		if n := r.layout.prefix(text, section); n > 0 && (ruled || n == len(text)) {
			return section
		}
	}
	// "##- Please write your reply above this line -##"
	if ruled && r.layout.has(text, "original") {
		return "forwarded.end"
	}
	return ""
}

// marked reads the mail below a marker line.
func (r *Reader) marked(lines []string) *quoted {
	mark, rest := lines[0], lines[1:]
	i := 0
	for i < len(rest) && strings.TrimSpace(rest[i]) == "" {
		i++
	}
	if i < len(rest) && strings.HasPrefix(strings.TrimSpace(rest[i]), ">") {
		rest = unquote(rest[i:])
		i = 0
	}
	for i < len(rest) && strings.TrimSpace(rest[i]) == "" {
		i++
	}
	if q, ok := r.quotedHeader(rest[i:], 2); ok {
		return q
	}
	q := &quoted{lines: rest}
	if strings.Contains(mark, "@") { // ----- Forwarded message from Jo <jo@acme.example> -----
		_, from, _ := strings.Cut(strings.Trim(mark, "-_=* "), " from ")
		q.from = parseAddress(strings.Trim(from, ": "))
	}
	return q
}

// unquote takes one ">" off the run of lines that have one.
func unquote(lines []string) []string {
	out := make([]string, 0, len(lines))
	for _, line := range lines {
		line = strings.TrimPrefix(strings.TrimLeft(line, " "), ">")
		out = append(out, strings.TrimPrefix(line, " "))
	}
	return out
}

// quotedHeader reads the header of a quoted mail at the head of lines: a From
// line among at least least labelled lines. Programs write it in their user's
// language and order, and some between stars.
func (r *Reader) quotedHeader(lines []string, least int) (*quoted, bool) {
	if kind, _ := r.label(lines); kind == "" {
		return nil, false
	}
	q := &quoted{}
	seen := map[string]bool{}
	i, loose := 0, 0
	for ; i < len(lines) && i < 30; i++ {
		if strings.TrimSpace(lines[i]) == "" {
			// Some write an empty line between each.
			if next, _ := r.label(lines[i+1:]); next == "" || seen[next] || len(seen) < least && loose > 0 {
				break
			}
			continue
		}
		kind, value := r.label(lines[i:])
		if kind == "" {
			// A long list of recipients goes on.
			if seen["label.to"] && loose < 10 && (strings.Contains(lines[i], "@") || strings.Contains(lines[i], ";")) {
				loose++
				continue
			}
			break
		}
		if seen[kind] && kind != "label.other" {
			break
		}
		seen[kind] = true
		switch kind {
		case "label.from":
			q.from = parseAddress(value)
		case "label.to":
			q.to = value
		case "label.subject":
			q.subject = value
		}
	}
	delete(seen, "label.other")
	if !seen["label.from"] || len(seen) < least {
		return nil, false
	}
	q.lines = lines[i:]
	return q, true
}

// label reads "*From:* value" in any language: its section in the word list
// and the value; "" where the first line is no such line.
func (r *Reader) label(lines []string) (kind, value string) {
	if len(lines) == 0 {
		return "", ""
	}
	line := strings.TrimLeft(lines[0], " \t*|")
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		name, value, ok = strings.Cut(line, "՝")
	}
	if !ok || len(name) > 40 || name == "" {
		return "", ""
	}
	text := normal(name)
	for _, section := range []string{"label.from", "label.to", "label.date", "label.subject", "label.other"} {
		if r.layout.is(text, section) {
			return section, strings.Trim(value, " \t*")
		}
	}
	return "", ""
}

// attribution tells how many lines at the head of lines introduce a quote
// ("On 5 May 2025 at 10:15, Jo Doe <jo@acme.example>\nwrote:"); 0: none.
func (r *Reader) attribution(lines []string) int {
	first := lines[0]
	if len(first) > 300 {
		return 0
	}
	for n := 1; n <= 3 && n <= len(lines); n++ {
		last := strings.TrimRight(lines[n-1], " *")
		if last == "" {
			return 0
		}
		if !strings.HasSuffix(last, ":") && !strings.HasSuffix(last, "։") && !strings.HasSuffix(last, "：") {
			continue
		}
		whole := strings.Join(lines[:n], " ")
		if !strings.ContainsAny(first, "0123456789@") || len(whole) > 400 || !strings.ContainsAny(whole, "0123456789") {
			return 0
		}
		addressed := strings.Contains(whole, "@") && strings.ContainsAny(whole, "<(")
		if addressed && strings.HasSuffix(strings.TrimRight(last, ":։： "), ">") {
			return n
		}
		if r.layout.has(normal(whole), "attribution") && (addressed || quoteFollows(lines[n:]) || dated(whole)) {
			return n
		}
		return 0
	}
	return 0
}

// dated: the line begins as programs begin it, with a date, and not as a
// sentence would.
func dated(line string) bool {
	digits := 0
	for i, c := range line {
		if i > 60 {
			break
		}
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	return digits >= 5
}

func quoteFollows(lines []string) bool {
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			return line[0] == '>'
		}
	}
	return false
}

// attributedTo cuts the address out of an attribution line.
func attributedTo(line string) string {
	end := strings.LastIndexByte(line, '>')
	start := strings.LastIndexByte(line[:max(end, 0)], '<')
	if start < 0 {
		return ""
	}
	name := line[:start]
	if i := strings.LastIndexAny(name, ",;"); i >= 0 {
		name = name[i+1:]
	}
	return strings.Trim(name, " (") + line[start:end+1]
}
