package scoring

import (
	"fmt"
	"slices"
	"strings"

	"leadd/lead"
)

// stage moves the prospect to the stage that its criteria and score give; see
// Apply for what holds.
func (t *turn) stage(j *judge) {
	switch t.standing.Stage {
	case lead.StageCustomer:
	case lead.StageLost:
		t.comeBack(j)
	default:
		t.climb(j)
	}
}

func (t *turn) climb(j *judge) {
	p, met := t.standing, t.mask()
	if j.holds(&t.criteria.rules[lead.StageLost], met, p.Score, p.Stage) {
		t.moveTo(lead.StageLost, met)
		return
	}
	if to := t.highest(j, met, p.Score); to > p.Stage {
		t.moveTo(to, met)
	}
}

// comeBack lets a lost prospect return by what it said since the loss alone.
func (t *turn) comeBack(j *judge) {
	p, met := t.standing, t.fresh()
	score := scoreOf(p)
	for _, m := range p.Met {
		if !m.At.After(p.Since) {
			score -= m.Points
		}
	}
	if j.holds(&t.criteria.rules[lead.StageLost], met, score, p.Stage) {
		if t.at.After(p.Since) {
			p.Since = t.at // declined again: what it said before that is past too
		}
		return
	}
	to := t.highest(j, met, score)
	if to == lead.StageContact {
		return
	}
	t.standing.Met = slices.DeleteFunc(p.Met, func(m lead.Met) bool {
		past := !m.At.After(p.Since)
		if past && m.Points != 0 {
			t.reason(m.Criterion, -m.Points, "said before it was lost")
		}
		return past
	})
	p.Score = scoreOf(p)
	t.moveTo(to, met)
}

// renews reports whether the contact may meet again what was met before: the
// prospect is lost, and this was said later.
func (t *turn) renews() bool {
	return t.standing.Stage == lead.StageLost && t.at.After(t.standing.Since)
}

// fresh sets bit i where the i-th criterion was met after the prospect was
// lost.
func (t *turn) fresh() (mask uint64) {
	for _, m := range t.standing.Met {
		if m.At.After(t.standing.Since) {
			mask |= 1 << t.criteria.index[m.Criterion]
		}
	}
	return mask
}

func (t *turn) highest(j *judge, met uint64, score int) lead.Stage {
	for to := lead.StageCustomer; to > lead.StageContact; to-- {
		if j.holds(&t.criteria.rules[to], met, score, t.standing.Stage) {
			return to
		}
	}
	return lead.StageContact
}

func (t *turn) moveTo(to lead.Stage, met uint64) {
	r := &t.criteria.rules[to]
	t.changes = append(t.changes, lead.StageChange{From: t.standing.Stage, To: to, At: t.at, Rule: r.text, Evidence: t.carriers(met & r.criteria)})
	t.standing.Stage, t.standing.Since = to, t.at
}

// carriers names the criteria that carried a rule, in plain words: "Need and
// budget are met, with 80 points".
func (t *turn) carriers(mask uint64) string {
	var names []string
	for i := range t.criteria.criteria {
		if mask&(1<<i) != 0 {
			names = append(names, strings.ReplaceAll(t.criteria.criteria[i].name, "_", " "))
		}
	}
	if len(names) > 0 {
		names[0] = strings.ToUpper(names[0][:1]) + names[0][1:] // a name begins with a letter of ASCII
	}
	switch last := len(names) - 1; last {
	case -1:
		return fmt.Sprintf("A score of %d points", t.standing.Score)
	case 0:
		return fmt.Sprintf("%s is met, with %d points", names[0], t.standing.Score)
	default:
		return fmt.Sprintf("%s and %s are met, with %d points", strings.Join(names[:last], ", "), names[last], t.standing.Score)
	}
}
