package evidence

import "sort"

// Points towards needs_identified: requiredPoints make it. A quantity to buy is
// enough alone, one lone feature is not.
const (
	requiredPoints = 2.0
	mustPoints     = 0.75
	quantityPoints = 2.0
	featurePoints  = 0.75
	limitPoints    = 1.0
	listPoints     = 0.25
	bulletPoints   = 0.8
	headsPoints    = 0.4

	countPoints      = 1.0 // "need 6 vans": a number of something
	thingPoints      = 0.9 // "two offices, 35 laptops"
	enoughThings     = 3
	enumeratedPoints = 0.45
	someMembers      = 3 // of an enumeration
)

// worths are the points of what the lexicons list.
var worths = [sectionCount]float64{
	secMust: mustPoints, secQuantity: quantityPoints, secFeature: featurePoints,
	secLimit: limitPoints, secList: listPoints, secHeads: headsPoints,
}

// requirementsIn counts what a sentence spells out of what they want.
func (j *judge) requirementsIn(sen *sentence, ms []match) {
	if sen.hi <= j.labelled || j.place == "subject" {
		return
	}
	// What is said about the deal's papers is no requirement.
	if !j.order && (j.has(secSigned) || j.has(secContractOut) || j.has(secDeclined) || j.has(secNegotiating)) {
		return
	}
	points := 0.0
	seen := [sectionCount]bool{}
	var first *match
	for i := range ms {
		m := &ms[i]
		worth := worths[m.section]
		if worth == 0 || seen[m.section] || m.hi <= j.labelled && m.section != secList && m.section != secMust || j.inMoney(m.hi-1) {
			continue
		}
		if m.section == secFeature {
			word := m.words(j.p)
			if j.p.features[word] {
				continue
			}
			if j.p.features == nil {
				j.p.features = map[string]bool{}
			}
			j.p.features[word] = true
			points += worth
			if first == nil {
				first = m
			}
			continue
		}
		if m.section == secQuantity && j.negated(sen, ms, m) {
			continue
		}
		seen[m.section] = true
		points += worth
		if first == nil || first.section == secFeature {
			first = m
		}
	}
	if sen.bullet && sen.hi-sen.lo >= 2 {
		points += bulletPoints
	}
	if !j.has(secContacted) {
		if n := j.counted(sen, ms); n > 0 && !seen[secQuantity] {
			if j.has(secNeed) || j.has(secList) {
				points += countPoints
				n--
			}
			if !j.has(secBudgetOther) && !sen.question {
				points += thingPoints * float64(min(n, enoughThings-j.things))
				j.things = min(j.things+n, enoughThings)
			}
		}
		if sen.clauses >= someMembers {
			if n := j.enumerated(sen, ms); n >= someMembers {
				points += enumeratedPoints * float64(min(n-1, 5))
			}
		}
	}
	if points == 0 {
		return
	}
	j.points += points
	lo, hi := max(sen.lo, j.labelled), sen.hi
	if first != nil && hi-lo > 30 {
		lo, hi = max(first.lo, j.labelled), max(first.hi, j.labelled+1)
	}
	j.offerSpan(needsIdentified, points, lo, hi)
}

// counted is how many things the sentence counts: numbers before a word that is
// no time, money, date or head count.
func (j *judge) counted(sen *sentence, ms []match) int {
	n := 0
	for i := sen.lo; i+1 < sen.hi; i++ {
		t, next := &j.p.tokens[i], &j.p.tokens[i+1]
		word, _ := j.p.value(i, symNumberWord)
		if word < 2 && (t.kind != numberToken || t.value < 2 || t.value != float64(int(t.value))) || t.value > 99999 || i < j.labelled || next.kind != wordToken || next.before > gapWord || next.before == gapNone {
			continue
		}
		if covered(ms, i, secWhen) || covered(ms, i, secHeads) || j.p.dateAt[i] != 0 || i > 0 && j.p.dateAt[i-1] != 0 || t.value >= 1990 && t.value < 2100 && t.plain {
			continue
		}
		if i > sen.lo && (j.p.tokens[i-1].kind == numberToken || t.before == gapNone) {
			continue // "+1 505 555 0114", "ISO9001"
		}
		if next.kinds&(1<<symCurrency|1<<symUnit|1<<symMonth|1<<symNumberWord|1<<symMultiplier) != 0 || j.inMoney(i) {
			continue
		}
		n++
	}
	return n
}

// enumerated counts the short members that commas part in a sentence, those
// aside that ask, tell a time or an amount.
func (j *judge) enumerated(sen *sentence, ms []match) int {
	n, from := 0, max(sen.lo, j.labelled)
	tokens := j.p.tokens
	for i := from; i <= sen.hi; i++ {
		if i < sen.hi && (tokens[i].before < gapClause || i == from) {
			continue
		}
		if i-from <= 8 && !j.tells(ms, from, i) {
			n++
		}
		from = i
	}
	return n
}

// tells reports whether a match in the tokens lo to hi says something else
// than a requirement.
func (j *judge) tells(ms []match, lo, hi int32) bool {
	for i := range ms {
		m := &ms[i]
		if m.lo < lo || m.lo >= hi {
			continue
		}
		switch m.section {
		case secNeed, secWhen, secTimeline, secBudget, secBudgetOther, secContacted, secSupplierLeft, secAuthority:
			return true
		}
	}
	return false
}

// inMoney reports whether a token belongs to an amount of money: "1.2m" is no
// length.
func (j *judge) inMoney(token int32) bool {
	if len(j.p.money) == 0 {
		return false
	}
	// The amounts stand in the order of the text and never overlap.
	i := sort.Search(len(j.p.money), func(i int) bool { return j.p.money[i].lo > token })
	return i > 0 && token < j.p.money[i-1].hi
}

// words is a match's text.
func (m *match) words(p *page) string {
	return p.text[p.tokens[m.lo].start:p.tokens[m.hi-1].end]
}

// quantityField judges the answer to how many they want.
func (j *judge) quantityField() {
	for i := range j.p.tokens {
		if t := &j.p.tokens[i]; t.kind == numberToken && t.value > 0 {
			j.points += quantityPoints
			j.offerAll(needsIdentified, quantityPoints)
			return
		}
	}
}

func (j *judge) concludeRequirements() {
	if j.points < requiredPoints {
		j.best[needsIdentified] = candidate{}
	}
}

// otherField judges an answer whose question is only known by its words.
func (j *judge) otherField() {
	ms := j.p.matches
	asks := func(sec section) bool {
		for i := range ms {
			if ms[i].section == sec && ms[i].lo < j.labelled {
				return true
			}
		}
		return false
	}
	first := int32(0)
	if len(j.p.sentences) > 0 {
		first = j.p.sentences[0].hi
	}
	short := int(first) == len(j.p.tokens) && first-j.labelled <= 3
	if short && j.inPage(secNo) {
		if asks(secAsksBuying) {
			j.offerAll(declined, 3)
		}
		return
	}
	if short && j.inPage(secEmpty) {
		return
	}
	if short && j.inPage(secYes) {
		if asks(secAsksDecision) {
			j.offerAll(authority, 2)
		}
		return
	}
	if asks(secBudgetOther) {
		return
	}
	for i := range ms {
		if ms[i].lo >= j.labelled {
			break
		}
		switch ms[i].section {
		case secTitle, secAsksDecision:
			continue
		case secBudget:
			if j.labelled <= 4 {
				j.budgetLabel()
			}
		case secGoal:
			if !asks(secOtherDate) && j.labelled <= 6 && short {
				j.timelineField()
			}
		}
	}
	j.prose()
}

// budgetLabel judges an answer under a label of ours for money: the label's own
// amounts do not count.
func (j *judge) budgetLabel() {
	label := j.labelled
	best := money{}
	for i := range j.p.money {
		if m := j.p.money[i]; m.lo >= label && m.amount > best.amount {
			best = m
		}
	}
	for i := label; best.amount == 0 && int(i) < len(j.p.tokens); i++ {
		if t := &j.p.tokens[i]; t.kind == numberToken && t.value >= 100 {
			best = money{lo: i, hi: i + 1, amount: t.value}
		}
	}
	if best.amount == 0 {
		return
	}
	if best.currency == "" {
		best.currency = j.fieldCurrency()
	}
	if f := j.offerSpan(budget, 5, label, int32(len(j.p.tokens))); f != nil {
		f.Amount, f.Currency = best.amount, best.currency
	}
}
