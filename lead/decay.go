package lead

import "time"

// Decay says how points lose their worth: they halve once for every full
// half-life since a time, and what is no whole point is cut off.
type Decay struct {
	HalfLife int64     `json:"half_life"` // seconds, above 0
	From     time.Time `json:"from"`
}

// Worth gives what a reason's points are worth at a time. A line that takes
// points back decays from the same time as the points it takes, so the two
// add up to nothing whenever they are looked at.
func (r *Reason) Worth(at time.Time) int {
	if r.Decay == nil {
		return r.Points
	}
	return Worth(r.Points, r.Decay.HalfLife, r.Decay.From.UnixMilli(), at.UnixMilli())
}

// Worth is the one rule of decay: points that halve since from, as seen from
// at. Times are in Unix milliseconds, the half-life in seconds, 0 for points
// that stay. The column worth of the table reasons is the same in SQL.
func Worth(points int, halfLife, from, at int64) int {
	if halfLife == 0 || at <= from {
		return points
	}
	return points / (1 << min((at-from)/(halfLife*1000), 62)) // cuts off towards zero
}
