package lead

import "time"

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
	FirstSource string    `json:"first_source"`

	// Standings has one for each product: those of the configuration in its
	// order, then those that are no longer configured, as they were left.
	Standings []Standing `json:"standings,omitempty"`

	Offset int64 `json:"offset"` // of the last contact applied, in its partition of TopicContacts
}

// Standing gives the prospect's standing for a product, nil where it has none.
func (p *Prospect) Standing(product string) *Standing {
	for i := range p.Standings {
		if p.Standings[i].Product == product {
			return &p.Standings[i]
		}
	}
	return nil
}

// Standing is what one product's criteria make of a prospect.
type Standing struct {
	Product  string    `json:"product"`  // the criteria's name
	Criteria string    `json:"criteria"` // version that judged it last: "default-1"
	Stage    Stage     `json:"stage"`
	Since    time.Time `json:"since"` // when the stage was reached
	Score    int       `json:"score"` // sum of the points of Met and Touches
	Met      []Met     `json:"met,omitempty"`
	Touches  []Touch   `json:"touches,omitempty"`
}

// Met is a criterion that a prospect has met, in the order they were met.
type Met struct {
	Criterion string    `json:"criterion"`
	Points    int       `json:"points"`
	Contact   string    `json:"contact"`
	At        time.Time `json:"at"`
}

// Touch is a contact that still earns engagement points.
type Touch struct {
	Rule    string    `json:"rule"`   // name of the engagement rule
	Points  int       `json:"points"` // what it is worth as of Prospect.Last, after halving
	Contact string    `json:"contact"`
	At      time.Time `json:"at"`
}
