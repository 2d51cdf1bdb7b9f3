package dashboard

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The ways to group a funnel. The empty one is no grouping.
const (
	bySource   = "source"
	byCampaign = "campaign"
	byKind     = "kind"
	byDay      = "day"
	byWeek     = "week"
	byMonth    = "month"
)

var groupings = []string{bySource, byCampaign, byKind, byDay, byWeek, byMonth}

func parseBy(q url.Values) (string, error) {
	by := q.Get("by")
	if by != "" && !slices.Contains(groupings, by) {
		return "", fmt.Errorf("by=%s is not understood: use one of %s", quote(by), strings.Join(groupings, ", "))
	}
	return by, nil
}

// parseAt reads the time that a visitor asks about: without a word, now.
func parseAt(q url.Values) (time.Time, error) {
	s := q.Get("at")
	if s == "" {
		return time.Now(), nil
	}
	at, _, err := parseTime("at", s)
	if err != nil {
		return time.Time{}, badRequest{err}
	}
	return at, nil
}

// onlyKnown refuses parameters that would be ignored, so that a typo does not
// quietly answer another question.
func onlyKnown(q url.Values, known ...string) error {
	for _, name := range sortedKeys(q) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("parameter %s is not known: use %s", quote(name), strings.Join(known, ", "))
		}
		if len(q[name]) > 1 {
			return fmt.Errorf("parameter %s is given %d times: give it once", quote(name), len(q[name]))
		}
	}
	return nil
}

func sortedKeys(q url.Values) []string {
	names := make([]string, 0, len(q))
	for name := range q {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// quote makes a visitor's own words safe and short enough to repeat in a message.
func quote(s string) string {
	if len(s) > 40 {
		s = strings.ToValidUTF8(s[:40], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}

// validKey tells whether a prospect can have this key at all.
func validKey(key string) bool {
	return key != "" && len(key) <= 1024 && utf8.ValidString(key) && !strings.ContainsRune(key, 0)
}
