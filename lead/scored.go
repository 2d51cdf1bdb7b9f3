package lead

import "time"

// Reason is one line of a prospect's ledger for one product: why its score
// rose or fell. The points of all its reasons add up to its score, after every
// contact.
type Reason struct {
	Criterion string    `json:"criterion"`        // criterion's name, or "engagement:" and the rule's
	Points    int       `json:"points"`           // negative where points are taken back
	Evidence  string    `json:"evidence"`         // the words, field or event that met it
	Contact   string    `json:"contact"`          // id of the contact that is the evidence
	Person    string    `json:"person,omitempty"` // who said it: name, or address where the name is unknown
	At        time.Time `json:"at"`               // time of the contact
}

// StageChange is a promotion or a fall from one stage to another.
type StageChange struct {
	From     Stage     `json:"from"`
	To       Stage     `json:"to"`
	At       time.Time `json:"at"`       // time of the contact that brought it about
	Rule     string    `json:"rule"`     // the stage's rule as it stands in the criteria file
	Evidence string    `json:"evidence"` // which criteria carried it, in plain words
}

// Verdict is what one product's criteria made of a contact: what changed in
// the prospect's standing, and why.
type Verdict struct {
	Product  string        `json:"product"`           // the criteria's name
	Criteria string        `json:"criteria"`          // version that judged it: "default-1"
	Reasons  []Reason      `json:"reasons,omitempty"` // ledger lines this contact added
	Changes  []StageChange `json:"changes,omitempty"` // in their order; none: the stage stayed
	Stage    Stage         `json:"stage"`             // after this contact
	Score    int           `json:"score"`             // after this contact, as of Scored.AsOf
}

// Scored is one contact after scoring: what was found in it, and what each
// product's criteria made of it. One record for every contact applied, on
// TopicScored, in the same partition as the contact.
type Scored struct {
	Contact  Contact   `json:"contact"`
	Offset   int64     `json:"offset"` // of the contact in its partition of TopicContacts
	AsOf     time.Time `json:"as_of"`  // the time that the verdicts speak of: Prospect.Last
	Findings []Finding `json:"findings,omitempty"`
	Verdicts []Verdict `json:"verdicts,omitempty"` // one for each product, in the order of the configuration
}

// Verdict gives the verdict of a product's criteria, nil where there is none.
func (s *Scored) Verdict(product string) *Verdict {
	for i := range s.Verdicts {
		if s.Verdicts[i].Product == product {
			return &s.Verdicts[i]
		}
	}
	return nil
}
