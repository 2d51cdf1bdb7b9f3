package ingest

import (
	_ "embed" // the names below
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

//go:embed data/fields.txt
var fieldNamesText string

// keySecret marks fields that must not be kept.
const keySecret = "secret"

const (
	maxKey   = 64  // bytes of a key made of a name that is not known
	maxLabel = 256 // bytes of a name that are looked at
	maxWords = 12  // words of a name that is compared as a whole
)

// fieldNames knows what form fields are called. data/fields.txt says how it
// reads.
type fieldNames struct {
	exact    map[string]string // squashed name -> key
	phrases  []phrase          // in the order of the file
	wrappers map[string]bool
	trailers map[string]bool
	memory   memory
}

type phrase struct {
	words string // " your budget ", or "予算", which may have others before and behind it
	key   string
}

func asPhrase(words []string) string {
	s := strings.Join(words, " ")
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) }) {
		return s
	}
	return " " + s + " "
}

var knownNames = sync.OnceValue(func() *fieldNames { return readFieldNames(fieldNamesText) })

func readFieldNames(text string) *fieldNames {
	n := &fieldNames{exact: map[string]string{}, wrappers: map[string]bool{}, trailers: map[string]bool{}}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		key, names, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		for name := range strings.SplitSeq(names, ",") {
			name = strings.TrimSpace(name)
			words := splitWords(name)
			switch {
			case len(words) == 0:
			case key == "wrapper":
				n.wrappers[words[0]] = true
			case key == "trailer":
				n.trailers[words[0]] = true
			case name[0] == '~':
				n.phrases = append(n.phrases, phrase{asPhrase(words), key})
			default:
				if _, known := n.exact[strings.Join(words, "")]; !known {
					n.exact[strings.Join(words, "")] = key
				}
			}
		}
	}
	return n
}

// how says what a key was found by.
type how int

const (
	unknown  how = iota // the key is the name in snake case
	byName              // a whole name
	byPhrase            // words in a longer label
)

// key tells what a field's name means.
func (n *fieldNames) key(name string) (string, how) {
	var buf [48]byte
	if squashed, ok := squashASCII(buf[:0], name); ok {
		if key, ok := n.exact[string(squashed)]; ok {
			return key, byName
		}
	}
	if m, ok := n.memory.recall(name); ok {
		return m.key, m.how
	}
	key, how := n.keyOfWords(splitWords(name))
	n.memory.keep(name, meaning{key, how})
	return key, how
}

// keyOfWords looks for known names and phrases in a name of several words.
func (n *fieldNames) keyOfWords(words []string) (string, how) {
	for first := 0; first < len(words) && len(words) <= maxWords; first++ {
		for end := len(words); end > first; end-- {
			if key, ok := n.exact[strings.Join(words[first:end], "")]; ok {
				return key, byName
			}
			if !n.trailers[words[end-1]] && !isNumbering(words[end-1]) {
				break
			}
		}
		if !n.wrappers[words[first]] && !isNumbering(words[first]) {
			break
		}
	}
	label := strings.Join(words, " ")
	for _, p := range n.phrases {
		if strings.Contains(" "+label+" ", p.words) {
			return p.key, byPhrase
		}
	}
	return cleanText(strings.Join(words, "_"), maxKey), unknown
}

// memory remembers what names have been found to mean: a form sends the same
// ones with every post, and those that are not known by themselves take long.
type memory struct {
	mu    sync.RWMutex
	known map[string]meaning
}

type meaning struct {
	key string
	how how
}

// maxMemory is how many names are remembered before all are forgotten.
const maxMemory = 1000

func (m *memory) recall(name string) (meaning, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	found, ok := m.known[name]
	return found, ok
}

func (m *memory) keep(name string, what meaning) {
	if len(name) > maxLabel {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.known) >= maxMemory {
		m.known = nil
	}
	if m.known == nil {
		m.known = map[string]meaning{}
	}
	m.known[strings.Clone(name)] = what
}

// squashASCII appends the letters and digits of a short ASCII name to buf, in
// lower case; false where the name is not of that sort.
func squashASCII(buf []byte, name string) ([]byte, bool) {
	if len(name) > cap(buf) {
		return nil, false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			buf = append(buf, c)
		case c >= 'A' && c <= 'Z':
			buf = append(buf, c+'a'-'A')
		case c >= 0x80:
			return nil, false
		}
	}
	return buf, true
}

// isNumbering reports words like "3", "q3" and "ef7b", which form builders put
// before or behind a name.
func isNumbering(word string) bool {
	if isDigits(strings.TrimPrefix(word, "q")) {
		return true
	}
	return len(word) == 4 && strings.ContainsAny(word, "0123456789") && strings.Trim(word, "0123456789abcdef") == ""
}

// splitWords parts a name into words in lower case: at blanks, punctuation,
// and where camelCase goes up. Accents on Latin letters are taken off, and
// "ß" and "ё" read as "ss" and "е", as people leave them out.
func splitWords(name string) []string {
	name = cleanText(name, maxLabel)
	var words []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			words = append(words, norm.NFC.String(word.String()))
			word.Reset()
		}
	}
	var before rune // the letter or digit before, 0: none
	for _, r := range norm.NFD.String(name) {
		switch {
		case unicode.Is(unicode.Mn, r):
			if before >= 0x250 {
				word.WriteRune(r)
			}
			continue
		case r == 'ß':
			word.WriteString("ss")
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if unicode.IsUpper(r) && unicode.IsLower(before) {
				flush()
			}
			word.WriteRune(unicode.ToLower(r))
		default:
			flush()
			before = 0
			continue
		}
		before = r
	}
	flush()
	for i, w := range words {
		if strings.Contains(w, "ё") {
			words[i] = strings.ReplaceAll(w, "ё", "е")
		}
	}
	return words
}
