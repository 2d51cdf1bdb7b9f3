package scoring

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/expr-lang/expr/vm"

	"leadd/lead"
)

// noDeadline is text.deadline where the text names none.
const noDeadline = 1 << 30

// judge runs the programs of a criteria file on one contact at a time. The
// programs call its functions, and it notes what they looked at: the evidence.
type judge struct {
	criteria *Criteria
	machine  vm.VM
	whenEnv  map[string]any
	ruleEnv  map[string]any

	// The contact that is being judged.
	contact  *lead.Contact
	history  history
	findings []lead.Finding
	skip     uint64 // criteria not to judge
	current  int    // criterion that is being judged
	failed   int    // last criterion whose expression failed, -1: none
	noted    []note
	marks    []int // length of noted when the i-th || began
	verdicts []verdict

	// The prospect whose stage is being decided.
	met   uint64
	score int
	stage lead.Stage
}

// note is something that a criterion looked at and found.
type note struct {
	label string // field or attribute, "" for words of a text
	value string
}

// verdict is a criterion that the contact meets.
type verdict struct {
	criterion int
	evidence  string
}

func newJudge(c *Criteria) *judge {
	j := &judge{criteria: c, marks: make([]int, c.alternatives)}
	j.whenEnv = map[string]any{
		"has": func(s string) bool { return s != "" }, "number": number, "due": due, "days": func(n int) int { return n },
		"Begin": j.begin, "Hold": j.hold, "Mark": j.mark, "Forget": j.forget,
		"Field": j.field, "Attribute": j.attribute, "Seniority": j.seniority,
		"HistoryCount": j.count, "HistoryFirst": j.first, "HistorySince": j.since,
		"HistoryContacts": j.contacts, "HistoryPeople": j.people,
		"Says": j.says, "Money": j.money, "Deadline": j.deadline,
	}
	j.ruleEnv = map[string]any{
		"met":   func(mask int) bool { return j.met&uint64(mask) != 0 },
		"count": func(mask int) int { return ones(j.met & uint64(mask)) },
		"Score": func() int { return j.score }, "Stage": func() int { return int(j.stage) },
	}
	return j
}

// judge lists the criteria, but those in skip, that the contact meets, in the
// order of the file; the list holds until the next call. A criterion whose expression fails on the contact (a
// remainder by zero, say) is not met by it.
func (j *judge) judge(c *lead.Contact, h history, findings []lead.Finding, skip uint64) []verdict {
	j.contact, j.history, j.findings, j.skip, j.verdicts = c, h, findings, skip, j.verdicts[:0]
	for j.failed = -1; ; j.failed = j.current {
		j.current = j.failed
		_, err := j.machine.Run(j.criteria.when, j.whenEnv)
		if err == nil || j.current <= j.failed {
			break
		}
	}
	j.contact, j.history, j.findings = nil, history{}, nil
	return j.verdicts
}

// holds reports whether a stage's rule holds.
func (j *judge) holds(r *rule, met uint64, score int, stage lead.Stage) bool {
	if r.program == nil {
		return false
	}
	j.met, j.score, j.stage = met, score, stage
	out, err := j.machine.Run(r.program, j.ruleEnv)
	held, _ := out.(bool)
	return err == nil && held
}

func (j *judge) begin(i int) bool {
	if i <= j.failed || j.skip&(1<<i) != 0 {
		return false
	}
	j.current, j.noted = i, j.noted[:0]
	return true
}

func (j *judge) hold(i int) bool {
	j.verdicts = append(j.verdicts, verdict{criterion: i, evidence: j.evidence()})
	return true
}

func (j *judge) mark(i int) bool {
	j.marks[i] = len(j.noted)
	return false
}

func (j *judge) forget(i int) bool {
	j.noted = j.noted[:j.marks[i]]
	return false
}

func (j *judge) note(label, value string) {
	if n := (note{label: label, value: value}); value != "" && !slices.Contains(j.noted, n) {
		j.noted = append(j.noted, n)
	}
}

func (j *judge) evidence() string {
	if len(j.noted) == 0 {
		return origin(j.contact)
	}
	var b strings.Builder
	for i, n := range j.noted {
		if i > 0 {
			b.WriteString("; ")
		}
		if n.label != "" {
			b.WriteString(n.label)
			b.WriteString(": ")
		}
		b.WriteString(n.value)
	}
	return oneLine(b.String(), MaxEvidence)
}

// origin is the evidence where the contact itself is all there is.
func origin(c *lead.Contact) string {
	return oneLine(string(c.Kind)+" from "+c.Source, MaxEvidence)
}

func (j *judge) field(key string) string {
	for i := range j.contact.Fields {
		if f := &j.contact.Fields[i]; f.Key == key && f.Value != "" {
			j.note(key, f.Value)
			return f.Value
		}
	}
	return ""
}

func (j *judge) attribute(name string) string {
	c, label, value := j.contact, name, ""
	switch name {
	case "kind":
		return string(c.Kind)
	case "class":
		return string(c.Class)
	case "source":
		return c.Source
	case "event":
		value = c.Event
	case "subject":
		value = c.Subject
	case "person.email":
		label, value = "email", c.Person.Email
	case "person.name":
		label, value = "name", c.Person.Name
	case "person.phone":
		label, value = "phone", c.Person.Phone
	case "person.title":
		label, value = "title", c.Person.Title
	case "person.provider":
		label, value = "address", string(c.Provider)
	case "company.name":
		label, value = "company", c.Company.Name
	case "company.domain":
		label, value = "domain", c.Company.Domain
	}
	j.note(label, value)
	return value
}

func (j *judge) seniority() int {
	level := j.criteria.titles.level(j.contact.Person.Title)
	if level > 0 {
		j.note("title", j.contact.Person.Title)
	}
	return level
}

func (j *judge) says(criterion string) bool {
	for i := range j.findings {
		if f := &j.findings[i]; f.Criterion == criterion {
			j.note("", f.Words)
			return true
		}
	}
	return false
}

// money gives the largest amount of the budget's findings in the currency, or
// in any where it is empty. There is no conversion between currencies: rates
// change, and a score must not.
func (j *judge) money(currency string) float64 {
	var largest *lead.Finding
	for i := range j.findings {
		f := &j.findings[i]
		if f.Criterion == "budget" && (currency == "" || f.Currency == currency) && (largest == nil || f.Amount > largest.Amount) {
			largest = f
		}
	}
	if largest == nil {
		return 0
	}
	j.note("", largest.Words)
	return largest.Amount
}

func (j *judge) deadline() int {
	var nearest *lead.Finding
	for i := range j.findings {
		if f := &j.findings[i]; f.Criterion == "timeline" && f.Days != nil && (nearest == nil || *f.Days < *nearest.Days) {
			nearest = f
		}
	}
	if nearest == nil {
		return noDeadline
	}
	j.note("", nearest.Words)
	return *nearest.Days
}

// oneLine gives s with white space and control characters as single blanks,
// cut to at most limit bytes between two characters. It shares no memory
// with s.
func oneLine(s string, limit int) string {
	if len(s) <= limit && plain(s) {
		return strings.Clone(s)
	}
	b := make([]byte, 0, min(len(s), limit))
	gap := false
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			gap = len(b) > 0
			continue
		}
		n := utf8.RuneLen(r)
		if r == utf8.RuneError {
			n = len("\ufffd")
		}
		if gap {
			n++
		}
		if len(b)+n > limit {
			break
		}
		if gap {
			b, gap = append(b, ' '), false
		}
		b = utf8.AppendRune(b, r)
	}
	return string(b)
}

// plain reports whether s is printable ASCII with single blanks inside: most
// texts are, and need no second look.
func plain(s string) bool {
	last := byte(' ')
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == ' ' && last == ' ' {
			return false
		}
		last = s[i]
	}
	return s == "" || last != ' '
}
