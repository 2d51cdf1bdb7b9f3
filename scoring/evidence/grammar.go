package evidence

// Value symbols: what a word or number is, rather than which. The first ones
// come from the lexicons' lists of the same name, the rest from the number
// itself.
const (
	symMonth int32 = iota + 1
	symWeekday
	symUnit
	symNumberWord
	symOrdinal
	symCurrency
	symMultiplier
	symRange
	symAbbreviation
	symNegation
	symLanguageFirst // one for each language
	symLanguageLast  = symLanguageFirst + 15
	symN             = symLanguageLast + 1 // a number or a number's word
	symDay           = symN + 1            // 1 to 31
	symYear          = symN + 2            // 2000 to 2099
	symMoney         = symN + 3            // an amount with a currency
	symPercent       = symN + 4            // a percentage
	symDate          = symN + 5            // a date in figures
	symFree          = symN + 6            // the first of the words and lists
)

// grammar is all lexicons, compiled: the words, and the patterns as a tree in
// which patterns that begin alike share their beginnings.
type grammar struct {
	fold      *fold
	words     []*words // by lexicon
	nodes     []node
	roots     []int32  // by symbol: node that a pattern beginning with it leads to
	values    []string // of patterns, by index
	languages int
	always    uint32 // bits of the lexicons read in any text: of no language, or of a script of their own
}

type node struct {
	kids   []edge // sorted by symbol
	gap    [3]gapEdge
	accept []accept
	mask   uint64 // of the kids' symbols
	values bool   // some kid is a value symbol computed from the number
}

type gapEdge struct {
	to    int32 // 0: none
	width int32
}

type edge struct {
	sym int32
	to  int32
}

// accept is the end of a pattern.
type accept struct {
	section  section
	value    int32 // index into grammar.values
	negative bool  // the pattern has a negation of its own
}

// captures are the values that a pattern met on its way.
type captures struct {
	n, unit, month, weekday, day, year int32
	date                               int32 // index into page.dates + 1
	hasN                               bool
}

// match is a pattern found: tokens lo to hi of sentence s.
type match struct {
	accept
	lo, hi int32
	s      int32
	caps   captures
}

// maskOf is a symbol's bit in the masks that rule out most tokens at once.
func maskOf(sym int32) uint64 { return 1 << (uint32(sym) & 63) }

func (n *node) kid(sym int32) int32 {
	kids := n.kids
	if len(kids) > 8 {
		lo, hi := 0, len(kids)
		for lo < hi {
			mid := int(uint(lo+hi) >> 1)
			if kids[mid].sym < sym {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		if lo < len(kids) && kids[lo].sym == sym {
			return kids[lo].to
		}
		return 0
	}
	for i := range kids {
		if kids[i].sym == sym {
			return kids[i].to
		}
	}
	return 0
}

// has reports whether a token has a symbol.
func (g *grammar) has(p *page, t *token, sym int32) bool {
	for _, sv := range p.syms[t.symLo:t.symHi] {
		if sv.sym == sym {
			return true
		}
	}
	return false
}

// value gives a token's value for a symbol.
func (p *page) value(i, sym int32) (int32, bool) {
	t := &p.tokens[i]
	for _, sv := range p.syms[t.symLo:t.symHi] {
		if sv.sym == sym {
			return sv.value, true
		}
	}
	return 0, false
}

// find matches every pattern at every token.
func (g *grammar) find(p *page) {
	for s := range p.sentences {
		sen := &p.sentences[s]
		p.present(sen, len(g.roots))
		w := walker{g: g, p: p, s: int32(s), limit: sen.hi}
		for i := sen.lo; i < sen.hi; i++ {
			w.first = i
			w.caps = captures{}
			w.from(0, i)
		}
	}
}

type walker struct {
	g     *grammar
	p     *page
	s     int32
	limit int32
	first int32
	caps  captures // of the path walked so far
}

// from goes on at a node with token i next.
func (w *walker) from(at, i int32) {
	n := &w.g.nodes[at]
	t := &w.p.tokens[i]
	for _, sv := range w.p.syms[t.symLo:t.symHi] {
		var to int32
		switch {
		case at == 0:
			to = w.g.roots[sv.sym]
		case n.mask&maskOf(sv.sym) != 0:
			to = n.kid(sv.sym)
		}
		if to == 0 {
			continue
		}
		if sv.sym > symUnit {
			w.at(to, i+1)
			continue
		}
		before := w.caps
		switch sv.sym {
		case symMonth:
			w.caps.month = sv.value
		case symWeekday:
			w.caps.weekday = sv.value
		case symUnit:
			w.caps.unit = sv.value
		}
		w.at(to, i+1)
		w.caps = before
	}
	if n.values && (t.kind == numberToken || t.mask&maskOf(symNumberWord) != 0 || w.p.moneyAt[i] != 0) {
		before := w.caps
		w.valued(n, i)
		w.caps = before
	}
}

// valued tries the symbols that lie in a number's value.
func (w *walker) valued(n *node, i int32) {
	p := w.p
	before := w.caps
	t := &p.tokens[i]
	next := i + 1
	if v, ok := p.value(i, symNumberWord); ok && t.kind != numberToken {
		if to := n.kid(symN); to != 0 {
			w.caps.n, w.caps.hasN = v, true
			w.at(to, next)
			w.caps = before
		}
	}
	if t.kind == numberToken {
		// "3rd", "20-ին"
		if next < w.limit && p.tokens[next].before <= gapWord {
			if _, ok := p.value(next, symOrdinal); ok {
				next++
			}
		}
		v := int32(min(t.value, 1e6))
		whole := t.plain && t.value < 100000
		if to := n.kid(symN); to != 0 && (whole || t.value < 100) {
			w.caps.n, w.caps.hasN = v, true
			w.at(to, next)
			w.caps = before
		}
		if to := n.kid(symDay); to != 0 && whole && v >= 1 && v <= 31 && t.digits <= 2 {
			w.caps.day = v
			w.at(to, next)
			w.caps = before
		}
		if to := n.kid(symYear); to != 0 && whole && v >= 2000 && v < 2100 {
			w.caps.year = v
			w.at(to, i+1)
			w.caps = before
		}
		if to := n.kid(symPercent); to != 0 && i+1 < w.limit {
			if v, ok := p.value(i+1, symCurrency); ok && v == currencyPercent {
				w.at(to, i+2)
			}
		}
		if d := p.dateAt[i]; d != 0 {
			if to := n.kid(symDate); to != 0 && p.dates[d-1].hi <= w.limit {
				w.caps.date = d
				w.at(to, p.dates[d-1].hi)
				w.caps = before
			}
		}
	}
	if m := p.moneyAt[i]; m != 0 {
		if to := n.kid(symMoney); to != 0 {
			w.at(to, p.money[m-1].hi)
		}
	}
}

// ahead reports whether the sentence has any word that can follow a node's
// gap: most have none, which spares looking at every word.
func (w *walker) ahead(n *node) bool {
	if n.values {
		return true
	}
	for _, e := range n.kids {
		if w.p.bits[e.sym>>6]>>(uint32(e.sym)&63)&1 != 0 {
			return true
		}
	}
	return false
}

// at arrives at a node with token i next: notes the patterns that end here and
// goes on, with and without words between.
func (w *walker) at(to, i int32) {
	n := &w.g.nodes[to]
	for _, a := range n.accept {
		w.p.matches = append(w.p.matches, match{accept: a, lo: w.first, hi: i, s: w.s, caps: w.caps})
	}
	if i < w.limit && (n.mask&w.p.tokens[i].mask != 0 || n.values) {
		w.from(to, i)
	}
	for _, gap := range n.gap {
		if gap.to == 0 || !w.ahead(&w.g.nodes[gap.to]) {
			continue
		}
		next := &w.g.nodes[gap.to]
		for j := i; j <= i+gap.width && j < w.limit; j++ {
			if next.mask&w.p.tokens[j].mask != 0 || next.values {
				w.from(gap.to, j)
			}
		}
	}
}

// present notes which symbols a sentence has, as bits.
func (p *page) present(sen *sentence, symbols int) {
	if words := symbols/64 + 1; len(p.bits) < words {
		p.bits = make([]uint64, words)
	}
	clear(p.bits)
	for i := sen.lo; i < sen.hi; i++ {
		t := &p.tokens[i]
		for _, sv := range p.syms[t.symLo:t.symHi] {
			p.bits[sv.sym>>6] |= 1 << (uint32(sv.sym) & 63)
		}
	}
}

// maxLanguages bounds how many lexicons there may be.
const maxLanguages = int(symLanguageLast-symLanguageFirst) + 1

// allLanguages has every lexicon's bit.
const allLanguages = 1<<maxLanguages - 1

// hear counts the words on a page that tell its language.
func (g *grammar) hear(p *page, counts *[maxLanguages]int) {
	for _, sv := range p.syms {
		if sv.sym >= symLanguageFirst && sv.sym <= symLanguageLast {
			counts[sv.sym-symLanguageFirst]++
		}
	}
}

// language is the bit of the language heard most, all bits where none was.
func language(counts *[maxLanguages]int) uint32 {
	best, most := allLanguages, 0
	for i, n := range counts {
		switch {
		case n > most:
			best, most = 1<<i, n
		case n == most && n > 0:
			best |= 1 << i
		}
	}
	return uint32(best)
}
