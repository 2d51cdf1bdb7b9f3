package evidence

import (
	"cmp"
	"math/bits"
	"slices"
)

// finder looks for phrases in one sentence at a time. What it learns of a
// sentence first, which symbols it has and where, rules nearly all phrases
// out: only those are tried whose rarest symbols are there.
type finder struct {
	g     *grammar
	p     *page
	s     int32
	lo    int32 // first token of the sentence
	limit int32
	at    [2][]uint64 // by symbol: its places, a bit for each; from the 64th on in the second
	long  bool        // the sentence has so many
	tried []uint32    // by phrase: the turn in which it was tried
	turn  uint32

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
)

// find matches every phrase in every sentence.
func (g *grammar) find(p *page) {
	f := &p.finder
	f.g, f.p = g, p
	if len(f.tried) != len(g.phrases) {
		f.at = [2][]uint64{make([]uint64, g.symbols), make([]uint64, g.symbols)}
		f.tried = make([]uint32, len(g.phrases))
	}
	f.paths = f.paths[:0]
	for s := range p.sentences {
		sen := &p.sentences[s]
		f.s, f.lo, f.limit = int32(s), sen.lo, sen.hi
		f.survey()
		if f.turn++; f.turn == 0 {
			clear(f.tried)
			f.turn = 1
		}
		before := len(p.matches)
		for i := f.lo; i < f.limit; i++ {
			f.tryAll(p.tokens[i].know.rare)
		}
		if f.have(symN) {
			for i := range g.rare {
				if f.have(symN + int32(i)) {
					f.tryAll(g.rare[i])
				}
			}
		}
		f.sort(p.matches[before:])
		f.forget()
	}
}

// survey notes the symbols of the sentence.
func (f *finder) survey() {
	f.long = f.limit-f.lo > 64
	at := f.at[0]
	for i := f.lo; i < f.limit; i++ {
		t := &f.p.tokens[i]
		place := i - f.lo
		if place < 64 {
			for _, sym := range t.know.syms {
				at[sym] |= 1 << place
			}
		} else {
			for _, sym := range t.know.syms {
				f.note(sym, place)
			}
		}
		if t.kind == numberToken {
			f.note(symN, place)
			f.note(symDay, place)
			f.note(symYear, place)
			f.note(symPercent, place)
			if f.p.dateAt[i] != 0 {
				f.note(symDate, place)
			}
		} else if t.has(symNumberWord) {
			f.note(symN, place)
		}
		if f.p.moneyAt[i] != 0 {
			f.note(symMoney, place)
		}
	}
}

func (f *finder) note(sym, place int32) { f.at[place>>6&1][sym] |= 1 << (place & 63) }

// forget makes the finder ready for another sentence.
func (f *finder) forget() {
	at := f.at[0]
	for i := f.lo; i < f.limit; i++ {
		for _, sym := range f.p.tokens[i].know.syms {
			at[sym] = 0
		}
	}
	clear(at[symN:symFree])
	if f.long {
		clear(f.at[1])
	}
}

func (f *finder) have(sym int32) bool { return f.at[0][sym] != 0 || f.long && f.at[1][sym] != 0 }

// from is the first place of a symbol from place i on, maxPlace where there is
// none.
func (f *finder) from(sym, i int32) int32 {
	if i < 64 {
		if rest := f.at[0][sym] >> i; rest != 0 {
			return i + int32(bits.TrailingZeros64(rest))
		}
		i = 64
	}
	if f.long && i < maxPlace {
		if rest := f.at[1][sym] >> (i & 63); rest != 0 {
			return i + int32(bits.TrailingZeros64(rest))
		}
	}
	return maxPlace
}

// tryAll tries those phrases whose symbols the sentence has.
func (f *finder) tryAll(phrases []rarePhrase) {
	for _, r := range phrases {
		if f.have(r.second) && f.have(r.third) && f.tried[r.phrase] != f.turn {
			f.tried[r.phrase] = f.turn
			f.try(r.phrase)
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
	for at := f.from(first, 0); at < maxPlace; at = f.from(first, at+1) {
		f.take(steps, 0, at)
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
		know, list := f.p.tokens[f.lo+at].know, 0
		for n, s := range know.syms {
			if s >= symLanguage {
				continue
			}
			value := int8(know.values[list])
			list++
			if s != sym {
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
		f.number(steps, k, f.lo+at)
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
			f.next(steps, k+1, i+1-f.lo)
		case symMoney:
			f.next(steps, k+1, p.money[p.moneyAt[i]-1].hi-f.lo)
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
			f.next(steps, k+1, next-f.lo)
		}
	case symDay:
		if whole && v >= 1 && v <= 31 && t.digits <= 2 {
			f.caps.day = int8(v)
			f.next(steps, k+1, next-f.lo)
		}
	case symYear:
		if whole && v >= 2000 && v < 2100 {
			f.caps.year = int16(v)
			f.next(steps, k+1, i+1-f.lo)
		}
	case symPercent:
		if i+1 < f.limit {
			if c, ok := p.value(i+1, symCurrency); ok && c == currencyPercent {
				f.next(steps, k+1, i+2-f.lo)
			}
		}
	case symDate:
		if d := p.dateAt[i]; p.dates[d-1].hi <= f.limit {
			f.caps.date = d
			f.next(steps, k+1, p.dates[d-1].hi-f.lo)
		}
	case symMoney:
		f.next(steps, k+1, p.money[p.moneyAt[i]-1].hi-f.lo)
	}
}

// numberOrder puts what a number means behind what a word is.
const numberOrder = 1 << 14

// found notes a match that ends before the place hi.
func (f *finder) found(hi int32, steps []step) {
	f.p.matches = append(f.p.matches, match{
		accept: f.g.phrases[f.phrase].accept, lo: f.lo + f.place[0], hi: f.lo + hi, s: f.s, caps: f.caps,
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
	compare := func(a, b int32) int { return f.compare(&ms[a], &ms[b]) }
	f.order = f.order[:0]
	for i := range ms {
		f.order = append(f.order, int32(i))
	}
	if slices.IsSortedFunc(f.order, compare) {
		return
	}
	slices.SortFunc(f.order, compare)
	f.sorted = append(f.sorted[:0], ms...)
	for i, from := range f.order {
		ms[i] = f.sorted[from]
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
		if c := cmp.Or(cmp.Compare(s.order, t.order), cmp.Compare(p.place, q.place)); c != 0 {
			return c
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
	return int32(slices.Index(f.p.tokens[f.lo+p.place].know.syms, sym))
}
