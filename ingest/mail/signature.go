package mail

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"leadd/lead"
)

// maxSignature is how many lines of a signature are read.
const maxSignature = 20

// trim takes from the sender's own lines what is not their words: warnings
// above, the signature, disclaimers and what a device adds. name is the
// sender's display name, to know a signature without a closing formula by.
// It gives the text and the signature's lines.
func (r *Reader) trim(own []string, name string) (text string, signature []string) {
	lines := r.dropNotices(own)
	lines = lines[firstLine(lines):]
	start, skip := len(lines), 0
	for i, line := range lines {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if n, ok := r.signs(lines, i, name); ok {
			start, skip = i, n
			break
		}
	}
	signature = lines[start:]
	kept := append([]string(nil), lines[:start]...)
	kept = append(kept, r.postscripts(signature)...)
	if len(signature) > 0 {
		// What stands behind the closing formula on its line: "lg nina".
		signature = append([]string{strings.Trim(signature[0][skip:], " ,.!-–")}, signature[1:]...)
	}
	return joinLines(kept), signature[:min(len(signature), maxSignature)]
}

// dropNotices leaves out gateways' warnings, what a device adds, and from a
// disclaimer to the end of its paragraph.
func (r *Reader) dropNotices(lines []string) []string {
	out := make([]string, 0, len(lines))
	above := true // nothing of the sender's words has come yet
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" {
			out = append(out, "")
			continue
		}
		paragraph := i == 0 || strings.TrimSpace(lines[i-1]) == ""
		// Most lines begin as no notice does.
		var head [32]byte
		if !r.layout.may(appendNormal(head[:0], cut(line, 20))) {
			above = false
			out = append(out, lines[i])
			continue
		}
		text := normal(cut(line, 200))
		if r.layout.prefix(text, "device") > 0 && words(text) <= 16 {
			continue
		}
		banner := above && (r.layout.is(text, "banner") || words(text) > 3 && r.layout.prefix(text, "banner") > 0)
		if banner || (paragraph || strings.Trim(lines[i-1], "_-*= ") == "") && !above && r.isDisclaimer(text, line) {
			for i+1 < len(lines) && strings.TrimSpace(lines[i+1]) != "" {
				i++
			}
			continue
		}
		above = false
		out = append(out, lines[i])
	}
	return out
}

// isDisclaimer: it begins like one, and is longer than a title or a label.
func (r *Reader) isDisclaimer(text, line string) bool {
	return len(line) > 40 && r.layout.prefix(text, "disclaimer") > 0
}

// signs reports whether the signature begins at line i, and how many bytes of
// that line are the closing formula or rule.
func (r *Reader) signs(lines []string, i int, name string) (int, bool) {
	line := strings.TrimSpace(lines[i])
	rest := lines[i+1:]
	switch line {
	case "--", "-- ", "—", "---", "- --":
		return len(lines[i]), short(rest, maxSignature) || line == "--"
	}
	if len(line) > 90 {
		return 0, false
	}
	text := normal(line)
	if n := r.layout.prefix(text, "closing"); n > 0 && words(text[n:]) <= 4 && !questions(line) {
		if short(rest, 15) {
			return formulaEnd(lines[i], n), true
		}
	}
	if n := r.layout.prefix(text, "thanks"); n > 0 {
		behind := text[n:]
		if words(behind) <= 3 && short(rest, 15) && (r.named(behind, name) || behind == "" && r.nameNext(rest, name)) {
			return formulaEnd(lines[i], n), true
		}
	}
	// The sender's name on a line of its own, or with the title behind it.
	if i > 0 && short(rest, 12) {
		head, _, _ := strings.Cut(line, ",")
		head, _, _ = strings.Cut(head, " | ")
		head, _, _ = strings.Cut(head, " (") // Jo Doe (she/her)
		if (r.named(normal(head), name) || r.extends(head, name)) && !strings.HasSuffix(line, ":") && words(text) <= 10 && !strings.HasSuffix(line, "?") {
			return 0, true
		}
		// Where the header has no name, any name above a few short lines.
		if name == "" && strings.TrimSpace(lines[i-1]) == "" && nonEmpty(rest) < 8 && r.looksLikeName(line) && !strings.HasSuffix(line, ",") {
			return 0, true
		}
	}
	return 0, false
}

func nonEmpty(lines []string) int {
	n := 0
	for _, line := range lines {
		if strings.TrimSpace(line) != "" {
			n++
		}
	}
	return n
}

// formulaEnd finds where in line its first normal bytes of text end, counted
// in words, as normal leaves out what stands between them.
func formulaEnd(line string, n int) int {
	count := words(normal(line)[:n])
	word := false
	for i, c := range line {
		if unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.IsMark(c) || word && (c == '\'' || c == '’') {
			if !word && count == 0 {
				return i
			}
			word = true
		} else if word {
			word = false
			count--
		}
	}
	return len(line)
}

func questions(line string) bool { return strings.HasSuffix(line, "?") }

func firstLine(lines []string) int {
	for i, line := range lines {
		if strings.TrimSpace(line) != "" {
			return i
		}
	}
	return len(lines)
}

// short reports whether lines look like the rest of a signature: few, and no
// long sentences until the first line that ends a paragraph.
func short(lines []string, most int) bool {
	n := 0
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		n++
		if n > most {
			return false
		}
		if n <= 4 && strings.Count(line, " ") >= 9 && !strings.ContainsAny(line, "0123456789@|•·") && utf8.RuneCountInString(line) > 60 {
			lower := strings.ToLower(line)
			return strings.HasPrefix(lower, "p.s") || strings.HasPrefix(lower, "ps") || n > 2
		}
	}
	return true
}

// named reports whether text is nothing but words of the person's name, the
// first of them or more; initials count for the words they begin.
func (r *Reader) named(text, name string) bool {
	name = normal(name)
	if text == "" || name == "" {
		return false
	}
	hit := false
	for w := range strings.FieldsSeq(text) {
		switch {
		case strings.Contains(" "+name, " "+w+" "):
			hit = hit || utf8.RuneCountInString(w) > 1
		case utf8.RuneCountInString(w) == 1 && (strings.Contains(" "+name, " "+w) || hit):
		default:
			return false
		}
	}
	return hit
}

// extends: a name that begins with the one in the header: "Jo Doe" for "Jo".
func (r *Reader) extends(s, name string) bool {
	known := normal(name)
	known = known[r.layout.prefix(known, "honorific"):]
	return known != "" && strings.HasPrefix(normal(s), known) && r.looksLikeName(s)
}

// nameNext: the next line that is not empty is a person's name.
func (r *Reader) nameNext(lines []string, name string) bool {
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			head, _, _ := strings.Cut(line, ",")
			head, _, _ = strings.Cut(head, " | ")
			return r.named(normal(head), name) || r.looksLikeName(strings.Trim(line, ",.-– "))
		}
	}
	return false
}

// postscripts gives the paragraphs of a signature that are a postscript.
func (r *Reader) postscripts(signature []string) []string {
	var out []string
	in := false
	for _, line := range signature {
		text := strings.TrimSpace(line)
		switch {
		case text == "":
			in = false
		case !in && len(text) > 8 && r.layout.prefix(normal(cut(text, 40)), "postscript") > 0 && text[0] != '-':
			in = true
			out = append(out, "")
		}
		if in {
			out = append(out, line)
		}
	}
	return out
}

// joinLines joins lines to text: no empty lines at the ends, none twice.
func joinLines(lines []string) string {
	var b strings.Builder
	size := 0
	for _, line := range lines {
		size += len(line) + 1
	}
	b.Grow(size)
	blank := false
	for _, line := range lines {
		if strings.TrimSpace(line) == "" {
			blank = b.Len() > 0
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		if blank {
			b.WriteByte('\n')
			blank = false
		}
		b.WriteString(line)
	}
	return b.String()
}

// sender is what a signature says about who wrote a mail.
type sender struct {
	lead.Person
	company string
}

// readSignature reads name, title, company and phone number off a signature's
// lines. known is the name in the mail's header; domain their company's, by
// which its name is known.
func (r *Reader) readSignature(lines []string, known, domain string, place region) sender {
	var s sender
	titled := -1 // the line with the title
	for i, line := range lines {
		line = strings.Trim(line, " \t*_|")
		if line == "" || r.layout.prefix(normal(cut(line, 40)), "postscript") > 0 {
			continue
		}
		if len(line) > 160 {
			break
		}
		for j, seg := range segments(line) {
			if j == 0 {
				if n := r.layout.prefix(normal(seg), "proxy"); n > 0 {
					seg = strings.TrimSpace(seg[formulaEnd(seg, n):]) // i. A. Jo Doe
				}
				if head, _, ok := strings.Cut(seg, " ("); ok && r.named(normal(head), known) {
					seg = head
				}
			}
			switch {
			case strings.ContainsAny(seg, "@") && strings.Contains(seg, ".") && !strings.Contains(seg, " @ "), strings.Contains(seg, "://"), strings.HasPrefix(seg, "www."):
			case digits(seg) >= 7:
				if s.Phone == "" && !isFax(seg) {
					s.Phone = r.phone(seg, place)
				}
			case s.Name == "" && s.Title == "" && (r.named(normal(seg), known) || r.looksLikeName(seg)):
				s.Name = strings.TrimSpace(seg)
			case s.Title == "" && digits(seg) == 0 && r.isTitle(seg, j == 0 && s.Name != ""):
				s.Title, s.company = r.titleAndCompany(seg, s.company)
				titled = i
			case titled == i && s.company == "" && words(normal(seg)) <= 4 && r.titles.prefix(normal(seg), "department") > 0:
				s.Title += ", " + seg // VP, Operations
			case s.company == "" && r.isCompany(seg, domain, titled == i || titled >= 0 && titled == i-1 && j == 0):
				s.company = seg
			}
		}
	}
	return s
}

// titleAndCompany parts a title from the company that stands behind it with
// its legal form first: технический директор ООО "Волга". company is the one
// known so far.
func (r *Reader) titleAndCompany(seg, company string) (string, string) {
	if seg == "" || seg[0] < utf8.RuneSelf {
		return seg, company // only in Cyrillic letters does the form come first
	}
	fields := strings.Fields(seg)
	for i := 1; i+1 < len(fields); i++ {
		if r.layout.is(normal(fields[i]), "company.head") {
			if company == "" {
				company = strings.Join(fields[i:], " ")
			}
			return strings.Join(fields[:i], " "), company
		}
	}
	return seg, company
}

// segments parts a signature's line: "Rota Manager, Strathmore Care | 020 7946 0733".
func segments(line string) []string {
	for _, sep := range []string{" | ", " · ", " • ", " – ", " — ", " / ", "\t", " @ ", " - ", ", "} {
		if strings.Contains(line, sep) {
			var out []string
			for seg := range strings.SplitSeq(line, sep) {
				out = append(out, segments(seg)...)
			}
			// "Director, Sales and Marketing" and phone numbers such as
			// "+49 30 / 1234" come apart here; that is the price.
			return out
		}
	}
	for _, at := range []string{" at ", " bei ", " chez "} {
		if head, tail, ok := strings.Cut(line, at); ok && len(strings.Fields(line)) <= 8 {
			return []string{strings.TrimSpace(head), strings.TrimSpace(tail)}
		}
	}
	if line = strings.Trim(line, " ,;"); line != "" {
		return []string{line}
	}
	return nil
}

func digits(s string) int {
	n := 0
	for _, c := range s {
		if unicode.IsDigit(c) {
			n++
		}
	}
	return n
}

func isFax(s string) bool {
	return strings.Contains(strings.ToLower(s), "fax") || strings.Contains(s, "факс")
}

// looksLikeName: two to four words written as names are, or one.
func (r *Reader) looksLikeName(s string) bool {
	fields := strings.Fields(s)
	if len(fields) == 0 || len(fields) > 4 || len(s) > 80 {
		return false
	}
	for i, w := range fields {
		first, _ := utf8.DecodeRuneInString(w)
		if strings.ContainsFunc(w, func(c rune) bool {
			return !unicode.IsLetter(c) && !unicode.IsMark(c) && !strings.ContainsRune(".-'’", c)
		}) {
			return false
		}
		if !unicode.IsUpper(first) && !unicode.Is(unicode.Lo, first) && (i == 0 || len(w) > 4) {
			return false
		}
		if len(fields) > 1 && len(w) > 4 && strings.ToUpper(w) == w && strings.ToLower(w) == w {
			return false
		}
	}
	text := normal(s)
	return !r.hasTitle(text) && !r.titles.is(text, "department") && !r.layout.has(text, "role") &&
		!r.layout.has(text, "company") && r.layout.prefix(text, "closing") == 0 && r.layout.prefix(text, "thanks") == 0
}

// isTitle: a few words with one that titles have; the line below the name may
// also be a department.
func (r *Reader) isTitle(s string, belowName bool) bool {
	text := normal(s)
	if n := words(text); n == 0 || n > 8 || len(s) > 90 {
		return false
	}
	return r.hasTitle(text) || belowName && r.titles.is(text, "department")
}

func (r *Reader) hasTitle(text string) bool {
	if r.titles.has(text, "title") {
		return true
	}
	for _, part := range r.titles.inner["title"] {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// isCompany: it has a legal form, is spelt like the sender's domain, or
// stands where a company's name does: behind the title.
func (r *Reader) isCompany(s, domain string, behindTitle bool) bool {
	text := normal(s)
	if n := words(text); n == 0 || n > 8 || digits(s) > 2 || len(s) > 90 {
		return false
	}
	if label, _, ok := strings.Cut(domain, "."); ok && len(label) > 3 {
		if joined := letters(text); len(joined) > 3 && (strings.Contains(label, joined) || strings.Contains(joined, letters(label))) {
			return true
		}
	}
	first, _ := utf8.DecodeRuneInString(s)
	if !unicode.IsUpper(first) && !unicode.Is(unicode.Lo, first) && first != '«' && first != '"' && first != '„' {
		return false
	}
	// The legal form stands at the end, in Russian and Armenian at the head.
	return r.layout.prefix(text, "company") > 0 && words(text) > 1 || r.endsIn(text, "company") || behindTitle
}

func (r *Reader) endsIn(text, section string) bool {
	for i := 0; i < len(text); {
		if i > 0 && r.layout.is(text[i:], section) {
			return true
		}
		next := strings.IndexByte(text[i:], ' ')
		if next < 0 {
			return false
		}
		i += next + 1
	}
	return false
}

// letters leaves only the letters a-z of s, as a domain's name would.
func letters(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, s)
}

// saidTitle finds the title in the sender's own words: "I am the managing
// director of a bakery", "assistant manager at a cafe here".
func (r *Reader) saidTitle(text string) string {
	text = cut(text, 2000)
	for clause := range strings.FieldsFuncSeq(text, func(c rune) bool { return strings.ContainsRune(",.!?;:()\n։", c) }) {
		fields := strings.Fields(clause)
		for at := 0; at < len(fields) && at < 6; at++ {
			rest := normal(strings.Join(fields[at:min(len(fields), at+10)], " "))
			n := r.titles.prefix(rest, "intro")
			if n == 0 {
				if at == 0 && r.titles.prefix(rest, "title") > 0 {
					if title := r.titleAt(fields, true); title != "" {
						return title
					}
				}
				continue
			}
			if title := r.titleAt(fields[at+words(rest[:n]):], false); title != "" {
				return title
			}
		}
	}
	return ""
}

// titleAt gives the title that fields begin with: up to four words until one
// that ends it. bare: nothing introduces it, so "at" must follow.
func (r *Reader) titleAt(fields []string, bare bool) string {
	n := 0
	for n < len(fields) && n < 5 && !r.titles.is(normal(fields[n]), "end") {
		n++
	}
	if n == 0 || n > 4 || bare && (n == len(fields) || !strings.EqualFold(fields[n], "at")) {
		return ""
	}
	title := strings.Join(fields[:n], " ")
	last := normal(fields[n-1])
	if n == len(fields) && n > 3 || !r.hasTitle(normal(title)) || !r.hasTitle(last) {
		return ""
	}
	return title
}
