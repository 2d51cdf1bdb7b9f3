package scoring

import (
	_ "embed"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"github.com/goccy/go-yaml/ast"

	"leadd/lead"
)

// Limits of a criteria file. They bound a prospect's state.
const (
	MaxProducts = 8     // criteria files of a configuration
	MaxCriteria = 40    // criteria in a file
	MaxName     = 40    // bytes of a criterion's or the file's name
	MaxPoints   = 10000 // of one criterion, up or down
	MaxTouches  = 20    // contacts that one engagement rule may count: at_most / points
)

//go:embed default.yaml
var defaultFile []byte

// Criteria is a criteria file: named criteria with points, engagement points
// and stage rules. It is read-only and safe for concurrent use.
type Criteria struct {
	name, id     string
	fingerprint  string
	namedAt      Problem // the place of the name, no message
	criteria     []criterion
	index        map[string]int // of a criterion by its name
	engagement   []engagement
	authority    uint64                   // bit of the criterion of that name, 0: there is none
	rules        [lead.StageLost + 1]rule // by stage; StageContact has none
	silence      [lead.StageLost]silence  // by stage; after 0: it does not fall
	when         *vm.Program              // judges all criteria in one go
	alternatives int                      // how many || when has
	titles       *titles
}

type criterion struct {
	name   string
	points int
	when   string
}

// engagement is a rule of points for touching us.
type engagement struct {
	on       lead.Kind
	name     string // in the ledger
	points   int
	atMost   int           // a multiple of points
	halfLife time.Duration // 0: the points stay
}

// rule is a stage's rule.
type rule struct {
	text     string
	program  *vm.Program
	criteria uint64 // bit i: it names the i-th criterion
}

// silence is what a stage falls to when nothing is heard for a while.
type silence struct {
	after time.Duration
	to    lead.Stage
	text  string // as it may stand in the file
}

// Load reads a criteria file. Its error is Problems where the file could be
// read but has mistakes.
func Load(file string) (*Criteria, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read criteria: %w", err)
	}
	return Parse(file, src)
}

// LoadAll reads the criteria files of a configuration, one a product; without
// any it gives the built-in criteria. Two files with the same name are a
// problem, as are more than MaxProducts.
func LoadAll(files []string) ([]*Criteria, error) {
	if len(files) == 0 {
		return []*Criteria{Default()}, nil
	}
	var products []*Criteria
	var problems Problems
	var failed []error
	for i, file := range files {
		c, err := Load(file)
		var found Problems
		switch {
		case errors.As(err, &found):
			problems = append(problems, found...)
			continue
		case err != nil:
			failed = append(failed, err)
			continue
		}
		if same := slices.IndexFunc(products, func(o *Criteria) bool { return o.name == c.name }); same >= 0 {
			problems = append(problems, c.namedAt.problem("%s is named %s as well; every product needs its own name", products[same].namedAt.File, c.name))
		}
		if i == MaxProducts {
			problems = append(problems, c.namedAt.problem("there may be %d products; these are %d", MaxProducts, len(files)))
		}
		products = append(products, c)
	}
	if len(problems) > 0 {
		failed = append(failed, problems)
	}
	return products, errors.Join(failed...)
}

// Default gives the built-in criteria, default.yaml beside this file.
func Default() *Criteria {
	c, err := Parse("default.yaml", defaultFile)
	if err != nil {
		return &Criteria{name: "none", id: "none"} // never: the tests load the file
	}
	return c
}

// Name is the product that the criteria are about: "default".
func (c *Criteria) Name() string { return c.name }

// ID names the criteria and their version: "default-1".
func (c *Criteria) ID() string { return c.id }

// Names lists the criteria in the order of the file.
func (c *Criteria) Names() []string {
	names := make([]string, len(c.criteria))
	for i := range c.criteria {
		names[i] = c.criteria[i].name
	}
	return names
}

// When gives the condition of a criterion as it stands in the file, and its
// points.
func (c *Criteria) When(criterion string) (when string, points int, ok bool) {
	i, ok := c.index[criterion]
	if !ok {
		return "", 0, false
	}
	return c.criteria[i].when, c.criteria[i].points, true
}

// Rule gives a stage's rule as it stands in the file, "" where it has none.
func (c *Criteria) Rule(s lead.Stage) string {
	if int(s) >= len(c.rules) {
		return ""
	}
	return c.rules[s].text
}

// Parse reads the text of a criteria file; file is its name in problems. Its
// error is Problems.
func Parse(file string, src []byte) (*Criteria, error) {
	d := &document{file: file}
	c := &Criteria{index: make(map[string]int), titles: newTitles(seniorityTable)}
	if body, ok := d.parse(src); ok {
		c.fingerprint = fingerprint(body)
		(&loader{document: d, criteria: c}).file(body)
	}
	if len(d.problems) > 0 {
		slices.SortStableFunc(d.problems, func(a, b Problem) int {
			if a.Line != b.Line {
				return a.Line - b.Line
			}
			return a.Column - b.Column
		})
		return nil, d.problems
	}
	return c, nil
}

// loader fills criteria from a document.
type loader struct {
	*document
	criteria *Criteria
}

func (l *loader) file(body ast.Node) {
	top := l.mapping(body, "a criteria file", "name", "version", "criteria", "engagement", "stages", "silence")
	if top == nil {
		return
	}
	for _, key := range []string{"name", "version", "criteria", "stages"} {
		if _, ok := top[key]; !ok {
			l.problemAt(1, 1, "%s is missing", key)
		}
	}
	l.identity(top)
	if e, ok := top["criteria"]; ok {
		l.list(e)
	}
	if e, ok := top["engagement"]; ok {
		for _, item := range l.sequence(e) {
			l.engagement(item)
		}
	}
	if e, ok := top["stages"]; ok {
		l.stages(e)
	}
	if e, ok := top["silence"]; ok {
		l.silence(e)
	}
	if len(l.problems) == 0 {
		l.join()
	}
}

func (l *loader) identity(top map[string]entry) {
	name, version := "", 0
	if e, ok := top["name"]; ok {
		name, _ = l.name(e)
		at := e.value.GetToken().Position
		l.criteria.namedAt = Problem{File: l.document.file, Line: at.Line, Column: max(at.Column, 1)}
	}
	if e, ok := top["version"]; ok {
		version, _ = l.integer(e, 1, 1_000_000)
	}
	l.criteria.name, l.criteria.id = name, name+"-"+strconv.Itoa(version)
}

func (l *loader) name(e entry) (string, bool) {
	name, ok := l.text(e)
	if ok && (len(name) > MaxName || !regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(name)) {
		l.problem(e.value.GetToken(), "%q is no name: use up to %d small letters, digits and _, a letter first", name, MaxName)
		return "", false
	}
	return name, ok
}

func (l *loader) list(e entry) {
	items := l.sequence(e)
	if len(items) > MaxCriteria {
		l.problem(items[MaxCriteria].GetToken(), "a file may have %d criteria; this has %d", MaxCriteria, len(items))
		items = items[:MaxCriteria]
	}
	language := whenLanguage(l.criteria.titles.levels)
	for _, item := range items {
		entries := l.mapping(item, "a criterion", "name", "points", "when")
		if entries == nil {
			continue
		}
		l.missing(item, "the criterion", entries, "name", "points", "when")
		c := criterion{}
		if e, ok := entries["points"]; ok {
			c.points, _ = l.integer(e, -MaxPoints, MaxPoints)
		}
		if e, ok := entries["when"]; ok {
			c.when, _ = l.expression(e, language, newJudge(l.criteria).whenEnv)
		}
		if e, ok := entries["name"]; ok {
			if c.name, ok = l.name(e); !ok {
				continue
			}
			if slices.Contains(reservedNames(), c.name) {
				l.problem(e.value.GetToken(), "a criterion cannot be named %s: the word has a meaning in expressions", c.name)
			}
			if _, twice := l.criteria.index[c.name]; twice {
				l.problem(e.value.GetToken(), "there are two criteria named %s", c.name)
				continue
			}
			l.criteria.index[c.name] = len(l.criteria.criteria)
			if c.name == authority {
				l.criteria.authority = 1 << len(l.criteria.criteria)
			}
			l.criteria.criteria = append(l.criteria.criteria, c)
		}
	}
}

func (l *loader) missing(item ast.Node, what string, entries map[string]entry, keys ...string) {
	for _, key := range keys {
		if _, ok := entries[key]; ok {
			continue
		}
		at := item.GetToken()
		for _, e := range entries { // the first key stands where a reader looks
			if p := e.at.Position; p.Line < at.Position.Line || p.Line == at.Position.Line && p.Column < at.Position.Column {
				at = e.at
			}
		}
		l.problem(at, "%s has no %s", what, key)
	}
}

func (l *loader) engagement(item ast.Node) {
	entries := l.mapping(item, "an engagement rule", "on", "points", "at_most", "half_life")
	if entries == nil {
		return
	}
	l.missing(item, "the engagement rule", entries, "on", "points", "at_most")
	var r engagement
	if e, ok := entries["on"]; ok {
		on, _ := l.text(e)
		r.on, r.name = lead.Kind(on), engagementPrefix+on
		if known := kinds(); on != "" && !slices.Contains(known, on) {
			l.problem(e.value.GetToken(), "there is no kind %s (%s)%s", on, strings.Join(known, ", "), suggest(on, known))
		}
		if slices.ContainsFunc(l.criteria.engagement, func(o engagement) bool { return o.on == r.on }) {
			l.problem(e.value.GetToken(), "there are two engagement rules on %s", on)
		}
	}
	pointsRead := false
	if e, ok := entries["points"]; ok {
		r.points, pointsRead = l.integer(e, 1, MaxPoints)
	}
	if e, ok := entries["at_most"]; ok {
		var read bool
		if r.atMost, read = l.integer(e, 1, MaxPoints*MaxTouches); read && pointsRead {
			l.atMost(e, r)
		}
	}
	if e, ok := entries["half_life"]; ok {
		r.halfLife = l.duration(e)
	}
	l.criteria.engagement = append(l.criteria.engagement, r)
}

func (l *loader) atMost(e entry, r engagement) {
	switch {
	case r.atMost%r.points != 0:
		l.problem(e.value.GetToken(), "at_most %d is no multiple of points %d; say %d", r.atMost, r.points, (r.atMost/r.points+1)*r.points)
	case r.atMost/r.points > MaxTouches:
		l.problem(e.value.GetToken(), "at_most may be %d times points; this is %d times", MaxTouches, r.atMost/r.points)
	}
}

// duration reads "30d", "2w" or "12h".
func (l *loader) duration(e entry) time.Duration {
	units := map[byte]time.Duration{'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	s, ok := l.text(e)
	if !ok {
		return 0
	}
	unit := units[s[len(s)-1]]
	n, err := strconv.Atoi(s[:len(s)-1])
	if unit == 0 || err != nil || n < 1 || n > 10000 {
		l.problem(e.value.GetToken(), "%s must be a number of hours, days or weeks above zero, as in 12h, 30d or 2w", e.key)
		return 0
	}
	return time.Duration(n) * unit
}

func (l *loader) stages(e entry) {
	var names []string
	for _, s := range lead.Stages()[1:] {
		names = append(names, s.String())
	}
	entries := l.mapping(e.value, "stages", names...)
	if entries == nil {
		return
	}
	criteria := l.criteria.Names()
	language := ruleLanguage(criteria)
	for _, s := range lead.Stages()[1:] {
		e, ok := entries[s.String()]
		if !ok {
			continue // a funnel may do without a stage
		}
		text, ok := l.expression(e, language, newJudge(l.criteria).ruleEnv)
		if !ok {
			continue
		}
		program, _, err := language.compile(text, newJudge(l.criteria).ruleEnv, expr.AsBool())
		if err != nil {
			l.problem(e.at, "%s", err) // never: it was compiled before
			continue
		}
		l.criteria.rules[s] = rule{text: text, program: program, criteria: named(language, text)}
	}
}

// silence reads who falls by saying nothing: "lead: {after: 90d, to: contact}".
// A fall leads down or to lost, so falls never go in a circle.
func (l *loader) silence(e entry) {
	var names []string
	for _, s := range lead.Stages()[:lead.StageLost] {
		names = append(names, s.String())
	}
	stages := l.mapping(e.value, "silence", names...)
	for _, from := range lead.Stages()[:lead.StageLost] {
		e, ok := stages[from.String()]
		if !ok {
			continue
		}
		what := "silence of " + from.String()
		entries := l.mapping(e.value, what, "after", "to")
		if entries == nil {
			continue
		}
		l.missing(e.value, what, entries, "after", "to")
		r := &l.criteria.silence[from]
		if e, ok := entries["after"]; ok {
			r.after = l.duration(e)
		}
		if e, ok := entries["to"]; ok {
			r.to = l.lower(e, from)
		}
		if after, ok := entries["after"]; ok {
			r.text = fmt.Sprintf("silence: %s: {after: %s, to: %s}", from, after.value.GetToken().Value, r.to)
		}
	}
}

// lower reads a stage that one may fall to.
func (l *loader) lower(e entry, from lead.Stage) lead.Stage {
	var names []string
	for _, s := range append(lead.Stages()[:from], lead.StageLost) {
		names = append(names, s.String())
	}
	name, ok := l.text(e)
	to, err := lead.ParseStage(name)
	if ok && (err != nil || !slices.Contains(names, name)) {
		l.problem(e.value.GetToken(), "stage %s can fall to %s, not to %s%s", from, strings.Join(names, " or "), name, suggest(name, names))
	}
	return to
}

// named gives the criteria that a rule speaks of.
func named(l *language, text string) uint64 {
	var mask uint64
	for _, word := range regexp.MustCompile(`[a-z][a-z0-9_]*`).FindAllString(text, -1) {
		if i := slices.Index(l.criteria, word); i >= 0 {
			mask |= 1 << i
		}
	}
	return mask
}

// expression checks e's expression and gives its text on one line.
func (l *loader) expression(e entry, language *language, env map[string]any) (string, bool) {
	text, ok := l.text(e)
	if !ok {
		return "", false
	}
	faults := language.check(text, env)
	if len(faults) == 0 {
		if _, _, err := language.compile(text, env, expr.AsBool()); err != nil {
			faults = []fault{faultOf(err)}
		}
	}
	for _, f := range faults {
		line, column := l.place(e.value, text, f.offset)
		l.problemAt(line, column, "%s: %s", e.key, f.message)
	}
	return strings.TrimSpace(text), len(faults) == 0
}

// join makes one program of all criteria: running one is three times as fast
// as running each. Begin(i) says whether to judge the i-th, Hold(i) that it is
// met.
func (l *loader) join() {
	parts := make([]string, len(l.criteria.criteria))
	for i, c := range l.criteria.criteria {
		parts[i] = fmt.Sprintf("Begin(%d) && (\n%s\n) && Hold(%d)", i, c.when, i)
	}
	language := whenLanguage(l.criteria.titles.levels)
	program, alternatives, err := language.compile("[\n"+strings.Join(parts, ",\n")+"\n]", newJudge(l.criteria).whenEnv, expr.MaxNodes(0))
	if err != nil {
		l.problemAt(1, 1, "the criteria cannot be joined: %s", err) // never: each was compiled before
		return
	}
	l.criteria.when, l.criteria.alternatives = program, alternatives
}

func ones(mask uint64) int { return bits.OnesCount64(mask) }
