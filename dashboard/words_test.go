package dashboard

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "under a minute", 29: "under a minute", 31: "1 minute", 89 * 60: "89 minutes", 90 * 60: "2 hours", 35 * 3600: "35 hours",
		36 * 3600: "2 days", 3 * 86400: "3 days", 59 * 86400: "59 days", 61 * 86400: "2 months", 800 * 86400: "2 years", 4000 * 365.25 * 86400: "4,000 years",
	} {
		if got := duration(seconds); got != want {
			t.Errorf("%v: %q, want %q", seconds, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := number(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int]string{0: "+0", 30: "+30", -2: "−2"} {
		if got := points(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestPeriodWords(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 10, d, 0, 0, 0, 0, time.UTC) }
	for want, p := range map[string]Period{
		"at any time": {}, "since 1 Oct 2026": {From: day(1)}, "until 1 Oct 2026": {To: day(2)},
		"on 1 Oct 2026": {day(1), day(2)}, "from 1 Oct 2026 to 2 Oct 2026": {day(1), day(3)},
	} {
		if got := p.words(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The bars of any period have room, cover it without gaps, and end in time.
func TestChartBuckets(t *testing.T) {
	now := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		period Period
		bucket string
		bars   int
		first  string
	}{
		"7 days":    {Period{From: now.AddDate(0, 0, -6)}, byDay, 7, "2026-11-17"},
		"31 days":   {Period{From: now.Add(-31 * 24 * time.Hour)}, byDay, 32, "2026-10-23"},
		"90 days":   {Period{From: now.AddDate(0, 0, -89)}, byWeek, 14, "2026-08-24"},
		"past days": {Period{From: now.AddDate(0, -3, 0), To: now.AddDate(0, -3, 3)}, byDay, 4, "2026-08-23"},
		"3 years":   {Period{From: now.AddDate(-3, 0, 0)}, byMonth, 37, "2023-11-01"},
		"all, none": {Period{}, byMonth, 1, "2026-11-01"},
		"century":   {Period{From: now.AddDate(-100, 0, 0)}, byMonth, maxBars, "2021-10-01"},
		"future":    {Period{From: now.AddDate(1, 0, 0)}, byDay, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := bucketOf(tc.period, now); got != tc.bucket {
				t.Errorf("bucket %s, want %s", got, tc.bucket)
			}
			c := newChart(tc.period, now, tc.bucket, nil)
			if len(c.Bars) != tc.bars {
				t.Fatalf("%d bars, want %d", len(c.Bars), tc.bars)
			}
			if tc.bars > 0 && c.Bars[0].Start.Format(time.DateOnly) != tc.first {
				t.Errorf("begins %v, want %s", c.Bars[0].Start, tc.first)
			}
		})
	}
}

func TestNiceTop(t *testing.T) {
	for n, want := range map[uint64]uint64{0: 2, 1: 2, 3: 4, 9: 10, 11: 20, 48: 60, 61: 80, 1001: 2000} {
		if got := niceTop(n); got != want {
			t.Errorf("%d: %d, want %d", n, got, want)
		}
	}
}
