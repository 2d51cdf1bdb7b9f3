package scenario

import (
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"leadd/scoring"
)

// Layouts of times as a script has them; a day without a time means 9:00.
const (
	layoutTime = "2006-01-02 15:04"
	layoutDay  = "2006-01-02"
	dayBegins  = 9 * time.Hour
)

// Parse reads a script; file is its name in problems. Names of criteria are
// checked against those of the products, of which there must be one at least;
// what says no product is about the first. Its error is scoring.Problems: every mistake with
// its line and column, what is wrong and what to do.
func Parse(file string, src []byte, products ...*scoring.Criteria) (*Script, error) {
	p := &parser{script: &Script{File: file}, products: products}
	text := strings.TrimPrefix(string(src), "\ufeff") // editors on Windows begin a file so
	if !utf8.ValidString(text) {
		p.problem(1, 1, "this is no text in UTF-8; save the file as UTF-8")
		return nil, p.problems
	}
	for line := range strings.Lines(text) {
		p.line++
		p.read(strings.TrimRightFunc(line, unicode.IsSpace))
	}
	p.endScenario()
	if len(p.script.Scenarios) == 0 && len(p.problems) == 0 {
		p.problem(1, 1, "there is no scenario here; begin one with a line such as Scenario: need alone is no lead")
	}
	if len(p.problems) > 0 {
		slices.SortStableFunc(p.problems, func(a, b scoring.Problem) int { return a.Line - b.Line })
		return nil, p.problems
	}
	return p.script, nil
}

// parser reads a script line by line.
type parser struct {
	script   *Script
	products []*scoring.Criteria
	criteria *scoring.Criteria // that the expectations being read are about
	problems scoring.Problems
	line     int
	scenario *Scenario // that is being read
	step     *step
	expect   *expect
	last     time.Time // of the step before
	broken   bool      // the head above could not be read, so what belongs to it is passed over

	// How many problems there were when each began: where one is found inside,
	// none is made of what seems to be missing.
	beforeScenario, beforeStep, beforeExpect int
}

func (p *parser) problem(line, column int, format string, args ...any) {
	p.problems = append(p.problems, scoring.Problem{File: p.script.File, Line: line, Column: column, Message: fmt.Sprintf(format, args...)})
}

// here notes a problem at a byte offset of the line that is being read.
func (p *parser) here(line string, offset int, format string, args ...any) {
	p.problem(p.line, utf8.RuneCountInString(line[:offset])+1, format, args...)
}

func (p *parser) read(line string) {
	body := strings.TrimLeftFunc(line, unicode.IsSpace)
	switch {
	case body == "", body[0] == '#':
	case len(body) < len(line):
		p.indented(line, len(line)-len(body))
	default:
		p.head(line)
	}
}

// head reads a line at the left edge.
func (p *parser) head(line string) {
	word, rest, _ := strings.Cut(line, " ")
	p.broken = false
	switch name, colon := strings.CutSuffix(strings.ToLower(word), ":"); {
	case name == "scenario":
		p.endScenario()
		p.name(line, strings.TrimSpace(rest), colon)
	case name == "expect":
		p.expected(line, strings.TrimSpace(strings.TrimSuffix(rest, ":")))
	case line[0] >= '0' && line[0] <= '9':
		p.happens(line)
	default:
		p.broken = true
		p.here(line, 0, "a line at the left edge begins with Scenario:, with a time such as 2026-03-02 09:00 or 3 days later, or with expect, and what belongs to it is indented%s",
			scoring.Suggest(name, []string{"scenario", "expect"}))
	}
}

// name begins a scenario.
func (p *parser) name(line, name string, colon bool) {
	p.beforeScenario = len(p.problems)
	switch {
	case !colon:
		p.here(line, len("scenario"), "a colon is missing: write Scenario: and its name")
	case name == "":
		p.here(line, len(line), "the scenario has no name; say in a few words what it shows")
	case slices.ContainsFunc(p.script.Scenarios, func(s *Scenario) bool { return s.Name == name }):
		p.here(line, strings.Index(line, name), "there are two scenarios of this name; their results could not be told apart")
	}
	p.scenario = &Scenario{Name: name, File: p.script.File, Line: p.line}
	p.script.Scenarios = append(p.script.Scenarios, p.scenario)
}

func (p *parser) endScenario() {
	p.endStep()
	if s := p.scenario; s != nil && len(p.problems) == p.beforeScenario &&
		!slices.ContainsFunc(s.steps, func(s step) bool { return len(s.expects) > 0 }) {
		p.problem(s.Line, 1, "this scenario expects nothing, so it cannot fail; add a line that says expect, and below it such as stage: lead")
	}
	p.scenario, p.last = nil, time.Time{}
}

// endStep puts the step that was read into its scenario.
func (p *parser) endStep() {
	p.endExpect()
	s := p.step
	if s == nil {
		return
	}
	p.step = nil
	p.scenario.steps = append(p.scenario.steps, *s)
	if len(p.problems) > p.beforeStep {
		return
	}
	switch s.kind {
	case kindForm, kindEvent:
		if len(s.details) == 0 {
			p.problem(s.line, s.column, "nobody is named: below it, indented, say who it is about, as in email: ada@acme.example")
		}
	case kindMail:
		if s.get("from") == "" {
			p.problem(s.line, s.column, "the mail has no sender: below it, indented, write from: Ada Lovelace <ada@acme.example>")
		}
		if len(s.text) == 0 && s.get("subject") == "" {
			p.problem(s.line, s.column, "the mail says nothing: below it, indented, write a subject: or its text, each line behind a |")
		}
	}
}

func (p *parser) endExpect() {
	e := p.expect
	if e == nil {
		return
	}
	p.expect = nil
	if len(e.checks) == 0 && len(p.problems) == p.beforeExpect {
		p.problem(e.line, e.column, "nothing is expected here: below it, indented, write such as stage: lead")
	}
	p.step.expects = append(p.step.expects, *e)
}

// happens begins a step: "3 days later, event signed through crm".
func (p *parser) happens(line string) {
	p.endStep()
	p.broken = true
	when, what, ok := strings.Cut(line, ",")
	if !ok {
		p.here(line, len(line), "say what happens behind a comma: form, mail, event NAME or silence, as in 3 days later, mail")
		return
	}
	if p.scenario == nil {
		p.here(line, 0, "this belongs to no scenario; begin one above with a line such as Scenario: need alone is no lead")
		return
	}
	s := &step{line: p.line, column: 1}
	p.beforeStep = len(p.problems)
	if s.at, ok = p.time(line, strings.TrimSpace(when)); !ok {
		if p.last.IsZero() {
			p.last = time.Unix(0, 0).UTC().AddDate(30, 0, 0) // what follows is later than something
		}
		return
	}
	if !p.what(line, len(when)+1, what, s) {
		return
	}
	if s.kind == kindSilence && len(p.scenario.steps) == 0 && len(p.problems) == p.beforeScenario {
		p.here(line, strings.LastIndex(line, what), "nobody has been heard of yet; silence comes after a form, a mail or an event")
	}
	p.step, p.last, p.broken = s, s.at, false
}

var relative = regexp.MustCompile(`(?i)^(\d+)\s+(\p{L}+)\s+(\p{L}+)$`)

// time reads a step's time: a date, a date and a time, or a span since the
// step before.
func (p *parser) time(line, when string) (at time.Time, ok bool) {
	m := relative.FindStringSubmatchIndex(when)
	if m == nil {
		for _, layout := range []string{layoutTime, layoutDay} {
			if at, err := time.Parse(layout, when); err == nil {
				if layout == layoutDay {
					at = at.Add(dayBegins)
				}
				return p.likely(line, at)
			}
		}
		p.here(line, 0, "%q is no time; write it like 2026-03-02 09:00, or like 3 days later", when)
		return at, false
	}
	units := []string{"minute", "hour", "day", "week", "month", "year"}
	n, err := strconv.Atoi(when[m[2]:m[3]])
	unit, direction := strings.ToLower(when[m[4]:m[5]]), strings.ToLower(when[m[6]:m[7]])
	i := slices.Index(units, strings.TrimSuffix(unit, "s"))
	switch {
	case i < 0:
		p.here(line, m[4], "there is no %s (minutes, hours, days, weeks, months, years)%s", unit, scoring.Suggest(unit, units))
		return at, false
	case direction != "later" && direction != "earlier":
		p.here(line, m[6], "say later or earlier%s", scoring.Suggest(direction, []string{"later", "earlier"}))
		return at, false
	case err != nil || n > 10000:
		p.here(line, 0, "the number may be up to 10000")
		return at, false
	case p.last.IsZero():
		p.here(line, 0, "a scenario begins with a date, such as 2026-03-02 09:00; later is for what follows")
		return at, false
	}
	if direction == "earlier" {
		n = -n
	}
	switch units[i] {
	case "minute":
		at = p.last.Add(time.Duration(n * int(time.Minute)))
	case "hour":
		at = p.last.Add(time.Duration(n * int(time.Hour)))
	case "day":
		at = p.last.AddDate(0, 0, n)
	case "week":
		at = p.last.AddDate(0, 0, 7*n)
	case "month":
		at = p.last.AddDate(0, n, 0)
	case "year":
		at = p.last.AddDate(n, 0, 0)
	}
	return p.likely(line, at)
}

func (p *parser) likely(line string, at time.Time) (time.Time, bool) {
	if at.Year() < 1970 || at.Year() > 2200 {
		p.here(line, 0, "this would be in the year %d; scenarios are between 1970 and 2200", at.Year())
		return at, false
	}
	return at, true
}

var word = regexp.MustCompile(`\S+`)

// what reads what happens, from an offset of the line on.
func (p *parser) what(line string, offset int, what string, s *step) bool {
	words := word.FindAllStringIndex(what, -1)
	at := func(i int) string { return what[words[i][0]:words[i][1]] }
	if len(words) == 0 {
		p.here(line, len(line), "say what happens: form, mail, event NAME or silence")
		return false
	}
	kinds := []string{string(kindForm), string(kindMail), string(kindEvent), string(kindSilence)}
	s.kind = kind(strings.ToLower(at(0)))
	next := 1
	switch s.kind {
	case kindForm:
		s.source = "website"
	case kindMail:
		s.source = "mailbox"
	case kindSilence:
	case kindEvent:
		s.source = "crm"
		if len(words) < 2 || !regexp.MustCompile(`^[a-z][a-z0-9_.-]{0,39}$`).MatchString(at(1)) {
			p.here(line, len(line), "name the event in small letters, as in event signed or event contract_out")
			return false
		}
		s.event, next = at(1), 2
	default:
		p.here(line, offset+words[0][0], "there is no %s (%s)%s", at(0), strings.Join(kinds, ", "), scoring.Suggest(at(0), kinds))
		return false
	}
	if len(words) == next {
		return true
	}
	if s.kind == kindSilence || strings.ToLower(at(next)) != "through" || len(words) != next+2 {
		p.here(line, offset+words[next][0], "only through and the name of a source may follow here, as in mail through sales; who and what stand below, indented")
		return false
	}
	s.source = at(next + 1)
	return true
}

var expectForm = regexp.MustCompile(`(?i)^(?:of\s+(\S+))?\s*(?:for\s+(\S+))?$`)

// expected begins a block of expectations: "expect", "expect of acme.example",
// "expect of acme.example for crm".
func (p *parser) expected(line, rest string) {
	if p.step != nil {
		p.endExpect()
	}
	p.broken = true
	if p.step == nil {
		if len(p.problems) == 0 {
			p.here(line, 0, "nothing has happened yet; write above it what does, as in 2026-03-02 09:00, mail")
		}
		return
	}
	m := expectForm.FindStringSubmatch(rest)
	if m == nil {
		p.here(line, strings.LastIndex(line, rest), "only of and a prospect may follow here, and for and a product, as in expect of acme.example or expect of jane@gmail.com for %s; what is expected stands below, indented", p.products[0].Name())
		return
	}
	p.criteria = p.products[0]
	if product := strings.ToLower(m[2]); product != "" {
		var names []string
		for _, c := range p.products {
			names = append(names, c.Name())
		}
		i := slices.Index(names, product)
		if i < 0 {
			p.here(line, strings.LastIndex(line, m[2]), "there is no product %s (%s): each criteria file is one, by its name%s", product, strings.Join(names, ", "), scoring.Suggest(product, names))
			return
		}
		p.criteria = p.products[i]
	}
	p.beforeExpect = len(p.problems)
	p.expect, p.broken = &expect{line: p.line, column: 1, of: strings.ToLower(m[1]), criteria: p.criteria}, false
}

// indented reads a line that belongs to the head above; it begins at start.
func (p *parser) indented(line string, start int) {
	first, _, _ := strings.Cut(strings.ToLower(line[start:]), " ")
	switch {
	case p.broken:
	case first == "expect" || first == "expect:" || first == "scenario:":
		p.here(line, start, "%s stands at the left edge; take the blanks before it away", strings.TrimSuffix(first, ":"))
	case p.expect != nil:
		p.check(line, start)
	case p.step == nil:
		p.here(line, start, "an indented line belongs to what happens above it, and nothing has happened yet; begin with a time, as in 2026-03-02 09:00, mail")
	case p.step.kind == kindSilence:
		p.here(line, start, "silence has no details; expect stands at the left edge")
	case line[start] == '|':
		p.bar(line, start)
	default:
		p.detail(line, start)
	}
}

// bar reads a line of text: of the mail, or more of a form's answer.
func (p *parser) bar(line string, start int) {
	text := strings.TrimPrefix(line[start+1:], " ")
	switch details := p.step.details; {
	case p.step.kind == kindMail:
		p.step.text = append(p.step.text, text)
	case len(details) == 0:
		p.here(line, start, "say first which answer of the form this is, as in message: and then the text")
	default:
		d := &details[len(details)-1]
		d.value = strings.TrimPrefix(d.value+"\n"+text, "\n")
	}
}

// detail reads "name: value" of a form, an event or a mail.
func (p *parser) detail(line string, start int) {
	name, value, ok := strings.Cut(line[start:], ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	mailKeys := []string{"from", "to", "subject", "header"}
	if !ok || name == "" {
		if p.step.kind == kindMail {
			p.here(line, start, "write from:, to:, subject: or header: and what it is, or the mail's text with a | before each line")
		} else {
			p.here(line, start, "write the field's name, a colon and the answer, as in budget: 20,000 EUR; a | continues the answer above")
		}
		return
	}
	if p.step.kind == kindMail {
		name = strings.ToLower(name)
		if !slices.Contains(mailKeys, name) {
			p.here(line, start, "a mail has no %s (%s; its text stands behind |)%s", name, strings.Join(mailKeys, ", "), scoring.Suggest(name, mailKeys))
			return
		}
		if value, ok = p.header(line, start, name, value); !ok {
			return
		}
		if name != "header" && p.step.get(name) != "" {
			p.here(line, start, "the mail has %s twice", name)
		}
	}
	p.step.details = append(p.step.details, detail{name: name, value: value})
}

var otherHeader = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*:\s*\S`)

// header checks a header of a mail and gives it as a mail has it.
func (p *parser) header(line string, start int, name, value string) (string, bool) {
	at := strings.LastIndex(line, value)
	switch name {
	case "from", "to":
		a, err := mail.ParseAddress(value)
		if err != nil {
			p.here(line, at, "%q is no address; write Ada Lovelace <ada@acme.example>, or the address alone", value)
			return "", false
		}
		return a.String(), true
	case "header":
		if !otherHeader.MatchString(value) {
			p.here(line, at, "write the header as a mail has it, as in header: Auto-Submitted: auto-replied")
			return "", false
		}
	}
	if value == "" {
		p.here(line, start, "%s needs a value", name)
	}
	return value, value != ""
}
