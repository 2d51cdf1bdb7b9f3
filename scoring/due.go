package scoring

import (
	"strconv"
	"strings"
	"unicode"
)

// spans are the units of time as the answers to "when do you need it?" name
// them, by how the word begins.
var spans = []struct {
	days  int
	words []string
}{
	{0, []string{"asap", "immediat", "urgent", "urgenc", "now", "soon", "sofort", "dringend", "inmediat", "срочно"}},
	{1, []string{"day", "today", "tag", "jour", "día", "dia", "день", "дня", "дней"}},
	{7, []string{"week", "woche", "semaine", "semana", "недел"}},
	{30, []string{"month", "monat", "mois", "mes", "месяц"}},
	{90, []string{"quarter", "quartal", "trimestr", "квартал"}},
	{365, []string{"year", "jahr", "an", "ans", "année", "annee", "año", "год", "лет"}},
}

// due reads a form's answer such as "within 3 months", "2-4 Wochen", "this
// quarter" or "ASAP" as days: the upper bound, one of the unit where there is
// no number. It is noDeadline where the answer names no span.
func due(answer string) int {
	n := 1
	for word := range strings.FieldsFuncSeq(strings.ToLower(answer), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		digits := countDigits(word)
		if v, err := strconv.Atoi(word[:digits]); err == nil {
			n, word = min(v, 1000), word[digits:]
		}
		for _, s := range spans {
			for _, begins := range s.words {
				if len(begins) < 3 && word == begins || len(begins) >= 3 && strings.HasPrefix(word, begins) {
					return n * s.days
				}
			}
		}
	}
	return noDeadline
}
