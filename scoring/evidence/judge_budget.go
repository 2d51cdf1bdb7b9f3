package evidence

// moneyIn judges the amounts of a sentence: one is a budget where the sentence
// says that it is for this purchase, and nothing nearer says that it is
// something else (turnover, an invoice, their present supplier's price).
func (j *judge) moneyIn(sen *sentence, ms []match) {
	if j.has(secBudgetNot) {
		return
	}
	cue := j.has(secBudget)
	other := j.has(secBudgetOther)
	if !cue && !j.order {
		return
	}
	for i := sen.lo; i < sen.hi; i++ {
		k := j.p.moneyAt[i]
		var m money
		switch {
		case k != 0:
			m = j.p.money[k-1]
		case cue && j.bareAmount(sen, ms, i):
			m = money{lo: i, hi: i + 1, amount: j.p.tokens[i].value}
		default:
			continue
		}
		if m.hi <= j.labelled || j.refused(sen, m) {
			continue
		}
		score := 0.0
		if cue {
			near := j.nearest(ms, secBudget, m, sen)
			if near < 0 {
				continue
			}
			score = 3 - float64(min(near, 20))/20
			if other {
				if d := j.nearest(ms, secBudgetOther, m, sen); d >= 0 && d <= near {
					continue
				}
			}
		} else {
			if other {
				continue
			}
			score = 1.5
		}
		if j.order && j.has(secTotal) {
			score += 2
		}
		if m.currency == "" {
			m.currency = j.currencyIn(sen)
		}
		j.offerBudget(score, m)
	}
}

// moneyDenied reports whether a sentence's words for "no money" mean that: not
// those that a phrase for money with a "not" of its own holds ("we need not
// quarrel about money"), nor those that deny an amount ("a budget of 2m we do
// not have, but 500k").
func (j *judge) moneyDenied(ms []match) bool {
	for i := range ms {
		m := &ms[i]
		if m.section != secBudgetNot {
			continue
		}
		excused := false
		for t := m.lo; t <= m.hi && int(t) < len(j.p.moneyAt) && !excused; t++ {
			excused = j.p.moneyAt[t] != 0
		}
		for k := range ms {
			o := &ms[k]
			excused = excused || o.section == secBudgetThere && o.negative && o.lo < m.hi && m.lo < o.hi
		}
		if !excused {
			return true
		}
	}
	return false
}

// refused reports whether a "not" stands right before or behind the amount,
// alone with it in its clause: "not 2m, but 500k", "2m not, but 500k".
func (j *judge) refused(sen *sentence, m money) bool {
	if m.lo > sen.lo && m.hi < sen.hi && j.p.tokens[m.hi].before >= gapClause && j.p.tokens[m.lo].before < gapClause && j.p.tokens[m.lo-1].has(symNegation) {
		return true
	}
	if m.hi >= sen.hi || j.p.tokens[m.hi].before >= gapClause || !j.p.tokens[m.hi].has(symNegation) {
		return false
	}
	return m.hi+1 == sen.hi || j.p.tokens[m.hi+1].before >= gapClause
}

// refusal reports whether the "not" at token not refuses an amount behind token
// lo, and nothing before that.
func (j *judge) refusal(sen *sentence, lo, not int32) bool {
	for t := lo; t < not; t++ {
		if k := j.p.moneyAt[t]; k != 0 && j.p.money[k-1].hi == not {
			return j.refused(sen, j.p.money[k-1])
		}
	}
	return false
}

func (j *judge) offerBudget(score float64, m money) {
	if f := j.offerSpan(budget, score, max(m.lo, j.labelled), m.hi); f != nil {
		f.Amount, f.Currency = m.amount, m.currency
	}
}

// nearest is how many words lie between the amount and the nearest phrase of a
// section that is not denied, -1 where there is none.
func (j *judge) nearest(ms []match, sec section, a money, sen *sentence) int {
	best := -1
	for i := range ms {
		m := &ms[i]
		if m.section != sec || sec == secBudget && j.negated(sen, ms, m) {
			continue
		}
		d := 0
		switch {
		case m.hi <= a.lo:
			d = int(a.lo - m.hi)
			if j.clauseBetween(m.hi, a.lo) {
				d += 3
			}
		case m.lo >= a.hi:
			d = int(m.lo-a.hi) + 1
			if j.clauseBetween(a.hi, m.lo) {
				d += 3
			}
		}
		if best < 0 || d < best {
			best = d
		}
	}
	return best
}

// bareAmount reports whether the number at token i, without currency, stands
// right behind the words for a budget and looks like money.
func (j *judge) bareAmount(sen *sentence, ms []match, i int32) bool {
	t := &j.p.tokens[i]
	if t.kind != numberToken || t.value < 200 || t.value >= 2000 && t.value < 2100 && t.plain {
		return false
	}
	if j.p.dateAt[i] != 0 {
		return false
	}
	for k := range ms {
		if ms[k].section == secBudget && ms[k].hi <= i && ms[k].hi >= i-3 && !j.negated(sen, ms, &ms[k]) {
			if i+1 < sen.hi && j.p.tokens[i+1].before <= gapWord && j.p.tokens[i+1].kind == wordToken && j.currencyIn(sen) == "" {
				return false // "budget for 300 people"
			}
			return true
		}
	}
	return false
}

// currencyIn is the only currency that a sentence names, for an amount without.
func (j *judge) currencyIn(sen *sentence) string {
	for i := sen.lo; i < sen.hi; i++ {
		if c, ok := j.p.value(i, symCurrency); ok && c != currencyPercent {
			if own, _ := j.g.ownDollar(j.p, i, sen.hi); own != "" {
				return own
			}
			return currencies[c]
		}
	}
	return ""
}

// budgetField judges the answer to what their budget is.
func (j *judge) budgetField() {
	if j.inPage(secBudgetNot) {
		return
	}
	best := money{}
	for i := range j.p.money {
		if m := j.p.money[i]; m.amount > best.amount {
			best = m
		}
	}
	if best.amount == 0 {
		for i := range j.p.tokens {
			t := &j.p.tokens[i]
			if t.kind != numberToken || t.value < 100 {
				continue
			}
			a, ok := j.g.amountAt(j.p, int32(i), int32(len(j.p.tokens)))
			if ok && !a.percent && a.value > best.amount {
				best = money{lo: int32(i), hi: a.hi, amount: a.value * a.multiplier}
			}
		}
	}
	if best.amount > 0 {
		if best.currency == "" {
			best.currency = j.fieldCurrency()
		}
		if f := j.offerSpan(budget, 5, 0, int32(len(j.p.tokens))); f != nil {
			f.Amount, f.Currency = best.amount, best.currency
		}
		return
	}
	if j.inPage(secEmpty) || j.inPage(secNo) {
		return
	}
	if j.inPage(secBudgetThere) || j.inPage(secYes) {
		j.offerAll(budget, 4)
	}
}

// fieldCurrency is the currency that another field names.
func (j *judge) fieldCurrency() string {
	var p page
	for i := range j.c.Fields {
		f := &j.c.Fields[i]
		if len(f.Value) > 12 {
			continue
		}
		j.g.tokenize(&p, f.Value, allLanguages)
		if len(p.tokens) == 1 {
			if c, ok := p.value(0, symCurrency); ok && c != currencyPercent {
				return currencies[c]
			}
		}
	}
	return ""
}
