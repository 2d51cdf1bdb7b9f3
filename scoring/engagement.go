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
func (t *turn) age() {
	touches := t.standing.Touches
	t.standing.Touches = make([]lead.Touch, 0, len(touches)+1)
	lost := make([]int, len(t.criteria.engagement))
	for _, touch := range touches {
		i := slices.IndexFunc(t.criteria.engagement, func(r engagement) bool { return string(r.on) == touch.Rule })
		if i < 0 {
			t.reason(engagementPrefix+touch.Rule, -touch.Points, "no longer in "+t.criteria.id)
			continue
		}
		worth := t.criteria.engagement[i].worth(touch.At, t.next.Last)
		lost[i] += touch.Points - worth
		if worth > 0 {
			touch.Points = worth
			t.standing.Touches = append(t.standing.Touches, touch)
		}
	}
	for i := range t.criteria.engagement {
		r := &t.criteria.engagement[i]
		if lost[i] != 0 {
			evidence := r.halving()
			if t.changed {
				evidence = "as counted in " + t.criteria.id
			}
			t.reason(engagementPrefix+string(r.on), -lost[i], evidence)
		}
		if t.changed {
			t.displace(r)
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
func (t *turn) touch() {
	i := slices.IndexFunc(t.criteria.engagement, func(r engagement) bool { return r.on == t.contact.Kind })
	if i < 0 {
		return
	}
	r := &t.criteria.engagement[i]
	name := engagementPrefix + string(r.on)
	if worth := r.worth(t.at, t.next.Last); worth > 0 {
		t.reason(name, worth, origin(t.contact))
		touch := lead.Touch{Rule: string(r.on), Points: worth, Contact: t.contactID(), At: t.at}
		after := slices.IndexFunc(t.standing.Touches, func(o lead.Touch) bool {
			return cmp.Or(cmp.Compare(o.Rule, touch.Rule), o.At.Compare(touch.At)) > 0
		})
		if after < 0 {
			after = len(t.standing.Touches)
		}
		t.standing.Touches = slices.Insert(t.standing.Touches, after, touch)
	}
	t.displace(r)
}

// displace drops the oldest of a rule's touches that are too many. Touches are
// kept in the order of their rules and times.
func (t *turn) displace(r *engagement) {
	count := 0
	for _, touch := range t.standing.Touches {
		if touch.Rule == string(r.on) {
			count++
		}
	}
	surplus, lost := count-r.atMost/r.points, 0
	t.standing.Touches = slices.DeleteFunc(t.standing.Touches, func(touch lead.Touch) bool {
		if surplus <= 0 || touch.Rule != string(r.on) {
			return false
		}
		surplus--
		lost += touch.Points
		return true
	})
	if lost > 0 {
		t.reason(engagementPrefix+string(r.on), -lost, fmt.Sprintf("at most %d points", r.atMost))
	}
}
