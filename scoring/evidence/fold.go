package evidence

import (
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Letters are compared folded: without case and accents, each as one code
// below 128, so that words of all six languages share one small alphabet.
const (
	codeLatin    = 1   // a to z
	codeDigit    = 27  // 0 to 9
	codeCyrillic = 37  // а to я, ё as е
	codeArmenian = 70  // ա to ֆ
	codeSymbol   = 110 // the signs of currencies and per cent
	codeOther    = 127 // a letter of another script
)

const symbols = "€$£₽֏%¥₹₴"

// fold holds the codes of the letters below foldSize; the rest are few and
// computed.
const foldSize = 0x590

type fold struct {
	first  [foldSize]byte // 0: no letter
	second [foldSize]byte // letters that fold into two, as ß into ss
	sign   map[rune]byte
}

func newFold() *fold {
	f := &fold{sign: map[rune]byte{}}
	for r := rune(0); r < foldSize; r++ {
		f.first[r], f.second[r] = foldLetter(r)
	}
	i := byte(0)
	for _, r := range symbols {
		if r < foldSize {
			f.first[r] = codeSymbol + i
		} else {
			f.sign[r] = codeSymbol + i
		}
		i++
	}
	return f
}

// isSign reports whether a code is a sign that is a word of its own.
func isSign(c byte) bool { return c >= codeSymbol && c < codeOther }

func isDigit(c byte) bool { return c >= codeDigit && c < codeDigit+10 }

func (f *fold) rune(r rune) (first, second byte) {
	if r < foldSize {
		return f.first[r], f.second[r]
	}
	if c, ok := f.sign[r]; ok {
		return c, 0
	}
	if unicode.IsLetter(r) || unicode.IsDigit(r) {
		return codeOther, 0
	}
	return 0, 0
}

func foldLetter(r rune) (first, second byte) {
	r = unicode.ToLower(r)
	switch r {
	case 'ß':
		return latin('s'), latin('s')
	case 'æ':
		return latin('a'), latin('e')
	case 'œ':
		return latin('o'), latin('e')
	case 'ø':
		return latin('o'), 0
	case 'ł':
		return latin('l'), 0
	case 'ı':
		return latin('i'), 0
	case 'ё':
		return foldLetter('е')
	case 'և':
		return codeArmenian + byte('ե'-'ա'), codeArmenian + byte('ւ'-'ա')
	}
	switch {
	case r >= 'a' && r <= 'z':
		return latin(r), 0
	case r >= '0' && r <= '9':
		return codeDigit + byte(r-'0'), 0
	case r >= 'а' && r <= 'я':
		return codeCyrillic + byte(r-'а'), 0
	case r >= 'ա' && r <= 'ֆ':
		return codeArmenian + byte(r-'ա'), 0
	}
	if base := []rune(norm.NFD.String(string(r))); len(base) > 1 && base[0] != r {
		return foldLetter(base[0])
	}
	if unicode.IsLetter(r) {
		return codeOther, 0
	}
	return 0, 0
}

func latin(r rune) byte { return codeLatin + byte(r-'a') }

// joins reports whether a rune may stand inside a word without being part of
// it: a combining accent, an Armenian question or emphasis mark, a soft
// hyphen.
func joins(r rune) bool {
	return r >= 0x300 && r <= 0x36f || r >= 0x55a && r <= 0x55c || r == 0x55e || r == 0xad
}
