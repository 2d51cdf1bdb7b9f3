package evidence

// soon is how many days ahead a wish still counts as a timeline: about six
// months.
const soon = 190

// whenIn judges the dates of a sentence: one is a deadline where it stands
// behind "by" or with what is to be ready then, and is not a meeting's, an
// invoice's or a quote's.
func (j *judge) whenIn(sen *sentence, ms []match) {
	if j.has(secBudgetNot) {
		return // "no budget this year"
	}
	if j.has(secTimelineCalm) {
		for i := range ms {
			if ms[i].section == secTimelineCalm && !j.negated(sen, ms, &ms[i]) {
				j.calm = true
				return
			}
		}
	}
	if !j.has(secTimeline) && !j.has(secWhen) {
		return
	}
	for i := range ms {
		m := &ms[i]
		if m.hi <= j.labelled {
			continue
		}
		switch m.section {
		case secTimeline:
			if !j.negated(sen, ms, m) {
				j.offer(timeline, 2, m)
			}
		case secWhen:
			if within(ms, i) || j.g.values[m.value] == "span" {
				continue
			}
			if score := j.deadline(sen, ms, m); score >= 2.5 {
				j.offerWhen(score, m)
			}
		}
	}
}

// within reports whether a longer date holds the i-th match.
func within(ms []match, i int) bool {
	m := &ms[i]
	for k := range ms {
		o := &ms[k]
		if k != i && o.section == secWhen && o.lo < m.hi && m.lo < o.hi && o.caps.day != 0 && m.caps.day == 0 {
			return true // "by May" of "by May 15"
		}
		if k != i && o.section == secWhen && o.lo <= m.lo && o.hi >= m.hi && (o.hi-o.lo > m.hi-m.lo || k < i && o.lo == m.lo && o.hi == m.hi) {
			return true
		}
	}
	return false
}

func (j *judge) offerWhen(score float64, m *match) {
	days, ok := j.g.days(j.p, m, j.c.At)
	if !ok || days < 0 || days > soon {
		return
	}
	if f := j.offerSpan(timeline, score, max(m.lo, min(j.labelled, m.hi-1)), m.hi); f != nil {
		found := days
		f.Days = &found
	}
}

// deadline scores how surely a date is the time they want it by; 2.5 is enough.
func (j *judge) deadline(sen *sentence, ms []match, d *match) float64 {
	score, wish := 0.0, 0.0
	goal, other := farWords, farWords
	for i := range ms {
		m := &ms[i]
		switch m.section {
		case secDeadline:
			if m.lo <= d.lo && m.hi >= d.lo-2 && m.hi <= d.hi && (m.hi >= d.lo || !j.clauseBetween(m.hi, d.lo)) || m.lo >= d.hi && m.lo <= d.hi+1 {
				score = 2.5
			}
		case secNeed, secSupplierLeft:
			wish = 1
		case secGoal:
			goal = min(goal, j.distance(m, d))
		case secOtherDate:
			other = min(other, j.distance(m, d))
		}
	}
	switch {
	case goal <= nearWords:
		score += 3
	case goal < farWords:
		score += 1.5
	}
	if sen.hi-sen.lo <= shortSentence {
		wish = 1 // "By 1 June, please."
	}
	score += wish
	if d.caps.day != 0 || d.caps.date != 0 {
		score += 0.5 // the exact day before the month
	}
	if j.g.values[d.value] == "weekday" {
		score -= 2 // seldom more than a meeting
	}
	if other < goal {
		score -= 4
	}
	return score
}

const (
	nearWords = 10

	shortSentence = 8
	farWords      = 100
)

// distance is how many words lie between a phrase and a date; a clause's end
// counts for several, but not the colon of "go-live: 1 May".
func (j *judge) distance(m, d *match) int {
	lo, hi := m.hi, d.lo
	if m.lo >= d.hi {
		lo, hi = d.hi, m.lo
	}
	if lo >= hi {
		return 0
	}
	n := int(hi - lo)
	if j.clauseBetween(lo, hi) {
		n += 4
	}
	return n
}

// timelineField judges the answer to when they want it.
func (j *judge) timelineField() {
	if j.inPage(secTimelineCalm) || len(j.p.tokens) == 0 {
		return
	}
	ms := j.p.matches
	for i := range ms {
		m := &ms[i]
		switch {
		case m.section == secWhen && m.hi > j.labelled && !within(ms, i):
			j.offerWhen(6, m)
		case m.section == secTimeline && m.hi > j.labelled:
			j.offer(timeline, 2, m)
		}
	}
}
