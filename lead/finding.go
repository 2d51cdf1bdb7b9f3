package lead

// Finding is a piece of evidence in a contact's words: a fact, kept with the
// contact, from which criteria are judged without reading the text again.
type Finding struct {
	Criterion string `json:"criterion"` // need, budget, timeline, authority, contacted, ...
	Words     string `json:"words"`     // the exact words
	Place     string `json:"place"`     // where they stand: "subject", "text", "title", "event" or "field:" and the field's key
	Start     int    `json:"start"`     // byte offset of Words in that place

	Amount   float64 `json:"amount,omitempty"`   // budget: the upper bound, in units of Currency
	Currency string  `json:"currency,omitempty"` // budget: ISO 4217
	Days     *int    `json:"days,omitempty"`     // timeline: days from the contact's time to the time they want it by; nil where the words name none
}
