package evidence

// Value symbols: what a word or number is, rather than which. The first ones
// come from the lexicons' lists of the same name, the rest from the number
// itself.
const (
	symMonth int32 = iota + stride
	symWeekday
	symUnit
	symNumberWord
	symOrdinal
	symCurrency
	symMultiplier
	symRange
	symAbbreviation
	symNegation
	symLanguage // a word that tells the language; in no pattern
	symN        // a number or a number's word
	symDay      // 1 to 31
	symYear     // 2000 to 2099
	symMoney    // an amount with a currency
	symPercent  // a percentage
	symDate     // a date in figures
	symFree     // the first of the words and lists
)

// grammar is all lexicons, compiled: the words, and the phrases by the rarest
// word in each.
type grammar struct {
	fold      *fold
	words     *words
	phrases   []phrase
	steps     []step                       // of all phrases, each phrase's in one run
	rare      [symFree - symN][]rarePhrase // by the symbols of numbers; those of words stand with the words
	symbols   int
	ranges    []symbolRange // of the symbols, by lexicon
	values    []string      // of patterns, by index
	languages int
	always    uint32 // bits of the lexicons read in any text: of no language, or of a script of their own
}

// phrase is one way to say a pattern: symbols one behind the other, with gaps
// between.
type phrase struct {
	accept
	lo, hi int32 // of grammar.steps
	plain  bool  // it has mere words: no lists' words, numbers or amounts
}

// symbolRange is the symbols of one lexicon, those from symFree on.
type symbolRange struct{ lo, hi int32 }

// step is one symbol of a phrase and the gap before it.
type step struct {
	sym   int32
	width int8 // words that may stand before it
	order int8 // none, short, long, any: in this order a text is tried
}

// rarePhrase is a phrase in the index: it is looked at only if its next rarest
// symbols are there too.
type rarePhrase struct {
	second, third uint16
	phrase        uint16
}

// accept is what a phrase says.
type accept struct {
	section  section
	value    int32 // index into grammar.values
	negative bool  // the pattern has a negation of its own
}

// captures are the values that a phrase met on its way.
type captures struct {
	n                         int32
	date                      int32 // index into page.dates + 1
	year                      int16
	unit, month, weekday, day int8
	hasN                      bool
}

// match is a phrase found: tokens lo to hi of sentence s.
type match struct {
	accept
	lo, hi int32
	s      int32
	caps   captures
	phrase int32
	path   int32 // of the finder's paths, where its steps begin
}

// maxLanguages bounds how many lexicons there may be.
const maxLanguages = 16

// allLanguages has every lexicon's bit.
const allLanguages = 1<<maxLanguages - 1

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
