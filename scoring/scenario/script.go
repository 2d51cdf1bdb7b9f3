package scenario

import (
	"time"

	"leadd/scoring"
)

// Script is a file of scenarios.
type Script struct {
	File      string // as given to Parse
	Scenarios []*Scenario
}

// Scenario is one story: contacts, and what is expected after them.
type Scenario struct {
	Name  string
	File  string
	Line  int // of its name, from 1
	steps []step
}

// kind is what a step does.
type kind string

const (
	kindForm    kind = "form"    // somebody sends a form
	kindMail    kind = "mail"    // somebody writes
	kindEvent   kind = "event"   // our own systems report something
	kindSilence kind = "silence" // nothing: the time is asked about
)

// step is one thing that happens, and what is expected after it.
type step struct {
	line, column int
	at           time.Time
	kind         kind
	event        string   // name, of an event
	source       string   // the source it comes through
	details      []detail // in the order written
	text         []string // lines of a mail
	expects      []expect
}

// detail is an answer of a form, or a header of a mail.
type detail struct {
	name, value string
}

// get gives the first detail so named.
func (s *step) get(name string) string {
	for i := range s.details {
		if s.details[i].name == name {
			return s.details[i].value
		}
	}
	return ""
}

// expect is one block of expectations about one prospect and product.
type expect struct {
	line, column int
	of           string // key of the prospect or address of one of its people; "": of the step's contact
	criteria     *scoring.Criteria
	checks       []check
}

// check is one expectation.
type check struct {
	line, column int
	key          string // "stage", "score", ...
	want         string // as written
	// got tells how it is instead, "" where it is as expected.
	got func(*standing) string
}
