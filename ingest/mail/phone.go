package mail

import (
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"
)

// region is where a sender seems to be: by language, clock and address, for
// numbers written without a country.
type region struct {
	text  func() string // in their language
	email string
	date  time.Time // with their clock's zone
}

// countries gives the countries to try, the likeliest first.
func (r *Reader) countries(where region) []string {
	longitude := "middle"
	if !where.date.IsZero() {
		_, offset := where.date.Zone()
		switch hours := offset / 3600; {
		case hours <= -2:
			longitude = "west"
		case hours >= 7:
			longitude = "east"
		}
	}
	text := where.text()
	likely := r.regions[r.language(text)+"."+longitude]
	if country := r.hinted(text); country != "" {
		likely = append([]string{country}, likely...)
	}
	tld := strings.ToUpper(where.email[strings.LastIndexByte(where.email, '.')+1:])
	if tld == "UK" {
		tld = "GB"
	}
	if len(tld) == 2 && phonenumbers.GetCountryCodeForRegion(tld) != 0 {
		likely = append([]string{tld}, likely...)
	}
	return likely
}

// hinted gives the country that the text has the most own words of, "" where it
// has none.
func (r *Reader) hinted(text string) string {
	count, best := map[string]int{}, ""
	r.layout.each(normal(cut(text, 4000)), func(p phrase) {
		if country, ok := strings.CutPrefix(p.section, "hint."); ok {
			country = strings.ToUpper(country)
			if count[country]++; best == "" || count[country] > count[best] {
				best = country
			}
		}
	})
	return best
}

// language tells the language of a text by its script or its small words.
func (r *Reader) language(text string) string {
	text = cut(text, 4000)
	var cyrillic, armenian int
	for _, c := range text {
		switch {
		case c >= 0x400 && c < 0x530:
			cyrillic++
		case c >= 0x530 && c < 0x590:
			armenian++
		}
	}
	switch {
	case armenian > 10 && armenian > cyrillic:
		return "hy"
	case cyrillic > 10:
		return "ru"
	}
	count := map[string]int{}
	r.layout.each(normal(text), func(p phrase) {
		if name, ok := strings.CutPrefix(p.section, "language."); ok {
			count[name]++
		}
	})
	best := "en"
	for _, name := range []string{"de", "fr", "es"} {
		if count[name] > count[best] {
			best = name
		}
	}
	return best
}

// phone finds a number in s and gives it in E.164 form where its country is
// written or can be told, else as the Identity reads it; "" where it finds
// none.
func (r *Reader) phone(s string, where region) string {
	number := digitRun(s)
	if number == "" {
		return ""
	}
	if inner, ok := strings.CutPrefix(number, "(+"); ok {
		number = "+" + strings.Replace(inner, ")", "", 1)
	}
	if strings.HasPrefix(number, "+") || strings.HasPrefix(number, "00") {
		return r.id.Phone(strings.Replace(number, "(0)", "", 1))
	}
	countries := r.countries(where)
	for _, country := range countries {
		if n, err := phonenumbers.Parse(number, country); err == nil && phonenumbers.IsValidNumberForRegion(n, country) {
			return phonenumbers.Format(n, phonenumbers.E164)
		}
	}
	if n := r.id.Phone(number); n != "" {
		return n
	}
	for _, country := range countries {
		if n, err := phonenumbers.Parse(number, country); err == nil && phonenumbers.IsPossibleNumber(n) {
			return phonenumbers.Format(n, phonenumbers.E164)
		}
	}
	return ""
}

// saidPhone finds the number that the sender gives in their own words: "call
// me on 07700 900123".
func (r *Reader) saidPhone(text string, where region) string {
	for line := range strings.Lines(cut(text, 8<<10)) {
		if digits(line) < 7 || !r.layout.has(normal(line), "call.me") {
			continue
		}
		if number := r.phone(line, where); number != "" {
			return number
		}
	}
	return ""
}

// digitRun gives the first run of at least seven digits in s with the signs
// that people put between them.
func digitRun(s string) string {
	start, n := -1, 0
	for i := 0; i <= len(s); i++ {
		var c byte
		if i < len(s) {
			c = s[i]
		}
		switch {
		case c >= '0' && c <= '9':
			n++
			if start < 0 {
				start = i
			}
		case c == '+' || c == '(':
			if start >= 0 && c == '+' && n >= 7 {
				return strings.TrimSpace(s[start:i])
			}
			if start < 0 {
				start = i
			}
		case start >= 0 && n == 0 && c != ' ', start >= 0 && !strings.ContainsRune(" ()-./", rune(c)):
			if n >= 7 {
				return strings.TrimSpace(s[start:i])
			}
			start, n = -1, 0
		}
	}
	return ""
}
