package dashboard

import (
	"fmt"
	"math"
	"strings"
	"time"

	"leadd/lead"
)

// The trend's height in pixels; its width is the page's.
const (
	chartHeight = 200
	chartTop    = 12 // room for the highest grid line's label
)

// Most bars a chart has room for.
const maxBars = 62

// chart is the trend: for each bucket of time a bar of new prospects, and in
// it, from the ground, those who became leads, opportunities and customers.
type chart struct {
	Bucket string
	Bars   []bar
	Lines  []gridLine
	Left   bool // there are older buckets than fit
}

type bar struct {
	X, Width string // percent of the width
	Parts    []barPart
	Label    string // under the bar; "" for most
	LabelX   string
	Title    string // the numbers in words
	Start    time.Time
	Tally    Tally
}

type barPart struct {
	Class     string
	Y, Height float64
}

type gridLine struct {
	Y     float64
	Label string
}

// bucketOf chooses the bucket that draws a period in a readable number of bars.
func bucketOf(p Period, now time.Time) string {
	if p.From.IsZero() {
		return byMonth
	}
	to := now
	if !p.To.IsZero() && p.To.Before(now) {
		to = p.To
	}
	switch span := to.Sub(p.From); {
	case span <= 31*24*time.Hour:
		return byDay
	case span <= 400*24*time.Hour:
		return byWeek
	}
	return byMonth
}

// newChart draws the buckets of a period that ends at now or earlier. Buckets
// in which nobody came are there too, as empty places.
func newChart(p Period, now time.Time, bucket string, groups []Group) *chart {
	tallies := make(map[string]Tally, len(groups))
	for _, g := range groups {
		tallies[g.Key] = g.Tally
	}
	end := now
	if !p.To.IsZero() && p.To.Before(now) {
		end = p.To.Add(-time.Millisecond)
	}
	from := p.From
	if from.IsZero() {
		from = end
		for _, g := range groups {
			layout := time.DateOnly[:len(g.Key)]
			if t, err := time.Parse(layout, g.Key); err == nil && t.Before(from) {
				from = t
			}
		}
	}
	c := &chart{Bucket: bucket}
	var starts []time.Time
	for t := startOf(bucket, from.UTC()); !t.After(end); t = after(bucket, t) {
		starts = append(starts, t)
	}
	if len(starts) > maxBars {
		c.Left = true
		starts = starts[len(starts)-maxBars:]
	}
	var most uint64
	for _, t := range starts {
		most = max(most, tallies[bucketKey(bucket, t)].Prospects)
	}
	top := niceTop(most)
	for _, v := range []uint64{0, top / 2, top} {
		c.Lines = append(c.Lines, gridLine{barY(v, top), number(v)})
	}
	slot := 100 / float64(len(starts))
	every := (len(starts) + 5) / 6 // six labels are readable on a phone
	for i, t := range starts {
		tally, ok := tallies[bucketKey(bucket, t)]
		if !ok {
			tally = funnelRow{}.tally()
		}
		b := bar{
			X: pct(slot * (float64(i) + .14)), Width: pct(slot * .72), LabelX: pct(slot * (float64(i) + .5)),
			Title: bucketWords(bucket, t) + ": " + tallyWords(tally), Start: t, Tally: tally,
		}
		if (len(starts)-1-i)%every == every/2 {
			b.Label = bucketLabel(bucket, t)
		}
		for _, s := range tally.Stages {
			if s.Prospects > 0 {
				y := barY(s.Prospects, top)
				b.Parts = append(b.Parts, barPart{stageClass(s.Stage), y, chartHeight - y})
			}
		}
		c.Bars = append(c.Bars, b)
	}
	return c
}

func barY(v, top uint64) float64 {
	return math.Round(10*(chartHeight-float64(v)/float64(top)*(chartHeight-chartTop))) / 10
}

func pct(f float64) string { return fmt.Sprintf("%.3f%%", f) }

// niceTop gives the even round number at or above n that the scale ends with.
func niceTop(n uint64) uint64 {
	for step := uint64(1); ; step *= 10 {
		for _, m := range []uint64{2, 4, 6, 8, 10} {
			if m*step >= n {
				return m * step
			}
		}
	}
}

func bucketLabel(bucket string, t time.Time) string {
	if bucket == byMonth {
		return t.Format("Jan 06")
	}
	return t.Format("2 Jan")
}

func bucketWords(bucket string, t time.Time) string {
	switch bucket {
	case byMonth:
		return t.Format("January 2006")
	case byWeek:
		return "Week of " + date(t)
	}
	return date(t)
}

// tallyWords says a tally in one line: "34 prospects, 12 leads, 1 customer".
func tallyWords(t Tally) string {
	words := []string{plural(t.Prospects, "prospect", "prospects")}
	for _, s := range t.Stages[1:] {
		if s.Prospects > 0 {
			one := s.Stage.String()
			words = append(words, plural(s.Prospects, one, strings.ToLower(stagePlural(s.Stage))))
		}
	}
	return strings.Join(words, ", ")
}

// funnelShape is the outline of one stage of the drawn funnel, in a square of
// 100 by 100: as high on the left as the share that reached the stage, and on
// the right as the share that reached the next.
func funnelShape(left, right float64) string {
	l, r := 50*max(left, .012), 50*max(right, .012)
	return fmt.Sprintf("M0 %.2f C50 %.2f 50 %.2f 100 %.2f V%.2f C50 %.2f 50 %.2f 0 %.2f Z",
		50-l, 50-l, 50-r, 50-r, 50+r, 50+r, 50+l, 50+l)
}

// stageShare is the share of all prospects that a stage has, 0 where there are none.
func stageShare(stages []StageStep, s lead.Stage) float64 {
	if int(s) >= len(stages) || stages[s].Overall == nil {
		return 0
	}
	return *stages[s].Overall
}
