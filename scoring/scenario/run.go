package scenario

import (
	"bytes"
	"fmt"
	"mime"
	"slices"
	"strings"
	"time"

	"leadd/lead"
	"leadd/scoring"
)

// OwnDomain is the domain that is ours in every script: a mail from there is a
// colleague's.
const OwnDomain = "ours.example"

// Parts are what contacts go through before they are scored. They must be the
// daemon's own, with OwnDomain as our domain, or a script shows what no mail
// will ever do.
type Parts struct {
	// Mail reads an RFC 5322 message.
	Mail func(raw []byte, received time.Time) (lead.Contact, error)
	// Post fills a contact from the fields of a form or, where event is true,
	// of what another system reports. ID, Source, At and Received are set.
	Post func(c *lead.Contact, fields []lead.Field, event bool)
	// Extract finds the evidence in a contact.
	Extract func(*lead.Contact) []lead.Finding
}

// repeatAfter is how soon the same form counts again: as for forms that come
// by the web without an id.
const repeatAfter = 24 * time.Hour

// Runner runs scenarios by criteria. It is safe for concurrent use.
type Runner struct {
	parts  Parts
	engine *scoring.Engine
}

// NewRunner makes a Runner; the products are those that the scripts were
// parsed with.
func NewRunner(parts Parts, products ...*scoring.Criteria) *Runner {
	return &Runner{parts: parts, engine: scoring.NewEngine(products...)}
}

// Result is what came of a scenario.
type Result struct {
	Scenario *Scenario
	failures []failure
}

// OK reports whether everything was as expected.
func (r *Result) OK() bool { return len(r.failures) == 0 }

// failure is what was not as expected, at one place of a script.
type failure struct {
	mistakes []mistake
	standing *standing // nil: there is no such prospect
	taken    taken
	rules    []string // sentences on what was expected in vain
}

type mistake struct {
	line, column int
	message      string
}

// taken is what became of the last step's contact.
type taken struct {
	contact  *lead.Contact // nil: none yet
	findings []lead.Finding
	repeated bool
}

// Run runs a scenario; its prospects are its own.
func (r *Runner) Run(s *Scenario) Result {
	result := Result{Scenario: s}
	ps, last := newProspects(r.engine), taken{}
	for i := range s.steps {
		step := &s.steps[i]
		if step.kind != kindSilence {
			c, err := r.contact(step, i)
			if err != nil {
				result.failures = append(result.failures, failure{mistakes: []mistake{{step.line, step.column, err.Error()}}})
				return result
			}
			last = taken{contact: &c, findings: r.parts.Extract(&c)}
			last.repeated = !ps.apply(&c, last.findings)
		}
		for j := range step.expects {
			if f := r.expect(ps, step, &step.expects[j], last); len(f.mistakes) > 0 {
				result.failures = append(result.failures, f)
			}
		}
	}
	return result
}

// expect compares one block of expectations with how the prospect stands.
func (r *Runner) expect(ps *prospects, step *step, e *expect, last taken) failure {
	f := failure{taken: last}
	who := e.of
	if who == "" && last.contact != nil {
		who = last.contact.Prospect
	}
	key, ok := ps.find(who)
	if !ok {
		f.mistakes = append(f.mistakes, mistake{e.line, e.column, fmt.Sprintf("there is no prospect %q yet; those so far: %s", who, strings.Join(ps.keys(), ", "))})
		return f
	}
	f.standing = ps.standing(key, e.criteria.Name(), step.at)
	if last.contact != nil {
		f.standing.class = last.contact.Class
	}
	for i := range e.checks {
		c := &e.checks[i]
		got := c.got(f.standing)
		if got == "" {
			continue
		}
		f.mistakes = append(f.mistakes, mistake{c.line, c.column, fmt.Sprintf("expected %s: %s; found %s", c.key, c.want, got)})
		f.rules = append(f.rules, rules(e.criteria, c, f.standing)...)
	}
	ps.tell(f.standing)
	return f
}

// rules gives sentences on what was expected in vain.
func rules(criteria *scoring.Criteria, c *check, s *standing) (sentences []string) {
	switch c.key {
	case "stage":
		if stage, _ := readStage(c.want); stage != lead.StageContact {
			sentences = append(sentences, criteria.ExplainStage(stage))
			if fell := func(c lead.StageChange) bool { return c.From == stage && c.To < stage }; slices.ContainsFunc(s.changes, fell) {
				sentences = append(sentences, criteria.ExplainFall(stage))
			}
		}
	case "met":
		for _, name := range criterionNames(c.want) {
			if sentence := criteria.ExplainCriterion(name); sentence != "" && !slices.Contains(s.met, name) {
				sentences = append(sentences, sentence)
			}
		}
	}
	return sentences
}

// contact makes the n-th step's contact.
func (r *Runner) contact(s *step, n int) (lead.Contact, error) {
	if s.kind == kindMail {
		c, err := r.parts.Mail(s.message(n), s.at)
		if err != nil {
			return c, fmt.Errorf("the mail cannot be read: %w", err)
		}
		c.Source = s.source
		return c, nil
	}
	fields := make([]lead.Field, 0, len(s.details)+1)
	if s.kind == kindEvent {
		fields = append(fields, lead.Field{Name: "event", Value: s.event})
	}
	id := []string{s.source, "content", s.event}
	for _, d := range s.details {
		fields = append(fields, lead.Field{Name: d.name, Value: d.value})
		id = append(id, d.name, d.value)
	}
	c := lead.Contact{ID: lead.ContactID(id...)}
	c.Source, c.At, c.Received, c.RepeatAfter = s.source, s.at, s.at, int64(repeatAfter/time.Second)
	r.parts.Post(&c, fields, s.kind == kindEvent)
	if s.kind == kindEvent && c.Kind != lead.KindEvent {
		return c, fmt.Errorf("%s is not taken for an event: such names say only that a form was sent", s.event)
	}
	return c, nil
}

// message writes the mail of a step as it would arrive.
func (s *step) message(n int) []byte {
	var b bytes.Buffer
	header := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	header("From", s.get("from"))
	to := s.get("to")
	if to == "" {
		to = "<sales@" + OwnDomain + ">"
	}
	header("To", to)
	header("Subject", mime.QEncoding.Encode("utf-8", s.get("subject")))
	header("Date", s.at.Format(time.RFC1123Z))
	header("Message-ID", fmt.Sprintf("<step-%d@mail.example>", n+1))
	for _, d := range s.details {
		if d.name == "header" {
			b.WriteString(d.value + "\r\n")
		}
	}
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "8bit")
	b.WriteString("\r\n" + strings.Join(s.text, "\r\n") + "\r\n")
	return b.Bytes()
}
