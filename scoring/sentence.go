package scoring

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"leadd/lead"
)

// teller puts an expression's tree into words. What it has no words for it
// quotes.
type teller struct{ *language }

// clause is a condition in words: one, or several joined by "and" or "or".
type clause struct {
	joint string // "and", "or"; "": parts has one
	parts []string
}

func says(format string, args ...any) clause {
	return clause{parts: []string{fmt.Sprintf(format, args...)}}
}

// top gives a whole condition.
func (c clause) top() string {
	if c.joint == "or" {
		return strings.Join(c.parts, ", or ")
	}
	return strings.Join(c.parts, " and ")
}

// within gives it as a part of another condition, so that nobody can take the
// words for another order.
func (c clause) within() string {
	switch c.joint {
	case "or":
		return "either " + strings.Join(c.parts, " or ")
	case "and":
		return strings.Join(c.parts, " and ") + " together"
	}
	return c.parts[0]
}

// condition gives a condition in words.
func (t *teller) condition(n ast.Node) clause {
	switch n := n.(type) {
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			return t.negation(n.Node)
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "&&", "and":
			return t.join("and", n)
		case "||", "or":
			return t.join("or", n)
		}
		return t.comparison(n, false)
	case *ast.ConditionalNode:
		return says("where %s, %s, and otherwise %s", t.condition(n.Cond).within(), t.condition(n.Exp1).within(), t.condition(n.Exp2).within())
	case *ast.CallNode, *ast.BuiltinNode:
		return t.called(n, false)
	case *ast.BoolNode:
		return says("%s", either(n.Value, "this always holds", "this never holds"))
	case *ast.PredicateNode:
		return t.condition(n.Node)
	}
	return says("%s holds", quoted(n.String()))
}

func (t *teller) join(joint string, n *ast.BinaryNode) clause {
	out := clause{joint: joint}
	for _, side := range []ast.Node{n.Left, n.Right} {
		if c := t.condition(side); c.joint == joint {
			out.parts = append(out.parts, c.parts...)
		} else {
			out.parts = append(out.parts, c.within())
		}
	}
	return out
}

func (t *teller) negation(n ast.Node) clause {
	switch n := n.(type) {
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			return t.condition(n.Node)
		}
	case *ast.BinaryNode:
		if n.Operator != "&&" && n.Operator != "||" && n.Operator != "and" && n.Operator != "or" {
			return t.comparison(n, true)
		}
	case *ast.CallNode, *ast.BuiltinNode:
		return t.called(n, true)
	}
	return says("it is not so that %s", t.condition(n).within())
}

func either(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// called gives a condition that is a call: has, met, text.says, or one of the
// expression language's.
func (t *teller) called(n ast.Node, not bool) clause {
	function, arguments := callOf(n)
	switch {
	case function == "has" && len(arguments) == 1:
		return t.has(arguments[0], not)
	case function == "met" && len(arguments) == 1:
		name, _ := criterionName(arguments[0])
		return says("%s is %smet", plainName(name), either(not, "not ", ""))
	case function == "text.says" && len(arguments) == 1:
		if name, ok := arguments[0].(*ast.StringNode); ok {
			return says("their words %s %s", either(not, "do not speak of", "speak of"), evidencePhrase(name.Value))
		}
	case function == "hasPrefix" && len(arguments) == 2:
		return t.comparison(&ast.BinaryNode{Operator: "startsWith", Left: arguments[0], Right: arguments[1]}, not)
	case function == "hasSuffix" && len(arguments) == 2:
		return t.comparison(&ast.BinaryNode{Operator: "endsWith", Left: arguments[0], Right: arguments[1]}, not)
	case quantifier(function) != "" && len(arguments) == 2 && !not:
		return says("for %s of %s: %s", quantifier(function), t.value(arguments[0]), t.condition(arguments[1]).within())
	}
	return says("%s %s", quoted(n.String()), either(not, "does not hold", "holds"))
}

func quantifier(function string) string {
	return map[string]string{"all": "each", "any": "at least one", "none": "none", "one": "exactly one"}[function]
}

func callOf(n ast.Node) (function string, arguments []ast.Node) {
	switch n := n.(type) {
	case *ast.BuiltinNode:
		return n.Name, n.Arguments
	case *ast.CallNode:
		return n.Callee.String(), n.Arguments
	}
	return "", nil
}

// evidencePhrase gives what a text may speak of as the object of "speak of".
func evidencePhrase(name string) string {
	phrase, ok := map[string]string{
		"need": "a need", "budget": "a budget", "timeline": "a time by which they want it", "authority": "their authority to decide",
		"contacted": "a conversation with us", "needs_identified": "what exactly they require", "supplier_left": "having left their supplier",
		"negotiating": "terms being negotiated", "contract_out": "a contract in their hands", "signed": "a signature or an order", "declined": "a refusal",
	}[name]
	if !ok {
		return plainName(name)
	}
	return phrase
}

func (t *teller) has(n ast.Node, not bool) clause {
	if isProvider(n) {
		return says("their address is %s a free-mail provider, a throw-away provider or a university", either(not, "none of", "that of"))
	}
	filled, empty := "is filled", "is empty"
	if of, _, ok := memberOf(n); ok && of != "fields" {
		filled, empty = "is known", "is not known"
	}
	return says("%s %s", t.value(n), either(not, empty, filled))
}

// memberOf takes person.email apart.
func memberOf(n ast.Node) (of, name string, ok bool) {
	m, ok := n.(*ast.MemberNode)
	if !ok {
		return "", "", false
	}
	id, isName := m.Node.(*ast.IdentifierNode)
	property, isText := m.Property.(*ast.StringNode)
	if !isName || !isText {
		return "", "", false
	}
	return id.Value, property.Value, true
}

// opposites are the operators that hold where another does not.
func opposite(operator string) string {
	return map[string]string{"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}[operator]
}

func mirrored(operator string) string {
	return map[string]string{"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}[operator]
}

// comparison gives a condition with two sides, or that it does not hold.
func (t *teller) comparison(n *ast.BinaryNode, not bool) clause {
	switch n.Operator {
	case "contains", "startsWith", "endsWith", "matches":
		verbs := map[string][2]string{
			"contains": {"contains", "does not contain"}, "startsWith": {"begins with", "does not begin with"},
			"endsWith": {"ends with", "does not end with"}, "matches": {"matches the pattern", "does not match the pattern"},
		}[n.Operator]
		return says("%s %s %s", t.value(n.Left), either(not, verbs[1], verbs[0]), t.value(n.Right))
	case "in":
		return t.oneOf(n, not)
	}
	operator, left, right := n.Operator, n.Left, n.Right
	if mirrored(operator) == "" {
		return says("%s %s", quoted(n.String()), either(not, "does not hold", "holds"))
	}
	if isLiteral(left) && !isLiteral(right) || t.isConstant(left) && !t.isConstant(right) {
		operator, left, right = mirrored(operator), right, left
	}
	if not {
		operator = opposite(operator)
	}
	for _, special := range []func(operator string, left, right ast.Node) (clause, bool){
		t.counted, t.staged, t.senior, t.within, t.amount, t.past, t.provided, t.attribute, t.empty,
	} {
		if c, ok := special(operator, left, right); ok {
			return c
		}
	}
	is := map[string]string{"==": "is", "!=": "is not", "<": "is below", "<=": "is at most", ">": "is above", ">=": "is at least"}[operator]
	return says("%s %s %s", t.value(left), is, t.value(right))
}

func isLiteral(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.StringNode, *ast.BoolNode, *ast.NilNode:
		return true
	case *ast.CallNode:
		return isCall(n, "days")
	}
	return false
}

func (t *teller) isConstant(n ast.Node) bool {
	id, ok := n.(*ast.IdentifierNode)
	return ok && t.constants[id.Value] != nil
}

// oneOf is x in [...] or x in a..b.
func (t *teller) oneOf(n *ast.BinaryNode, not bool) clause {
	if list, ok := n.Right.(*ast.ArrayNode); ok && len(list.Nodes) > 0 {
		values := make([]string, len(list.Nodes))
		for i, v := range list.Nodes {
			values[i] = t.value(v)
			if id, ok := n.Left.(*ast.IdentifierNode); ok {
				values[i] = t.attributeValue(id.Value, v)
			}
		}
		if isProvider(n.Left) {
			return providedBy(list.Nodes, not)
		}
		return t.attributeIs(n.Left, enumerate(values, "or"), not)
	}
	if r, ok := n.Right.(*ast.BinaryNode); ok && r.Operator == ".." {
		return says("%s is %sfrom %s to %s", t.value(n.Left), either(not, "not ", ""), t.value(r.Left), t.value(r.Right))
	}
	return says("%s is %sin %s", t.value(n.Left), either(not, "not ", ""), t.value(n.Right))
}

// attribute is event == "signed" and the like.
func (t *teller) attribute(operator string, left, right ast.Node) (clause, bool) {
	id, ok := left.(*ast.IdentifierNode)
	text, isText := right.(*ast.StringNode)
	if !ok || !isText || text.Value == "" || operator != "==" && operator != "!=" {
		return clause{}, false
	}
	return t.attributeIs(left, t.attributeValue(id.Value, right), operator == "!="), true
}

func (t *teller) attributeIs(n ast.Node, values string, not bool) clause {
	if id, ok := n.(*ast.IdentifierNode); ok {
		switch id.Value {
		case "kind", "class":
			return says("it is %s%s", either(not, "not ", ""), values)
		case "source":
			return says("it %s through %s", either(not, "does not come", "comes"), values)
		case "event":
			return says("the event %s is %sreported", values, either(not, "not ", ""))
		}
	}
	return says("%s is %s%s", t.value(n), either(not, "not ", ""), values)
}

// attributeValue gives what a contact's attribute is compared with.
func (t *teller) attributeValue(attribute string, n ast.Node) string {
	if text, ok := n.(*ast.StringNode); ok && text.Value != "" && (attribute == "kind" || attribute == "class") {
		return article(plainName(text.Value))
	}
	return t.value(n)
}

// empty is fields.budget == "".
func (t *teller) empty(operator string, left, right ast.Node) (clause, bool) {
	text, ok := right.(*ast.StringNode)
	if !ok || text.Value != "" || operator != "==" && operator != "!=" {
		return clause{}, false
	}
	return t.has(left, operator == "=="), true
}

// counted is count(a, b, c) >= 1.
func (t *teller) counted(operator string, left, right ast.Node) (clause, bool) {
	function, arguments := callOf(left)
	limit, ok := right.(*ast.IntegerNode)
	if function != "count" || !ok {
		return clause{}, false
	}
	names := make([]string, len(arguments))
	for i, a := range arguments {
		name, _ := criterionName(a)
		names[i] = plainName(name)
	}
	n, word := limit.Value, "exactly "
	switch operator {
	case ">":
		n, word = n+1, "at least "
	case ">=":
		word = "at least "
	case "<":
		n, word = n-1, "at most "
	case "<=":
		word = "at most "
	case "!=":
		return says("not just %s of %s", cardinal(n), t.areMet(n, names)), true
	}
	switch {
	case n == 0 && word != "at least ":
		return says("none of %s is met", enumerate(names, "and")), true
	case n == len(names) && n > 1 && word != "at most ":
		return says("%s are all met", enumerate(names, "and")), true
	}
	return says("%s%s of %s", word, cardinal(n), t.areMet(n, names)), true
}

func (t *teller) areMet(n int, names []string) string {
	return enumerate(names, "and") + either(n == 1, " is met", " are met")
}

func cardinal(n int) string {
	words := []string{"none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
	if n >= 0 && n < len(words) {
		return words[n]
	}
	return strconv.Itoa(n)
}

// staged is stage >= lead.
func (t *teller) staged(operator string, left, right ast.Node) (clause, bool) {
	of, ok := left.(*ast.IdentifierNode)
	name, named := right.(*ast.IdentifierNode)
	if !ok || !named || of.Value != "stage" {
		return clause{}, false
	}
	stage := article(name.Value)
	if name.Value == lead.StageLost.String() {
		stage = name.Value
	}
	form := map[string]string{
		"==": "the prospect is %s", "!=": "the prospect is not %s", ">=": "the prospect is %s or further",
		">": "the prospect is further than %s", "<": "the prospect is not yet %s", "<=": "the prospect is no further than %s",
	}[operator]
	return says(form, stage), true
}

// senior is person.seniority >= head; a title that says nothing is below all.
func (t *teller) senior(operator string, left, right ast.Node) (clause, bool) {
	of, name, _ := memberOf(left)
	level, ok := right.(*ast.IdentifierNode)
	if of != "person" || name != "seniority" || !ok {
		return clause{}, false
	}
	form := map[string]string{
		"==": "their job title is that of %s", "!=": "their job title is not that of %s", ">=": "their job title is that of %s or higher",
		">": "their job title is higher than that of %s", "<": "their job title is below that of %s, or unknown", "<=": "their job title is at most that of %s, or unknown",
	}[operator]
	return says(form, levelPhrase(level.Value)), true
}

func levelPhrase(level string) string {
	switch level {
	case "c_level":
		return "a C-level manager"
	case "vp":
		return "a VP"
	case "head":
		return "a head of department"
	}
	return article(plainName(level))
}

// within is text.deadline <= days(90), or due(fields.timeline) <= days(90).
// Where no time is named, it is further than any number of days.
func (t *teller) within(operator string, left, right ast.Node) (clause, bool) {
	subject, positive, negative := "their words", "name", "name"
	if function, arguments := callOf(left); function == "due" && len(arguments) == 1 {
		subject, positive, negative = t.value(arguments[0]), "names", "names"
	} else if of, name, _ := memberOf(left); of != "text" || name != "deadline" {
		return clause{}, false
	}
	span := t.value(right)
	if n, ok := right.(*ast.IntegerNode); ok {
		span = spanOf(n.Value)
	}
	form := map[string]string{
		"<=": "%s %s a time within %s", ">": "%s %s no time within %s", "<": "%s %s a time in less than %s", ">=": "%s %s no time in less than %s",
		"==": "%s %s a time in exactly %s", "!=": "%s %s no time in exactly %s",
	}[operator]
	return says(form, subject, either(operator[0] == '<' || operator == "==", positive, negative), span), true
}

func spanOf(days int) string {
	if days == 1 {
		return "1 day"
	}
	return thousands(days) + " days"
}

// amount is text.money(USD) >= 5000, or number(fields.budget) > 0. Both are 0
// where there is none, so "below" holds for those who name none too.
func (t *teller) amount(operator string, left, right ast.Node) (clause, bool) {
	limit := 0.0
	switch n := right.(type) {
	case *ast.IntegerNode:
		limit = float64(n.Value)
	case *ast.FloatNode:
		limit = n.Value
	default:
		return clause{}, false
	}
	what, unit := "", ""
	switch function, arguments := callOf(left); function {
	case "number":
		what = t.value(arguments[0]) + " names %s number"
	case "text.money":
		what = "their words name %s budget"
		unit = " in any currency"
		if len(arguments) == 1 {
			unit = " in " + strings.Trim(arguments[0].String(), `"`)
		}
	default:
		return clause{}, false
	}
	form, no := "", false
	switch operator {
	case ">=", "<":
		form, no = " of at least %s", operator == "<"
	case ">", "<=":
		form, no = " above %s", operator == "<="
	case "==", "!=":
		form, no = " of exactly %s", operator == "!="
	}
	if limit < 0 || limit == 0 && operator != ">" && operator != "<=" {
		return clause{}, false // it holds, or not, for those too who name none
	}
	what = fmt.Sprintf(what, either(no, "no", "a"))
	if limit == 0 && unit != "" {
		return says("%s%s", what, unit), true
	}
	return says("%s%s%s", what, fmt.Sprintf(form, t.value(right)), unit), true
}

// value gives what is compared, in words.
func (t *teller) value(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return thousands(n.Value)
	case *ast.NilNode:
		return "nothing"
	case *ast.StringNode, *ast.FloatNode, *ast.BoolNode:
		return n.String()
	case *ast.IdentifierNode:
		return t.name(n.Value)
	case *ast.MemberNode:
		if of, name, ok := memberOf(n); ok {
			return t.member(of, name)
		}
	case *ast.ArrayNode:
		values := make([]string, len(n.Nodes))
		for i, v := range n.Nodes {
			values[i] = t.value(v)
		}
		return enumerate(values, "and")
	case *ast.PointerNode:
		if n.Name == "" {
			return "it"
		}
	case *ast.UnaryNode:
		if n.Operator == "-" {
			return "minus " + t.operand(n.Node)
		}
		if n.Operator == "+" {
			return t.value(n.Node)
		}
	case *ast.BinaryNode:
		return t.arithmetic(n)
	case *ast.CallNode, *ast.BuiltinNode:
		return t.callValue(n)
	}
	return quoted(n.String())
}

func (t *teller) name(name string) string {
	switch {
	case slices.Contains(t.names, name):
		return "the " + name
	case t.isCurrency(name):
		return name
	}
	return plainName(name)
}

func (t *teller) member(of, name string) string {
	phrase, ok := map[string]string{
		"person.email": "their address", "person.name": "their name", "person.phone": "their phone number", "person.title": "their job title",
		"person.seniority": "the level of their job title", "company.name": "their company's name", "company.domain": "their company's domain",
		"text.deadline": "the number of days until they want it", "person.provider": "the sort of their address",
		"history.contacts": "the number of contacts so far", "history.people": "the number of people so far",
	}[of+"."+name]
	switch {
	case ok:
		return phrase
	case of == "fields":
		return "the form's " + plainName(name)
	}
	return quoted(of + "." + name)
}

func (t *teller) callValue(n ast.Node) string {
	function, arguments := callOf(n)
	values := make([]string, len(arguments))
	for i, a := range arguments {
		values[i] = t.value(a)
	}
	form, ok := map[string]string{
		"number": "the number in %s", "due": "the number of days that %s names", "len": "the length of %s",
		"lower": "%s in small letters", "upper": "%s in capital letters", "trim": "%s without blanks around it", "abs": "%s without its sign",
	}[function]
	switch {
	case ok && len(values) == 1:
		return fmt.Sprintf(form, values[0])
	case function == "days" && len(values) == 1:
		if days, ok := arguments[0].(*ast.IntegerNode); ok {
			return spanOf(days.Value)
		}
		return values[0] + " days"
	case strings.HasPrefix(function, "history.") && len(arguments) == 1:
		return pastValue(function, arguments[0])
	case function == "text.money" && len(values) == 1:
		return "the largest budget that their words name in " + strings.Trim(values[0], `"`)
	case function == "text.money":
		return "the largest budget that their words name"
	case function == "min", function == "max":
		return fmt.Sprintf("the %s of %s", either(function == "min", "smallest", "largest"), enumerate(values, "and"))
	case function == "indexOf" && len(values) == 2:
		return fmt.Sprintf("the place of %s in %s", values[1], values[0])
	case function == "count" && len(arguments) > 0:
		names := make([]string, len(arguments))
		for i, a := range arguments {
			name, _ := criterionName(a)
			names[i] = plainName(name)
		}
		return "how many of " + enumerate(names, "and") + " are met"
	}
	return quoted(n.String())
}

func (t *teller) arithmetic(n *ast.BinaryNode) string {
	form, ok := map[string]string{
		"+": "%s plus %s", "-": "%s minus %s", "*": "%s times %s", "/": "%s divided by %s", "**": "%s to the power of %s", "^": "%s to the power of %s",
		"%": "the remainder of %s divided by %s", "..": "%s to %s", "??": "%s or else %s",
	}[n.Operator]
	if !ok {
		return quoted(n.String())
	}
	if n.Operator == "+" && (isText(n.Left) || isText(n.Right)) {
		form = "%s followed by %s"
	}
	return fmt.Sprintf(form, t.operand(n.Left), t.operand(n.Right))
}

func isText(n ast.Node) bool {
	_, ok := n.(*ast.StringNode)
	return ok
}

// operand puts brackets around what would be read in another order.
func (t *teller) operand(n ast.Node) string {
	if _, ok := n.(*ast.BinaryNode); ok {
		return "(" + t.value(n) + ")"
	}
	return t.value(n)
}

// enumerate gives "a, b and c".
func enumerate(items []string, and string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	last := len(items) - 1
	return strings.Join(items[:last], ", ") + " " + and + " " + items[last]
}

// thousands writes a number with commas: 12,500.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
