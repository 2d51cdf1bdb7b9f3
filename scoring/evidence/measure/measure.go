// Package measure compares findings with labels: precision, recall and F1 for
// each criterion and language, and how often amounts and deadlines are right.
package measure

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"leadd/lead"
)

// Label is what a careful reader concludes from one item, in the form of the
// labelled files: Criteria names the true ones only.
type Label struct {
	ID       string          `json:"id"`
	Lang     string          `json:"lang"`
	Criteria map[string]bool `json:"criteria"`
	Budget   *struct {
		Amount   float64 `json:"amount"`
		Currency string  `json:"currency"`
	} `json:"budget"`
	DeadlineDays *int `json:"deadline_days"`
}

// Count holds true and false positives and false negatives.
type Count struct{ TP, FP, FN int }

// Precision is the share of the found that is true, 1 where nothing was found.
func (c Count) Precision() float64 { return ratio(c.TP, c.TP+c.FP) }

// Recall is the share of the true that was found, 1 where nothing is true.
func (c Count) Recall() float64 { return ratio(c.TP, c.TP+c.FN) }

// F1 is the harmonic mean of precision and recall.
func (c Count) F1() float64 { return ratio(2*c.TP, 2*c.TP+c.FP+c.FN) }

func ratio(a, b int) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}

// Mistake is one difference between label and findings.
type Mistake struct {
	ID, Lang, Criterion string
	Missed              bool // false: found where it is not true
	Words               string
}

// Tally gathers the comparison of many items.
type Tally struct {
	Items      int
	All        Count
	Criteria   map[string]Count
	Langs      map[string]Count
	Mistakes   []Mistake
	Amounts    [2]int // right, of those labelled and found
	Currencies [2]int
	Deadlines  [2]int
}

// DeadlineSlack is how many days a deadline may be off and still be right.
const DeadlineSlack = 3

// Add compares one item.
func (t *Tally) Add(want Label, got []lead.Finding) {
	if t.Criteria == nil {
		t.Criteria, t.Langs = map[string]Count{}, map[string]Count{}
	}
	t.Items++
	found := map[string]lead.Finding{}
	for _, f := range got {
		found[f.Criterion] = f
	}
	names := map[string]bool{}
	for name, is := range want.Criteria {
		if is {
			names[name] = true
		}
	}
	for name := range found {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		f, have := found[name]
		var c Count
		switch {
		case want.Criteria[name] && have:
			c.TP = 1
		case have:
			c.FP = 1
		default:
			c.FN = 1
		}
		if c.TP == 0 {
			t.Mistakes = append(t.Mistakes, Mistake{want.ID, want.Lang, name, !have, f.Words})
		}
		t.All = t.All.plus(c)
		t.Criteria[name] = t.Criteria[name].plus(c)
		t.Langs[want.Lang] = t.Langs[want.Lang].plus(c)
	}
	if f, ok := found["budget"]; ok && want.Criteria["budget"] {
		amount, currency := 0.0, ""
		if want.Budget != nil {
			amount, currency = want.Budget.Amount, want.Budget.Currency
		}
		t.score(&t.Amounts, f.Amount == amount, want, "amount", f.Words)
		t.score(&t.Currencies, f.Currency == currency, want, "currency", f.Words)
	}
	if f, ok := found["timeline"]; ok && want.Criteria["timeline"] {
		right := (f.Days == nil) == (want.DeadlineDays == nil)
		if right && f.Days != nil {
			right = max(*f.Days-*want.DeadlineDays, *want.DeadlineDays-*f.Days) <= DeadlineSlack
		}
		t.score(&t.Deadlines, right, want, "deadline", f.Words)
	}
}

func (t *Tally) score(n *[2]int, right bool, want Label, what, words string) {
	n[1]++
	if right {
		n[0]++
		return
	}
	t.Mistakes = append(t.Mistakes, Mistake{want.ID, want.Lang, what, false, words})
}

func (c Count) plus(d Count) Count { return Count{c.TP + d.TP, c.FP + d.FP, c.FN + d.FN} }

// Report writes the figures, the criteria in the order given.
func (t *Tally) Report(w io.Writer, criteria []string) error {
	line := func(name string, c Count) string {
		return fmt.Sprintf("%-17s P %.3f  R %.3f  F1 %.3f  (%d true, %d false, %d missed)\n", name, c.Precision(), c.Recall(), c.F1(), c.TP, c.FP, c.FN)
	}
	out := fmt.Sprintf("%d items\n", t.Items)
	for _, name := range criteria {
		out += line(name, t.Criteria[name])
	}
	for _, lang := range slices.Sorted(maps.Keys(t.Langs)) {
		out += line("language "+lang, t.Langs[lang])
	}
	out += line("overall", t.All)
	out += fmt.Sprintf("amount %d/%d  currency %d/%d  deadline %d/%d\n", t.Amounts[0], t.Amounts[1], t.Currencies[0], t.Currencies[1], t.Deadlines[0], t.Deadlines[1])
	_, err := io.WriteString(w, out)
	return err
}
