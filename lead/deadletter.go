package lead

import "time"

// MaxRaw is how many bytes of what could not be understood a dead letter
// keeps; beyond it, Raw is cut and Truncated set.
const MaxRaw = 1 << 20

// DeadLetter is something that could not be understood, kept with the reason
// so that somebody can look at it, mend the cause and replay it.
type DeadLetter struct {
	ID        string    `json:"id"`     // the same however often the same thing is refused; see ContactID
	At        time.Time `json:"at"`     // when it was refused
	Stage     string    `json:"stage"`  // who refused it: "ingest", "scoring", "sink" or "notify"
	Source    string    `json:"source"` // the configured source or destination, or the topic it was read from
	Reason    string    `json:"reason"` // what was wrong, and what to do
	Origin    string    `json:"origin"` // where it stood: "INBOX uid 17 of validity 3", "leadd.contacts/2@1045", an address
	Raw       []byte    `json:"raw"`    // the bytes as received
	Truncated bool      `json:"truncated,omitempty"`
}
