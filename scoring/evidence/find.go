package evidence

import (
	"cmp"
	"math/bits"
	"slices"
)

// finder looks for phrases in one sentence at a time. What it learns first,
// which symbols stand where, rules nearly all phrases out: only those are tried
// whose rarest symbols are there.
type finder struct {
	g     *grammar
	p     *page
	s     int32
	limit int32 // the sentence's end
	// A survey is of as many sentences as have 64 tokens, or of one.
	base          int32       // its first token
	at            [2][]uint64 // by symbol: its places from base on, a bit for each; from the 64th on in the second
	mask          uint64      // the sentence's places, of the first 64
	long          bool        // the sentence has more
	figure, money int         // the page's next ones
	tried         []uint32    // by phrase: the turn in which it was tried
	turn          uint32

	// The phrase being tried.
	phrase int32
	caps   captures
	place  [maxSteps]int32 // of its steps so far
	nth    [maxSteps]int32 // which of the place's symbols
	paths  []pathStep      // of the matches
	order  []int32
	sorted []match
}

const (
	// maxSteps bounds how many words a phrase may have.
	maxSteps = 24
	// maxPlace is more than maxSentence.
	maxPlace = 128
	// shortPlace is how many places one word of bits has.
	shortPlace = 64
)

// find matches every phrase in every sentence. The page was read with the
// lexicons of langs.
func (g *grammar) find(p *page, langs uint32) {
	f := &p.finder
	f.g, f.p = g, p
	if len(f.tried) != len(g.phrases) {
		f.at = [2][]uint64{make([]uint64, g.symbols), make([]uint64, g.symbols)}
		f.tried = make([]uint32, len(g.phrases))
	}
	f.paths, f.figure, f.money = f.paths[:0], 0, 0
	for s := 0; s < len(p.sentences); {
		f.base = p.sentences[s].lo
		more := s + 1
		for more < len(p.sentences) && p.sentences[more].hi <= f.base+shortPlace {
			more++
		}
		end := p.sentences[more-1].hi
		f.survey(end)
		for ; s < more; s++ {
			f.sentence(int32(s))
		}
		f.forget(end, langs)
	}
}

// sentence matches every phrase in one of the sentences surveyed.
func (f *finder) sentence(s int32) {
	g, p := f.g, f.p
	sen := &p.sentences[s]
	f.s, f.limit = s, sen.hi
	f.long = sen.hi > f.base+shortPlace
	f.mask = ^uint64(0) << (sen.lo - f.base) & (1<<(sen.hi-f.base) - 1)
	if f.turn++; f.turn == 0 {
		clear(f.tried)
		f.turn = 1
	}
	before := len(p.matches)
	for i := sen.lo; i < sen.hi; i++ {
		f.tryAll(p.tokens[i].know.rare)
	}
	if f.have(symN) {
		for i := range g.rare {
			if f.have(symN + int32(i)) {
				f.tryAll(g.rare[i])
			}
		}
	}
	if ms := p.matches[before:]; len(ms) > 1 {
		f.sort(ms)
	}
}

// forget takes back the survey of the tokens from base to end, which the
// lexicons of langs know.
func (f *finder) forget(end int32, langs uint32) {
	const few = 24 // tokens, whose symbols are fewer than the lexicons'
	at := f.at[0]
	clear(at[:symFree])
	if end-f.base < few {
		for i := f.base; i < end; i++ {
			for _, sym := range f.p.tokens[i].know.syms {
				at[sym] = 0
			}
		}
		return
	}
	for lang, r := range f.g.ranges {
		if langs>>lang&1 != 0 {
			clear(at[r.lo:r.hi])
		}
	}
	if f.long {
		clear(f.at[1])
	}
}

// survey notes the symbols of the tokens from base to end.
func (f *finder) survey(end int32) {
	p, at := f.p, f.at[0]
	for i := f.base; i < min(end, f.base+shortPlace); i++ {
		here := uint64(1) << (i - f.base)
		for syms := p.tokens[i].know.strides(); len(syms) >= stride; syms = syms[stride:] {
			for _, sym := range (*[stride]uint16)(syms) {
				at[sym] |= here
			}
		}
	}
	if end > f.base+shortPlace {
		for i := f.base + shortPlace; i < end; i++ {
			for _, sym := range p.tokens[i].know.syms {
				f.note(int32(sym), i)
			}
		}
	}
	for ; f.figure < len(p.figures) && p.figures[f.figure] < end; f.figure++ {
		i := p.figures[f.figure]
		if p.tokens[i].kind == numberToken {
			f.note(symN, i)
			f.note(symDay, i)
			f.note(symYear, i)
			f.note(symPercent, i)
			if p.dateAt[i] != 0 {
				f.note(symDate, i)
			}
		} else if p.tokens[i].has(symNumberWord) {
			f.note(symN, i)
		}
	}
	for ; f.money < len(p.money) && p.money[f.money].lo < end; f.money++ {
		f.note(symMoney, p.money[f.money].lo)
	}
}

func (f *finder) note(sym, token int32) {
	place := token - f.base
	f.at[place/shortPlace][sym] |= 1 << (place % shortPlace)
}

// have reports whether the sentence has a symbol.
func (f *finder) have(sym int32) bool {
	return f.at[0][sym]&f.mask != 0 || f.long && f.at[1][sym] != 0
}

// from is the sentence's first place of a symbol from place i on, maxPlace where
// there is none.
func (f *finder) from(sym, i int32) int32 {
	if i < shortPlace {
		if rest := f.at[0][sym] & f.mask >> i; rest != 0 {
			return i + int32(bits.TrailingZeros64(rest))
		}
		i = shortPlace
	}
	if f.long && i < maxPlace {
		if rest := f.at[1][sym] >> (i - shortPlace); rest != 0 {
			return i + int32(bits.TrailingZeros64(rest))
		}
	}
	return maxPlace
}

// tryAll tries those phrases whose symbols the sentence has.
func (f *finder) tryAll(phrases []rarePhrase) {
	at, mask := f.at[0], f.mask
	for _, r := range phrases {
		if !f.long && (at[r.second]&mask == 0 || at[r.third]&mask == 0) {
			continue // nearly all
		}
		if f.have(int32(r.second)) && f.have(int32(r.third)) && f.tried[r.phrase] != f.turn {
			f.tried[r.phrase] = f.turn
			f.try(int32(r.phrase))
		}
	}
}

// try finds every place of a phrase.
func (f *finder) try(phrase int32) {
	ph := &f.g.phrases[phrase]
	steps := f.g.steps[ph.lo:ph.hi]
	if len(steps) > 3 {
		for i := range steps {
			if !f.have(steps[i].sym) {
				return
			}
		}
	}
	f.phrase, f.caps = phrase, captures{}
	first := steps[0].sym
	if ph.plain && !f.long {
		f.plain(steps, 0, f.at[0][first]&f.mask)
		return
	}
	for at := f.from(first, 0); at < maxPlace; at = f.from(first, at+1) {
		f.take(steps, 0, at)
	}
}

// plain takes each of the places given as the k-th step of a phrase of mere
// words, and goes on behind it. It is what next and take do, for most phrases.
func (f *finder) plain(steps []step, k int, places uint64) {
	for ; places != 0; places &= places - 1 {
		place := int32(bits.TrailingZeros64(places))
		f.place[k], f.nth[k] = place, -1
		if k+1 == len(steps) {
			f.found(place+1, steps)
			continue
		}
		st := &steps[k+1]
		if next := f.at[0][st.sym] & f.mask & ((2<<st.width - 1) << (place + 1)); next != 0 {
			f.plain(steps, k+1, next)
		}
	}
}

// next looks for the k-th step, from the place i on.
func (f *finder) next(steps []step, k int, i int32) {
	if k == len(steps) {
		f.found(i, steps)
		return
	}
	st := &steps[k]
	for j := f.from(st.sym, i); j <= i+int32(st.width) && j < maxPlace; j = f.from(st.sym, j+1) {
		f.take(steps, k, j)
	}
}

// take takes the token at a place as the k-th step, and goes on behind it.
func (f *finder) take(steps []step, k int, at int32) {
	f.place[k], f.nth[k] = at, -1
	switch sym := steps[k].sym; {
	case sym >= symFree || sym > symUnit && sym < symN:
		f.next(steps, k+1, at+1)
	case sym <= symUnit:
		before := f.caps
		know, list := f.p.tokens[f.base+at].know, 0
		for n, s := range know.syms {
			if int32(s) >= symLanguage {
				continue
			}
			value := int8((*know.lists)[list])
			list++
			if int32(s) != sym {
				continue
			}
			switch sym {
			case symMonth:
				f.caps.month = value
			case symWeekday:
				f.caps.weekday = value
			case symUnit:
				f.caps.unit = value
			}
			f.nth[k] = int32(n)
			f.next(steps, k+1, at+1)
		}
		f.caps = before
	default:
		before := f.caps
		f.number(steps, k, f.base+at)
		f.caps = before
	}
}

// number takes the number or amount at token i, if it is what the step wants.
func (f *finder) number(steps []step, k int, i int32) {
	p := f.p
	t := &p.tokens[i]
	sym := steps[k].sym
	f.nth[k] = numberOrder + sym
	if t.kind != numberToken {
		switch sym {
		case symN:
			f.caps.n, _ = p.value(i, symNumberWord)
			f.caps.hasN = true
			f.next(steps, k+1, i+1-f.base)
		case symMoney:
			f.next(steps, k+1, p.money[p.moneyAt[i]-1].hi-f.base)
		}
		return
	}
	// "3rd", "20-ին"
	next := i + 1
	if next < f.limit && p.tokens[next].before <= gapWord && p.tokens[next].has(symOrdinal) {
		next++
	}
	v := int32(min(t.value, 1e6))
	whole := t.plain && t.value < 100000
	switch sym {
	case symN:
		if whole || t.value < 100 {
			f.caps.n, f.caps.hasN = v, true
			f.next(steps, k+1, next-f.base)
		}
	case symDay:
		if whole && v >= 1 && v <= 31 && t.digits <= 2 {
			f.caps.day = int8(v)
			f.next(steps, k+1, next-f.base)
		}
	case symYear:
		if whole && v >= 2000 && v < 2100 {
			f.caps.year = int16(v)
			f.next(steps, k+1, i+1-f.base)
		}
	case symPercent:
		if i+1 < f.limit {
			if c, ok := p.value(i+1, symCurrency); ok && c == currencyPercent {
				f.next(steps, k+1, i+2-f.base)
			}
		}
	case symDate:
		if d := p.dateAt[i]; p.dates[d-1].hi <= f.limit {
			f.caps.date = d
			f.next(steps, k+1, p.dates[d-1].hi-f.base)
		}
	case symMoney:
		f.next(steps, k+1, p.money[p.moneyAt[i]-1].hi-f.base)
	}
}

// numberOrder puts what a number means behind what a word is.
const numberOrder = 1 << 14

// found notes a match that ends before the place hi.
func (f *finder) found(hi int32, steps []step) {
	f.p.matches = append(f.p.matches, match{
		accept: f.g.phrases[f.phrase].accept, lo: f.base + f.place[0], hi: f.base + hi, s: f.s, caps: f.caps,
		phrase: f.phrase, path: int32(len(f.paths)),
	})
	for k := range steps {
		f.paths = append(f.paths, pathStep{f.place[k], f.nth[k]})
	}
}

// pathStep is where a match has a step: the token's place, and which of its
// symbols that is where that is not simply the step's, else -1.
type pathStep struct {
	place, nth int32
}

// sort brings the sentence's matches into order.
func (f *finder) sort(ms []match) {
	order := f.order[:0]
	for i := range ms {
		order = append(order, int32(i))
	}
	f.order = order
	const few = 12
	if len(ms) > few {
		slices.SortFunc(order, func(a, b int32) int { return f.compare(&ms[a], &ms[b]) })
	}
	for i := range order {
		m := &ms[order[i]]
		for ; i > 0; i-- {
			if before := &ms[order[i-1]]; before.lo < m.lo || before.lo == m.lo && f.compare(before, m) <= 0 {
				break
			}
			order[i], order[i-1] = order[i-1], order[i]
		}
	}
	f.sorted = append(f.sorted[:0], ms...)
	for i, from := range order {
		if int(from) != i {
			ms[i] = f.sorted[from]
		}
	}
}

// compare orders matches as a reader meets them: by their first word, then the
// next words nearest first; of phrases that share their beginning the shorter
// first.
func (f *finder) compare(a, b *match) int {
	if a.lo != b.lo {
		return cmp.Compare(a.lo, b.lo)
	}
	x, y := &f.g.phrases[a.phrase], &f.g.phrases[b.phrase]
	for k := range min(x.hi-x.lo, y.hi-y.lo) {
		s, t := &f.g.steps[x.lo+k], &f.g.steps[y.lo+k]
		p, q := f.paths[a.path+k], f.paths[b.path+k]
		if s.order != t.order {
			return cmp.Compare(s.order, t.order)
		}
		if p.place != q.place {
			return cmp.Compare(p.place, q.place)
		}
		if s.sym != t.sym || p.nth != q.nth {
			if c := cmp.Compare(f.symbol(p, s.sym), f.symbol(q, t.sym)); c != 0 {
				return c
			}
		}
	}
	return cmp.Or(cmp.Compare(x.hi-x.lo, y.hi-y.lo), cmp.Compare(a.phrase, b.phrase))
}

// symbol tells which of its token's symbols a step took.
func (f *finder) symbol(p pathStep, sym int32) int32 {
	if p.nth >= 0 {
		return p.nth
	}
	return int32(slices.Index(f.p.tokens[f.base+p.place].know.syms, uint16(sym)))
}
