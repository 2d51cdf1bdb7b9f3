package dashboard

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"leadd/lead"
)

// number writes n with thousands separators: 12,345.
func number(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// points writes a score's change with its sign, a true minus among them.
func points(n int) string {
	if n < 0 {
		return "−" + number(uint64(-n))
	}
	return "+" + number(uint64(n))
}

// score writes a score: like points, without a plus.
func score(n int64) string { return strings.TrimPrefix(points(int(n)), "+") }

// percent writes a share of 0 to 1 with one decimal, "–" where there is none.
func percent(f *float64) string {
	if f == nil {
		return "–"
	}
	return strconv.FormatFloat(*f*100, 'f', 1, 64) + "%"
}

// duration writes a length of time as people say it, in one unit.
func duration(seconds float64) string {
	const minute, hour, day, month, year = 60, 3600, 86400, 30.44 * 86400, 365.25 * 86400
	for _, u := range []struct {
		below, size float64
		name        string
	}{
		{90 * minute, minute, "minute"},
		{36 * hour, hour, "hour"},
		{60 * day, day, "day"},
		{24 * month, month, "month"},
		{math.Inf(1), year, "year"},
	} {
		if seconds >= u.below {
			continue
		}
		n := uint64(math.Round(seconds / u.size))
		switch n {
		case 0:
			return "under a minute"
		case 1:
			return "1 " + u.name
		}
		return number(n) + " " + u.name + "s"
	}
	return ""
}

// plural writes a count with its noun: 1 prospect, 2 prospects.
func plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

const dateLayout = "2 Jan 2006"

func date(t time.Time) string { return t.UTC().Format(dateLayout) }

func dateTime(t time.Time) string { return t.UTC().Format(dateLayout + ", 15:04") }

// words ends a sentence like "who wrote to us": "since 2 Mar 2026".
func (p Period) words() string {
	from, to := date(p.From), ""
	if !p.To.IsZero() {
		to = date(p.To.Add(-time.Millisecond))
	}
	switch {
	case p.From.IsZero() && p.To.IsZero():
		return "at any time"
	case p.From.IsZero():
		return "until " + to
	case p.To.IsZero():
		return "since " + from
	case from == to:
		return "on " + from
	}
	return "from " + from + " to " + to
}

// stageWord is a stage's name as a heading.
func stageWord(s lead.Stage) string {
	name := s.String()
	return strings.ToUpper(name[:1]) + name[1:]
}

// stagePlural is a stage's name for those who have reached it.
func stagePlural(s lead.Stage) string {
	switch s {
	case lead.StageContact:
		return "Contacts"
	case lead.StageOpportunity:
		return "Opportunities"
	case lead.StageLost:
		return "Lost"
	}
	return stageWord(s) + "s"
}

// spoken turns a name as programs write it into words: "engagement:mail" is
// "Engagement: mail", "needs_identified" is "Needs identified".
func spoken(name string) string {
	name = plain(name)
	if head, tail, ok := strings.Cut(name, ":"); ok {
		name = head + ": " + tail
	}
	return capital(name)
}

// plain is a criterion's name within a sentence: "needs identified".
func plain(name string) string { return strings.ReplaceAll(name, "_", " ") }

// capital begins a sentence.
func capital(s string) string {
	first := firstRunes(s, 1)
	return strings.ToUpper(first) + s[len(first):]
}

// listed joins words as people do: "need, budget and timeline".
func listed(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// title is how a prospect is called: its name, or else its key.
func title(name, key string) string {
	switch {
	case name != "":
		return name
	case strings.HasPrefix(key, "anonymous:"):
		return "Somebody unknown"
	}
	return readable(strings.TrimPrefix(key, "id:"))
}

// snippet gives the first words of a text on one line.
func snippet(text string) string {
	const most = 160
	s := strings.Join(strings.Fields(firstRunes(text, 4*most)), " ")
	if cut := firstRunes(s, most); cut != s {
		return strings.TrimRight(cut, " ,.;:") + "…"
	}
	return s
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// stageClass names the CSS class of a stage's colour.
func stageClass(s lead.Stage) string { return fmt.Sprintf("s-%s", s) }
