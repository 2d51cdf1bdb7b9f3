package evidence

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// numericDate is a date in figures: tokens lo to hi.
type numericDate struct {
	lo, hi           int32
	year, month, day int // year 0: not named
}

// readDates finds every date in figures: 2026-04-15, 15.04.2026, 15.04.,
// 4/15/2026, 15/04.
func (g *grammar) readDates(p *page, american bool) {
	p.dateAt = resize(p.dateAt, len(p.tokens))
	for _, i := range p.figures {
		if p.tokens[i].kind != numberToken || i > 0 && p.dateAt[i-1] != 0 {
			continue
		}
		if d, ok := dateAt(p, i, american); ok {
			p.dates = append(p.dates, d)
			p.dateAt[i] = int32(len(p.dates))
		}
	}
}

func dateAt(p *page, i int32, american bool) (numericDate, bool) {
	t := &p.tokens[i]
	end := int(t.end)
	// The figures and their marks as one run.
	for end < len(p.text) && end-int(t.start) < 11 {
		b := p.text[end]
		if b >= '0' && b <= '9' || (b == '.' || b == '/' || b == '-') && (end+1 == len(p.text) || b == '.' || p.text[end+1] >= '0' && p.text[end+1] <= '9') {
			end++
			continue
		}
		break
	}
	run := p.text[t.start:end]
	at := strings.IndexAny(run, "./-")
	if at < 0 {
		return numericDate{}, false
	}
	parts := strings.Split(strings.TrimRight(run, "."), run[at:at+1])
	if len(parts) < 2 || len(parts) > 3 {
		return numericDate{}, false
	}
	var n [3]int
	for k, s := range parts {
		v, err := strconv.Atoi(s)
		if err != nil || s == "" || len(s) > 4 || len(s) == 3 {
			return numericDate{}, false
		}
		n[k] = v
	}
	d := numericDate{lo: i}
	mark := run[at]
	switch {
	case len(parts[0]) == 4 && len(parts) == 3:
		d.year, d.month, d.day = n[0], n[1], n[2]
	case mark == '.' && len(parts) == 2:
		// "01.09." is a date, "4.5" a number.
		if !strings.HasSuffix(run, ".") && (len(parts[0]) < 2 || len(parts[1]) != 2) {
			return d, false
		}
		d.day, d.month = n[0], n[1]
	case mark == '-' && len(parts) == 2:
		return d, false
	default:
		d.day, d.month, d.year = n[0], n[1], n[2]
		if mark == '/' && (american && n[0] <= 12 || n[1] > 12) {
			d.month, d.day = n[0], n[1]
		}
	}
	if run == "24/7" {
		return d, false // round the clock
	}
	if len(parts) == 3 && d.year < 100 {
		d.year += 2000
	}
	if d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31 || d.year != 0 && (d.year < 2000 || d.year > 2100) {
		return d, false
	}
	d.hi = i + 1
	for int(d.hi) < len(p.tokens) && int(p.tokens[d.hi].start) < end {
		d.hi++
	}
	return d, true
}

// actions are the ways to count a date from a pattern's values.
var actions = []string{
	"date",                 // #day #month, #year if named; or #date
	"month end",            // the last day of #month
	"month mid",            // the 15th
	"month start",          // the first
	"in",                   // #n #unit from now
	"this end",             // the last day of this #unit
	"next end",             // the last day of the next #unit
	"next start",           // the first day of the next #unit
	"quarter end",          // the last day of quarter #n
	"quarter start",        // the first day of quarter #n
	"half end",             // the last day of half-year #n
	"year end",             // the last day of #year, or of this one
	"month now",            // the last day of this month
	"quarter now",          // the last day of this quarter
	"week",                 // the Friday of calendar week #n
	"q1", "q2", "q3", "q4", // the last day of that quarter
	"h1", "h2", // the last day of that half-year
	"weekday",         // the coming #weekday
	"day",             // the coming #day of a month
	"easter",          // the coming Easter Sunday of the Western churches
	"orthodox easter", // and of the Eastern
	"span",            // as "in", but only where the words answer the question of when
	"far",             // too far to matter
}

// knownAction reports whether a lexicon may count a date so. "on 12-25", "plus
// 1" and "month day 7" carry their own numbers.
func knownAction(s string) bool {
	if _, _, ok := monthDay(s); ok {
		return true
	}
	if n, ok := strings.CutPrefix(s, "month day "); ok {
		_, err := strconv.Atoi(n)
		return err == nil
	}
	if n, ok := strings.CutPrefix(s, "plus "); ok {
		_, err := strconv.Atoi(n)
		return err == nil
	}
	return slices.Contains(actions, s)
}

func monthDay(s string) (month, day int, ok bool) {
	s, ok = strings.CutPrefix(s, "on ")
	if !ok || len(s) != 5 {
		return 0, 0, false
	}
	month, err := strconv.Atoi(s[:2])
	day, err2 := strconv.Atoi(s[3:])
	return month, day, err == nil && err2 == nil
}

// Values of the list [unit].
const (
	unitDay     = 1
	unitWeek    = 2
	unitMonth   = 3
	unitQuarter = 4
	unitHalf    = 5
	unitYear    = 6
	unitWorkday = 7
	unitHour    = 8
)

// farAway is the answer for dates that are no deadline.
const farAway = 10000

// days counts the days from at to the date a pattern means. ok is false where
// its values make no date.
func (g *grammar) days(p *page, m *match, at time.Time) (days int, ok bool) {
	c := &m.caps
	now := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	year, month := now.Year(), now.Month()
	until := func(t time.Time) (int, bool) {
		return int(t.Sub(now) / (24 * time.Hour)), true
	}
	date := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	// coming is the next such day where no year is named; one just past is
	// meant as past.
	coming := func(y, m, d int) (int, bool) {
		if y != 0 {
			return until(date(y, time.Month(m), d))
		}
		t := date(year, time.Month(m), d)
		if n, _ := until(t); n < -60 {
			t = date(year+1, time.Month(m), d)
		}
		return until(t)
	}
	action := g.values[m.value]
	if mo, d, ok := monthDay(action); ok {
		if c.year != 0 {
			return until(date(int(c.year), time.Month(mo), d))
		}
		t := date(year, time.Month(mo), d)
		if t.Before(now) {
			t = t.AddDate(1, 0, 0)
		}
		return until(t)
	}
	if n, ok := strings.CutPrefix(action, "month day "); ok {
		d, err := strconv.Atoi(n)
		if err != nil {
			return 0, false
		}
		return coming(int(c.year), int(c.month), d)
	}
	if n, ok := strings.CutPrefix(action, "plus "); ok {
		v, err := strconv.Atoi(n)
		return v, err == nil
	}
	switch action {
	case "date":
		if c.date != 0 {
			d := &p.dates[c.date-1]
			if d.year == 0 && c.year != 0 {
				return coming(int(c.year), d.month, d.day)
			}
			return coming(d.year, d.month, d.day)
		}
		return coming(int(c.year), int(c.month), int(c.day))
	case "month end", "month mid", "month start":
		y := int(c.year)
		if y == 0 {
			y = year
			if time.Month(c.month) < month {
				y++
			}
		}
		switch action {
		case "month mid":
			return until(date(y, time.Month(c.month), 15))
		case "month start":
			return until(date(y, time.Month(c.month), 1))
		}
		return until(date(y, time.Month(c.month)+1, 0))
	case "in", "span":
		n := int(c.n)
		if !c.hasN {
			n = 1
		}
		if n > 3650 {
			return 0, false
		}
		switch c.unit {
		case unitDay:
			return n, true
		case unitWeek:
			return 7 * n, true
		case unitMonth:
			return 30 * n, true
		case unitQuarter:
			return 90 * n, true
		case unitHalf:
			return 180 * n, true
		case unitYear:
			return 365 * n, true
		case unitWorkday:
			return n + n/5*2, true
		case unitHour:
			return (n + 23) / 24, true
		}
	case "this end", "next end", "next start":
		step := 1
		if action == "this end" {
			step = 0
		}
		start := action == "next start"
		var first, last time.Time
		switch c.unit {
		case unitDay:
			return step, true
		case unitWeek, unitWorkday:
			monday := now.AddDate(0, 0, -(int(now.Weekday())+6)%7+7*step)
			first, last = monday, monday.AddDate(0, 0, 4)
		case unitMonth:
			first, last = date(year, month+time.Month(step), 1), date(year, month+time.Month(step)+1, 0)
		case unitQuarter:
			q := time.Month(int(month-1)/3*3 + 3*step)
			first, last = date(year, q+1, 1), date(year, q+4, 0)
		case unitHalf:
			h := time.Month(int(month-1)/6*6 + 6*step)
			first, last = date(year, h+1, 1), date(year, h+7, 0)
		case unitYear:
			first, last = date(year+step, 1, 1), date(year+step, 12, 31)
		default:
			return 0, false
		}
		if start {
			return until(first)
		}
		return until(last)
	case "month now":
		return until(date(year, month+1, 0))
	case "quarter now":
		return until(date(year, (month-1)/3*3+4, 0))
	case "week":
		y := int(c.year)
		if y == 0 {
			y = year
			if _, week := now.ISOWeek(); int(c.n) < week-8 {
				y++
			}
		}
		// The fourth of January is always in week 1.
		first := date(y, 1, 4)
		return until(first.AddDate(0, 0, -(int(first.Weekday())+6)%7+4+7*(int(c.n)-1)))
	case "quarter end", "quarter start", "half end", "q1", "q2", "q3", "q4", "h1", "h2":
		length, top, n := 3, 4, int(c.n)
		if action[0] == 'h' {
			length, top = 6, 2
		}
		if len(action) == 2 {
			n = int(action[1] - '0')
		}
		if n < 1 || n > top {
			return 0, false
		}
		y := int(c.year)
		if y == 0 {
			y = year
			if n*length < int(month) {
				y++
			}
		}
		if action == "quarter start" {
			return until(date(y, time.Month((n-1)*length+1), 1))
		}
		return until(date(y, time.Month(n*length+1), 0))
	case "year end":
		y := year
		if c.year != 0 {
			y = int(c.year)
		}
		return until(date(y, 12, 31))
	case "weekday":
		n := (int(c.weekday)%7 - int(now.Weekday()) + 7) % 7
		if n == 0 {
			n = 7
		}
		return n, true
	case "day":
		t := date(year, month, int(c.day))
		for t.Day() != int(c.day) || !t.After(now) { // not every month has a 31st
			t = date(t.Year(), t.Month(), 1).AddDate(0, 1, int(c.day)-1)
		}
		return until(t)
	case "easter", "orthodox easter":
		y := year
		if c.year != 0 {
			y = int(c.year)
		}
		t := easter(y, action != "easter")
		if c.year == 0 && t.Before(now) {
			t = easter(y+1, action != "easter")
		}
		return until(t)
	case "far":
		return farAway, true
	}
	return 0, false
}

// easter is Easter Sunday of a year, by the calendar of today: for the Western
// churches by Butcher's rule, for the Eastern by Meeus's Julian one (Meeus,
// Astronomical Algorithms, chapter 8), which are 13 days apart until 2099.
func easter(year int, orthodox bool) time.Time {
	if orthodox {
		d := (19*(year%19) + 15) % 30
		e := (2*(year%4) + 4*(year%7) - d + 34) % 7
		return time.Date(year, time.March, 22+d+e+13, 0, 0, 0, 0, time.UTC)
	}
	a, b, c := year%19, year/100, year%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return time.Date(year, time.Month(n/31), n%31+1, 0, 0, 0, 0, time.UTC)
}
