package scoring

import (
	"fmt"
	"slices"
	"time"

	"leadd/lead"
)

// engagementPrefix stands before a rule's kind in the ledger.
const engagementPrefix = "engagement:"

// carryTouches takes over the contacts that count for engagement, but those
// that are worth nothing any more: time only moves on, so they stay so.
func (t *turn) carryTouches() {
	old := t.standing.Touches
	t.standing.Touches = make([]lead.Touches, 0, len(t.criteria.engagement))
	for i := range old {
		r := t.criteria.engagementOn(old[i].On)
		if r == nil || r.points != old[i].Points || r.seconds() != old[i].HalfLife || len(old[i].At) > r.most() {
			t.recount(&old[i], r)
			continue
		}
		at := old[i].At
		for len(at) > 0 && r.worth(at[0], t.next.Last) == 0 {
			at = at[1:]
		}
		if len(at) > 0 {
			touches := old[i]
			touches.At = append(make([]int64, 0, len(at)+1), at...)
			t.standing.Touches = append(t.standing.Touches, touches)
		}
	}
}

// recount counts contacts by another rule than they were counted by, r, or
// not at all where that is nil. The ledger takes each back as it was given.
func (t *turn) recount(old *lead.Touches, r *engagement) {
	evidence := "as counted in " + t.criteria.id
	if r == nil {
		evidence = "no longer in " + t.criteria.id
	}
	now := t.next.Last.UnixMilli()
	alive := slices.DeleteFunc(slices.Clone(old.At), func(at int64) bool { return lead.Worth(old.Points, old.HalfLife, at, now) == 0 })
	for _, at := range alive {
		t.decaying(old, -old.Points, at, evidence)
	}
	if r == nil {
		return
	}
	touches := lead.Touches{On: r.on, Points: r.points, HalfLife: r.seconds()}
	for _, at := range alive[max(0, len(alive)-r.most()):] {
		if r.worth(at, t.next.Last) > 0 {
			t.decaying(&touches, r.points, at, evidence)
			touches.At = append(touches.At, at)
		}
	}
	if len(touches.At) > 0 {
		t.standing.Touches = append(t.standing.Touches, touches)
	}
}

// touch counts the contact itself. Only the newest contacts count, as many as
// the rule's maximum allows: another makes the oldest go, and one that is
// older than all of them, having come late, earns nothing.
func (t *turn) touch() {
	r := t.criteria.engagementOn(t.contact.Kind)
	if r == nil {
		return
	}
	at := t.at.UnixMilli()
	if r.worth(at, t.next.Last) == 0 {
		return
	}
	touches := t.touchesOf(r)
	full := len(touches.At) == r.most()
	if full && at <= touches.At[0] {
		return
	}
	t.decaying(touches, r.points, at, origin(t.contact))
	if full {
		t.decaying(touches, -r.points, touches.At[0], fmt.Sprintf("at most %d points", r.atMost))
		touches.At = slices.Delete(touches.At, 0, 1)
	}
	after, _ := slices.BinarySearch(touches.At, at+1)
	touches.At = slices.Insert(touches.At, after, at)
}

// touchesOf gives the touches of a rule, in the order of their kinds' first.
func (t *turn) touchesOf(r *engagement) *lead.Touches {
	i := slices.IndexFunc(t.standing.Touches, func(o lead.Touches) bool { return o.On == r.on })
	if i < 0 {
		i = len(t.standing.Touches)
		t.standing.Touches = append(t.standing.Touches, lead.Touches{On: r.on, Points: r.points, HalfLife: r.seconds()})
	}
	return &t.standing.Touches[i]
}

// decaying adds a line about a contact that counts for engagement, or no more.
func (t *turn) decaying(touches *lead.Touches, points int, at int64, evidence string) {
	name := ""
	if r := t.criteria.engagementOn(touches.On); r != nil {
		name = r.name // made once, as most lines are of a rule in force
	} else {
		name = engagementPrefix + string(touches.On)
	}
	line := t.reason(name, points, evidence)
	if touches.HalfLife > 0 {
		line.Decay = &lead.Decay{HalfLife: touches.HalfLife, From: time.UnixMilli(at).UTC()}
	}
}

// engagementOn gives the rule on a kind; c may be nil, and has none then.
func (c *Criteria) engagementOn(kind lead.Kind) *engagement {
	if c == nil {
		return nil
	}
	for i := range c.engagement {
		if c.engagement[i].on == kind {
			return &c.engagement[i]
		}
	}
	return nil
}

// worth is what a contact of time at (Unix milliseconds) earns as seen from
// now.
func (r *engagement) worth(at int64, now time.Time) int {
	return lead.Worth(r.points, r.seconds(), at, now.UnixMilli())
}

func (r *engagement) seconds() int64 { return int64(r.halfLife / time.Second) }

// most is how many contacts count.
func (r *engagement) most() int { return r.atMost / r.points }
