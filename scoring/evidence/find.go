package evidence

import (
	"cmp"
	"math/bits"
	"slices"
)

// places is a set of tokens of one sentence, a bit for each; a sentence has at
// most maxSentence of them.
type places [2]uint64

func (s *places) add(i int32) { s[i>>6&1] |= 1 << (i & 63) }

func (s *places) join(o places) {
	s[0] |= o[0]
	s[1] |= o[1]
}

// next is the first place from i on, maxPlace where there is none.
func (s *places) next(i int32) int32 {
	if i < 64 {
		if rest := s[0] >> i; rest != 0 {
			return i + int32(bits.TrailingZeros64(rest))
		}
		i = 64
	}
	if rest := s[1] >> (i & 63); i < maxPlace && rest != 0 {
		return i + int32(bits.TrailingZeros64(rest))
	}
	return maxPlace
}

const maxPlace = 128

// finder looks for phrases in one sentence at a time. What it learns of a
// sentence first, which symbols it has and where, rules nearly all phrases
// out: only those are tried whose rarest symbols are there.
type finder struct {
	g       *grammar
	p       *page
	s       int32
	lo      int32 // first token of the sentence
	limit   int32
	has     []uint64   // the sentence's symbols, a bit for each
	at      []places   // by symbol, of those in has: where
	present []int32    // the symbols that are some phrase's rarest
	paths   []pathStep // of the matches

	// The phrase being tried.
	phrase int32
	caps   captures
	place  [maxSteps]int32 // of its steps so far
	nth    [maxSteps]int32 // which of the place's symbols
}

// maxSteps bounds how many words a phrase may have.
const maxSteps = 24

// find matches every phrase in every sentence.
func (g *grammar) find(p *page) {
	f := &p.finder
	f.g, f.p = g, p
	if n := len(g.rareAt); len(f.at) < n {
		f.at = make([]places, n)
		f.has = make([]uint64, n/64+1)
	}
	f.paths = f.paths[:0]
	for s := range p.sentences {
		sen := &p.sentences[s]
		f.s, f.lo, f.limit = int32(s), sen.lo, sen.hi
		f.survey()
		before := len(p.matches)
		for _, sym := range f.present {
			for _, r := range g.rare[g.rareAt[sym]:g.rareAt[sym+1]] {
				if f.have(r.second) && f.have(r.third) {
					f.try(r.phrase)
				}
			}
		}
		if ms := p.matches[before:]; len(ms) > 1 {
			slices.SortFunc(ms, f.compare)
		}
	}
}

// survey notes the symbols of the sentence.
func (f *finder) survey() {
	clear(f.has)
	f.present = f.present[:0]
	has, at := f.has, f.at
	for i := f.lo; i < f.limit; i++ {
		t := &f.p.tokens[i]
		var here places
		here.add(i - f.lo)
		for _, sv := range t.syms {
			word, bit := &has[sv.sym>>6], uint64(1)<<(sv.sym&63)
			if *word&bit != 0 {
				at[sv.sym].join(here)
				continue
			}
			*word |= bit
			at[sv.sym] = here
			if sv.rare {
				f.present = append(f.present, sv.sym)
			}
		}
		if t.kind == numberToken {
			f.note(symN, here)
			f.note(symDay, here)
			f.note(symYear, here)
			f.note(symPercent, here)
			if f.p.dateAt[i] != 0 {
				f.note(symDate, here)
			}
		} else if t.has(symNumberWord) {
			f.note(symN, here)
		}
		if f.p.moneyAt[i] != 0 {
			f.note(symMoney, here)
		}
	}
}

// note notes a symbol of numbers.
func (f *finder) note(sym int32, here places) {
	if f.have(sym) {
		f.at[sym].join(here)
		return
	}
	f.has[sym>>6] |= 1 << (sym & 63)
	f.at[sym] = here
	f.present = append(f.present, sym)
}

func (f *finder) have(sym int32) bool { return f.has[sym>>6]>>(sym&63)&1 != 0 }

// try finds every place of a phrase.
func (f *finder) try(phrase int32) {
	ph := &f.g.phrases[phrase]
	steps := f.g.steps[ph.lo:ph.hi]
	for i := range steps {
		if !f.have(steps[i].sym) {
			return
		}
	}
	f.phrase, f.caps = phrase, captures{}
	first := &f.at[steps[0].sym]
	for at := first.next(0); at < maxPlace; at = first.next(at + 1) {
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
	at := &f.at[st.sym]
	for j := at.next(i); j <= i+int32(st.width) && j < maxPlace; j = at.next(j + 1) {
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
		for n, sv := range f.p.tokens[f.lo+at].syms {
			if sv.sym != sym {
				continue
			}
			switch sym {
			case symMonth:
				f.caps.month = sv.value
			case symWeekday:
				f.caps.weekday = sv.value
			case symUnit:
				f.caps.unit = sv.value
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
			f.caps.n, _ = t.valueOf(symNumberWord)
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
			f.caps.day = v
			f.next(steps, k+1, next-f.lo)
		}
	case symYear:
		if whole && v >= 2000 && v < 2100 {
			f.caps.year = v
			f.next(steps, k+1, i+1-f.lo)
		}
	case symPercent:
		if i+1 < f.limit {
			if c, ok := p.tokens[i+1].valueOf(symCurrency); ok && c == currencyPercent {
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

// compare orders matches as a reader meets them: by their first word, then the
// next words nearest first; of phrases that share their beginning the shorter
// first.
func (f *finder) compare(a, b match) int {
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
	return int32(slices.IndexFunc(f.p.tokens[f.lo+p.place].syms, func(sv symval) bool { return sv.sym == sym }))
}
