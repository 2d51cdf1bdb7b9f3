package scoring

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
	"golang.org/x/text/currency"

	"leadd/lead"
)

// fault is a mistake in an expression, at an offset in characters.
type fault struct {
	offset  int
	message string
}

// allowedBuiltins are the functions of the expression language that criteria
// may use. The others are left out because they read the clock (now, date),
// fail at run time (int, float, ...) or are of no use here.
func allowedBuiltins() []string {
	return []string{"all", "any", "none", "one", "len", "lower", "upper", "trim", "abs", "min", "max", "hasPrefix", "hasSuffix", "indexOf"}
}

// language is the set of names that one kind of expression knows, and how
// each is turned into calls of the judge.
type language struct {
	functions  []string            // plain functions of the judge: has(x)
	members    map[string][]string // of each name that has members; nil list: any member
	names      []string            // names that stand alone
	values     map[string][]string // all that a name can be, beside ""
	constants  map[string]ast.Node // names that stand for a fixed value
	criteria   []string            // in declared order; what met() and count() may name
	currencies bool                // three capital letters may be an ISO 4217 code
}

// whenLanguage is the language of a criterion's when.
func whenLanguage(levels []string) *language {
	constants := make(map[string]ast.Node)
	for i, name := range levels {
		constants[name] = &ast.IntegerNode{Value: i + 1}
	}
	return &language{
		functions: []string{"has", "number", "due", "days"},
		members: map[string][]string{
			"fields":  nil,
			"person":  {"email", "name", "phone", "title", "seniority", "provider"},
			"company": {"name", "domain"},
			"text":    {"says", "money", "deadline"},
			"history": {"count", "first", "since", "contacts", "people"},
		},
		names:      []string{"kind", "class", "source", "event", "subject"},
		values:     whenValues(),
		constants:  constants,
		currencies: true,
	}
}

// whenValues are those of the names that can be few things only. Contacts of
// other classes are not judged.
func whenValues() map[string][]string {
	return map[string][]string{
		"kind":            kinds(),
		"class":           {string(lead.ClassInquiry), string(lead.ClassReply), string(lead.ClassFormNotification), string(lead.ClassForward)},
		"person.provider": {string(lead.ProviderFree), string(lead.ProviderDisposable), string(lead.ProviderAcademic)},
	}
}

// ruleLanguage is the language of a stage's rule.
func ruleLanguage(criteria []string) *language {
	constants := make(map[string]ast.Node)
	for _, s := range lead.Stages() {
		constants[s.String()] = &ast.IntegerNode{Value: int(s)}
	}
	return &language{
		functions: []string{"met", "count"},
		names:     []string{"score", "stage"},
		constants: constants,
		criteria:  criteria,
	}
}

// reservedNames are those that a criterion may not have, as they mean
// something else in an expression.
func reservedNames() []string {
	names := []string{"met", "count", "score", "stage", "not", "and", "or", "in", "let", "true", "false", "nil", "matches", "contains", "startsWith", "endsWith"}
	for _, s := range lead.Stages() {
		names = append(names, s.String())
	}
	return names
}

// evidenceNames are the criteria that findings in a text may speak of.
func evidenceNames() []string {
	return []string{
		"need", "budget", "timeline", "authority", "contacted", "needs_identified",
		"supplier_left", "negotiating", "contract_out", "signed", "declined",
	}
}

// check finds what is wrong with the names of an expression: all of it, while
// the expression language's own check stops at the first.
func (l *language) check(src string, env map[string]any) []fault {
	tree, err := l.parse(src, env)
	if err != nil {
		return []fault{faultOf(err)}
	}
	c := &nameCheck{language: l, inner: make(map[ast.Node]bool)}
	c.walk(tree)
	return c.faults
}

// parse gives an expression's tree with the names as they are written.
func (l *language) parse(src string, env map[string]any) (ast.Node, error) {
	config := conf.CreateNew()
	for _, o := range l.options(env) {
		o(config)
	}
	for name := range config.Disabled {
		delete(config.Builtins, name)
	}
	tree, err := parser.ParseWithConfig(src, config)
	if err != nil {
		return nil, err
	}
	return tree.Node, nil
}

func (l *language) options(env map[string]any) []expr.Option {
	options := []expr.Option{expr.Env(env), expr.DisableAllBuiltins(), expr.DisableIfOperator()}
	for _, name := range allowedBuiltins() {
		options = append(options, expr.EnableBuiltin(name))
	}
	return options
}

// compile makes the program of an expression whose names were checked. env
// holds the judge's functions. alternatives is how many || it has.
func (l *language) compile(src string, env map[string]any, more ...expr.Option) (program *vm.Program, alternatives int, err error) {
	r := &rewriter{language: l}
	options := append(l.options(env), expr.Patch(r))
	program, err = expr.Compile(src, append(options, more...)...)
	return program, r.alternatives, err
}

func faultOf(err error) fault {
	var e *file.Error
	if errors.As(err, &e) {
		return fault{offset: e.From, message: e.Message}
	}
	return fault{message: err.Error()}
}

// nameCheck looks at every name of an expression before it is compiled.
type nameCheck struct {
	*language
	inner  map[ast.Node]bool // names already looked at as part of a larger node
	faults []fault
}

func (c *nameCheck) walk(node ast.Node) {
	// ast.Walk visits children first, but a name means something else inside
	// its parent: so the parents are looked at in a walk of their own.
	ast.Walk(&node, visit(c.parent))
	ast.Walk(&node, visit(c.name))
	slices.SortStableFunc(c.faults, func(a, b fault) int { return a.offset - b.offset })
}

type visit func(ast.Node)

// Visit calls v with the node.
func (v visit) Visit(n *ast.Node) { v(*n) }

func (c *nameCheck) fault(n ast.Node, format string, args ...any) {
	c.faults = append(c.faults, fault{offset: n.Location().From, message: fmt.Sprintf(format, args...)})
}

func (c *nameCheck) parent(n ast.Node) {
	switch n := n.(type) {
	case *ast.MemberNode:
		if id, ok := n.Node.(*ast.IdentifierNode); ok {
			c.member(id, n)
		}
	case *ast.CallNode:
		c.call(n)
	case *ast.BinaryNode:
		c.comparison(n)
	case *ast.VariableDeclaratorNode, *ast.SequenceNode:
		c.fault(n, "an expression is one condition: no let and no semicolon")
	}
}

// comparison checks the words that a name of few values is compared with.
func (c *nameCheck) comparison(n *ast.BinaryNode) {
	name, words := n.Left, n.Right
	switch n.Operator {
	case "==", "!=":
		if _, ok := name.(*ast.StringNode); ok {
			name, words = words, name
		}
	case "in":
	default:
		return
	}
	said := ""
	switch name := name.(type) {
	case *ast.IdentifierNode:
		said = name.Value
	case *ast.MemberNode:
		id, _ := name.Node.(*ast.IdentifierNode)
		member, _ := name.Property.(*ast.StringNode)
		if id != nil && member != nil {
			said = id.Value + "." + member.Value
		}
	}
	values, ok := c.values[said]
	if !ok {
		return
	}
	list := []ast.Node{words}
	if array, ok := words.(*ast.ArrayNode); ok {
		list = array.Nodes
	}
	for _, word := range list {
		if w, ok := word.(*ast.StringNode); ok && w.Value != "" && !slices.Contains(values, w.Value) {
			c.fault(w, "%s is never %q (it is %s)%s", said, w.Value, strings.Join(values, ", "), Suggest(w.Value, values))
		}
	}
}

func (c *nameCheck) member(id *ast.IdentifierNode, n *ast.MemberNode) {
	members, ok := c.members[id.Value]
	if !ok {
		return // an unknown name, or one without members: found as such
	}
	c.inner[id] = true
	name, ok := n.Property.(*ast.StringNode)
	if !ok {
		c.fault(n.Property, "say which of %s by its name, as in %s.%s", id.Value, id.Value, append(slices.Clone(members), "budget")[0])
		return
	}
	if members != nil && !slices.Contains(members, name.Value) {
		c.fault(n.Property, "%s has no %s (it has %s)%s", id.Value, name.Value, strings.Join(members, ", "), Suggest(name.Value, members))
	}
}

func (c *nameCheck) call(n *ast.CallNode) {
	switch callee := n.Callee.(type) {
	case *ast.IdentifierNode:
		c.inner[callee] = true
		if !slices.Contains(c.functions, callee.Value) {
			known := slices.Concat(c.functions, allowedBuiltins())
			c.fault(callee, "unknown function %s%s", callee.Value, Suggest(callee.Value, known))
		} else if callee.Value == "met" || callee.Value == "count" {
			c.criterionArguments(callee.Value, n)
		}
	case *ast.MemberNode:
		c.inner[callee] = true
		id, _ := callee.Node.(*ast.IdentifierNode)
		name, _ := callee.Property.(*ast.StringNode)
		if id == nil || name == nil {
			return
		}
		switch id.Value + "." + name.Value {
		case "history.count", "history.first", "history.since":
			c.sort(n, "history."+name.Value)
		case "text.says":
			c.says(n)
		case "text.money":
			if len(n.Arguments) > 1 {
				c.fault(n.Arguments[1], "text.money takes one currency, or none for any")
			}
		}
	}
}

func (c *nameCheck) says(n *ast.CallNode) {
	if len(n.Arguments) != 1 {
		c.fault(n, `text.says takes one name in quotes, as in text.says("need")`)
		return
	}
	name, ok := n.Arguments[0].(*ast.StringNode)
	if !ok {
		c.inner[n.Arguments[0]] = true
		c.fault(n.Arguments[0], `text.says takes a name in quotes, as in text.says("need")`)
	} else if known := evidenceNames(); !slices.Contains(known, name.Value) {
		c.fault(name, "no text speaks of %q (it may speak of %s)%s", name.Value, strings.Join(known, ", "), Suggest(name.Value, known))
	}
}

// sort checks the kind or event that history is asked for.
func (c *nameCheck) sort(n *ast.CallNode, function string) {
	if len(n.Arguments) != 1 {
		c.fault(n, `%s takes one kind or event in quotes, as in %s("form")`, function, function)
		return
	}
	name, ok := n.Arguments[0].(*ast.StringNode)
	if !ok {
		c.inner[n.Arguments[0]] = true
		c.fault(n.Arguments[0], `%s takes a kind or event in quotes, as in %s("form")`, function, function)
	} else if wrong := historyFault(name.Value); wrong != "" {
		c.fault(name, "%s", wrong)
	}
}

func (c *nameCheck) criterionArguments(function string, n *ast.CallNode) {
	if len(n.Arguments) == 0 || function == "met" && len(n.Arguments) > 1 {
		c.fault(n, "%s takes %s", function, map[string]string{"met": "the name of one criterion", "count": "names of criteria"}[function])
	}
	for _, a := range n.Arguments {
		c.inner[a] = true
		if name, ok := criterionName(a); !ok {
			c.fault(a, "%s takes names of criteria", function)
		} else if !slices.Contains(c.criteria, name) {
			c.fault(a, "no criterion is named %s%s", name, Suggest(name, c.criteria))
		}
	}
}

func (c *nameCheck) name(n ast.Node) {
	if m, ok := n.(*ast.MemberNode); ok && !c.inner[n] {
		c.uncalled(m)
		return
	}
	id, ok := n.(*ast.IdentifierNode)
	if !ok || c.inner[n] || slices.Contains(c.names, id.Value) || c.constants[id.Value] != nil || c.isCurrency(id.Value) {
		return
	}
	known := slices.Concat(c.names, slices.Sorted(maps.Keys(c.constants)), slices.Sorted(maps.Keys(c.members)))
	switch _, hasMembers := c.members[id.Value]; {
	case hasMembers:
		c.fault(n, "%s does not stand alone: say which part of it, as in %s.%s", id.Value, id.Value, append(slices.Clone(c.members[id.Value]), "budget")[0])
	case slices.Contains(c.criteria, id.Value):
		c.fault(n, "%s is a criterion: write met(%s)", id.Value, id.Value)
	case slices.Contains(c.functions, id.Value):
		c.fault(n, "%s is a function: write %s(...)", id.Value, id.Value)
	default:
		c.fault(n, "unknown name %s%s", id.Value, Suggest(id.Value, known))
	}
}

// uncalled finds functions that are written like values.
func (c *nameCheck) uncalled(m *ast.MemberNode) {
	id, _ := m.Node.(*ast.IdentifierNode)
	name, _ := m.Property.(*ast.StringNode)
	if id == nil || name == nil {
		return
	}
	switch whole := id.Value + "." + name.Value; whole {
	case "text.says", "text.money", "history.count", "history.first", "history.since":
		c.fault(m.Property, "%s is a function: write %s(...)", whole, whole)
	}
}

func (l *language) isCurrency(name string) bool {
	if !l.currencies || len(name) != 3 || strings.ToUpper(name) != name {
		return false
	}
	_, err := currency.ParseISO(name)
	return err == nil
}

func criterionName(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value, true
	case *ast.StringNode:
		return n.Value, true
	}
	return "", false
}

// rewriter turns the names of an expression into calls of the judge, which
// notes what each of them found: that is a met criterion's evidence. The
// judge's functions begin with a capital, which no name of a user does.
type rewriter struct {
	*language
	alternatives int // how many || were rewritten
}

// Visit rewrites one node; its children were rewritten before.
func (r *rewriter) Visit(n *ast.Node) {
	switch x := (*n).(type) {
	case *ast.IdentifierNode:
		if constant := r.constants[x.Value]; constant != nil {
			ast.Patch(n, copyOf(constant))
		} else if r.isCurrency(x.Value) {
			ast.Patch(n, &ast.StringNode{Value: x.Value})
		} else if slices.Contains(r.names, x.Value) {
			ast.Patch(n, r.standing(x.Value))
		}
	case *ast.MemberNode:
		id, ok := x.Node.(*ast.IdentifierNode)
		name, named := x.Property.(*ast.StringNode)
		if !ok || !named {
			return
		}
		if replaced := member(id.Value, name.Value); replaced != nil {
			ast.Patch(n, replaced)
		}
	case *ast.CallNode:
		r.call(x)
	case *ast.BinaryNode:
		r.alternative(x)
	}
}

func (r *rewriter) standing(name string) ast.Node {
	switch name {
	case "score":
		return call("Score")
	case "stage":
		return call("Stage")
	}
	return call("Attribute", &ast.StringNode{Value: name})
}

func member(of, name string) ast.Node {
	switch of + "." + name {
	case "person.seniority":
		return call("Seniority")
	case "text.says":
		return &ast.IdentifierNode{Value: "Says"}
	case "text.money":
		return &ast.IdentifierNode{Value: "Money"}
	case "text.deadline":
		return call("Deadline")
	case "history.count":
		return &ast.IdentifierNode{Value: "HistoryCount"}
	case "history.first":
		return &ast.IdentifierNode{Value: "HistoryFirst"}
	case "history.since":
		return &ast.IdentifierNode{Value: "HistorySince"}
	case "history.contacts":
		return call("HistoryContacts")
	case "history.people":
		return call("HistoryPeople")
	}
	switch of {
	case "fields":
		return call("Field", &ast.StringNode{Value: name})
	case "person", "company":
		return call("Attribute", &ast.StringNode{Value: of + "." + name})
	}
	return nil
}

func (r *rewriter) call(n *ast.CallNode) {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return
	}
	switch callee.Value {
	case "Money":
		if len(n.Arguments) == 0 {
			n.Arguments = []ast.Node{&ast.StringNode{}}
		}
	case "met", "count":
		n.Arguments = []ast.Node{&ast.IntegerNode{Value: int(r.mask(n.Arguments))}}
	}
}

// mask sets bit i for the i-th criterion.
func (r *rewriter) mask(names []ast.Node) (mask uint64) {
	for _, a := range names {
		name, _ := criterionName(a)
		if i := slices.Index(r.criteria, name); i >= 0 {
			mask |= 1 << i
		}
	}
	return mask
}

// alternative makes a || b into (Mark(i) || a) || (Forget(i) || b), so that
// what a looked at is no evidence once a has failed. Mark and Forget give
// false.
func (r *rewriter) alternative(n *ast.BinaryNode) {
	if isCall(n.Right, "Hold") { // the whole condition of a criterion is behind Begin
		if condition, ok := n.Left.(*ast.BinaryNode); ok {
			dropMarks(condition.Right)
		}
	}
	if n.Operator != "||" && n.Operator != "or" || r.criteria != nil {
		return
	}
	id := &ast.IntegerNode{Value: r.alternatives}
	r.alternatives++
	n.Left = &ast.BinaryNode{Operator: "||", Left: call("Mark", id), Right: n.Left}
	n.Right = &ast.BinaryNode{Operator: "||", Left: call("Forget", copyOf(id)), Right: n.Right}
}

// dropMarks takes the Marks off a condition's own alternatives: where nothing
// was noted before, Forget without Mark forgets all, and that is cheaper.
func dropMarks(condition ast.Node) {
	for {
		either, ok := condition.(*ast.BinaryNode)
		if !ok {
			return
		}
		marked, ok := either.Left.(*ast.BinaryNode)
		if !ok || !isCall(marked.Left, "Mark") {
			return
		}
		either.Left = marked.Right
		condition = either.Left
	}
}

func isCall(n ast.Node, function string) bool {
	c, ok := n.(*ast.CallNode)
	if !ok {
		return false
	}
	callee, ok := c.Callee.(*ast.IdentifierNode)
	return ok && callee.Value == function
}

func call(function string, arguments ...ast.Node) ast.Node {
	return &ast.CallNode{Callee: &ast.IdentifierNode{Value: function}, Arguments: arguments}
}

func copyOf(n ast.Node) ast.Node {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return &ast.IntegerNode{Value: n.Value}
	case *ast.StringNode:
		return &ast.StringNode{Value: n.Value}
	}
	return n
}
