package scoring

import (
	"fmt"
	"slices"
	"strings"

	"leadd/lead"
)

// stage moves the prospect to the stage that its criteria and score give; see
// Apply for what holds.
func (s *step) stage(j *judge) {
	switch s.next.Stage {
	case lead.StageCustomer:
	case lead.StageLost:
		s.comeBack(j)
	default:
		s.climb(j)
	}
}

func (s *step) climb(j *judge) {
	p, met := s.next, s.mask()
	if j.holds(&s.criteria.rules[lead.StageLost], met, p.Score, p.Stage) {
		s.moveTo(lead.StageLost, met)
		return
	}
	if to := s.highest(j, met, p.Score); to > p.Stage {
		s.moveTo(to, met)
	}
}

// comeBack lets a lost prospect return by what it said since the loss alone.
func (s *step) comeBack(j *judge) {
	p, met := s.next, s.fresh()
	score := scoreOf(p)
	for _, m := range p.Met {
		if !m.At.After(p.Since) {
			score -= m.Points
		}
	}
	if j.holds(&s.criteria.rules[lead.StageLost], met, score, p.Stage) {
		if s.at.After(p.Since) {
			p.Since = s.at // declined again: what it said before that is past too
		}
		return
	}
	to := s.highest(j, met, score)
	if to == lead.StageContact {
		return
	}
	s.next.Met = slices.DeleteFunc(p.Met, func(m lead.Met) bool {
		past := !m.At.After(p.Since)
		if past && m.Points != 0 {
			s.reason(m.Criterion, -m.Points, "said before it was lost")
		}
		return past
	})
	p.Score = scoreOf(p)
	s.moveTo(to, met)
}

// renews reports whether the contact may meet again what was met before: the
// prospect is lost, and this was said later.
func (s *step) renews() bool {
	return s.next.Stage == lead.StageLost && s.at.After(s.next.Since)
}

// fresh sets bit i where the i-th criterion was met after the prospect was
// lost.
func (s *step) fresh() (mask uint64) {
	for _, m := range s.next.Met {
		if m.At.After(s.next.Since) {
			mask |= 1 << s.criteria.index[m.Criterion]
		}
	}
	return mask
}

func (s *step) highest(j *judge, met uint64, score int) lead.Stage {
	for to := lead.StageCustomer; to > lead.StageContact; to-- {
		if j.holds(&s.criteria.rules[to], met, score, s.next.Stage) {
			return to
		}
	}
	return lead.StageContact
}

func (s *step) moveTo(to lead.Stage, met uint64) {
	r := &s.criteria.rules[to]
	s.change = &lead.StageChange{From: s.next.Stage, To: to, At: s.at, Rule: r.text, Evidence: s.carriers(met & r.criteria)}
	s.next.Stage, s.next.Since = to, s.at
}

// carriers names the criteria that carried a rule, in plain words: "Need and
// budget are met, with 80 points".
func (s *step) carriers(mask uint64) string {
	var names []string
	for i := range s.criteria.criteria {
		if mask&(1<<i) != 0 {
			names = append(names, strings.ReplaceAll(s.criteria.criteria[i].name, "_", " "))
		}
	}
	if len(names) > 0 {
		names[0] = strings.ToUpper(names[0][:1]) + names[0][1:] // a name begins with a letter of ASCII
	}
	switch last := len(names) - 1; last {
	case -1:
		return fmt.Sprintf("A score of %d points", s.next.Score)
	case 0:
		return fmt.Sprintf("%s is met, with %d points", names[0], s.next.Score)
	default:
		return fmt.Sprintf("%s and %s are met, with %d points", strings.Join(names[:last], ", "), names[last], s.next.Score)
	}
}
