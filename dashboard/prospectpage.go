package dashboard

import (
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"

	"leadd/lead"
)

type prospectView struct {
	*Prospect
	Heading string
	Path    []milestone
	Ledger  []scoreGroup
	Sum     int
}

func (v prospectView) pageTitle() string { return v.Heading }

// milestone is a stage on the way to customer, and when it was reached.
type milestone struct {
	Stage   lead.Stage
	At      time.Time // zero: not yet
	Current bool
}

// scoreGroup is what one criterion adds to the score.
type scoreGroup struct {
	Criterion string
	Points    int    // what they are worth in all
	Lines     []Line // oldest first
}

func (d *Dashboard) prospectPage(r *http.Request) (any, error) {
	p, err := d.prospect(r)
	if err != nil {
		return nil, err
	}
	v := prospectView{Prospect: p, Heading: title(p.Name, p.Key), Path: p.milestones(), Ledger: groupReasons(p.Reasons)}
	for _, g := range v.Ledger {
		v.Sum += g.Points
	}
	return v, nil
}

// milestones gives the stages on the way, or ended by a loss, and when each
// was first reached; a jump reaches the stages jumped over too.
func (p *Prospect) milestones() []milestone {
	path := []milestone{{Stage: lead.StageContact, At: p.First}, {Stage: lead.StageLead}, {Stage: lead.StageOpportunity}, {Stage: lead.StageCustomer}}
	for _, c := range p.Changes {
		for i := 1; i < len(path); i++ {
			if c.To != lead.StageLost && c.To >= path[i].Stage && (path[i].At.IsZero() || c.At.Before(path[i].At)) {
				path[i].At = c.At
			}
		}
	}
	if p.Stage == lead.StageLost {
		path = append(path, milestone{Stage: lead.StageLost, At: p.Since})
	}
	for i := range path {
		path[i].Current = path[i].Stage == p.Stage
	}
	return path
}

// Quoted tells whether the evidence is somebody's own words. Engagement is
// what they did, and folded lines are a sum.
func (g scoreGroup) Quoted() bool { return !strings.HasPrefix(g.Criterion, "engagement") }

// groupReasons adds the ledger up by criterion, most points first.
func groupReasons(reasons []Line) []scoreGroup {
	var groups []scoreGroup
	for _, r := range reasons {
		if r.Worth == 0 && r.Points != 0 {
			continue // halved to nothing
		}
		i := slices.IndexFunc(groups, func(g scoreGroup) bool { return g.Criterion == r.Criterion })
		if i < 0 {
			i = len(groups)
			groups = append(groups, scoreGroup{Criterion: r.Criterion})
		}
		groups[i].Points += r.Worth
		groups[i].Lines = append(groups[i].Lines, r)
	}
	sort.SliceStable(groups, func(i, j int) bool { return groups[i].Points > groups[j].Points })
	return groups
}

// segment is a piece of a contact's text; the criterion is set where the
// words are evidence for it.
type segment struct{ Text, Criterion string }

// marked gives a contact's text in pieces, with the words that were found in it apart.
func marked(e Entry) []segment {
	var found []lead.Finding
	for _, f := range e.Findings {
		end := f.Start + len(f.Words)
		if f.Place == "text" && f.Words != "" && f.Start >= 0 && end <= len(e.Text) && e.Text[f.Start:end] == f.Words {
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, func(a, b lead.Finding) int { return a.Start - b.Start })
	var segments []segment
	at := 0
	for _, f := range found {
		if f.Start < at { // overlaps the one before
			continue
		}
		segments = append(segments, segment{Text: e.Text[at:f.Start]}, segment{f.Words, spoken(f.Criterion)})
		at = f.Start + len(f.Words)
	}
	return append(segments, segment{Text: e.Text[at:]})
}
