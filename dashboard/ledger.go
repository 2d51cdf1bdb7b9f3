package dashboard

import (
	"context"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"leadd/lead"
)

// Line is a line of the ledger and what it is worth at the time asked about.
type Line struct {
	lead.Reason
	Worth int `json:"worth"`
}

// ledger gives a prospect's lines for p.Product, worth what they are at p.AsOf,
// the oldest first. Lines before the newest maxReasons are added up by
// criterion; these have no contact.
func (s store) ledger(ctx context.Context, p *Prospect, upto int64) ([]Line, error) {
	params := map[string]any{"key": p.Key, "product": p.Product, "at": p.AsOf, "upto": upto, "limit": maxReasons}
	rows, err := selectRows[reasonRow](ctx, s, "reasons", worthSQL+reasonsSQL, params)
	if err != nil {
		return nil, err
	}
	lines := make([]Line, 0, len(rows))
	if len(rows) == maxReasons {
		older, err := selectRows[struct {
			Criterion string    `ch:"criterion"`
			Given     int64     `ch:"given_in_all"`
			Worth     int64     `ch:"worth_in_all"`
			Lines     uint64    `ch:"lines"`
			At        time.Time `ch:"at"`
		}](ctx, s, "older reasons", worthSQL+olderReasonsSQL, params)
		if err != nil {
			return nil, err
		}
		for _, r := range older {
			lines = append(lines, Line{Worth: int(r.Worth), Reason: lead.Reason{
				Criterion: r.Criterion, Points: int(r.Given), At: r.At,
				Evidence: plural(r.Lines, "earlier line", "earlier lines") + " added up",
			}})
		}
	}
	for _, r := range slices.Backward(rows) {
		lines = append(lines, r.line())
	}
	return lines, nil
}

type reasonRow struct {
	Criterion  string    `ch:"criterion"`
	Points     int32     `ch:"points"`
	HalfLife   uint64    `ch:"half_life"`
	DecaysFrom time.Time `ch:"decays_from"`
	Worth      int64     `ch:"worth_then"`
	Evidence   string    `ch:"evidence"`
	Contact    string    `ch:"contact"`
	Person     string    `ch:"person"`
	At         time.Time `ch:"at"`
}

func (r *reasonRow) line() Line {
	l := Line{Worth: int(r.Worth), Reason: lead.Reason{
		Criterion: r.Criterion, Points: int(r.Points), Evidence: r.Evidence, Contact: r.Contact, Person: r.Person, At: r.At,
	}}
	if r.HalfLife > 0 {
		l.Decay = &lead.Decay{HalfLife: int64(r.HalfLife), From: r.DecaysFrom} //nolint:gosec // the sink has written it from an int64
	}
	return l
}

// account is what one criterion adds to the score.
type account struct {
	Criterion string
	Given     int        // points when its lines were new
	Worth     int        // what they are worth at the time shown
	Fades     string     // how fast: "30 days"; "" where points stay
	Lines     []bookLine // oldest first
}

// bookLine is a line of an account.
type bookLine struct {
	Line
	Quoted bool // the evidence is somebody's own words
}

// labelled begins evidence that is an answer or a title, not words: "title: CEO".
var labelled = regexp.MustCompile(`^[a-z_.]+: `)

// accounts adds the ledger up by criterion, the one worth most first.
func (p *Prospect) accounts() []account {
	events := make(map[string]bool)
	for i := range p.Timeline {
		events[p.Timeline[i].ID] = p.Timeline[i].Kind == lead.KindEvent
	}
	var all []account
	for _, r := range p.Reasons {
		i := slices.IndexFunc(all, func(a account) bool { return a.Criterion == r.Criterion })
		if i < 0 {
			i = len(all)
			all = append(all, account{Criterion: r.Criterion})
		}
		a := &all[i]
		// A line that begins at nothing, or is worth none, is by what somebody
		// said; others only correct points.
		said := r.Contact != "" && !events[r.Contact] && (a.Given == 0 || r.Points == 0) && !strings.HasPrefix(r.Criterion, "engagement:")
		a.Lines = append(a.Lines, bookLine{Line: r, Quoted: said && !labelled.MatchString(r.Evidence)})
		a.Given += r.Points
		a.Worth += r.Worth
		if r.Decay != nil {
			a.Fades = duration(float64(r.Decay.HalfLife))
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Worth > all[j].Worth })
	return all
}

// Told is the evidence as it reads on the page: "Title: CEO".
func (l bookLine) Told() string {
	if l.Quoted {
		return l.Evidence
	}
	return capital(l.Evidence)
}
