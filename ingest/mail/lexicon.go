package mail

import (
	"bytes"
	_ "embed" // the word lists
	"strings"
	"unicode"
	"unicode/utf8"
)

// The word lists. Their format is told at the head of each file.
var (
	//go:embed words/class.txt
	classWords string
	//go:embed words/layout.txt
	layoutWords string
	//go:embed words/title.txt
	titleWords string
)

// phrase is one line of a word list, as normal writes it: words with a blank
// behind each. A phrase whose last word ended in * has no blank at its end
// and so matches the beginning of a word.
type phrase struct {
	text    string
	section string
	weight  int
}

// lexicon finds phrases in normal text in one pass: phrases are filed under
// their first three bytes, and looked up where a word begins.
type lexicon struct {
	phrases []phrase
	starts  map[[3]byte][]int
	inner   map[string][]string // section -> word parts written *part*, found anywhere within a word
}

// parseLexicon reads a word list. It cannot fail: what is no section and no
// comment is a phrase.
func parseLexicon(list string) *lexicon {
	l := &lexicon{starts: map[[3]byte][]int{}, inner: map[string][]string{}}
	section, weight := "", 1
	twice := map[string]bool{} // a phrase counts once, with the weight given first
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
			continue
		case line[0] == '[':
			section, weight = strings.Trim(line, "[]"), 1
			continue
		case len(line) == 2 && line[0] == '+':
			weight = int(line[1] - '0')
			continue
		case line[0] == '*':
			l.inner[section] = append(l.inner[section], strings.TrimSpace(normal(line)))
			continue
		}
		text := normal(line)
		if strings.HasSuffix(line, "*") {
			text = strings.TrimSuffix(text, " ")
		}
		if len(text) < 3 {
			continue
		}
		if twice[section+"\n"+text] {
			continue
		}
		twice[section+"\n"+text] = true
		key := [3]byte{text[0], text[1], text[2]}
		l.starts[key] = append(l.starts[key], len(l.phrases))
		l.phrases = append(l.phrases, phrase{text, section, weight})
	}
	return l
}

// each calls found once for every phrase that occurs in text, which normal
// has written, in the order of their first occurrence.
func (l *lexicon) each(text string, found func(phrase)) {
	seen := make([]bool, len(l.phrases))
	for i := 0; i+3 <= len(text); {
		for _, n := range l.starts[[3]byte{text[i], text[i+1], text[i+2]}] {
			if !seen[n] && strings.HasPrefix(text[i:], l.phrases[n].text) {
				seen[n] = true
				found(l.phrases[n])
			}
		}
		next := strings.IndexByte(text[i:], ' ')
		if next < 0 {
			return
		}
		i += next + 1
	}
}

// has reports whether a phrase of the section occurs in normal text.
func (l *lexicon) has(text, section string) bool {
	for i := 0; i+3 <= len(text); {
		if l.prefix(text[i:], section) > 0 {
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

// prefix gives the length of the longest phrase of the section that text
// begins with; 0 where there is none.
func (l *lexicon) prefix(text, section string) int {
	if len(text) < 3 {
		return 0
	}
	best := 0
	for _, n := range l.starts[[3]byte{text[0], text[1], text[2]}] {
		p := l.phrases[n]
		if p.section == section && len(p.text) > best && strings.HasPrefix(text, p.text) {
			best = len(p.text)
		}
	}
	return best
}

// may reports whether a phrase can stand at the beginning of a text of which
// only the head is known, as normal writes it.
func (l *lexicon) may(head []byte) bool {
	head = bytes.TrimSuffix(head, []byte(" ")) // maybe cut within a word
	if len(head) < 3 {
		return true
	}
	for _, n := range l.starts[[3]byte{head[0], head[1], head[2]}] {
		if p := l.phrases[n].text; strings.HasPrefix(p, string(head)) || strings.HasPrefix(string(head), p) {
			return true
		}
	}
	return false
}

// is reports whether the whole of normal text is a phrase of the section.
func (l *lexicon) is(text, section string) bool {
	return text != "" && l.prefix(text, section) == len(text)
}

// list gives a section's phrases in the order of the file, without blanks at
// their ends.
func (l *lexicon) list(section string) []string {
	var out []string
	for _, p := range l.phrases {
		if p.section == section {
			out = append(out, strings.TrimSpace(p.text))
		}
	}
	return out
}

// normal writes s in lower case, its words with one blank behind each, and
// nothing else: "On 5 May, Jo's wrote:" becomes "on 5 may jo's wrote ".
func normal(s string) string {
	var short [256]byte // most are lines, and need no more
	return string(appendNormal(short[:0], s))
}

// appendNormal is normal into a slice.
func appendNormal(b []byte, s string) []byte {
	word := false
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c >= 'A' && c <= 'Z':
				b, word = append(b, c+'a'-'A'), true
			case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '\'' && word:
				b, word = append(b, c), true
			case word:
				b, word = append(b, ' '), false
			}
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		switch {
		case r == '’' && word:
			b = append(b, '\'')
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			b, word = utf8.AppendRune(b, unicode.ToLower(r)), true
		case r == '՞' || r == '՛' || r == '՜':
			// Armenian accents stand within the word.
		case word:
			b, word = append(b, ' '), false
		}
	}
	if word {
		b = append(b, ' ')
	}
	return b
}

// words counts the words of normal text.
func words(text string) int { return strings.Count(text, " ") }
