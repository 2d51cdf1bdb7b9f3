package evidence

import "unicode/utf8"

// symval is what a lexicon knows of one word: a symbol (the word itself, a
// stem, a list it is in, "a month") and the symbol's value ("3" of March).
type symval struct {
	sym   int32
	value int32
}

// words finds every symbol of a word in one walk over its letters: a trie over
// folded codes, whose nodes hold the stems and the whole words that end there.
type words struct {
	nodes []wordNode
	kids  []wordEdge // of all nodes, each node's in one run
	root  [128]int32
}

type wordNode struct {
	kidLo, kidHi int32
	stems, whole []symval
}

type wordEdge struct {
	code byte
	to   int32
}

// lookup appends to syms what the lexicons in langs know of word, and gives
// the mask of it.
func (g *grammar) lookup(syms []symval, word string, langs uint32) ([]symval, uint64) {
	before := len(syms)
	for lang, w := range g.words {
		if langs>>lang&1 != 0 {
			syms = g.lookupIn(w, syms, word)
		}
	}
	mask := uint64(0)
	for _, sv := range syms[before:] {
		mask |= maskOf(sv.sym)
	}
	return syms, mask
}

func (g *grammar) lookupIn(w *words, syms []symval, word string) []symval {
	at := int32(0)
	for i := 0; i < len(word); {
		var a, b byte
		if c := word[i]; c < utf8.RuneSelf {
			a, b = g.fold.first[c], 0
			i++
		} else {
			r, size := utf8.DecodeRuneInString(word[i:])
			a, b = g.fold.rune(r)
			i += size
		}
		if a == 0 {
			continue
		}
		if at = w.step(at, a); at != 0 && b != 0 {
			at = w.step(at, b)
		}
		if at == 0 {
			return syms
		}
		if n := &w.nodes[at]; len(n.stems) > 0 {
			syms = append(syms, n.stems...)
		}
	}
	if at != 0 {
		syms = append(syms, w.nodes[at].whole...)
	}
	return syms
}

// step follows one letter, to 0 where no word goes on so.
func (w *words) step(at int32, code byte) int32 {
	if at == 0 {
		return w.root[code]
	}
	n := &w.nodes[at]
	kids := w.kids[n.kidLo:n.kidHi]
	for i := range kids {
		if kids[i].code == code {
			return kids[i].to
		}
	}
	return 0
}

// wordBuilder gathers words before they are laid out.
type wordBuilder struct {
	kids  []map[byte]int32
	stems [][]symval
	whole [][]symval
}

func newWordBuilder() *wordBuilder {
	b := &wordBuilder{}
	b.node() // the root
	return b
}

func (b *wordBuilder) node() int32 {
	b.kids = append(b.kids, map[byte]int32{})
	b.stems = append(b.stems, nil)
	b.whole = append(b.whole, nil)
	return int32(len(b.kids) - 1)
}

// add gives a word, or every word that begins with it, a symbol.
func (b *wordBuilder) add(codes string, stem bool, sv symval) {
	at := int32(0)
	for i := range len(codes) {
		next, ok := b.kids[at][codes[i]]
		if !ok {
			next = b.node()
			b.kids[at][codes[i]] = next
		}
		at = next
	}
	list := &b.whole[at]
	if stem {
		list = &b.stems[at]
	}
	for _, have := range *list {
		if have == sv {
			return
		}
	}
	*list = append(*list, sv)
}

func (b *wordBuilder) build() *words {
	w := &words{nodes: make([]wordNode, len(b.kids))}
	for i, kids := range b.kids {
		n := &w.nodes[i]
		n.stems, n.whole = b.stems[i], b.whole[i]
		n.kidLo = int32(len(w.kids))
		for code := range byte(128) {
			if to, ok := kids[code]; ok {
				w.kids = append(w.kids, wordEdge{code, to})
				if i == 0 {
					w.root[code] = to
				}
			}
		}
		n.kidHi = int32(len(w.kids))
	}
	return w
}
