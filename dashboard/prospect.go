package dashboard

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"leadd/lead"
)

// How much of one prospect is shown at once.
const (
	maxTimeline = 200   // newest contacts
	maxReasons  = 1000  // newest ledger lines; older ones are added up, one line a criterion
	maxChanges  = 200   // newest stage changes
	maxPeople   = 100   // those with authority first, then those heard of last
	maxChars    = 16000 // of a contact's text
)

// Prospect is one prospect with everything that explains where it stands for a
// product at a time: what the reasons are worth then adds up to the score.
type Prospect struct {
	Key      string     `json:"key"`
	Product  string     `json:"product"` // whose criteria judge here
	Name     string     `json:"name"`
	Domain   string     `json:"domain"`
	AsOf     time.Time  `json:"as_of"` // the time asked about: now, or that of the latest contact where that is later
	Stage    lead.Stage `json:"stage"`
	Since    time.Time  `json:"since"` // when the stage was reached
	Score    int64      `json:"score"`
	Criteria string     `json:"criteria"` // version that judged it last; "": none has yet
	Source   string     `json:"source"`   // of the first contact
	First    time.Time  `json:"first_at"`
	Last     time.Time  `json:"last_at"`
	Contacts uint64     `json:"contacts"` // in all, whether shown or not

	Standings []Standing  `json:"standings"` // for every product, this one included: those configured first
	People    []Member    `json:"people"`
	Timeline  []Entry     `json:"timeline"` // the newest 200 contacts, newest first
	Reasons   []Line      `json:"reasons"`  // oldest first; what lies before the newest 1000 is added up
	Changes   []Change    `json:"changes"`  // the newest 200, newest first, and falls that have come due since the latest contact
	Falls     []lead.Fall `json:"falls"`    // what silence will bring from here on

	heard  time.Time // the latest contact with interest
	judged time.Time // the newest contact that was judged for the product
}

// Entry is one contact on the timeline, with what came of it.
type Entry struct {
	lead.Contact
	Interest bool               `json:"interest"`           // false: kept for the record only
	TextCut  bool               `json:"text_cut,omitempty"` // only the first 16,000 characters are here
	Findings []lead.Finding     `json:"findings,omitempty"`
	Reasons  []Line             `json:"reasons,omitempty"`
	Changes  []lead.StageChange `json:"changes,omitempty"` // that it brought about; silence has brought others
	Stage    lead.Stage         `json:"stage"`             // after this contact
	Score    int32              `json:"score"`             // after this contact
}

// prospect reads all of one prospect, as a product's criteria judge it at a time; errNotFound where there is none.
func (s store) prospect(ctx context.Context, key, product string, at time.Time) (*Prospect, error) {
	if !validKey(key) {
		return nil, fmt.Errorf("prospect %s: %w", quote(key), errNotFound)
	}
	heads, err := selectRows[struct {
		Name     string    `ch:"shown_name"`
		Domain   string    `ch:"newest_domain"`
		Source   string    `ch:"first_source"`
		First    time.Time `ch:"first_at"`
		Last     time.Time `ch:"last_at"`
		Heard    time.Time `ch:"heard"`
		Contacts uint64    `ch:"contacts"`
		Upto     int64     `ch:"upto"`
	}](ctx, s, "prospect", prospectSQL, map[string]any{"key": key})
	if err != nil {
		return nil, err
	}
	if len(heads) == 0 || heads[0].Contacts == 0 {
		return nil, fmt.Errorf("prospect %s: %w", quote(key), errNotFound)
	}
	h := heads[0]
	p := &Prospect{
		Key: key, Product: product, Name: h.Name, Domain: h.Domain, Since: h.First, Source: h.Source, First: h.First, Last: h.Last, Contacts: h.Contacts,
		Standings: []Standing{}, Changes: []Change{}, Falls: []lead.Fall{}, AsOf: at.UTC().Truncate(time.Millisecond),
		heard: h.Heard,
	}
	if p.AsOf.Before(h.Last) {
		p.AsOf = h.Last
	}
	var changes []changeRow
	var g errgroup.Group // without a context: see queryTimeout
	var standings map[string][]Standing
	g.Go(func() (err error) {
		standings, err = s.standings(ctx, []string{key}, nil, p.AsOf, h.Upto)
		return err
	})
	g.Go(func() (err error) { p.People, err = s.people(ctx, key, product, h.Upto); return err })
	g.Go(func() (err error) { p.Timeline, err = s.timeline(ctx, key, product, h.Upto); return err })
	g.Go(func() (err error) { p.Reasons, err = s.ledger(ctx, p, h.Upto); return err })
	g.Go(func() (err error) {
		changes, err = selectRows[changeRow](ctx, s, "stage changes", changesSQL, map[string]any{"key": key, "product": product, "upto": h.Upto, "limit": maxChanges})
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	p.attach(changes)
	p.stand(standings[key])
	for i := range p.Reasons {
		p.Score += int64(p.Reasons[i].Worth)
	}
	return p, nil
}

// stand fills in where p stands; one whom the product's criteria have not
// judged yet is a contact. It applies the falls that silence has brought by
// p.AsOf: no contact has shown them yet, so no row of stage_changes tells of
// them.
func (p *Prospect) stand(standings []Standing) {
	p.Standings = append(p.Standings, standings...)
	i := slices.IndexFunc(standings, func(s Standing) bool { return s.Product == p.Product })
	if i < 0 {
		return
	}
	p.Criteria, p.judged = standings[i].Criteria, standings[i].judged
	s := standings[i].stored
	s.Since = p.Since
	heard := p.heard
	if p.judged.Before(heard) {
		heard = p.judged // a product no longer configured stays as it was left
	}
	for _, c := range s.Fall(heard, p.AsOf) {
		p.Changes = slices.Insert(p.Changes, 0, Change{StageChange: c, Silence: true, heard: heard})
	}
	p.Stage, p.Since = s.Stage, s.Since
	p.Falls = append(p.Falls, s.Falls...)
}

// attach gives the timeline's contacts what came of them, and p its changes.
func (p *Prospect) attach(changes []changeRow) {
	entries := make(map[string]*Entry, len(p.Timeline))
	for i := range p.Timeline {
		entries[p.Timeline[i].ID] = &p.Timeline[i]
	}
	for _, r := range p.Reasons {
		if e := entries[r.Contact]; e != nil {
			e.Reasons = append(e.Reasons, r)
		}
	}
	for i := range changes {
		c := changes[i].change()
		if i == 0 {
			p.Since = c.At
		}
		p.Changes = append(p.Changes, c)
		if e := entries[changes[i].Contact]; e != nil && !c.Silence {
			e.Changes = append([]lead.StageChange{c.StageChange}, e.Changes...) // these come newest first
		}
	}
}
