package evidence

import (
	"strings"
	"unicode"

	"leadd/lead"
)

// judge weighs what the patterns found in one contact.
type judge struct {
	g        *grammar
	p        *page
	c        *lead.Contact
	american bool
	heard    [maxLanguages]int // words that tell the contact's language
	langs    uint32            // bits of the languages heard

	place    string // where the page stands in the contact
	text     string // the page without its label
	offset   int    // length of the label
	labelled int32  // tokens of the label
	sections uint64 // bits of the sections that the sentence has matches of

	best     [len(criteria)]candidate
	never    bool      // they do not want to buy: job, sale, survey
	points   float64   // towards needs_identified
	anyText  candidate // the fullest sentence, to quote where it counts that they wrote at all
	noBudget bool
	calm     bool
	order    bool
	copy     bool // a signed copy comes, not only an order
	things   int  // numbers of things, said without asking for them
}

// candidate is a possible finding; the highest score of a criterion stands,
// the first of equals.
type candidate struct {
	score   float64
	finding lead.Finding
}

// A contract that is out is no news beside a signed one, unless a pattern's
// value says that it tells of another document.
const (
	beside       = "beside"
	besideSigned = 3
)

// A signature that a sentence asks about or that is of something else is none,
// unless a pattern's value says that the words tell of it surely: "I have
// signed and posted it, did you get it?"
const told = "told"

// prose judges a page of sentences.
func (j *judge) prose() {
	p := j.p
	at := 0
	for s := range p.sentences {
		from := at
		for at < len(p.matches) && p.matches[at].s == int32(s) {
			at++
		}
		j.sentence(int32(s), p.matches[from:at])
	}
}

// sentence judges one sentence by its matches.
func (j *judge) sentence(s int32, ms []match) {
	sen := &j.p.sentences[s]
	j.sections = 0
	for i := range ms {
		j.sections |= 1 << ms[i].section
	}
	if j.has(secBudgetNot) && !j.moneyDenied(ms) {
		j.sections &^= 1 << secBudgetNot
	}
	for i := range ms {
		m := &ms[i]
		if m.hi <= j.labelled && m.section != secNeedNever {
			continue
		}
		switch m.section {
		case secNeed:
			if !j.negated(sen, ms, m) {
				j.offer(need, 3+float64(m.hi-m.lo)/10, m)
			}
		case secNeedNever:
			if !j.negated(sen, ms, m) {
				j.never = true
			}
		case secBudgetThere:
			if !sen.question && !j.negated(sen, ms, m) && !j.conditional(sen, ms, m) && !j.has(secBudgetNot) {
				j.offer(budget, 1, m)
			}
		case secBudgetNot:
			j.noBudget = j.noBudget || j.has(secBudgetNot)
		case secAuthority:
			if !sen.question && !j.negated(sen, ms, m) && !overlapped(ms, m, secAuthorityNot) {
				j.offer(authority, 2, m)
			}
		case secContacted:
			if !j.negated(sen, ms, m) && !j.has(secContactedNot) {
				j.offer(contacted, 3, m)
			}
		case secSupplierLeft:
			if !sen.question && !j.negated(sen, ms, m) && !j.conditional(sen, ms, m) && !j.future(sen, ms, m) {
				j.offer(supplierLeft, 2, m)
			}
		case secNegotiating:
			if !j.negated(sen, ms, m) && !overlapped(ms, m, secNegotiatingNot) {
				j.offer(negotiating, 2, m)
			}
		case secContractOut:
			if !j.negated(sen, ms, m) && !j.supposed(ms, m) && !overlapped(ms, m, secSupplierLeft) {
				score := 2.0
				if j.g.values[m.value] == beside {
					score = besideSigned
				}
				j.offer(contractOut, score, m)
			}
		case secSigned:
			doubtful := j.g.values[m.value] != told && (sen.question || j.has(secSignedNot))
			if !doubtful && !j.negated(sen, ms, m) && !j.conditional(sen, ms, m) && !j.future(sen, ms, m) {
				j.copy = true
				j.offer(signed, 2, m)
			}
		case secOrder:
			if !sen.question && !j.negated(sen, ms, m) && !j.conditional(sen, ms, m) && !j.future(sen, ms, m) {
				j.order = true
				j.offer(signed, 2, m)
			}
		case secDeclined:
			if !sen.question && !j.negated(sen, ms, m) && !j.conditional(sen, ms, m) && !j.has(secDeclinedNot) {
				j.offer(declined, 2, m)
			}
		}
	}
	j.moneyIn(sen, ms)
	j.whenIn(sen, ms)
	j.requirementsIn(sen, ms)
	j.remember(sen)
}

// remember keeps the fullest early sentence: the words to quote for an answer
// to our mail.
func (j *judge) remember(sen *sentence) {
	if j.anyText.score >= 12 || j.anyText.score >= 8 && !sen.question {
		return // no sentence has a higher score
	}
	n := 0
	for i := max(sen.lo, j.labelled); i < sen.hi && n < 8; i++ {
		if j.p.tokens[i].kind == wordToken {
			n++
		}
	}
	if n == 0 {
		return
	}
	score := float64(n)
	if sen.question {
		score += 4
	}
	if j.place == "subject" {
		score /= 8
	}
	if score > j.anyText.score {
		lo := max(sen.lo, j.labelled)
		j.anyText = candidate{score, j.finding(need, lo, sen.hi)}
	}
}

// has reports whether any of the sentence's matches is of a section.
func (j *judge) has(sec section) bool { return j.sections>>sec&1 != 0 }

// overlapped reports whether a match of sec shares words with m.
func overlapped(ms []match, m *match, sec section) bool {
	for i := range ms {
		if ms[i].section == sec && ms[i].lo < m.hi && m.lo < ms[i].hi {
			return true
		}
	}
	return false
}

// inPage reports whether a match of sec stands anywhere on the page, beyond
// its label.
func (j *judge) inPage(sec section) bool {
	for i := range j.p.matches {
		if j.p.matches[i].section == sec && j.p.matches[i].hi > j.labelled {
			return true
		}
	}
	return false
}

const (
	negationReach = 4 // words before a phrase in which "not" denies it
	futureReach   = 5
)

// negated reports whether a "not" denies the phrase: shortly before it in the
// clause, or in a gap within it; or right behind it in languages that put it
// there.
func (j *judge) negated(sen *sentence, ms []match, m *match) bool {
	if m.negative {
		return false
	}
	lo := m.lo
	for n := 0; lo > sen.lo && n < negationReach && j.p.tokens[lo].before < gapClause; n++ {
		lo--
	}
	for i := lo; i < m.hi; i++ {
		if lang, ok := j.p.value(i, symNegation); ok && j.langs>>lang&1 != 0 && !covered(ms, i, secNegationNot) {
			return true
		}
	}
	for i := range ms {
		if ms[i].section == secNegationAfter && ms[i].lo >= m.hi && ms[i].lo <= m.hi+negationReach && !j.clauseBetween(m.hi, ms[i].lo) &&
			!j.refusal(sen, m.hi, ms[i].lo) {
			return true
		}
	}
	return false
}

// clauseBetween reports whether a clause ends before one of the tokens lo to
// hi.
func (j *judge) clauseBetween(lo, hi int32) bool {
	for i := lo; i <= hi && int(i) < len(j.p.tokens); i++ {
		if j.p.tokens[i].before >= gapClause {
			return true
		}
	}
	return false
}

func covered(ms []match, token int32, sec section) bool {
	for i := range ms {
		if ms[i].section == sec && ms[i].lo <= token && token < ms[i].hi {
			return true
		}
	}
	return false
}

// conditional reports whether the phrase only holds if something else does:
// an "if" before it in the sentence, or behind it with no comma between.
func (j *judge) conditional(sen *sentence, ms []match, m *match) bool {
	for i := range ms {
		if ms[i].section != secCondition {
			continue
		}
		if ms[i].lo < m.hi && ms[i].lo >= sen.lo {
			return true
		}
		if ms[i].lo >= m.hi && ms[i].lo <= m.hi+6 && !j.clauseBetween(m.hi, ms[i].lo) {
			return true
		}
	}
	return false
}

// supposed reports whether an "if" stands before the phrase.
func (j *judge) supposed(ms []match, m *match) bool {
	for i := range ms {
		if ms[i].section == secCondition && ms[i].lo < m.lo {
			return true
		}
	}
	return false
}

// future reports whether the phrase is still to come: "will", "want to" in its
// clause before it.
func (j *judge) future(sen *sentence, ms []match, m *match) bool {
	lo := m.lo
	for n := 0; lo > sen.lo && n < futureReach && j.p.tokens[lo].before < gapClause; n++ {
		lo--
	}
	for i := range ms {
		if ms[i].section == secFuture && ms[i].lo >= lo && ms[i].lo < m.hi {
			return true
		}
		// "müssen wir noch unterschreiben lassen" puts it behind.
		if ms[i].section == secFuture && ms[i].lo >= m.hi && ms[i].lo <= m.hi+1 && !j.clauseBetween(m.hi, ms[i].lo) {
			return true
		}
	}
	return false
}

// offer proposes a match's words as a finding.
func (j *judge) offer(criterion int, score float64, m *match) {
	j.offerSpan(criterion, score, max(m.lo, min(j.labelled, m.hi-1)), m.hi)
}

// offerAll proposes the whole page.
func (j *judge) offerAll(criterion int, score float64) {
	j.offerSpan(criterion, score, j.labelled, int32(len(j.p.tokens)))
}

// offerSpan proposes tokens lo to hi. It gives the finding, to be filled in, if
// that stands for now.
func (j *judge) offerSpan(criterion int, score float64, lo, hi int32) *lead.Finding {
	if hi <= lo || score <= j.best[criterion].score {
		return nil
	}
	f := j.finding(criterion, lo, hi)
	if f.Words == "" {
		return nil
	}
	j.best[criterion] = candidate{score, f}
	return &j.best[criterion].finding
}

// finding makes a finding of tokens lo to hi.
func (j *judge) finding(criterion int, lo, hi int32) lead.Finding {
	if lo >= hi || int(hi) > len(j.p.tokens) {
		return lead.Finding{}
	}
	start, end := int(j.p.tokens[lo].start), int(j.p.tokens[hi-1].end)
	if start < j.offset {
		start = j.offset
	}
	start -= j.offset
	end -= j.offset
	if end <= start || end > len(j.text) {
		return lead.Finding{}
	}
	words := j.text[start:end]
	trimmed := strings.TrimLeftFunc(words, unicode.IsSpace)
	start += len(words) - len(trimmed)
	return lead.Finding{Criterion: criteria[criterion], Words: trimmed, Place: j.place, Start: start}
}

// title judges the page as a job title.
func (j *judge) title() {
	if j.inPage(secTitleNot) {
		return
	}
	for i := range j.p.matches {
		if m := &j.p.matches[i]; m.section == secTitle {
			j.offer(authority, 3, m)
			return
		}
	}
}

// conclude lets the findings speak to each other.
func (j *judge) conclude() {
	b := &j.best
	if j.noBudget && b[budget].finding.Amount == 0 {
		b[budget] = candidate{}
	}
	if j.calm && b[timeline].finding.Days == nil {
		b[timeline] = candidate{}
	}
	j.concludeRequirements()
	if b[signed].score > 0 && b[contractOut].score < besideSigned {
		b[contractOut] = candidate{}
	}
	if b[declined].score > 0 && b[signed].score > 0 {
		if b[signed].finding.Place == b[declined].finding.Place && b[signed].finding.Start > b[declined].finding.Start {
			b[declined] = candidate{}
		} else {
			b[signed] = candidate{}
		}
	}
	if (j.c.Class == lead.ClassReply || j.c.Class == lead.ClassForward && j.c.InReplyTo != "") && b[contacted].score == 0 && j.anyText.score > 0 {
		// They answer what we wrote: that is a conversation.
		f := j.anyText.finding
		f.Criterion = criteria[contacted]
		b[contacted] = candidate{1, f}
	}
	if b[contacted].score == 0 {
		// Who has our contract has heard from us.
		for _, k := range [...]int{contractOut, signed} {
			if f := b[k].finding; b[k].score > 0 && (k == contractOut || j.copy) {
				f.Criterion = criteria[contacted]
				b[contacted] = candidate{1, f}
				break
			}
		}
	}
	if j.firm() >= 2 {
		// Whoever names dates and amounts for it has not said no, whatever
		// single phrase looks like it.
		b[declined] = candidate{}
		j.never = false
	}
	if b[declined].score > 0 {
		for _, over := range [...]int{need, budget, timeline, needsIdentified, negotiating, contractOut} {
			b[over] = candidate{}
		}
		return
	}
	if j.never && j.firm() == 0 && b[signed].score == 0 {
		for _, k := range [...]int{need, budget, timeline, needsIdentified} {
			b[k] = candidate{}
		}
		return
	}
	if b[need].score == 0 {
		for _, k := range [...]int{signed, contractOut, negotiating, needsIdentified, timeline, budget, supplierLeft} {
			if b[k].score > 0 {
				f := b[k].finding
				b[need] = candidate{1, lead.Finding{Criterion: criteria[need], Words: f.Words, Place: f.Place, Start: f.Start}}
				return
			}
		}
	}
}

// firm counts the findings that only somebody gives who means to buy.
func (j *judge) firm() int {
	n := 0
	if j.best[budget].finding.Amount > 0 {
		n++
	}
	if j.best[timeline].finding.Days != nil {
		n++
	}
	for _, k := range [...]int{needsIdentified, negotiating, contractOut} {
		if j.best[k].score > 0 {
			n++
		}
	}
	return n
}

// findings lists what stands, in the order of criteria.
func (j *judge) findings() []lead.Finding {
	n := 0
	for i := range j.best {
		if j.best[i].score > 0 && j.best[i].finding.Words != "" {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	out := make([]lead.Finding, 0, n)
	for i := range j.best {
		if j.best[i].score > 0 && j.best[i].finding.Words != "" {
			out = append(out, j.best[i].finding)
		}
	}
	return out
}
