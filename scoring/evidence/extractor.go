package evidence

import (
	"slices"
	"strings"
	"sync"
	"unicode"

	"leadd/lead"
)

// criteria are what a contact can be evidence of, in the order that findings
// are given.
var criteria = [...]string{
	"need", "budget", "timeline", "authority", "contacted", "needs_identified",
	"supplier_left", "negotiating", "contract_out", "signed", "declined",
}

// Positions in criteria.
const (
	need = iota
	budget
	timeline
	authority
	contacted
	needsIdentified
	supplierLeft
	negotiating
	contractOut
	signed
	declined
)

// Criteria lists the criteria that findings name, in the order given.
func Criteria() []string { return slices.Clone(criteria[:]) }

// Extractor finds evidence in contacts. It is built once and may be used by
// many goroutines.
type Extractor struct {
	grammar *grammar
	version string
	pages   sync.Pool
}

// New compiles the built-in lexicons.
func New() (*Extractor, error) { return NewFrom("") }

// NewFrom compiles the built-in lexicons and the files *.txt of the directory
// dir, which extend them, replace them or add languages (lexicon/README.md tells
// how); without a dir, the built-in ones alone. An error names every mistake
// with file and line.
func NewFrom(dir string) (*Extractor, error) {
	all, err := sources(dir)
	if err != nil {
		return nil, err
	}
	c := newCompiler()
	for i := range all {
		c.add(&all[i])
	}
	g, err := c.grammar()
	if err != nil {
		return nil, err
	}
	e := &Extractor{grammar: g, version: version(all)}
	e.pages.New = func() any { return &page{} }
	return e, nil
}

// Version names the lexicons: it is another one where any word of them is.
func (e *Extractor) Version() string { return e.version }

// Extract gives what c's words and fields are evidence of, at most one finding
// for each criterion, in the order of Criteria. A reported event is evidence
// of the criterion that it is named after. Contacts of a class that shows no
// interest give none. c is not changed or kept.
func (e *Extractor) Extract(c *lead.Contact) []lead.Finding {
	if c.Kind == lead.KindEvent && slices.Contains(criteria[:], c.Event) {
		return []lead.Finding{{Criterion: c.Event, Words: c.Event, Place: "event"}}
	}
	if !c.Class.Interest() {
		return nil
	}
	p := e.pages.Get().(*page)
	j := judge{g: e.grammar, p: p, c: c, american: american(c)}
	j.contact()
	p.reset("")
	clear(p.features)
	e.pages.Put(p)
	return j.findings()
}

// american reports whether 9/4 is the fourth of September.
func american(c *lead.Contact) bool {
	if c.Person.Phone != "" {
		return strings.HasPrefix(c.Person.Phone, "+1")
	}
	return strings.Contains(c.Text, "$") && !strings.ContainsAny(c.Text, "€£")
}

// contact reads every place of the contact.
func (j *judge) contact() {
	c := j.c
	j.listen(c.Subject)
	j.listen(c.Text)
	for i := range c.Fields {
		if f := &c.Fields[i]; c.Text == "" || f.Key != "message" {
			j.listen(f.Name)
			j.listen(f.Value)
		}
	}
	j.langs = language(&j.heard) | j.g.always
	if c.Person.Title != "" {
		j.read("title", "", c.Person.Title)
		j.title()
	}
	if c.Subject != "" && c.Kind != lead.KindForm {
		j.read("subject", "", c.Subject)
		j.prose()
	}
	for i := range c.Fields {
		j.field(&c.Fields[i])
	}
	if c.Text != "" {
		j.read("text", "", c.Text)
		j.prose()
	}
	j.conclude()
}

// listen counts the words at the start of a text that tell the contact's
// language.
func (j *judge) listen(text string) {
	const enough = 1000 // bytes
	if len(text) > enough {
		text = strings.ToValidUTF8(text[:enough], "")
	}
	j.g.hear(text, &j.heard)
}

// read makes text the page to judge. A label is read in front of it, for what
// it says about the text, and is never itself the evidence.
func (j *judge) read(place, label, text string) {
	j.place, j.text, j.offset = place, text, 0
	if label != "" {
		label += ": "
		j.offset = len(label)
		text = label + text
	}
	g, p := j.g, j.p
	langs := j.langs
	if place == "title" || place == "field:title" {
		langs = allLanguages // titles cross borders
	}
	g.tokenize(p, text, langs)
	j.labelled = 0
	for j.labelled < int32(len(p.tokens)) && int(p.tokens[j.labelled].start) < j.offset {
		j.labelled++
	}
	g.readMoney(p)
	g.readDates(p, j.american)
	g.find(p, langs)
}

// Keys of fields that say nothing about the deal.
var silentKeys = []string{
	"email", "name", "first_name", "last_name", "phone", "company", "website", "employees", "country", "industry", "source",
	"landing_page", "referrer", "consent", "event", "date", "salutation", "city", "zip", "street", "address", "gclid",
	"newsletter", "state", "region", "page_url", "user_agent", "remote_ip", "time", "ip", "form_id", "form_name", "language",
}

// field reads one answer of a form.
func (j *judge) field(f *lead.Field) {
	value := f.Value
	if strings.TrimSpace(value) == "" || slices.Contains(silentKeys, f.Key) || strings.HasPrefix(f.Key, "utm_") || strings.HasPrefix(f.Key, "_") {
		return
	}
	place := "field:" + f.Key
	switch f.Key {
	case "message", "subject":
		if f.Key == "message" && strings.TrimSpace(value) == strings.TrimSpace(j.c.Text) {
			return // read as the text
		}
		j.read(place, "", value)
		j.prose()
	case "title":
		if j.c.Person.Title == "" {
			j.read(place, "", value)
			j.title()
		}
	case "budget":
		j.read(place, "", value)
		j.budgetField()
	case "timeline":
		j.read(place, "", value)
		j.timelineField()
	case "quantity":
		j.read(place, "", value)
		j.quantityField()
	case "product":
		j.read(place, "", value)
		if len(j.p.tokens) > 0 && !j.inPage(secEmpty) && !j.inPage(secNo) {
			j.offerAll(need, 3)
			j.prose()
		}
	default:
		j.read(place, labelOf(f.Name), value)
		j.otherField()
	}
}

// labelOf makes words of a field's name: "projectBudget" -> "project Budget".
func labelOf(name string) string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		if unicode.IsUpper(r) && lower {
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(r)
		switch r {
		case '?', '!', '.', '\n', '\r', ':', '[', ']', '_', '*':
			r = ' '
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}
