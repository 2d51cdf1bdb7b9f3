package ingest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"leadd/lead"
)

// MarkEvent makes a contact an event where its field "event" names one in a
// single word ({"event": "contract-out"} is the event contract_out). It is for
// bodies that a program has sent, never for what a visitor has typed. A name
// that only says that a form was filled in ("form.submitted") makes no event.
func MarkEvent(c *lead.Contact) {
	for i := range c.Fields {
		if c.Fields[i].Name != "event" {
			continue
		}
		name := strings.ToLower(c.Fields[i].Value)
		if !isEventName(name) || strings.Contains(name, "form") || strings.Contains(name, "submi") {
			return
		}
		c.Kind, c.Event = lead.KindEvent, strings.ReplaceAll(name, "-", "_")
		return
	}
}

func isEventName(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z':
		case i > 0 && (c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'):
		default:
			return false
		}
	}
	return s != "" && len(s) <= 40
}

// ParseTime reads a time as programs write it: RFC 3339, the same with a
// blank or without a zone (UTC then), a date, seconds or milliseconds since
// 1970; and as spreadsheets do where day and month cannot be mixed up: "2 Jan
// 2006", "02.01.2006 15:04", "31/12/2006".
func ParseTime(s string) (time.Time, bool) {
	if isDigits(s) && (len(s) == 10 || len(s) == 13) {
		var n int64
		for i := range len(s) {
			n = n*10 + int64(s[i]-'0')
		}
		if len(s) == 10 {
			n *= 1000
		}
		return time.UnixMilli(n).UTC(), true
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return parseWritten(s)
}

// parseWritten reads a time as spreadsheets and mail programs write it.
func parseWritten(s string) (time.Time, bool) {
	if len(s) > 40 {
		return time.Time{}, false
	}
	s = strings.Join(strings.Fields(strings.ReplaceAll(s, ", ", " ")), " ")
	date, clock, _ := strings.Cut(s, " ")
	if day, rest, ok := strings.Cut(date, "/"); ok {
		month, year, ok := strings.Cut(rest, "/")
		d, m := number(day), number(month)
		switch {
		case !ok || len(year) != 4 || d == 0 || m == 0:
			return time.Time{}, false
		case m > 12 || d == m: // month first
			d, m = m, d
		case d <= 12:
			return time.Time{}, false // either could be the day
		}
		s = strings.TrimSpace(fmt.Sprintf("%s-%02d-%02d %s", year, m, d, clock))
	}
	for _, layout := range []string{
		"2006-01-02 15:04", "2006-01-02 3:04:05 PM", "2006-01-02 3:04 PM", "2006-01-02 15:04:05", "2006-01-02",
		"2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700",
		"2.1.2006 15:04:05", "2.1.2006 15:04", "2.1.2006",
		"2 Jan 2006 15:04:05", "2 Jan 2006 15:04", "2 Jan 2006", "Jan 2 2006 15:04:05", "Jan 2 2006 3:04 PM", "Jan 2 2006",
		"2 January 2006", "January 2 2006", "January 2 2006 3:04 PM",
		"Mon 2 Jan 2006 15:04:05 -0700", "Mon 2 Jan 2006 15:04:05 MST",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// number reads one or two digits; 0 where s is something else.
func number(s string) int {
	if !isDigits(s) || len(s) > 2 {
		return 0
	}
	n, _ := strconv.Atoi(s) // digits
	return n
}
