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

// Prospect is one prospect with everything that explains where it stands.
// The points of Reasons add up to Score.
type Prospect struct {
	Key      string     `json:"key"`
	Product  string     `json:"product"` // whose criteria judge here
	Name     string     `json:"name"`
	Domain   string     `json:"domain"`
	Stage    lead.Stage `json:"stage"`
	Since    time.Time  `json:"since"` // when the stage was reached
	Score    int32      `json:"score"`
	Criteria string     `json:"criteria"` // version that judged it last
	Source   string     `json:"source"`   // of the first contact
	First    time.Time  `json:"first_at"`
	Last     time.Time  `json:"last_at"`
	Contacts uint64     `json:"contacts"` // in all, whether shown or not

	People   []Member           `json:"people"`
	Timeline []Entry            `json:"timeline"` // the newest 200 contacts, newest first
	Reasons  []lead.Reason      `json:"reasons"`  // oldest first; what lies before the newest 1000 is added up
	Changes  []lead.StageChange `json:"changes"`  // the newest 200, newest first
}

// Member is a person at a prospect.
type Member struct {
	lead.Person
	Authority bool      `json:"authority"` // met the criterion of that name
	Contacts  uint64    `json:"contacts"`
	Last      time.Time `json:"last_at"`
}

// Entry is one contact on the timeline, with what came of it.
type Entry struct {
	lead.Contact
	Interest bool               `json:"interest"`           // false: kept for the record only
	TextCut  bool               `json:"text_cut,omitempty"` // only the first 16,000 characters are here
	Findings []lead.Finding     `json:"findings,omitempty"`
	Reasons  []lead.Reason      `json:"reasons,omitempty"`
	Changes  []lead.StageChange `json:"changes,omitempty"`
	Stage    lead.Stage         `json:"stage"` // after this contact
	Score    int32              `json:"score"` // after this contact
}

// prospect reads all of one prospect, as a product's criteria judge it; errNotFound where there is none.
func (s store) prospect(ctx context.Context, key, product string) (*Prospect, error) {
	if !validKey(key) {
		return nil, fmt.Errorf("prospect %s: %w", quote(key), errNotFound)
	}
	heads, err := selectRows[struct {
		Name     string    `ch:"shown_name"`
		Domain   string    `ch:"newest_domain"`
		Source   string    `ch:"first_source"`
		First    time.Time `ch:"first_at"`
		Last     time.Time `ch:"last_at"`
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
		Changes: []lead.StageChange{},
	}
	var changes []changeRow
	var g errgroup.Group // without a context: see queryTimeout
	g.Go(func() error { return s.standing(ctx, p, h.Upto) })
	g.Go(func() (err error) { p.People, err = s.people(ctx, key, product, h.Upto); return err })
	g.Go(func() (err error) { p.Timeline, err = s.timeline(ctx, key, product, h.Upto); return err })
	g.Go(func() (err error) { p.Reasons, err = s.reasons(ctx, key, product, h.Upto); return err })
	g.Go(func() (err error) {
		changes, err = selectRows[changeRow](ctx, s, "stage changes", changesSQL, map[string]any{"key": key, "product": product, "upto": h.Upto, "limit": maxChanges})
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	p.attach(changes)
	return p, nil
}

// standing fills in where p stands; one whom the product's criteria have not
// judged yet is a contact.
func (s store) standing(ctx context.Context, p *Prospect, upto int64) error {
	rows, err := selectRows[struct {
		Stage    string `ch:"newest_stage"`
		Score    int32  `ch:"newest_score"`
		Criteria string `ch:"newest_criteria"`
		Verdicts uint64 `ch:"verdicts"`
	}](ctx, s, "standing", standingSQL, map[string]any{"key": p.Key, "product": p.Product, "upto": upto})
	if err != nil || len(rows) == 0 || rows[0].Verdicts == 0 {
		return err
	}
	p.Stage, p.Score, p.Criteria = readStage(rows[0].Stage), rows[0].Score, rows[0].Criteria
	return nil
}

// attach gives the timeline's contacts what came of them.
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
	for i, row := range changes {
		c := row.change()
		if i == 0 {
			p.Since = c.At
		}
		p.Changes = append(p.Changes, c)
		if e := entries[row.Contact]; e != nil {
			e.Changes = append([]lead.StageChange{c}, e.Changes...) // these come newest first
		}
	}
}

type changeRow struct {
	From     string    `ch:"from"`
	To       string    `ch:"to"`
	At       time.Time `ch:"at"`
	Rule     string    `ch:"rule"`
	Evidence string    `ch:"evidence"`
	Contact  string    `ch:"contact"`
	Source   string    `ch:"source"`
}

func (r changeRow) change() lead.StageChange {
	return lead.StageChange{From: readStage(r.From), To: readStage(r.To), At: r.At, Rule: r.Rule, Evidence: r.Evidence}
}

func (s store) people(ctx context.Context, key, product string, upto int64) ([]Member, error) {
	rows, err := selectRows[struct {
		Email     string    `ch:"newest_email"`
		Name      string    `ch:"newest_name"`
		Phone     string    `ch:"newest_phone"`
		Title     string    `ch:"newest_title"`
		Authority uint8     `ch:"authority"`
		Contacts  uint64    `ch:"contacts"`
		Last      time.Time `ch:"last_at"`
	}](ctx, s, "people", peopleSQL, map[string]any{"key": key, "product": product, "upto": upto, "limit": maxPeople})
	if err != nil {
		return nil, err
	}
	people := make([]Member, len(rows))
	for i, r := range rows {
		people[i] = Member{
			Person:    lead.Person{Email: r.Email, Name: r.Name, Phone: r.Phone, Title: r.Title},
			Authority: r.Authority == 1, Contacts: r.Contacts, Last: r.Last,
		}
	}
	return people, nil
}

// reasons gives the ledger, oldest line first.
func (s store) reasons(ctx context.Context, key, product string, upto int64) ([]lead.Reason, error) {
	params := map[string]any{"key": key, "product": product, "upto": upto, "limit": maxReasons}
	rows, err := selectRows[struct {
		Criterion string    `ch:"criterion"`
		Points    int32     `ch:"points"`
		Evidence  string    `ch:"evidence"`
		Contact   string    `ch:"contact"`
		Person    string    `ch:"person"`
		At        time.Time `ch:"at"`
	}](ctx, s, "reasons", reasonsSQL, params)
	if err != nil {
		return nil, err
	}
	reasons := make([]lead.Reason, 0, len(rows))
	if len(rows) == maxReasons {
		older, err := selectRows[struct {
			Criterion string    `ch:"criterion"`
			Points    int64     `ch:"points"`
			Lines     uint64    `ch:"lines"`
			At        time.Time `ch:"at"`
		}](ctx, s, "older reasons", olderReasonsSQL, params)
		if err != nil {
			return nil, err
		}
		for _, r := range older {
			reasons = append(reasons, lead.Reason{
				Criterion: r.Criterion, Points: int(r.Points), At: r.At,
				Evidence: fmt.Sprintf("%s earlier lines added up", number(r.Lines)),
			})
		}
	}
	for _, r := range slices.Backward(rows) {
		reasons = append(reasons, lead.Reason{
			Criterion: r.Criterion, Points: int(r.Points), Evidence: r.Evidence, Contact: r.Contact, Person: r.Person, At: r.At,
		})
	}
	return reasons, nil
}
