package lead

import (
	"testing"
	"time"
)

func TestWorth(t *testing.T) {
	from := time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		points int
		hours  float64
		want   int
	}{
		{10, -5, 10}, {10, 0, 10}, {10, 11.9999, 10}, {10, 12, 5}, {10, 24, 2}, {10, 36, 1}, {10, 48, 0}, {10, 1e6, 0},
		{-10, 12, -5}, {-10, 24, -2}, {-10, 48, 0}, {-7, 12, -3}, // towards zero, so that two lines cancel
	} {
		r := Reason{Points: tc.points, Decay: &Decay{HalfLife: 12 * 3600, From: from}}
		if got := r.Worth(from.Add(time.Duration(tc.hours * float64(time.Hour)))); got != tc.want {
			t.Errorf("%d points after %v hours are worth %d, want %d", tc.points, tc.hours, got, tc.want)
		}
	}
	if r := (Reason{Points: -3}); r.Worth(from) != -3 {
		t.Error("points without decay decayed")
	}
}

func TestStandingAt(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := Prospect{Last: at.AddDate(0, 0, 3), Heard: at, Standings: []Standing{{
		Product: "crm", Stage: StageOpportunity, Since: at, Score: 33,
		Met:     []Met{{Criterion: "need", Points: 30}},
		Touches: []Touches{{On: KindForm, Points: 12, HalfLife: 86400, At: []int64{at.UnixMilli(), at.AddDate(0, 0, 2).UnixMilli()}}},
		Falls:   []Fall{{At: at.AddDate(0, 0, 10), To: StageLead, Rule: "a"}, {At: at.AddDate(0, 0, 20), To: StageLost, Rule: "b"}},
	}}}
	for days, want := range map[int]struct {
		stage  Stage
		score  int
		fallen int
	}{-9: {StageOpportunity, 37, 0}, 3: {StageOpportunity, 37, 0}, 5: {StageOpportunity, 31, 0}, 10: {StageLead, 30, 1}, 99: {StageLost, 30, 2}} {
		s, fallen, ok := p.StandingAt("crm", at.AddDate(0, 0, days))
		if !ok || s.Stage != want.stage || s.Score != want.score || len(fallen) != want.fallen || len(s.Falls) != 2-want.fallen {
			t.Errorf("after %d days: %+v %+v", days, s, fallen)
		}
	}
	if p.Standings[0].Stage != StageOpportunity || len(p.Standings[0].Falls) != 2 {
		t.Errorf("looking changed it: %+v", p.Standings[0])
	}
	if _, _, ok := p.StandingAt("training", at); ok {
		t.Error("a product that is none")
	}
	if days(23*time.Hour) != "23 hours" || days(25*time.Hour) != "1 day" || days(104*24*time.Hour) != "104 days" {
		t.Error(days(23*time.Hour), days(25*time.Hour))
	}
}
