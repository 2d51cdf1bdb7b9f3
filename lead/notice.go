package lead

import "time"

// Notice says that something is to be fetched from a sender's API, as a
// webhook has told: the answers of a form, a person, a deal. It becomes a
// contact once it is fetched.
type Notice struct {
	ID       string    `json:"id"`               // of the contact that it becomes; the same however often it is delivered
	Source   string    `json:"source"`           // the configured source it came through
	Sender   string    `json:"sender"`           // the source's preset at the time: "meta"
	What     string    `json:"what"`             // what is to be fetched: "lead", "contact", "deal"
	Object   string    `json:"object"`           // the sender's own id of that
	Event    string    `json:"event,omitempty"`  // the event that the contact is; "": a form
	Class    Class     `json:"class,omitempty"`  // "": an inquiry
	At       time.Time `json:"at"`               // when it happened, by the sender's clock; zero: not said
	Received time.Time `json:"received"`         // when leadd received it
	Fields   []Field   `json:"fields,omitempty"` // what the notice itself says; without keys
}

// Key is the key of a notice's record, so that what happens to one object
// stays in order.
func (n *Notice) Key() []byte { return []byte(n.Source + "/" + n.Object) }
