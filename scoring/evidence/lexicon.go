package evidence

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
)

// section says what a pattern is evidence of, or what it tells the code about
// a language.
type section uint8

// sections in the order of their names below.
const (
	secNeed section = iota
	secNeedNever
	secMust
	secQuantity
	secFeature
	secLimit
	secList
	secHeads
	secBudget
	secBudgetThere
	secBudgetNot
	secBudgetOther
	secTimeline
	secTimelineCalm
	secDeadline
	secGoal
	secOtherDate
	secWhen
	secTitle
	secTitleNot
	secAuthority
	secAuthorityNot
	secContacted
	secContactedNot
	secSupplierLeft
	secNegotiating
	secNegotiatingNot
	secContractOut
	secSigned
	secSignedNot
	secOrder
	secDeclined
	secDeclinedNot
	secCondition
	secFuture
	secNegationNot
	secNegationAfter
	secTotal
	secYes
	secNo
	secEmpty
	secAsksDecision
	secAsksBuying
	sectionCount
)

var sectionNames = [sectionCount]string{
	"need", "need.never",
	"requirement.must", "requirement.quantity", "requirement.feature", "requirement.limit", "requirement.list", "requirement.heads",
	"budget", "budget.there", "budget.not", "budget.other",
	"timeline", "timeline.calm", "timeline.deadline", "timeline.goal", "timeline.other", "when",
	"title", "title.not", "authority", "authority.not",
	"contacted", "contacted.not", "supplier_left", "negotiating", "negotiating.not", "contract_out", "signed", "signed.not", "order", "declined", "declined.not",
	"condition", "future", "negation.not", "negation.after",
	"total", "yes", "no", "empty", "asks.decision", "asks.buying",
}

// lists are the sections whose words have values of their own.
var lists = map[string]int32{
	"month": symMonth, "weekday": symWeekday, "unit": symUnit, "number": symNumberWord,
	"ordinal": symOrdinal, "currency": symCurrency, "multiplier": symMultiplier, "range": symRange,
	"abbreviation": symAbbreviation, "negation": symNegation,
}

var valueSymbols = map[string]int32{
	"#month": symMonth, "#weekday": symWeekday, "#unit": symUnit, "#n": symN, "#day": symDay,
	"#year": symYear, "#money": symMoney, "#percent": symPercent, "#date": symDate, "#currency": symCurrency,
}

const (
	gapShort = -1 // ".."
	gapLong  = -2 // "..."
	gapAny   = -3 // between the parts of "a & b"

	widthShort = 3
	widthLong  = 8
	widthAny   = 10

	// stemMark stands behind a folded stem; it is no letter's code.
	stemMark = "\x00"

	// maxVariants bounds what one line of a lexicon may stand for.
	maxVariants = 4000
)

// compiler turns lexicons into a grammar.
type compiler struct {
	g       *grammar
	words   *wordBuilder
	classes map[string]int32 // by their words: the symbol of a word, stem or list
	next    int32
	phrases map[string]bool // those in the grammar, to leave out what is said twice
	key     []byte
	isNeg   map[int32]bool // symbols all or some of whose words negate
	negs    map[string]bool
	sets    map[string]alternatives // the open lexicon's @names
	lang    uint8                   // index of the open lexicon
	umlauts *strings.Replacer
	marks   *strings.Replacer
	errs    []error
}

// variant is one way to say a pattern: symbols and gaps.
type variant []int32

// alternatives are the ways to say a part of a pattern.
type alternatives struct {
	singles  []string // one word each: folded, stemMark behind a stem
	symbols  []variant
	optional bool
}

func newCompiler() *compiler {
	return &compiler{
		g:       &grammar{fold: newFold(), values: []string{""}},
		words:   newWordBuilder(),
		classes: map[string]int32{},
		next:    symFree,
		phrases: map[string]bool{},
		isNeg:   map[int32]bool{},
		negs:    map[string]bool{},
		umlauts: strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue"),
		marks: strings.NewReplacer("(", " ( ", ")", " ) ", "|", " | ", "&", " & ", "?", " ? ",
			"'", " ' ", "’", " ' ", "-", " "),
	}
}

// add reads one lexicon.
func (c *compiler) add(l *source) {
	c.g.languages++
	if c.g.languages > maxLanguages {
		c.errs = append(c.errs, fmt.Errorf("%s: there may be at most %d lexicons", l.files[0].name, maxLanguages))
		return
	}
	c.sets = map[string]alternatives{}
	c.lang = uint8(c.g.languages - 1)
	c.g.always |= 1 << c.lang
	clear(c.negs)
	first := c.next
	for i := range l.files {
		c.read(&l.files[i])
	}
	c.g.ranges = append(c.g.ranges, symbolRange{first, c.next})
}

// read reads one file of the open lexicon.
func (c *compiler) read(f *sourceFile) {
	name, replaced := "", false
	for number, line := range strings.Split(f.text, "\n") {
		line = withoutComment(line)
		var err error
		switch {
		case line == "":
		case line == replace:
			if replaced || name != "" {
				err = fmt.Errorf("%s stands once, before all else", replace)
			}
			replaced = true
		case strings.HasPrefix(line, "["):
			name = strings.Trim(line, "[]")
			if lists[name] == 0 && !slices.Contains(sectionNames[:], name) && name != "language" {
				err = fmt.Errorf("no section is named %q%s", name, near(name, slices.Concat(sectionNames[:], slices.Collect(maps.Keys(lists)), []string{"language"})))
			}
		case strings.HasPrefix(line, "@") && strings.Contains(line, " = "):
			err = c.set(line)
		case name == "":
			err = errors.New("a pattern stands before the first [section]: write [need] or another above it")
		default:
			err = c.line(name, line)
		}
		if err != nil {
			c.errs = append(c.errs, fmt.Errorf("%s:%d: %w", f.name, number+1, err))
		}
	}
}

// near gives the known word that a wrong one was probably meant to be, as the
// end of a sentence, or nothing.
func near(word string, known []string) string {
	best, distance := "", len(word)/3+2
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := levenshtein.ComputeDistance(strings.ToLower(word), k); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ": README.md beside the built-in lexicons lists them"
	}
	return fmt.Sprintf(": did you mean %s?", best)
}

// set takes "@name = a | b c".
func (c *compiler) set(line string) error {
	name, def, ok := strings.Cut(line, "=")
	if !ok {
		return errors.New("a named list is written @name = word | word")
	}
	a, err := c.parse("(" + def + ")")
	if err != nil {
		return err
	}
	c.sets[strings.TrimSpace(name)] = a
	return nil
}

// line takes one pattern, or "a b c = value" of a list.
func (c *compiler) line(name, line string) error {
	pattern, value, _ := strings.Cut(line, "=")
	value = strings.TrimSpace(value)
	if name == "language" || lists[name] != 0 {
		return c.list(name, pattern, value)
	}
	sec := section(slices.Index(sectionNames[:], name))
	if int(sec) >= int(sectionCount) {
		return nil // an unknown section has been reported
	}
	if sec == secWhen && !knownAction(value) {
		return fmt.Errorf("no date is counted by %q%s", value, near(value, actions))
	}
	a, err := c.parse(pattern)
	if err != nil {
		return err
	}
	v := int32(0)
	if value != "" {
		if i := slices.Index(c.g.values, value); i >= 0 {
			v = int32(i)
		} else {
			c.g.values = append(c.g.values, value)
			v = int32(len(c.g.values) - 1)
		}
	}
	for _, seq := range c.sequences(a) {
		if err := c.insert(seq, accept{section: sec, value: v, negative: c.negative(seq)}); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) list(name, pattern, value string) error {
	sym, n := lists[name], 0
	switch name {
	case "language":
		sym = symLanguage
	case "currency":
		i := currencyIndex(value)
		if i < 0 {
			return fmt.Errorf("no currency has the code %q: write its ISO 4217 code, as in euro = EUR", value)
		}
		n = i
	case "negation":
		n = int(c.lang)
	case "ordinal", "range", "abbreviation":
	default:
		var err error
		if n, err = strconv.Atoi(value); err != nil {
			return fmt.Errorf("%q is no whole number: write words = number, as in march = 3", value)
		}
	}
	for word := range strings.FieldsSeq(pattern) {
		stem := strings.HasSuffix(word, "*")
		for _, codes := range c.variants(strings.TrimSuffix(word, "*")) {
			c.words.add(codes, wordEntry{sym, int32(n), c.lang, stem})
			if name == "language" && codes[0] < codeCyrillic {
				c.g.always &^= 1 << c.lang
			}
			if name == "negation" {
				c.negs[codes] = true
			}
		}
	}
	return nil
}

// variants folds a lexicon's word: as it stands, and as people write it who
// have no umlauts on their keyboard.
func (c *compiler) variants(word string) []string {
	word = strings.ToLower(word)
	folded := c.codes(word)
	plain := c.umlauts.Replace(word)
	if plain == word {
		return []string{folded}
	}
	return []string{folded, c.codes(plain)}
}

func (c *compiler) codes(word string) string {
	var b strings.Builder
	for _, r := range word {
		first, second := c.g.fold.rune(r)
		if first != 0 {
			b.WriteByte(first)
		}
		if second != 0 {
			b.WriteByte(second)
		}
	}
	return b.String()
}

// parser reads a pattern.
type parser struct {
	c    *compiler
	toks []string
	i    int
}

func (c *compiler) parse(pattern string) (alternatives, error) {
	p := parser{c: c, toks: c.tokens(pattern)}
	a, err := p.any()
	if err == nil && p.i < len(p.toks) {
		err = fmt.Errorf("%q is not expected here", p.toks[p.i])
	}
	if err == nil && len(a.singles)+len(a.symbols) == 0 {
		err = errors.New("an empty pattern")
	}
	return a, err
}

// tokens parts a pattern into words and signs.
func (c *compiler) tokens(s string) []string {
	s = c.marks.Replace(s)
	var out []string
	fields := strings.Fields(s)
	for i := 0; i < len(fields); i++ {
		// An apostrophe joins or parts words in a pattern as in a text.
		if fields[i] == "'" && len(out) > 0 && i+1 < len(fields) {
			if elided(out[len(out)-1]) {
				continue
			}
			out[len(out)-1] += fields[i+1]
			i++
			continue
		}
		out = append(out, fields[i])
	}
	return out
}

func (p *parser) peek() string {
	if p.i < len(p.toks) {
		return p.toks[p.i]
	}
	return ""
}

// any reads "a b & c | d".
func (p *parser) any() (alternatives, error) {
	var out alternatives
	for {
		a, err := p.all()
		if err != nil {
			return out, err
		}
		out.singles = append(out.singles, a.singles...)
		out.symbols = append(out.symbols, a.symbols...)
		if p.peek() != "|" {
			return out, nil
		}
		p.i++
	}
}

// all reads "a b & c": the parts in any order.
func (p *parser) all() (alternatives, error) {
	var parts []alternatives
	for {
		a, err := p.sequence()
		if err != nil {
			return a, err
		}
		parts = append(parts, a)
		if p.peek() != "&" {
			break
		}
		p.i++
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	var out alternatives
	for _, order := range permutations(len(parts)) {
		seqs := []variant{{}}
		for k, i := range order {
			if k > 0 {
				seqs = product(seqs, []variant{{gapAny}})
			}
			seqs = product(seqs, p.c.sequences(parts[i]))
		}
		out.symbols = append(out.symbols, seqs...)
	}
	return out, p.c.tooMany(out.symbols)
}

func (c *compiler) tooMany(v []variant) error {
	if len(v) > maxVariants {
		return fmt.Errorf("the pattern stands for %d phrases (at most %d): use a list of single words", len(v), maxVariants)
	}
	return nil
}

func permutations(n int) [][]int {
	if n == 1 {
		return [][]int{{0}}
	}
	var out [][]int
	for _, p := range permutations(n - 1) {
		for i := 0; i <= len(p); i++ {
			out = append(out, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return out
}

func product(a, b []variant) []variant {
	out := make([]variant, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			out = append(out, slices.Concat(x, y))
		}
	}
	return out
}

// sequence reads items one after the other.
func (p *parser) sequence() (alternatives, error) {
	var items []alternatives
	for t := p.peek(); t != "" && t != "|" && t != ")" && t != "&"; t = p.peek() {
		a, err := p.item()
		if err != nil {
			return a, err
		}
		if p.peek() == "?" {
			p.i++
			a.optional = true
		}
		items = append(items, a)
	}
	if len(items) == 1 && !items[0].optional {
		return items[0], nil
	}
	seqs := []variant{{}}
	for _, a := range items {
		alts := p.c.sequences(a)
		if a.optional {
			alts = append(alts, variant{})
		}
		if seqs = product(seqs, alts); len(seqs) > maxVariants {
			break
		}
	}
	return alternatives{symbols: seqs}, p.c.tooMany(seqs)
}

func (p *parser) item() (alternatives, error) {
	t := p.peek()
	p.i++
	switch {
	case t == "(":
		a, err := p.any()
		if err != nil {
			return a, err
		}
		if p.peek() != ")" {
			return a, errors.New("a bracket is not closed: write ) behind the last word in it")
		}
		p.i++
		return a, nil
	case t == "..":
		return alternatives{symbols: []variant{{gapShort}}}, nil
	case t == "...":
		return alternatives{symbols: []variant{{gapLong}}}, nil
	case t == "?":
		return alternatives{}, errors.New("? stands behind nothing")
	case strings.HasPrefix(t, "@"):
		a, ok := p.c.sets[t]
		if !ok {
			return a, fmt.Errorf("no list is named %s%s", t, near(t, slices.Collect(maps.Keys(p.c.sets))))
		}
		return alternatives{singles: a.singles, symbols: a.symbols}, nil
	case strings.HasPrefix(t, "#"):
		sym, ok := valueSymbols[t]
		if !ok {
			return alternatives{}, fmt.Errorf("no value is named %s%s", t, near(t, slices.Collect(maps.Keys(valueSymbols))))
		}
		return alternatives{symbols: []variant{{sym}}}, nil
	}
	var a alternatives
	for _, codes := range p.c.variants(strings.TrimSuffix(t, "*")) {
		if codes == "" {
			return a, fmt.Errorf("%q has no letters", t)
		}
		if strings.HasSuffix(t, "*") {
			codes += stemMark
		}
		a.singles = append(a.singles, codes)
	}
	return a, nil
}

// sequences lists the ways to say a part; its single words become one symbol.
func (c *compiler) sequences(a alternatives) []variant {
	out := a.symbols
	if len(a.singles) > 0 {
		out = append(slices.Clone(out), variant{c.class(a.singles)})
	}
	return out
}

// class gives the symbol for any of the words.
func (c *compiler) class(singles []string) int32 {
	singles = slices.Compact(slices.Sorted(slices.Values(singles)))
	// A list is one language's: the same words are another symbol elsewhere.
	key := string(rune(c.lang)) + strings.Join(singles, "\xff")
	if sym, ok := c.classes[key]; ok {
		return sym
	}
	sym := c.next
	c.next++
	c.classes[key] = sym
	for _, s := range singles {
		codes := strings.TrimSuffix(s, stemMark)
		c.words.add(codes, wordEntry{sym, 0, c.lang, codes != s})
		if c.negs[codes] {
			c.isNeg[sym] = true
		}
	}
	return sym
}

func (c *compiler) negative(seq variant) bool {
	return slices.ContainsFunc(seq, func(sym int32) bool { return c.isNeg[sym] })
}

// insert adds a phrase.
func (c *compiler) insert(seq variant, a accept) error {
	for len(seq) > 0 && seq[len(seq)-1] < 0 {
		seq = seq[:len(seq)-1]
	}
	if len(seq) > 0 && seq[0] < 0 {
		seq = seq[1:]
	}
	key := c.key[:0]
	for _, sym := range seq {
		key = binary.AppendVarint(key, int64(sym))
	}
	key = binary.AppendVarint(append(key, 0, byte(a.section)), int64(a.value))
	c.key = key
	if len(seq) == 0 || c.phrases[string(key)] {
		return nil
	}
	c.phrases[string(key)] = true
	g := c.g
	ph := phrase{accept: a, lo: int32(len(g.steps)), plain: true}
	var before step
	for _, sym := range seq {
		if sym < 0 {
			// Two gaps, where the word between is left out, are one.
			before.width = int8(min(int(before.width)+int(gaps[-sym].width), maxSentence))
			before.order = max(before.order, gaps[-sym].order)
			continue
		}
		before.sym = sym
		ph.plain = ph.plain && sym >= symFree
		g.steps = append(g.steps, before)
		before = step{}
	}
	ph.hi = int32(len(g.steps))
	if ph.hi-ph.lo > maxSteps {
		return fmt.Errorf("a phrase of %d words is too long (at most %d)", ph.hi-ph.lo, maxSteps)
	}
	g.phrases = append(g.phrases, ph)
	return nil
}

// gaps are the gaps by their negative symbols.
var gaps = [...]step{-gapShort: {width: widthShort, order: 1}, -gapLong: {width: widthLong, order: 2}, -gapAny: {width: widthAny, order: 3}}

// grammar lays everything out.
func (c *compiler) grammar() (*grammar, error) {
	if len(c.errs) > 0 {
		return nil, errors.Join(c.errs...)
	}
	if n := max(int(c.next), len(c.g.phrases)); n > math.MaxUint16 {
		return nil, fmt.Errorf("the lexicons have %d words and phrases together (at most %d): leave some out", n, math.MaxUint16)
	}
	c.g.symbols = int(c.next)
	rare := c.rare()
	copy(c.g.rare[:], rare[symN:symFree])
	c.g.words = c.words.build(rare)
	return c.g, nil
}

// rare lists the phrases by the rarest symbol in each.
func (c *compiler) rare() [][]rarePhrase {
	g := c.g
	often := c.often()
	rare := make([][]rarePhrase, c.next)
	var syms []int32
	for i := range g.phrases {
		syms = syms[:0]
		for _, st := range g.steps[g.phrases[i].lo:g.phrases[i].hi] {
			syms = append(syms, st.sym)
		}
		slices.SortStableFunc(syms, func(a, b int32) int { return cmp.Compare(often[a], often[b]) })
		rare[syms[0]] = append(rare[syms[0]], rarePhrase{uint16(syms[min(1, len(syms)-1)]), uint16(syms[min(2, len(syms)-1)]), uint16(i)})
	}
	return rare
}

// often guesses how often a text has each symbol. Nobody counted, but words
// that stand in many lists and phrases, and those that tell a language, are the
// common ones; and there are more numbers than any one word.
func (c *compiler) often() []int {
	const (
		language = 8
		number   = 5000
		amount   = 500
	)
	often := make([]int, c.next)
	for i := range c.words.nodes {
		entries := c.words.nodes[i].entries
		weight := [maxLanguages]int{}
		for _, e := range entries {
			weight[e.lang]++
			if e.sym == symLanguage {
				weight[e.lang] += language
			}
		}
		for _, e := range entries {
			often[e.sym] += weight[e.lang] * weight[e.lang]
		}
	}
	often[symN], often[symDay], often[symYear] = number, number, number
	often[symMoney], often[symPercent], often[symDate] = amount, number, amount
	return often
}
