package scoring

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// multipliers are the words that may follow a number; the attached ones must
// stand right behind it, as "3 m" may mean months.
var multipliers = []struct {
	word     string
	times    float64
	attached bool
}{
	{"million", 1e6, false}, {"mio", 1e6, false}, {"mln", 1e6, false}, {"млн", 1e6, false},
	{"thousand", 1e3, false}, {"tsd", 1e3, false}, {"тыс", 1e3, false},
	{"k", 1e3, false}, {"m", 1e6, true},
}

// number reads the first number in s as people write it: "50,000",
// "€ 12.500", "12 500,50", "50k", "1.5 million". It is 0 where there is none.
//
// A comma, dot, blank or apostrophe followed by just three digits divides
// thousands; another comma or dot divides the fraction. Of two different
// ones the last divides the fraction.
func number(s string) float64 {
	start := strings.IndexAny(s, "0123456789")
	if start < 0 {
		return 0
	}
	s = s[start:]
	var digits strings.Builder
	thousands := rune(0) // what divides the thousands, once known
	for s != "" {
		n := countDigits(s)
		digits.WriteString(s[:n])
		s = s[n:]
		sep, size := utf8.DecodeRuneInString(s)
		group := countDigits(s[min(size, len(s)):])
		if group == 0 || !isSeparator(sep) {
			break
		}
		if group == 3 && digits.Len() > 0 && digits.String() != "0" && (thousands == 0 && digits.Len() <= 3 || thousands == sep) {
			thousands = sep
		} else if (sep == '.' || sep == ',') && sep != thousands {
			digits.WriteByte('.')
			digits.WriteString(s[size : size+group])
			s = s[size+group:]
			break
		} else {
			break
		}
		s = s[size:]
	}
	v, err := strconv.ParseFloat(digits.String(), 64)
	if err != nil {
		return 0 // more digits than a number has
	}
	return v * multiplier(s)
}

func multiplier(behind string) float64 {
	word := strings.ToLower(strings.TrimLeft(behind, " \u00a0\u202f"))
	for _, m := range multipliers {
		rest, ok := strings.CutPrefix(word, m.word)
		if !ok || m.attached && !strings.HasPrefix(strings.ToLower(behind), m.word) {
			continue
		}
		next, _ := utf8.DecodeRuneInString(rest)
		if len(m.word) == 1 && unicode.IsLetter(next) {
			continue // "5 km", "3 months"
		}
		return m.times
	}
	return 1
}

func countDigits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

func isSeparator(r rune) bool {
	return strings.ContainsRune(",.' \u00a0\u202f’", r)
}
