package scoring

import (
	"fmt"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// past is history.count("form") >= 3 and the like. Where nothing has come, the
// first and the latest lie further back than any number of days.
func (t *teller) past(operator string, left, right ast.Node) (clause, bool) {
	limit, ok := right.(*ast.IntegerNode)
	if function, arguments := callOf(right); function == "days" && len(arguments) == 1 {
		limit, ok = arguments[0].(*ast.IntegerNode)
	}
	if !ok || limit.Value < 0 || operator == "<" && limit.Value == 0 {
		return clause{}, false
	}
	if of, name, _ := memberOf(left); of == "history" {
		return says("%s so far", either(name == "people",
			haveCome(operator, limit.Value, "person", "people", "been heard of"), haveCome(operator, limit.Value, "contact", "contacts", "come"))), true
	}
	function, arguments := callOf(left)
	if len(arguments) != 1 {
		return clause{}, false
	}
	what, isKind := sortOf(arguments[0])
	back := map[string]string{
		"<=": "at most %s ago", "<": "less than %s ago", "==": "exactly %s ago",
		">": "more than %s ago, or never", ">=": "at least %s ago, or never", "!=": "not exactly %s ago, or never",
	}[operator]
	back = fmt.Sprintf(back, spanOf(limit.Value))
	switch function {
	case "history.count":
		if isKind {
			return says("%s so far", haveCome(operator, limit.Value, what, what+"s", "come")), true
		}
		return says("%s so far", haveCome(operator, limit.Value, fmt.Sprintf("event %q", what), fmt.Sprintf("events %q", what), "been reported")), true
	case "history.first":
		return says("%s %s", either(isKind, "the first "+what+" came", fmt.Sprintf("the event %q was first reported", what)), back), true
	case "history.since":
		return says("%s %s", either(isKind, "before this contact, the latest "+what+" came", fmt.Sprintf("before this contact, the event %q was last reported", what)), back), true
	}
	return clause{}, false
}

// haveCome is "at least 3 forms have come".
func haveCome(operator string, n int, one, many, done string) string {
	word := "exactly"
	switch operator {
	case ">":
		n, word = n+1, "at least"
	case ">=":
		word = "at least"
	case "<":
		n, word = n-1, "at most"
	case "<=":
		word = "at most"
	case "!=":
		word = "not just"
	}
	if n == 0 && (word == "exactly" || word == "at most") {
		return fmt.Sprintf("no %s have %s", many, done)
	}
	return fmt.Sprintf("%s %s %s %s", word, thousands(n), either(n == 1, one+" has", many+" have"), done)
}

// sortOf gives the kind or event that history is asked for.
func sortOf(n ast.Node) (what string, isKind bool) {
	if name, ok := n.(*ast.StringNode); ok {
		return name.Value, slices.Contains(kinds(), name.Value)
	}
	return n.String(), false // never: history takes nothing else
}

// pastValue gives what history is asked for, where it is compared with
// something other than a number.
func pastValue(function string, argument ast.Node) string {
	what, isKind := sortOf(argument)
	event := fmt.Sprintf("the event %q was", what)
	switch function {
	case "history.count":
		return either(isKind, "the number of "+what+"s so far", fmt.Sprintf("the number of times that %s reported so far", event))
	case "history.first":
		return "the number of days since " + either(isKind, "the first "+what, event+" first reported")
	}
	return "the number of days since " + either(isKind, "the latest "+what+" before this contact", event+" last reported before this contact")
}
