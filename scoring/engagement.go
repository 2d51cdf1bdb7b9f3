package scoring

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"leadd/lead"
)

// engagementPrefix stands before a rule's name in the ledger.
const engagementPrefix = "engagement:"

// worth is what a contact of time at earns as seen from now: the rule's
// points, halved (whole points) once for every full half-life between them.
func (r *engagement) worth(at, now time.Time) int {
	if r.halfLife == 0 || !now.After(at) {
		return r.points
	}
	return r.points >> min(int64(now.Sub(at)/r.halfLife), 62)
}

// age brings the touches to what they are worth as of the prospect's Last,
// and drops those worth nothing: time only moves on, so they stay so.
func (s *step) age() {
	touches := s.next.Touches
	s.next.Touches = make([]lead.Touch, 0, len(touches)+1)
	lost := make([]int, len(s.criteria.engagement))
	for _, t := range touches {
		i := slices.IndexFunc(s.criteria.engagement, func(r engagement) bool { return string(r.on) == t.Rule })
		if i < 0 {
			s.reason(engagementPrefix+t.Rule, -t.Points, "no longer in "+s.criteria.id)
			continue
		}
		worth := s.criteria.engagement[i].worth(t.At, s.next.Last)
		lost[i] += t.Points - worth
		if worth > 0 {
			t.Points = worth
			s.next.Touches = append(s.next.Touches, t)
		}
	}
	for i := range s.criteria.engagement {
		r := &s.criteria.engagement[i]
		if lost[i] != 0 {
			evidence := r.halving()
			if s.changed {
				evidence = "as counted in " + s.criteria.id
			}
			s.reason(engagementPrefix+string(r.on), -lost[i], evidence)
		}
		if s.changed {
			s.displace(r)
		}
	}
}

func (r *engagement) halving() string {
	if r.halfLife%(24*time.Hour) == 0 {
		return "halved after " + strconv.FormatInt(int64(r.halfLife/(24*time.Hour)), 10) + "d"
	}
	return "halved after " + strconv.FormatInt(int64(r.halfLife/time.Hour), 10) + "h"
}

// touch counts the contact itself. Where the rule's maximum is exceeded, the
// oldest touches make room; that may be this contact, if it came late.
func (s *step) touch() {
	i := slices.IndexFunc(s.criteria.engagement, func(r engagement) bool { return r.on == s.contact.Kind })
	if i < 0 {
		return
	}
	r := &s.criteria.engagement[i]
	name := engagementPrefix + string(r.on)
	if worth := r.worth(s.at, s.next.Last); worth > 0 {
		s.reason(name, worth, origin(s.contact))
		t := lead.Touch{Rule: string(r.on), Points: worth, Contact: s.contactID(), At: s.at}
		after := slices.IndexFunc(s.next.Touches, func(o lead.Touch) bool {
			return cmp.Or(cmp.Compare(o.Rule, t.Rule), o.At.Compare(t.At)) > 0
		})
		if after < 0 {
			after = len(s.next.Touches)
		}
		s.next.Touches = slices.Insert(s.next.Touches, after, t)
	}
	s.displace(r)
}

// displace drops the oldest of a rule's touches that are too many. Touches are
// kept in the order of their rules and times.
func (s *step) displace(r *engagement) {
	count := 0
	for _, t := range s.next.Touches {
		if t.Rule == string(r.on) {
			count++
		}
	}
	surplus, lost := count-r.atMost/r.points, 0
	s.next.Touches = slices.DeleteFunc(s.next.Touches, func(t lead.Touch) bool {
		if surplus <= 0 || t.Rule != string(r.on) {
			return false
		}
		surplus--
		lost += t.Points
		return true
	})
	if lost > 0 {
		s.reason(engagementPrefix+string(r.on), -lost, fmt.Sprintf("at most %d points", r.atMost))
	}
}
