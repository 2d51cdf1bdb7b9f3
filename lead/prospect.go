package lead

import (
	"strconv"
	"time"
)

// Prospect is the whole state of one prospect after a contact was applied: a
// company, known by its registrable domain, or a single person where there is
// none. It is bounded: see the constants of package scoring.
//
// Its key tells them apart by itself: "acme.example" is a company,
// "jane@gmail.com" a person by address, "+4930123456" one by phone,
// "id:SOURCE:ID" one by a provider's id, and "anonymous:CONTACT" somebody of
// whom nothing is known.
type Prospect struct {
	Key         string    `json:"key"`
	Name        string    `json:"name,omitempty"` // company's or person's name
	People      []Person  `json:"people,omitempty"`
	Contacts    int       `json:"contacts"`
	First       time.Time `json:"first"` // earliest contact's At
	Last        time.Time `json:"last"`  // latest contact's At
	Heard       time.Time `json:"heard"` // At of the latest contact with interest, from which silence counts; zero: none
	FirstSource string    `json:"first_source"`

	// What came that shows interest, for criteria that ask: by kind, and events
	// by name as well.
	Kinds  []Tally `json:"kinds,omitempty"`
	Events []Tally `json:"events,omitempty"`

	// Standings has one for each product: those of the configuration in its
	// order, then those that are no longer configured, as they were left.
	Standings []Standing `json:"standings,omitempty"`

	Offset int64 `json:"offset"` // of the last contact applied, in its partition of TopicContacts
}

// Tally counts contacts of one sort.
type Tally struct {
	Name  string `json:"name"` // a kind, or an event's name
	Count int    `json:"count"`
	First int64  `json:"first"` // time of the earliest, in Unix milliseconds
	Last  int64  `json:"last"`  // time of the latest
}

// Standing gives the prospect's standing for a product as of Last, nil where
// it has none.
func (p *Prospect) Standing(product string) *Standing {
	for i := range p.Standings {
		if p.Standings[i].Product == product {
			return &p.Standings[i]
		}
	}
	return nil
}

// StandingAt gives the standing for a product as seen from a later time, with
// nothing having happened since: what its points are worth then, and the falls
// that silence has brought until then, which no contact has shown yet. A time
// before Last counts as Last. ok is false where there is no such product.
func (p *Prospect) StandingAt(product string, at time.Time) (standing Standing, fallen []StageChange, ok bool) {
	s := p.Standing(product)
	if s == nil {
		return Standing{}, nil, false
	}
	if at.Before(p.Last) {
		at = p.Last
	}
	standing = *s
	standing.Score = s.ScoreAt(at)
	fallen = standing.Fall(p.Heard, at)
	return standing, fallen, true
}

// Standing is what one product's criteria make of a prospect.
type Standing struct {
	Product  string    `json:"product"`  // the criteria's name
	Criteria string    `json:"criteria"` // version that judged it last: "default-1"
	Stage    Stage     `json:"stage"`
	Since    time.Time `json:"since"` // when the stage was reached
	Score    int       `json:"score"` // ScoreAt(Prospect.Last)
	Met      []Met     `json:"met,omitempty"`
	Touches  []Touches `json:"touches,omitempty"` // of each engagement rule that counts any
	Falls    []Fall    `json:"falls,omitempty"`   // what silence will bring, in its order

	// Deciders are the people noted to have authority, so that each is noted
	// once: numbers made of what tells them apart, 0 for somebody unknown. They
	// hold while the criterion authority is met.
	Deciders []uint32 `json:"deciders,omitempty"`
}

// ScoreAt gives the score at a time: the sum of what all reasons given so far
// are worth then. It holds for times from Prospect.Last on.
func (s *Standing) ScoreAt(at time.Time) (score int) {
	for i := range s.Met {
		score += s.Met[i].Points
	}
	for i := range s.Touches {
		t := &s.Touches[i]
		for _, from := range t.At {
			score += Worth(t.Points, t.HalfLife, from, at.UnixMilli())
		}
	}
	return score
}

// Fall applies the falls that have come due by a time, and gives them; heard
// is Prospect.Heard.
func (s *Standing) Fall(heard, at time.Time) (fallen []StageChange) {
	for len(s.Falls) > 0 && !s.Falls[0].At.After(at) {
		f := s.Falls[0]
		fallen = append(fallen, StageChange{From: s.Stage, To: f.To, At: f.At, Rule: f.Rule, Evidence: "silent for " + days(at.Sub(heard))})
		s.Stage, s.Since, s.Falls = f.To, f.At, s.Falls[1:]
	}
	return fallen
}

// days gives a length of time in whole days, or hours where it is shorter.
func days(d time.Duration) string {
	n, unit := int64(d/(24*time.Hour)), "day"
	if n == 0 {
		n, unit = int64(d/time.Hour), "hour"
	}
	if n != 1 {
		unit += "s"
	}
	return strconv.FormatInt(n, 10) + " " + unit
}

// Met is a criterion that a prospect has met, in the order they were met.
type Met struct {
	Criterion string `json:"criterion"`
	Points    int    `json:"points"`
	At        int64  `json:"at"` // time of the contact that met it, in Unix milliseconds
}

// Touches are the contacts that count for one engagement rule: the newest.
type Touches struct {
	On       Kind    `json:"on"`                  // the rule's kind of contact
	Points   int     `json:"points"`              // of each contact
	HalfLife int64   `json:"half_life,omitempty"` // see Decay
	At       []int64 `json:"at"`                  // times of the contacts in Unix milliseconds, oldest first
}

// Fall is a change of stage that silence will bring, unless the prospect is
// heard of before.
type Fall struct {
	At   time.Time `json:"at"`
	To   Stage     `json:"to"`
	Rule string    `json:"rule"` // as the criteria file says it
}
