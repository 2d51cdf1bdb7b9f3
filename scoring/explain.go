package scoring

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"leadd/lead"
)

// Explain writes the criteria as plain sentences, one a line, for somebody who
// reads no expressions.
func (c *Criteria) Explain() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Criteria %s\n\n", c.id)
	b.WriteString("A criterion is met by one contact: by what it says or shows, or by what has come so far, itself included. It stays met, and its points count once.")
	if c.authority != 0 {
		fmt.Fprintf(&b, " Everybody who shows authority is noted, up to %d people.", MaxPeople)
	}
	b.WriteString("\n")
	for i := range c.criteria {
		fmt.Fprintf(&b, "- %s\n", c.ExplainCriterion(c.criteria[i].name))
	}
	if len(c.engagement) > 0 {
		b.WriteString("\nTouching us earns points too; where there are too many, the newest contacts count.\n")
		for i := range c.engagement {
			fmt.Fprintf(&b, "- %s\n", c.engagement[i].explain())
		}
	}
	b.WriteString("\nAt every contact that shows interest, a prospect rises to the highest stage whose rule holds; these rules take nobody down")
	if c.rules[lead.StageLost].text != "" {
		b.WriteString(", but to lost, from any stage before customer")
	}
	b.WriteString(".")
	if c.loses() {
		b.WriteString(" Who is lost comes back when what they say after that meets a rule on its own; what they said before is taken back then.")
	}
	b.WriteString("\n")
	for _, s := range lead.Stages()[1:] {
		if c.rules[s].text != "" {
			fmt.Fprintf(&b, "- %s\n", c.ExplainStage(s))
		}
	}
	title := "\nSilence takes a prospect down. It counts from the latest contact that showed interest, whoever of them it came from; at the next one the rules above apply again.\n"
	for _, s := range lead.Stages()[:lead.StageLost] {
		if fall := c.ExplainFall(s); fall != "" {
			fmt.Fprintf(&b, "%s- %s\n", title, fall)
			title = ""
		}
	}
	return b.String()
}

// loses reports whether a prospect can be lost.
func (c *Criteria) loses() bool {
	return c.rules[lead.StageLost].text != "" || slices.ContainsFunc(c.silence[:], func(s silence) bool { return s.after > 0 && s.to == lead.StageLost })
}

// ExplainFall says in a plain sentence what silence does to a prospect of a
// stage, "" where it does nothing.
func (c *Criteria) ExplainFall(from lead.Stage) string {
	if from >= lead.StageLost || c.silence[from].after == 0 {
		return ""
	}
	who := article(from.String())
	if from == lead.StageContact {
		who = "a mere contact"
	}
	r := &c.silence[from]
	return fmt.Sprintf("%s of whom nothing is heard for %s %s.", capital(who), plainSpan(r.after), becomes(r.to))
}

// ExplainCriterion says in a plain sentence when a criterion is met, "" where
// there is none of this name.
func (c *Criteria) ExplainCriterion(name string) string {
	when, points, ok := c.When(name)
	if !ok {
		return ""
	}
	words := whenLanguage(c.titles.levels).explain(when, newJudge(c).whenEnv)
	return fmt.Sprintf("%s (%s) is met when %s.", capital(plainName(name)), plainPoints(points), words)
}

// ExplainStage gives a stage's rule as a plain sentence.
func (c *Criteria) ExplainStage(s lead.Stage) string {
	text := c.Rule(s)
	if text == "" {
		return fmt.Sprintf("No rule says when a prospect %s.", becomes(s))
	}
	return fmt.Sprintf("A prospect %s when %s.", becomes(s), ruleLanguage(c.Names()).explain(text, newJudge(c).ruleEnv))
}

func becomes(s lead.Stage) string {
	if s == lead.StageLost {
		return "is lost"
	}
	return "becomes " + article(s.String())
}

func plainSpan(d time.Duration) string {
	if day := 24 * time.Hour; d%day == 0 {
		return spanOf(int(d / day))
	}
	if d == time.Hour {
		return "1 hour"
	}
	return fmt.Sprintf("%s hours", thousands(int(d/time.Hour)))
}

func (r *engagement) explain() string {
	s := fmt.Sprintf("Each %s earns %s, at most %s at once", r.on, plainPoints(r.points), thousands(r.atMost))
	if r.halfLife == 0 {
		return s + "."
	}
	return fmt.Sprintf("%s; they are worth half after every %s, in whole points.", s, strings.TrimPrefix(plainSpan(r.halfLife), "1 "))
}

// explain gives a checked condition in words.
func (l *language) explain(text string, env map[string]any) string {
	tree, err := l.parse(text, env)
	if err != nil {
		return quoted(text) + " holds" // never: it was parsed when loaded
	}
	return (&teller{language: l}).condition(tree).top()
}

func plainPoints(n int) string {
	switch n {
	case 0:
		return "no points"
	case 1, -1:
		return fmt.Sprintf("%d point", n)
	}
	return thousands(n) + " points"
}

// plainName gives a name of a criteria file as words.
func plainName(name string) string { return strings.ReplaceAll(name, "_", " ") }

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] } // of a name: ASCII

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

func quoted(expression string) string { return "`" + expression + "`" }
