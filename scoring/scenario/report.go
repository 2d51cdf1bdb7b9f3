package scenario

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Write prints the result: a line, and where something was not as expected
// what is instead, with the prospect's ledger.
func (r *Result) Write(w io.Writer) error {
	var b strings.Builder
	verdict := "ok  "
	if !r.OK() {
		verdict = "FAIL"
	}
	fmt.Fprintf(&b, "%s  %s:%d  %s\n", verdict, r.Scenario.File, r.Scenario.Line, r.Scenario.Name)
	for i := range r.failures {
		r.failures[i].write(&b, r.Scenario.File)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

func (f *failure) write(b *strings.Builder, file string) {
	for _, m := range f.mistakes {
		fmt.Fprintf(b, "  %s:%d:%d: %s\n", file, m.line, m.column, m.message)
	}
	if s := f.standing; s != nil {
		product := ""
		if s.several {
			product = " for " + s.product
		}
		fmt.Fprintf(b, "    %s%s on %s: %v, score %d\n", s.key, product, s.at.Format(layoutTime), s.stage, s.score)
		s.writeLedger(b)
	}
	f.taken.write(b)
	for _, rule := range f.rules {
		fmt.Fprintf(b, "    %s\n", rule)
	}
}

// writeLedger prints each line with the points it gave and what they are worth
// at the time asked about; the latter add up to the score.
func (s *standing) writeLedger(b *strings.Builder) {
	if len(s.ledger) == 0 {
		return
	}
	given, worth := len("given"), len("worth")
	for i := range s.ledger {
		given, worth = max(given, len(signed(s.ledger[i].Points))), max(worth, len(signed(s.ledger[i].Worth(s.at))))
	}
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(t, "      reason\t%*s\t%*s\twhen\twho\tevidence\n", given, "given", worth, "worth")
	for i := range s.ledger {
		r := &s.ledger[i]
		_, _ = fmt.Fprintf(t, "      %s\t%*s\t%*s\t%s\t%s\t%s\n", r.Criterion, given, signed(r.Points), worth, signed(r.Worth(s.at)),
			r.At.Format(layoutTime), cmp.Or(r.Person, "-"), r.Evidence)
	}
	_ = t.Flush() // a builder takes everything
}

func signed(points int) string { return fmt.Sprintf("%+d", points) }

// write tells what became of the last contact: what was found in it, or why
// it did not count.
func (t *taken) write(b *strings.Builder) {
	c := t.contact
	switch {
	case c == nil:
	case t.repeated:
		fmt.Fprintf(b, "    the last %s repeats an earlier one within a day, so it was not counted again\n", c.Kind)
	case !c.Class.Interest():
		fmt.Fprintf(b, "    the last %s was taken for %s, which never counts\n", c.Kind, c.Class)
	case len(t.findings) == 0:
		fmt.Fprintf(b, "    in the words of the last %s nothing was found that speaks for a criterion\n", c.Kind)
	default:
		var found []string
		for _, f := range t.findings {
			found = append(found, fmt.Sprintf("%s (%q)", f.Criterion, f.Words))
		}
		fmt.Fprintf(b, "    in the words of the last %s was found: %s\n", c.Kind, strings.Join(found, ", "))
	}
}
