package scoring

import (
	"fmt"
	"strings"
	"time"

	"leadd/lead"
)

// Explain writes the criteria as plain sentences, one a line, for somebody who
// reads no expressions.
func (c *Criteria) Explain() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Criteria %s\n\n", c.id)
	b.WriteString("A criterion is met by what one contact says or shows. It stays met, and its points count once.\n")
	for i := range c.criteria {
		fmt.Fprintf(&b, "- %s\n", c.ExplainCriterion(c.criteria[i].name))
	}
	if len(c.engagement) > 0 {
		b.WriteString("\nTouching us earns points too.\n")
		for i := range c.engagement {
			fmt.Fprintf(&b, "- %s\n", c.engagement[i].explain())
		}
	}
	b.WriteString("\nA prospect takes the highest stage whose rule holds.\n")
	for _, s := range lead.Stages()[1:] {
		if c.rules[s].text != "" {
			fmt.Fprintf(&b, "- %s\n", c.ExplainStage(s))
		}
	}
	title := "\nWho stays silent falls, until something is heard again.\n"
	for _, s := range lead.Stages()[:lead.StageLost] {
		if r := &c.silence[s]; r.after > 0 {
			fmt.Fprintf(&b, "%s- %s of whom nothing is heard for %s %s.\n", title, capital(article(strings.Replace(s.String(), "contact", "mere contact", 1))), plainSpan(r.after), becomes(r.to))
			title = ""
		}
	}
	return b.String()
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
	return fmt.Sprintf("%d hours", d/time.Hour)
}

func (r *engagement) explain() string {
	s := fmt.Sprintf("Each %s earns %s, at most %s at once", r.on, plainPoints(r.points), thousands(r.atMost))
	day := 24 * time.Hour
	switch {
	case r.halfLife == 0:
		return s + "."
	case r.halfLife == day:
		return s + "; they halve every day."
	case r.halfLife%day == 0:
		return fmt.Sprintf("%s; they halve every %d days.", s, r.halfLife/day)
	case r.halfLife == time.Hour:
		return s + "; they halve every hour."
	default:
		return fmt.Sprintf("%s; they halve every %d hours.", s, r.halfLife/time.Hour)
	}
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
