package scoring

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"leadd/lead"
)

// MaxEvents is how many events of different names a prospect's history tells
// apart: those that came first. Others count as events only.
const MaxEvents = 16

// remember counts the contact in the prospect's history.
func (s *step) remember() {
	c, p := s.contact, s.next
	if !c.Class.Interest() {
		return
	}
	p.Kinds = tally(p.Kinds, ownKind(c.Kind), s.at.UnixMilli(), len(kinds()))
	if c.Kind == lead.KindEvent && c.Event != "" {
		p.Events = tally(p.Events, oneLine(c.Event, MaxName), s.at.UnixMilli(), MaxEvents)
	}
}

// tally gives a copy of the tallies with one more contact of a name, unless
// that name is new and there are limit others.
func tally(tallies []lead.Tally, name string, at int64, limit int) []lead.Tally {
	i := slices.IndexFunc(tallies, func(t lead.Tally) bool { return t.Name == name })
	if i < 0 && len(tallies) >= limit {
		return tallies
	}
	out := append(make([]lead.Tally, 0, len(tallies)+1), tallies...)
	if i < 0 {
		return append(out, lead.Tally{Name: name, Count: 1, First: at, Last: at})
	}
	out[i].Count++
	out[i].First, out[i].Last = min(out[i].First, at), max(out[i].Last, at)
	return out
}

// ownKind gives a kind in memory of its own: a contact's lies in a much larger
// buffer, which the state would keep.
func ownKind(k lead.Kind) string {
	switch k {
	case lead.KindForm:
		return string(lead.KindForm)
	case lead.KindMail:
		return string(lead.KindMail)
	case lead.KindEvent:
		return string(lead.KindEvent)
	}
	return oneLine(string(k), MaxName)
}

func kinds() []string {
	return []string{string(lead.KindMail), string(lead.KindForm), string(lead.KindEvent)}
}

// history is what a criterion may ask about the contacts of a prospect: before
// the one that is judged, and with it.
type history struct {
	before, with *lead.Prospect // before is nil at the first contact
	at           time.Time      // of the contact that is judged
}

// of gives a prospect's tally of a kind, or of an event's name.
func tallyOf(p *lead.Prospect, name string) lead.Tally {
	if p == nil {
		return lead.Tally{}
	}
	tallies := p.Events
	if slices.Contains(kinds(), name) {
		tallies = p.Kinds
	}
	for i := range tallies {
		if tallies[i].Name == name {
			return tallies[i]
		}
	}
	return lead.Tally{}
}

// days gives the whole days from a time in Unix milliseconds to the contact's.
func (h *history) days(from int64) int {
	return int(max(0, h.at.UnixMilli()-from) / (24 * time.Hour).Milliseconds())
}

// count is how many contacts there were of a kind or event, this one included.
func (j *judge) count(name string) int {
	n := tallyOf(j.history.with, name).Count
	j.noteHistory(n > 0, name, "%d so far", n)
	return n
}

// first is the days since the first such contact, which may be this one.
func (j *judge) first(name string) int {
	t := tallyOf(j.history.with, name)
	if t.Count == 0 {
		return noDeadline
	}
	n := j.history.days(t.First)
	j.noteHistory(true, name, "first %d days ago", n)
	return n
}

// since is the days since the latest such contact before this one.
func (j *judge) since(name string) int {
	t := tallyOf(j.history.before, name)
	if t.Count == 0 {
		return noDeadline
	}
	n := j.history.days(t.Last)
	j.noteHistory(true, name, "last %d days ago", n)
	return n
}

// contacts is how many contacts there were, this one included.
func (j *judge) contacts() (n int) {
	for _, t := range j.history.with.Kinds {
		n += t.Count
	}
	j.noteHistory(true, "contacts", "%d so far", n)
	return n
}

// people is how many people have written or were named, MaxPeople at most.
func (j *judge) people() int {
	n := len(j.history.with.People)
	j.noteHistory(n > 0, "people", "%d so far", n)
	return n
}

func (j *judge) noteHistory(found bool, label, format string, n int) {
	if found {
		j.note(label, fmt.Sprintf(format, n))
	}
}

// historyFault tells what is wrong with a name that history is asked for, ""
// where nothing is. Any event may be asked for, as other systems name theirs
// as they like; what looks like a misspelt kind is none.
func historyFault(name string) string {
	if slices.Contains(kinds(), name) {
		return ""
	}
	if name == "" || len(name) > MaxName || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") != "" {
		return fmt.Sprintf("there is no kind %q (%s), and no event has such a name: small letters, digits and _%s",
			name, strings.Join(kinds(), ", "), Suggest(name, kinds()))
	}
	for _, kind := range kinds() {
		if misspelt(name, kind) {
			return fmt.Sprintf("there is no kind %q (%s); did you mean %s?", name, strings.Join(kinds(), ", "), kind)
		}
	}
	return ""
}
