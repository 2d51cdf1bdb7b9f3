package ingest

import (
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
// blank or without a zone (UTC then), a date, or seconds or milliseconds since
// 1970.
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
	return time.Time{}, false
}
