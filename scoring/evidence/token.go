package evidence

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Breaks before a token, from none to the end of a sentence.
type gap uint8

const (
	gapNone gap = iota // stands directly behind the last token
	gapWord            // a space or a hyphen
	gapClause
	gapSentence
)

type tokenKind uint8

const (
	wordToken tokenKind = iota
	numberToken
	otherToken // an address, a link: nothing to read
)

// token is a word, a number or a sign. Its letters are text[start:end]. There
// are many: it is kept small.
type token struct {
	value      float64    // of a number
	know       *knowledge // what the lexicons know of it
	start, end int32
	kinds      uint32 // as know.kinds
	kind       tokenKind
	before     gap
	digits     int8 // of a number: before its first mark; 0 where a word
	plain      bool // of a number: digits only
}

// sentence is a run of tokens. A line of a list, or a label with its value, is
// one too.
type sentence struct {
	lo, hi   int32 // tokens
	clauses  int32
	question bool
	bullet   bool
}

// maxSentence is how many tokens a sentence may have; what is longer is cut.
// Judging takes time in the square of a sentence, so this bounds it.
const maxSentence = 120

// page is one text cut into tokens and sentences, and what was found in them.
// It is kept between texts for its memory.
type page struct {
	text      string
	tokens    []token
	figures   []int32 // the tokens that are numbers, in figures or words, or currencies
	several   map[several]*knowledge
	sentences []sentence
	matches   []match
	money     []money
	moneyAt   []int32 // by token: index into money + 1 where an amount begins
	dates     []numericDate
	dateAt    []int32 // by token: index into dates + 1 where a numeric date begins
	finder    finder
	features  map[string]bool // requirements that the contact has named
}

func (p *page) reset(text string) {
	p.text = text
	p.tokens = p.tokens[:0]
	p.figures = p.figures[:0]
	p.sentences = p.sentences[:0]
	p.matches = p.matches[:0]
	p.money = p.money[:0]
	p.dates = p.dates[:0]
}

// has reports whether a token is in a list.
func (t *token) has(list int32) bool { return t.kinds>>list&1 != 0 }

// value gives a token's value in a list.
func (p *page) value(i, list int32) (int32, bool) {
	if t := &p.tokens[i]; t.has(list) {
		return t.know.value(list), true
	}
	return 0, false
}

// learn gives a token what the lexicons of langs know of its word.
func (p *page) learn(t *token, known []knowledge, langs uint32) {
	for i := range known {
		k := &known[i]
		if langs>>k.lang&1 != 0 {
			if t.know != &nothing {
				t.know = p.together(known, langs)
				t.kinds = t.know.kinds
				return
			}
			t.know, t.kinds = k, k.kinds
		}
		if !k.more {
			return
		}
	}
}

// several is a word that several lexicons know, by the first of what they know,
// and the lexicons asked.
type several struct {
	first *knowledge
	langs uint32
}

// together is what the lexicons of langs know of a word. It is kept for the
// next time.
func (p *page) together(known []knowledge, langs uint32) *knowledge {
	key := several{&known[0], langs}
	if k := p.several[key]; k != nil {
		return k
	}
	all := &knowledge{lists: &[]int32{}}
	for i := range known {
		if k := &known[i]; langs>>k.lang&1 != 0 {
			all.syms = slices.Concat(all.syms, k.syms)
			all.rare = slices.Concat(all.rare, k.rare)
			all.kinds |= k.kinds
			if k.lists != nil {
				*all.lists = append(*all.lists, *k.lists...)
			}
		}
		if !known[i].more {
			break
		}
	}
	all.syms = slices.Clip(padded(all.syms, 0))[:len(all.syms)]
	const enough = 4096 // of the lexicons' some thousand words, for one language or two
	if p.several == nil || len(p.several) >= enough {
		p.several = map[several]*knowledge{}
	}
	p.several[key] = all
	return all
}

// nothing is what is known of a word in no lexicon.
var nothing knowledge

// tokenize cuts the text in one pass, looking every word up on the way in the
// lexicons of langs, a bit for each.
func (g *grammar) tokenize(p *page, text string, langs uint32) {
	p.reset(text)
	c := cutter{g: g, p: p, text: text, langs: langs, pending: gapSentence}
	c.run()
}

type cutter struct {
	g       *grammar
	p       *page
	text    string
	langs   uint32
	pending gap // break before the next token
	open    int // first token of the open sentence
	clauses int32
	bullet  bool
	line    int // where the line began
}

func (c *cutter) run() {
	text, first := c.text, &c.g.fold.first
	for i := 0; i < len(text); {
		b := text[i]
		switch {
		case b < utf8.RuneSelf && first[b] != 0:
			i = c.token(i, first[b], 1)
			if i < len(text) && text[i] == ' ' {
				c.mark(gapWord)
				i++
			}
		case b == ' ' || b == '\t' || b == '\r' || b == '-' || b == '_':
			if b == '-' && (i == c.line || (i+1 < len(text) && text[i+1] == ' ')) {
				c.mark(gapClause)
			}
			c.mark(gapWord)
			i++
		case b == '\n':
			i = c.newline(i)
		case b < utf8.RuneSelf:
			i = c.punctuation(i)
		default:
			r, size := utf8.DecodeRuneInString(text[i:])
			if code, _ := c.g.fold.rune(r); code != 0 {
				i = c.token(i, code, size)
			} else {
				c.foreign(r)
				i += size
			}
		}
	}
	c.end(false)
}

func (c *cutter) mark(g gap) {
	if g > c.pending {
		c.pending = g
	}
}

// foreign takes a mark beyond ASCII.
func (c *cutter) foreign(r rune) {
	switch r {
	case '։', '…', '。':
		c.end(false)
	case '՞':
		c.mark(gapWord)
	case '՝', '–', '—', '«', '»', '“', '”', '„', '•', '·', '¿', '¡':
		c.mark(gapClause)
	case '\u00a0', '\u202f', '\u2009':
		c.mark(gapWord)
	default:
		c.mark(gapWord)
	}
}

func (c *cutter) punctuation(i int) int {
	text := c.text
	switch text[i] {
	case '!':
		c.end(false)
	case '?':
		c.end(true)
	case '.':
		next := i + 1
		for next < len(text) && text[next] == '.' {
			next++
		}
		if next == len(text) || text[next] == ' ' || text[next] == '\n' || text[next] == '\r' || text[next] == ')' || text[next] == '"' || text[next] == '\xc2' {
			if !c.abbreviated(next) {
				c.end(false)
			}
		}
		c.mark(gapWord)
		return next
	case ',', ';', ':', '(', ')', '"', '|', '[', ']', '*', '+':
		c.mark(gapClause)
	default:
		c.mark(gapWord)
	}
	return i + 1
}

// abbreviated reports whether the full stop before text[next] belongs to the
// last token ("ca.", "1. September") and ends no sentence.
func (c *cutter) abbreviated(next int) bool {
	if len(c.p.tokens) <= c.open {
		return true
	}
	t := &c.p.tokens[len(c.p.tokens)-1]
	for next < len(c.text) && c.text[next] == ' ' {
		next++
	}
	if next < len(c.text) && (c.text[next] == '\n' || c.text[next] == '\r') {
		return false
	}
	if t.kind == numberToken {
		// An ordinal ("1. September"), or a date's last mark ("zum 30.06. fertig").
		if r, _ := utf8.DecodeRuneInString(c.text[next:]); unicode.IsLower(r) {
			return t.digits <= 2
		}
		_, known := c.g.word(c.text, next)
		after := token{know: &nothing}
		c.p.learn(&after, known, c.langs)
		return t.digits <= 2 && (after.has(symMonth) || after.has(symUnit))
	}
	if t.has(symAbbreviation) {
		return true
	}
	return t.end-t.start == 1 && c.text[t.start] != 'I'
}

// newline decides whether a line's end is a sentence's: it is, unless the line
// was long enough to be wrapped and the next one goes on.
func (c *cutter) newline(i int) int {
	length := i - c.line
	i++
	c.line = i
	j := i
	for j < len(c.text) && (c.text[j] == ' ' || c.text[j] == '\t' || c.text[j] == '\r') {
		j++
	}
	bullet := bulletLen(c.text[j:])
	if bullet > 0 || j >= len(c.text) || c.text[j] == '\n' || length < 48 || strings.Contains(c.text[i-1-length:i-1], "   ") {
		c.end(false)
	}
	if bullet > 0 {
		c.bullet = true
		return j + bullet
	}
	c.mark(gapWord)
	return j
}

// bulletLen is the length of a list's mark at the start of a line, 0 where
// there is none.
func bulletLen(s string) int {
	if s == "" || s[0] >= 'A' && s[0] <= 'Z' || s[0] > 'o' && s[0] <= 'z' {
		return 0
	}
	for _, b := range [...]string{"- ", "* ", "• ", "– ", "— ", "· ", "-\t", "+ ", "•\t", "o\t"} {
		if strings.HasPrefix(s, b) {
			return len(b)
		}
	}
	n := 0
	for n < len(s) && n < 2 && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n == 0 && len(s) > 0 && s[0] >= 'a' && s[0] <= 'h' {
		n = 1
		if len(s) > 1 && s[1] == '.' {
			return 0
		}
	}
	if n > 0 && len(s) > n+1 && (s[n] == '.' || s[n] == ')') && s[n+1] == ' ' {
		return n + 2
	}
	return 0
}

// end closes the open sentence.
func (c *cutter) end(question bool) {
	if len(c.p.tokens) > c.open {
		c.p.sentences = append(c.p.sentences, sentence{lo: int32(c.open), hi: int32(len(c.p.tokens)), clauses: c.clauses, question: question, bullet: c.bullet})
		c.open = len(c.p.tokens)
		c.bullet, c.clauses = false, 0
	}
	c.pending = gapSentence
}

// token takes the word, number or sign at i, whose first letter has the code
// first, and returns where it ends.
func (c *cutter) token(i int, first byte, size int) int {
	text, g, p := c.text, c.g, c.p
	start := i
	p.tokens = append(p.tokens, token{start: int32(start), before: c.pending, know: &nothing})
	t := &p.tokens[len(p.tokens)-1]
	if c.pending >= gapClause {
		c.clauses++
	}
	c.pending = gapNone
	switch {
	case isDigit(first):
		i = number(text, i, t)
	case isSign(first):
		i += size
		var k wordWalk
		g.words.step(&k, first)
		p.learn(t, g.words.known[g.words.end(k):], c.langs)
	default:
		var known []knowledge
		i, known = g.word(text, i)
		if t.before != gapNone || start == 0 {
			if n := linkLen(text[start:], i-start); n > 0 {
				i = start + n
				t.kind = otherToken
				break
			}
		}
		p.learn(t, known, c.langs)
	}
	if t.kind == numberToken || t.kinds&(1<<symNumberWord|1<<symCurrency) != 0 {
		p.figures = append(p.figures, int32(len(p.tokens)-1))
	}
	t.end = int32(i)
	if len(p.tokens)-c.open >= maxSentence {
		c.end(false)
	}
	return i
}

// word finds where the word at i ends, and what any lexicon knows of it. An
// apostrophe joins ("don't") unless it is a Romance elision ("l'offre").
func (g *grammar) word(text string, i int) (end int, known []knowledge) {
	f, w := g.fold, g.words
	if n, key := shortWord(text, i); key != 0 {
		if c := w.short.cell(key); c.key != 0 {
			return i + n, w.known[c.known:]
		}
	}
	var k wordWalk
	start := i
	for i < len(text) {
		b := text[i]
		if b < utf8.RuneSelf && b != '\'' {
			code := f.first[b]
			if code-codeLatin >= codeDigit-codeLatin {
				break
			}
			w.step(&k, code)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == '\'' || r == '’' || r == 'ʼ' {
			if elided(text[start:i]) || i+size >= len(text) {
				break
			}
			n, _ := utf8.DecodeRuneInString(text[i+size:])
			if c, _ := f.rune(n); c == 0 || isDigit(c) || isSign(c) {
				break
			}
			i += size
			continue
		}
		first, second := f.rune(r)
		if first == 0 || isDigit(first) || isSign(first) {
			if !joins(r) {
				break
			}
			i += size
			continue
		}
		w.step(&k, first)
		if second != 0 {
			w.step(&k, second)
		}
		i += size
	}
	return i, w.known[w.end(k):]
}

func elided(s string) bool {
	switch len(s) {
	case 1:
		switch s[0] | 0x20 {
		case 'd', 'l', 'j', 'n', 's', 'm', 't', 'c':
			return true
		}
	case 2:
		return strings.EqualFold(s, "qu")
	case 5, 6, 7:
		return strings.EqualFold(s, "jusqu") || strings.EqualFold(s, "lorsqu") || strings.EqualFold(s, "puisqu") || strings.EqualFold(s, "quelqu")
	}
	return false
}

// maxLink bounds how far a link's end is looked for.
const maxLink = 400

// linkLen is the length of the mail address or link that begins with a word of
// n bytes, 0 where there is none.
func linkLen(s string, n int) int {
	if n >= len(s) || s[n] == ' ' {
		return 0
	}
	return linkEnd(s, n)
}

func linkEnd(s string, n int) int {
	switch s[n] {
	case '@', ':', '.', '-', '_', '+':
	default:
		return 0
	}
	if n+1 < len(s) && (s[n+1] == ' ' || s[n+1] == '\n') && s[n] != '@' && s[0] != 'w' && s[0] != 'm' {
		return 0 // a sentence's end
	}
	s = s[:min(len(s), maxLink)]
	end := strings.IndexAny(s, " \t\r\n<>,;\"()")
	if end < 0 {
		end = len(s)
	}
	run := s[:end]
	if strings.Contains(run, "://") || strings.HasPrefix(run, "www.") || strings.HasPrefix(run, "mailto:") ||
		(strings.IndexByte(run, '@') > 0 && strings.IndexByte(run, '.') > 0) {
		return end
	}
	return 0
}

// number reads digits with marks inside ("1.200,50", "01.09.2025"); a value is
// given for amounts, not for dates.
func number(text string, i int, t *token) int {
	t.kind = numberToken
	start, v := i, 0
	for i < len(text) && text[i] >= '0' && text[i] <= '9' {
		v = v*10 + int(text[i]-'0')
		i++
	}
	t.digits = int8(min(i-start, 100))
	end := numberEnd(text, i)
	t.plain = end == i
	if t.plain && i-start <= maxDigits {
		t.value = float64(v)
	} else {
		t.value = parseNumber(text[start:end])
	}
	return end
}

// maxDigits is how many digits a float64 holds exactly.
const maxDigits = 15

// numberEnd is where the digits at i end, with the marks inside.
func numberEnd(text string, i int) int {
	for i < len(text) {
		b := text[i]
		if (b < '0' || b > '9') && (b != '.' && b != ',' && b != '\'' || i+1 >= len(text) || text[i+1] < '0' || text[i+1] > '9') {
			break
		}
		i++
	}
	return i
}
