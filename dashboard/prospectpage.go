package dashboard

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"time"

	"leadd/lead"
)

type prospectView struct {
	*Prospect
	Heading string
	When    string // the time that the page tells of: "now", "on 31 Dec 2026, 00:00"
	NowURL  string // the same as of now; "" where it is
	Places  []place
	Path    []milestone
	Ledger  []account
	Given   int   // points of all lines when they were new
	Sum     int64 // what they are worth
	Moments []moment
}

func (v prospectView) pageTitle() string { return v.Heading }

// place is where the prospect stands for a product, and the way to see why.
type place struct {
	Standing
	URL     string
	Current bool
}

// milestone is a stage on the way to customer, and when it was reached.
type milestone struct {
	Stage   lead.Stage
	At      time.Time // zero: not yet
	Current bool
}

func (d *Dashboard) prospectPage(r *http.Request) (any, error) {
	p, err := d.prospect(r)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	p.nameNames()
	v := prospectView{
		Prospect: p, Heading: title(p.Name, p.Key), When: "now",
		Path: p.milestones(), Ledger: p.accounts(), Moments: p.moments(),
	}
	self := prospectPath(p.Key, "")
	if at := q.Get("at"); at != "" {
		v.When, v.NowURL = "on "+dateTime(p.AsOf), path(self, url.Values{}, "product", q.Get("product"))
	}
	if len(p.Standings) > 1 {
		for _, s := range p.Standings {
			v.Places = append(v.Places, place{s, path(self, url.Values{}, "product", s.Product, "at", q.Get("at")), s.Product == p.Product})
		}
	}
	for _, a := range v.Ledger {
		v.Given += a.Given
		v.Sum += int64(a.Worth)
	}
	return v, nil
}

// nameNames puts names where a reason or change has but an address, as of a
// person who has given the name at another time.
func (p *Prospect) nameNames() {
	names := make(map[string]string, len(p.People))
	for _, m := range p.People {
		if m.Email != "" && m.Name != "" {
			names[m.Email] = m.Name
		}
	}
	for i := range p.Reasons {
		p.Reasons[i].Person = cmp.Or(names[p.Reasons[i].Person], p.Reasons[i].Person)
	}
	for i := range p.Changes {
		p.Changes[i].Person = cmp.Or(names[p.Changes[i].Person], p.Changes[i].Person)
	}
}

// Fallen is the newest change where silence brought it, else nil.
func (v prospectView) Fallen() *Change {
	if len(v.Changes) > 0 && v.Changes[0].Silence {
		return &v.Changes[0]
	}
	return nil
}

// Authority tells whether anybody has it.
func (v prospectView) Authority() bool {
	return slices.ContainsFunc(v.People, func(m Member) bool { return m.Authority })
}

// Left tells when the product's criteria judged last; "" where they have judged
// all that came in.
func (v prospectView) Left() string {
	if v.Criteria == "" || !v.judged.Before(v.Last) {
		return ""
	}
	return date(v.judged)
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

// moment is what the timeline shows at a time: a contact, or a fall by silence.
type moment struct {
	Entry *Entry
	Fall  *Change
}

// moments puts the falls by silence between the contacts shown, newest first.
func (p *Prospect) moments() []moment {
	var all []moment
	falls := slices.DeleteFunc(slices.Clone(p.Changes), func(c Change) bool { return !c.Silence })
	for i := range p.Timeline {
		for len(falls) > 0 && !falls[0].At.Before(p.Timeline[i].At) {
			all = append(all, moment{Fall: &falls[0]})
			falls = falls[1:]
		}
		all = append(all, moment{Entry: &p.Timeline[i]})
	}
	return all
}

// segment is a piece of a contact's text; the criterion is set where the
// words are evidence for it.
type segment struct{ Text, Criterion string }

// marked gives a contact's text in pieces, with the words that were found in it apart.
func marked(e *Entry) []segment {
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
