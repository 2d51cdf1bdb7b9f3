package measure_test

import (
	"encoding/json"
	"strings"
	"testing"

	"leadd/lead"
	"leadd/scoring/evidence/measure"
)

func TestTally(t *testing.T) {
	var label measure.Label
	if err := json.Unmarshal([]byte(`{"id":"a","lang":"en","criteria":{"need":true,"budget":true,"timeline":true},"budget":{"amount":5,"currency":"EUR"},"deadline_days":30}`), &label); err != nil {
		t.Fatal(err)
	}
	late := 40
	var tally measure.Tally
	tally.Add(label, []lead.Finding{
		{Criterion: "budget", Amount: 5, Currency: "USD"},
		{Criterion: "timeline", Days: &late},
		{Criterion: "signed", Words: "signed"},
	})
	if got, want := tally.All, (measure.Count{TP: 2, FP: 1, FN: 1}); got != want {
		t.Errorf("all %v, want %v", got, want)
	}
	if tally.Amounts != [2]int{1, 1} || tally.Currencies != [2]int{0, 1} || tally.Deadlines != [2]int{0, 1} {
		t.Errorf("amounts %v, currencies %v, deadlines %v", tally.Amounts, tally.Currencies, tally.Deadlines)
	}
	if f1 := tally.All.F1(); f1 < 0.66 || f1 > 0.67 {
		t.Errorf("F1 %v", f1)
	}
	var b strings.Builder
	if err := tally.Report(&b, []string{"need"}); err != nil {
		t.Fatal(err)
	}
	if want := "need              P 1.000  R 0.000  F1 0.000  (0 true, 0 false, 1 missed)\n"; !strings.Contains(b.String(), want) {
		t.Errorf("no line %q in:\n%s", want, b.String())
	}
	if len(tally.Mistakes) != 4 {
		t.Errorf("%d mistakes: %v", len(tally.Mistakes), tally.Mistakes)
	}
}
