package dashboard

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Period is a stretch of time from From up to but without To. A zero time
// leaves that end open.
type Period struct{ From, To time.Time }

// The times ClickHouse's DateTime64 can hold, so the widest period there is.
var (
	earliest = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2299, 12, 31, 0, 0, 0, 0, time.UTC)
)

// Wide gives the period with its open ends at the first and last time that
// the database can hold.
func (p Period) wide() (from, to time.Time) {
	from, to = p.From, p.To
	if from.IsZero() {
		from = earliest
	}
	if to.IsZero() {
		to = latest
	}
	return from, to
}

// parsePeriod reads the parameters from and to. Each is a date or an RFC 3339
// time; a date means the whole day in UTC, so to=2026-10-31 includes the
// 31st. An empty or absent one leaves the period open.
func parsePeriod(q url.Values) (Period, error) {
	from, _, err := parseTime("from", q.Get("from"))
	if err != nil {
		return Period{}, err
	}
	to, day, err := parseTime("to", q.Get("to"))
	if err != nil {
		return Period{}, err
	}
	if day {
		to = to.AddDate(0, 0, 1)
	}
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		return Period{}, fmt.Errorf("from %s is not before to %s: swap them", quote(q.Get("from")), quote(q.Get("to")))
	}
	return Period{from, to}, nil
}

func parseTime(name, s string) (t time.Time, day bool, err error) {
	if s == "" {
		return time.Time{}, false, nil
	}
	t, err = time.Parse(time.DateOnly, s)
	if day = err == nil; !day {
		// An unescaped + of a zone arrives as a space.
		t, err = time.Parse(time.RFC3339, strings.ReplaceAll(s, " ", "+"))
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("%s=%s is not understood: write a date (2026-10-31) or a time (2026-10-31T12:00:00Z)", name, quote(s))
	}
	if t.Before(earliest) || !t.Before(latest) {
		return time.Time{}, false, fmt.Errorf("%s=%s is out of range: use a year from 1900 to 2299", name, quote(s))
	}
	return t.UTC(), day, nil
}

// preset is a period a page offers by name.
type preset struct {
	Name, Label string
	from        func(today time.Time) time.Time // nil: open
}

const defaultPreset = "90d"

func days(n int) func(time.Time) time.Time {
	return func(today time.Time) time.Time { return today.AddDate(0, 0, 1-n) }
}

func presets() []preset {
	return []preset{
		{"7d", "7 days", days(7)},
		{"30d", "30 days", days(30)},
		{"90d", "90 days", days(90)},
		{"year", "This year", func(today time.Time) time.Time {
			return time.Date(today.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
		}},
		{"all", "All time", nil},
	}
}

// pagePeriod reads a page's period: from and to where one is given, else the
// preset named by period, else the last 90 days. name is the preset's, or ""
// for a period of the visitor's own.
func pagePeriod(q url.Values, now time.Time) (p Period, name string, err error) {
	if q.Get("from") != "" || q.Get("to") != "" {
		p, err = parsePeriod(q)
		return p, "", err
	}
	name = q.Get("period")
	if name == "" {
		name = defaultPreset
	}
	for _, ps := range presets() {
		if ps.Name == name {
			if ps.from != nil {
				p.From = ps.from(startOf(byDay, now.UTC()))
			}
			return p, name, nil
		}
	}
	return Period{}, "", fmt.Errorf("period=%s is not understood: use 7d, 30d, 90d, year or all", quote(name))
}

// startOf gives the beginning of t's day, week (Monday) or month.
func startOf(bucket string, t time.Time) time.Time {
	y, m, d := t.Date()
	switch bucket {
	case byMonth:
		d = 1
	case byWeek:
		d -= (int(t.Weekday()) + 6) % 7
	}
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// after gives the beginning of the bucket behind the one that begins at t.
func after(bucket string, t time.Time) time.Time {
	switch bucket {
	case byMonth:
		return t.AddDate(0, 1, 0)
	case byWeek:
		return t.AddDate(0, 0, 7)
	}
	return t.AddDate(0, 0, 1)
}

// bucketKey names a bucket as queries/funnel.sql does.
func bucketKey(bucket string, t time.Time) string {
	if bucket == byMonth {
		return t.Format("2006-01")
	}
	return t.Format(time.DateOnly)
}
