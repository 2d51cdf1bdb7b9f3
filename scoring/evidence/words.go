package evidence

import "slices"

// knowledge is what one lexicon knows of a word. It fills one line of a
// processor's cache: fetching these is what reading a text mostly waits for.
type knowledge struct {
	syms  []uint16     // the word itself, stems, the lists it is in, "a month"; padded
	rare  []rarePhrase // those that the word is the rarest in
	lists *[]int32     // the values of the symbols that are lists, in the order of syms: "3" of March
	kinds uint32       // bits of the symbols that are lists
	lang  uint8
	tells bool // the word tells the language
	more  bool // the next knowledge is of the same word
}

// stride is how many symbols are read at once: that takes no branch for each.
const stride = 8

// padded fills the symbols from lo on up to a whole stride.
func padded(syms []uint16, lo int) []uint16 {
	for (len(syms)-lo)%stride != 0 {
		syms = append(syms, uint16(len(syms)-lo)%stride)
	}
	return syms
}

// strides are the symbols with their padding, which are symbols below stride.
func (k *knowledge) strides() []uint16 { return k.syms[:cap(k.syms)] }

// value gives the value of a list's symbol.
func (k *knowledge) value(list int32) int32 {
	n := 0
	for _, sym := range k.syms {
		if int32(sym) == list {
			return (*k.lists)[n]
		}
		if int32(sym) < symLanguage {
			n++
		}
	}
	return 0
}

// words finds a word of any lexicon in one walk over its letters: a trie over
// folded codes in the form of a double array (Aoe 1989). The child of state s
// by code c is the cell at base(s)+c, if that cell's check is s.
type words struct {
	cells []wordCell
	ends  []wordEnd // by state
	short shortWords
	known []knowledge // the first: nothing
}

// wordCell is a state of the trie.
type wordCell struct {
	base, check int32
}

// wordEnd tells where in words.known begins what is known of a word that ends
// at a state, and of one that goes on where the trie does not (its stems).
type wordEnd struct {
	exact, fell int32
}

// wordWalk is a walk through the trie; its zero value stands at the root.
type wordWalk struct {
	at   int32
	fell bool
}

// step follows one letter.
func (w *words) step(k *wordWalk, code byte) {
	if k.fell {
		return
	}
	next := w.cells[k.at].base + int32(code)
	if w.cells[next].check != k.at {
		k.fell = true
		return
	}
	k.at = next
}

// end gives where in words.known begins what is known of the word walked.
func (w *words) end(k wordWalk) int32 {
	if k.fell {
		return w.ends[k.at].fell
	}
	return w.ends[k.at].exact
}

// wordBuilder gathers words before they are laid out.
type wordBuilder struct {
	nodes []wordNode
}

type wordNode struct {
	kids    []wordKid // sorted by code
	entries []wordEntry
}

type wordKid struct {
	code byte
	to   int32
}

// wordEntry is a word of a lexicon that ends at a node.
type wordEntry struct {
	sym   int32
	value int32 // where sym is a list
	lang  uint8
	stem  bool
}

func newWordBuilder() *wordBuilder {
	return &wordBuilder{nodes: make([]wordNode, 1)}
}

// add gives a word, or every word that begins with it, a symbol.
func (b *wordBuilder) add(codes string, e wordEntry) {
	at := int32(0)
	for i := range len(codes) {
		kids := b.nodes[at].kids
		k, ok := slices.BinarySearchFunc(kids, codes[i], func(kid wordKid, code byte) int { return int(kid.code) - int(code) })
		if !ok {
			to := int32(len(b.nodes))
			b.nodes = append(b.nodes, wordNode{})
			b.nodes[at].kids = slices.Insert(kids, k, wordKid{codes[i], to})
			at = to
			continue
		}
		at = kids[k].to
	}
	if n := &b.nodes[at]; !slices.Contains(n.entries, e) {
		n.entries = append(n.entries, e)
	}
}

// build lays the trie out. rare lists, by symbol, the phrases that it is the
// rarest symbol of.
func (b *wordBuilder) build(rare [][]rarePhrase) *words {
	const alphabet = 128
	w := &words{known: make([]knowledge, 1), cells: []wordCell{{check: -1}}, ends: make([]wordEnd, 1)}
	grow := func(n int) {
		for len(w.cells) < n {
			w.cells = append(w.cells, wordCell{check: -1})
			w.ends = append(w.ends, wordEnd{})
		}
	}
	know := func(all []knowledge) int32 {
		at := len(w.known)
		for i, k := range all {
			k.more = i+1 < len(all)
			w.known = append(w.known, k)
		}
		return int32(at)
	}
	type short struct {
		key   uint64
		known int32
	}
	var shorts []short
	type task struct {
		node, state int32
		letters     string      // on the way here
		stems       []knowledge // on the way here
		fell        int32       // where they begin in known
	}
	free := int32(1) // where to look for room
	for todo := []task{{}}; len(todo) > 0; {
		t := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		n := &b.nodes[t.node]
		exact := t.fell
		if len(n.entries) > 0 {
			all := t.stems
			for _, stem := range [...]bool{true, false} {
				for _, e := range n.entries {
					if e.stem == stem {
						all = knowing(all, e)
					}
				}
				if stem && slices.ContainsFunc(n.entries, func(e wordEntry) bool { return e.stem }) {
					t.stems, t.fell = all, know(all)
				}
			}
			exact = know(all)
			if n, key := shortWord(t.letters+"        ", 0); n == len(t.letters) && key != 0 {
				shorts = append(shorts, short{key, exact})
			}
		}
		base := w.place(n.kids, &free, grow, alphabet)
		w.cells[t.state].base = base
		w.ends[t.state] = wordEnd{exact, t.fell}
		for _, kid := range n.kids {
			state := base + int32(kid.code)
			w.cells[state].check = t.state
			letters := t.letters + "?"
			if kid.code < codeDigit {
				letters = t.letters + string(rune('a'+kid.code-codeLatin))
			}
			todo = append(todo, task{kid.to, state, letters, t.stems, t.fell})
		}
	}
	w.short = newShortWords(len(shorts))
	for _, s := range shorts {
		*w.short.cell(s.key) = shortCell(s)
	}
	w.gather(rare)
	return w
}

// gather lays what is read together side by side: each lexicon's symbols, and
// the phrases that its words are the rarest in.
func (w *words) gather(rare [][]rarePhrase) {
	var syms []uint16
	var phrases []rarePhrase
	for _, fill := range [...]bool{false, true} { // count first
		nSyms, nPhrases := 0, 0
		for lang := range uint8(maxLanguages) {
			for i := range w.known {
				k := &w.known[i]
				if k.lang != lang || len(k.syms) == 0 {
					continue
				}
				lo, n := nSyms, len(k.syms)
				nSyms += (n + stride - 1) / stride * stride
				if fill {
					syms = padded(append(syms, k.syms...), lo)
					k.syms = syms[lo : lo+n : nSyms]
				}
				lo = nPhrases
				for _, sym := range k.syms {
					nPhrases += len(rare[sym])
					if fill {
						phrases = append(phrases, rare[sym]...)
					}
				}
				if fill {
					k.rare = phrases[lo:nPhrases:nPhrases]
				}
			}
		}
		if !fill {
			syms, phrases = make([]uint16, 0, nSyms), make([]rarePhrase, 0, nPhrases)
		}
	}
}

// place finds a base at which all kids' cells are free, from where the last ones
// found room: words that begin alike come to lie together.
func (w *words) place(kids []wordKid, free *int32, grow func(int), alphabet int32) int32 {
	if len(kids) == 0 {
		grow(int(alphabet) + 1)
		return 0
	}
	for grow(int(*free) + 1); w.cells[*free].check != -1; grow(int(*free) + 1) {
		*free++
	}
	base := max(*free-int32(kids[0].code), 0)
	start := base
	for grow(int(base+alphabet) + 1); slices.ContainsFunc(kids, func(k wordKid) bool {
		c := base + int32(k.code)
		return c == 0 || w.cells[c].check != -1
	}); grow(int(base+alphabet) + 1) {
		base++
	}
	if base-start > alphabet/4 {
		*free = max(*free, base) // there is little room before it
	}
	return base
}

// knowing adds an entry to what is known; the lists given stay as they are.
func knowing(known []knowledge, e wordEntry) []knowledge {
	i, ok := slices.BinarySearchFunc(known, e.lang, func(k knowledge, lang uint8) int { return int(k.lang) - int(lang) })
	known = slices.Clone(known)
	if !ok {
		known = slices.Insert(known, i, knowledge{lang: e.lang})
	}
	k := &known[i]
	if e.sym == symLanguage {
		k.tells = true
		return known
	}
	k.syms = append(slices.Clone(k.syms), uint16(e.sym))
	if e.sym < symLanguage {
		k.kinds |= 1 << e.sym
		values := []int32{e.value}
		if k.lists != nil {
			values = slices.Concat(*k.lists, values)
		}
		k.lists = &values
	}
	return known
}
