package evidence

import (
	"slices"
	"strconv"
	"strings"
)

// currencies are the codes a lexicon may name; "%" stands among them because
// it is read in the same place, behind a number.
var currencies = []string{"%", "EUR", "USD", "GBP", "CHF", "RUB", "AMD", "JPY", "CNY", "INR", "UAH", "PLN", "CZK",
	"SEK", "NOK", "DKK", "HUF", "RON", "BGN", "TRY", "KZT", "GEL", "BYN", "AUD", "CAD", "NZD", "SGD", "HKD", "MXN",
	"ARS", "CLP", "COP", "PEN", "UYU", "BRL", "ZAR", "AED", "SAR", "ILS", "MAD", "TND", "DZD", "XOF", "KES", "NGN",
	"EGP", "KRW", "THB", "MYR", "IDR", "PHP", "VND", "QAR"}

const currencyPercent = 0

func currencyIndex(code string) int { return slices.Index(currencies, code) }

// money is an amount: tokens lo to hi, its upper bound where it is a range.
type money struct {
	lo, hi   int32
	amount   float64
	currency string // empty: a bare number with a multiplier ("80k")
}

// parseNumber reads a number in the European or the American way of writing.
func parseNumber(s string) float64 {
	s = strings.ReplaceAll(s, "'", "")
	dot, comma := strings.LastIndexByte(s, '.'), strings.LastIndexByte(s, ',')
	decimal := byte(0)
	switch {
	case dot >= 0 && comma >= 0:
		decimal = s[max(dot, comma)]
	case dot >= 0 || comma >= 0:
		at := max(dot, comma)
		// One mark before three digits parts the thousands, as do several.
		if strings.Count(s, s[at:at+1]) == 1 && (len(s)-at != 4 || at == 0 || at > 3 || s[0] == '0') {
			decimal = s[at]
		}
	}
	var b strings.Builder
	for i := range len(s) {
		switch {
		case s[i] == decimal:
			b.WriteByte('.')
		case s[i] != '.' && s[i] != ',':
			b.WriteByte(s[i])
		}
	}
	v, err := strconv.ParseFloat(b.String(), 64)
	if err != nil {
		return 0
	}
	return v
}

// readMoney finds every amount on the page.
func (g *grammar) readMoney(p *page) {
	p.moneyAt = resize(p.moneyAt, len(p.tokens))
	figures := p.figures
	for s := range p.sentences {
		sen := &p.sentences[s]
		next := sen.lo
		for ; len(figures) > 0 && figures[0] < sen.hi; figures = figures[1:] {
			at := figures[0]
			// The sign of a currency may have a word before it: "A$".
			if at > next && p.tokens[at].before == gapNone && g.amount(p, at-1, sen.hi, &next) || at < next {
				continue
			}
			g.amount(p, at, sen.hi, &next)
		}
	}
}

// amount notes the amount that begins at token i, and the token behind it.
func (g *grammar) amount(p *page, i, limit int32, next *int32) bool {
	m, ok := g.moneyAt(p, i, limit)
	if ok {
		p.money = append(p.money, m)
		p.moneyAt[m.lo] = int32(len(p.money))
		*next = m.hi
	}
	return ok
}

func resize(s []int32, n int) []int32 {
	if cap(s) < n {
		s = make([]int32, n, n+n/2)
	}
	s = s[:n]
	clear(s)
	return s
}

// amount is one number with its multiplier and currency.
type amount struct {
	lo, hi     int32
	value      float64
	multiplier float64
	currency   string
	percent    bool
}

// moneyAt reads an amount or a range of amounts that begins at token i.
func (g *grammar) moneyAt(p *page, i, limit int32) (money, bool) {
	a, ok := g.amountAt(p, i, limit)
	if !ok || a.percent {
		return money{}, false
	}
	if j := g.rangeAt(p, a.hi, limit); j > 0 {
		if b, ok := g.amountAt(p, j, limit); ok && !b.percent && (b.currency == "" || a.currency == "" || a.currency == b.currency) &&
			b.value*b.multiplier >= a.value {
			b.lo = a.lo
			if b.currency == "" {
				b.currency = a.currency
			}
			if b.multiplier == 1 && a.multiplier > 1 && b.value < a.value*a.multiplier {
				b.multiplier = a.multiplier
			}
			a = b
		}
	}
	if a.currency == "" && a.multiplier == 1 {
		return money{}, false
	}
	return money{lo: a.lo, hi: a.hi, amount: a.value * a.multiplier, currency: a.currency}, true
}

// rangeAt returns the token behind the "to" of a range at token i, 0 where
// there is none.
func (g *grammar) rangeAt(p *page, i, limit int32) int32 {
	if i >= limit {
		return 0
	}
	t := &p.tokens[i]
	between := p.text[p.tokens[i-1].end:t.start]
	if strings.ContainsAny(between, "-–—") && len(between) <= 5 {
		return i
	}
	if t.has(symRange) && i+1 < limit {
		return i + 1
	}
	return 0
}

// amountAt reads "€25k", "25.000 EUR", "EUR 1.2 Mio", "150 тыс. руб.".
func (g *grammar) amountAt(p *page, i, limit int32) (amount, bool) {
	a := amount{lo: i, multiplier: 1}
	if c, ok := p.value(i, symCurrency); ok {
		if c == currencyPercent || i+1 >= limit || p.tokens[i].kind == numberToken || p.tokens[i+1].before > gapWord {
			return a, false
		}
		a.currency = currencies[c]
		i++
		// "US$", "AUD $"
		if c, ok := p.value(i, symCurrency); ok && i+1 < limit && c != currencyPercent && p.tokens[i].kind != numberToken {
			i++
		}
	} else if i+1 < limit && p.tokens[i].kind == wordToken && (!p.tokens[i].has(symNumberWord) || p.tokens[i+1].has(symCurrency)) {
		word := p.text[p.tokens[i].start:p.tokens[i].end]
		if c := letterCurrency(word); c != "" && p.tokens[i+1].before == gapNone && p.tokens[i+1].kind == numberToken {
			a, ok := g.amountAt(p, i+1, limit)
			a.lo, a.currency = i, c
			return a, ok && a.value*a.multiplier >= 1000 // "R32" is a refrigerant
		}
		// "A$", "US$", "C$"
		if c, ok := p.value(i+1, symCurrency); ok && p.tokens[i+1].before == gapNone && currencies[c] == "USD" {
			switch strings.ToUpper(word) {
			case "A", "AU":
				a.currency = "AUD"
			case "C", "CA":
				a.currency = "CAD"
			case "NZ":
				a.currency = "NZD"
			case "S":
				a.currency = "SGD"
			case "HK":
				a.currency = "HKD"
			case "MX":
				a.currency = "MXN"
			case "R":
				a.currency = "BRL"
			case "US":
				a.currency = "USD"
			}
		}
		if a.currency == "" {
			return a, false
		}
		i += 2
	}
	if i < limit && p.tokens[i].has(symNumberWord) {
		return g.amountInWords(p, a, i, limit)
	}
	if i >= limit || p.tokens[i].kind != numberToken {
		return a, false
	}
	t := &p.tokens[i]
	a.value = t.value
	i++
	// "150 000": groups of three digits behind one space.
	for i < limit && t.digits <= 3 && t.value > 0 && p.tokens[i].kind == numberToken && p.tokens[i].digits == 3 &&
		p.tokens[i].before == gapWord && spaced(p.text[p.tokens[i-1].end:p.tokens[i].start]) {
		digits := p.tokens[i].value
		a.value = a.value*1000 + digits
		i++
	}
	if i < limit && p.tokens[i].before <= gapWord && p.tokens[i].kind == wordToken {
		if v, ok := p.value(i, symMultiplier); ok {
			single := p.tokens[i].end-p.tokens[i].start == 1
			// "25 k€"
			joined := i+1 < limit && p.tokens[i+1].before == gapNone && p.tokens[i+1].has(symCurrency)
			if !single || p.tokens[i].before == gapNone || a.currency != "" || joined {
				a.multiplier = float64(v)
				if c, ok := p.value(i, symCurrency); ok && c != currencyPercent {
					a.currency = currencies[c] // "25 TEUR" is both
				}
				if v == 1000 && t.digits > 0 && !t.plain && t.value >= 1000 && t.value == float64(int(t.value)) && t.digits <= 3 {
					a.multiplier = 1 // "25.000 тыс" is not read twice
				}
				i++
			}
		}
	}
	if i < limit && p.tokens[i].kind == wordToken && (p.tokens[i].before <= gapWord || noCents(p.text[p.tokens[i-1].end:p.tokens[i].start])) {
		if c, ok := p.value(i, symCurrency); ok {
			switch {
			case c == currencyPercent:
				a.percent = true
			case a.currency == "":
				a.currency = currencies[c]
			}
			if a.percent || currencies[c] == a.currency || a.currency == "" {
				i++
			}
			if code, n := g.ownDollar(p, i-1, limit); code != "" {
				a.currency = code
				i += n
			}
		}
	}
	a.hi = i
	return a, a.value > 0
}

// noCents reports whether s stands between figures and currency for cents that
// there are none of: "7.500,-- EUR".
func noCents(s string) bool {
	s = strings.TrimRight(s, " \u00a0\u202f")
	return len(s) > 1 && (s[0] == ',' || s[0] == '.') && strings.Trim(s[1:], "-–—") == ""
}

// letterCurrency is the currency that is written as one letter before the
// figures: "R45,000", "N27m".
func letterCurrency(word string) string {
	switch word {
	case "R":
		return "ZAR"
	case "N":
		return "NGN"
	}
	return ""
}

// amountInWords reads "twenty five thousand euros", from the number's word at
// token i on.
func (g *grammar) amountInWords(p *page, a amount, i, limit int32) (amount, bool) {
	for ; i < limit && (i == a.lo || p.tokens[i].before <= gapWord); i++ {
		v, ok := p.value(i, symNumberWord)
		if !ok {
			break
		}
		if v >= 100 && a.value > 0 {
			a.value *= float64(v)
		} else {
			a.value += float64(v)
		}
	}
	if i < limit && p.tokens[i].before == gapWord {
		if v, ok := p.value(i, symMultiplier); ok && p.tokens[i].end-p.tokens[i].start > 1 {
			a.multiplier = float64(v)
			i++
		}
	}
	if i < limit && p.tokens[i].before == gapWord && p.tokens[i].kind == wordToken {
		if c, ok := p.value(i, symCurrency); ok && c != currencyPercent && a.currency == "" {
			a.currency = currencies[c]
			i++
		}
	}
	a.hi = i
	return a, a.multiplier > 1
}

// ownDollar reads "$500 AUD", "500 pesos chilenos".
func (g *grammar) ownDollar(p *page, i, limit int32) (string, int32) {
	if i+1 < limit && p.tokens[i+1].before <= gapWord {
		if c, ok := p.value(i+1, symCurrency); ok && c != currencyPercent && p.tokens[i+1].end-p.tokens[i+1].start >= 3 {
			return currencies[c], 1
		}
	}
	return "", 0
}

func spaced(s string) bool { return s == " " || s == "\u00a0" || s == "\u202f" || s == "\u2009" }
