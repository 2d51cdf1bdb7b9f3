package scoring

import (
	"github.com/expr-lang/expr/ast"

	"leadd/lead"
)

func isProvider(n ast.Node) bool {
	of, name, _ := memberOf(n)
	return of == "person" && name == "provider"
}

// provided is person.provider == "academic".
func (t *teller) provided(operator string, left, right ast.Node) (clause, bool) {
	text, ok := right.(*ast.StringNode)
	if !ok || text.Value == "" || !isProvider(left) || operator != "==" && operator != "!=" {
		return clause{}, false
	}
	return providedBy([]ast.Node{right}, operator == "!="), true
}

// providedBy says that an address is, or is not, of one of some sorts.
func providedBy(sorts []ast.Node, not bool) clause {
	phrases := make([]string, len(sorts))
	for i, n := range sorts {
		phrases[i] = "the sort " + n.String() // which there is not
		if text, ok := n.(*ast.StringNode); ok {
			if phrase, ok := map[lead.Provider]string{
				lead.ProviderFree: "a free-mail provider", lead.ProviderDisposable: "a throw-away provider",
				lead.ProviderAcademic: "a university", "": "their company, or unknown",
			}[lead.Provider(text.Value)]; ok {
				phrases[i] = phrase
			}
		}
	}
	return says("their address is %sthat of %s", either(not, "not ", ""), enumerate(phrases, "or"))
}
