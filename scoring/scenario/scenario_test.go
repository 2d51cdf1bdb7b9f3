package scenario_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leadd/ingest"
	"leadd/ingest/mail"
	"leadd/lead"
	"leadd/scoring"
	"leadd/scoring/evidence"
	"leadd/scoring/scenario"
)

var update = flag.Bool("update", false, "write the golden files anew")

// newRunner puts the real parts together, as cmd/leadd does.
func newRunner(t testing.TB, products ...*scoring.Criteria) *scenario.Runner {
	t.Helper()
	if len(products) == 0 {
		products = append(products, scoring.Default())
	}
	id, err := ingest.NewIdentity(ingest.IdentityConfig{OwnDomains: []string{scenario.OwnDomain}})
	if err != nil {
		t.Fatal(err)
	}
	extractor, err := evidence.New()
	if err != nil {
		t.Fatal(err)
	}
	return scenario.NewRunner(scenario.Parts{
		Mail:    mail.NewReader(id).Contact,
		Extract: extractor.Extract,
		Post: func(c *lead.Contact, fields []lead.Field, event bool) {
			posted := ingest.FormContact(fields, nil)
			if event {
				ingest.MarkEvent(&posted)
			}
			posted.ID, posted.RepeatAfter, posted.Source, posted.At, posted.Received = c.ID, c.RepeatAfter, c.Source, c.At, c.Received
			id.Complete(&posted)
			*c = posted
		},
	}, products...)
}

func load(t testing.TB, file string, products ...*scoring.Criteria) *scenario.Script {
	t.Helper()
	if len(products) == 0 {
		products = append(products, scoring.Default())
	}
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	script, err := scenario.Parse(filepath.Base(file), src, products...)
	if err != nil {
		t.Fatal(err)
	}
	return script
}

func parseCriteria(t testing.TB, text string) *scoring.Criteria {
	t.Helper()
	c, err := scoring.Parse("c.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func report(t testing.TB, r *scenario.Result) string {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The scenarios of the default criteria, as users find them.
func TestDefaultScenarios(t *testing.T) {
	files, err := filepath.Glob("../scenarios/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	runner, count := newRunner(t), 0
	for _, file := range files {
		for _, s := range load(t, file).Scenarios {
			count++
			t.Run(s.Name, func(t *testing.T) {
				if r := runner.Run(s); !r.OK() {
					t.Error("\n" + report(t, &r))
				}
			})
		}
	}
	if count < 25 {
		t.Errorf("only %d scenarios", count)
	}
}

// The example that the README gives does what it says.
func TestReadmeExample(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(readme), "\n    Scenario: ")
	if !found {
		t.Fatal("the README has no scenario")
	}
	src := "Scenario: "
	for line := range strings.Lines(rest) {
		if line != "\n" && src != "Scenario: " && !strings.HasPrefix(line, "    ") {
			break
		}
		src += strings.TrimPrefix(line, "    ")
	}
	script, err := scenario.Parse("README.md", []byte(src), scoring.Default())
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	if r := newRunner(t).Run(script.Scenarios[0]); !r.OK() {
		t.Error(report(t, &r))
	}
}

// The examples that the default criteria give as remarks do what they say.
func TestExampleCriteria(t *testing.T) {
	src, err := os.ReadFile("../default.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^  # (- name: |  points: |  when: )`).ReplaceAllString(string(src), "  $1")
	c := parseCriteria(t, text)
	if names := c.Names(); !slices.Contains(names, "competitor") || !slices.Contains(names, "keen") {
		t.Fatal(names)
	}
	for _, s := range load(t, "testdata/examples.txt", c).Scenarios {
		if r := newRunner(t, c).Run(s); !r.OK() {
			t.Error("\n" + report(t, &r))
		}
	}
}

// Each product is asked about by itself; without its name it is the first.
func TestProducts(t *testing.T) {
	crm := parseCriteria(t, "name: crm\nversion: 1\ncriteria: [{name: need, points: 30, when: 'subject contains \"crm\"'}]\nstages: {lead: met(need)}\nsilence: {lead: {after: 10d, to: contact}}")
	training := parseCriteria(t, "name: training\nversion: 4\ncriteria: [{name: wish, points: 7, when: 'subject contains \"course\"'}]\nengagement: [{on: mail, points: 2, at_most: 4}]\nstages: {customer: met(wish)}")
	for _, s := range load(t, "testdata/products.txt", crm, training).Scenarios {
		r := newRunner(t, crm, training).Run(s)
		got := report(t, &r)
		if wrong := strings.HasPrefix(s.Name, "wrong"); r.OK() == wrong {
			t.Error("\n" + got)
		} else if wrong {
			golden(t, "testdata/products.report", got)
		}
	}

	bad := "Scenario: x\n2026-03-02, form\n  email: a@b.example\nexpect for crn\n  score: 1\nexpect for training\n  met: need\nexpect of b.example for\n  score: 1\nexpect for crm\n  met: need\n"
	_, err := scenario.Parse("x.txt", []byte(bad), crm, training)
	want := "x.txt:4:12: there is no product crn (crm, training): each criteria file is one, by its name; did you mean crm?\n" +
		"x.txt:7:8: no criterion is named need (wish)\n" +
		"x.txt:8:8: only of and a prospect may follow here, and for and a product, as in expect of acme.example or expect of jane@gmail.com for crm; what is expected stands below, indented"
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

// What is known to go wrong stands in testdata/wrong.txt until it is mended.
func TestKnownToBeWrong(t *testing.T) {
	runner := newRunner(t)
	for _, s := range load(t, "testdata/wrong.txt").Scenarios {
		if r := runner.Run(s); r.OK() {
			t.Errorf("%q is as expected now: move it to scoring/scenarios", s.Name)
		}
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Error(d)
	}
}

// What a writer sees where every expectation fails.
func TestReport(t *testing.T) {
	runner := newRunner(t)
	var all strings.Builder
	for _, s := range load(t, "testdata/failing.txt").Scenarios {
		r := runner.Run(s)
		if r.OK() {
			t.Errorf("%q does not fail", s.Name)
		}
		all.WriteString(report(t, &r))
	}
	addsUp(t, all.String())
	golden(t, "testdata/failing.report", all.String())
}

// addsUp checks that what the lines of each table are worth makes its score.
func addsUp(t *testing.T, text string) {
	t.Helper()
	head, row := regexp.MustCompile(`, score (-?\d+)$`), regexp.MustCompile(`^ +\S+ +[+-]\d+ +([+-]\d+) +\d{4}-`)
	score, rows := 0, 0
	for line := range strings.Lines(text + ", score 0\n") {
		number := func(m []string) int {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if m := row.FindStringSubmatch(line); m != nil {
			score -= number(m)
			rows++
		} else if m := head.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			if score != 0 {
				t.Errorf("%d points are missing before %q", score, line)
			}
			score = number(m)
		}
	}
	if rows == 0 {
		t.Error("no table was found")
	}
}

// Each file of testdata/bad is one set of mistakes; the problems expected
// stand in the file of the same name that ends in .problems.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = scenario.Parse(filepath.Base(file), src, scoring.Default())
			var problems scoring.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("no problems: %v", err)
			}
			golden(t, strings.TrimSuffix(file, ".txt")+".problems", problems.Error()+"\n")
		})
	}
}

// A script may come from an editor on Windows, and be indented by tabs.
func TestParseOtherLineEnds(t *testing.T) {
	src := "\ufeffSCENARIO: one\r\n\r\n2026-03-02, form\r\n\temail: ada@acme.example\r\n\tmessage:\r\n\t| Please send a quote\r\n\t| for the Planner.\r\n\r\nExpect of ADA@acme.example:\r\n\tStage: Contact\r\n\tMet: need\r\n\tNot  met: needs identified, and signed"
	script, err := scenario.Parse("windows.txt", []byte(src), scoring.Default())
	if err != nil {
		t.Fatal(err)
	}
	if r := newRunner(t).Run(script.Scenarios[0]); !r.OK() {
		t.Error(report(t, &r))
	}
}

// Times are those of the step before and a span, in the calendar's months.
func TestTimes(t *testing.T) {
	src := `Scenario: times
2026-01-31 10:00, event a
  email: a@acme.example
90 minutes later, event b
  email: b@acme.example
2 hours earlier, event c
  email: c@acme.example
1 day later, event d
  email: d@acme.example
2 weeks later, event e
  email: e@acme.example
1 Month later, event f
  email: f@acme.example
1 year earlier, event g
  email: g@acme.example
2027-05-01, event h through erp
  email: h@acme.example
expect
  met: nothing
`
	var got []string
	parts := scenario.Parts{
		Post: func(c *lead.Contact, fields []lead.Field, _ bool) {
			c.Kind, c.Event, c.Prospect = lead.KindEvent, fields[0].Value, "acme.example"
			got = append(got, c.At.Format(time.RFC3339)+" "+c.Source)
			if !c.Received.Equal(c.At) {
				t.Errorf("received %v", c.Received)
			}
		},
		Extract: func(*lead.Contact) []lead.Finding { return nil },
	}
	script, err := scenario.Parse("times.txt", []byte(src), scoring.Default())
	if err != nil {
		t.Fatal(err)
	}
	if r := scenario.NewRunner(parts, scoring.Default()).Run(script.Scenarios[0]); !r.OK() {
		t.Error(report(t, &r))
	}
	want := []string{
		"2026-01-31T10:00:00Z crm", "2026-01-31T11:30:00Z crm", "2026-01-31T09:30:00Z crm", "2026-02-01T09:30:00Z crm",
		"2026-02-15T09:30:00Z crm", "2026-03-15T09:30:00Z crm", "2025-03-15T09:30:00Z crm", "2027-05-01T09:00:00Z erp",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestScore(t *testing.T) {
	runner := newRunner(t)
	for score, ok := range map[string]bool{
		"40": true, "+40": true, "41": false, "-40": false, "at least 40": true, "at least 41": false, "At most 40": true, "at most 39": false,
		"over 39": true, "over 40": false, "under 41": true, "under 40": false,
	} {
		src := "Scenario: x\n2026-03-02, form\n  email: a@b.example\n  product: Planner\nexpect\n  score: " + score
		script, err := scenario.Parse("score.txt", []byte(src), scoring.Default())
		if err != nil {
			t.Fatal(err)
		}
		if r := runner.Run(script.Scenarios[0]); r.OK() != ok {
			t.Errorf("%s\n%s", score, report(t, &r))
		}
	}
}

// The criteria's own names count, not those of the default criteria.
func TestOtherCriteria(t *testing.T) {
	criteria, err := scoring.Parse("ours.yaml", []byte(`
name: ours
version: 1
criteria:
  - {name: licences, points: 7, when: fields.message contains "licences"}
stages: {lead: met(licences)}
`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = scenario.Parse("x.txt", []byte("Scenario: x\n2026-03-02, form\n  email: a@b.example\nexpect\n  met: licenses\n  decides: Ada\n"), criteria)
	if err == nil || !strings.Contains(err.Error(), "x.txt:5:8: no criterion is named licenses (licences); did you mean licences?") ||
		!strings.Contains(err.Error(), "x.txt:6:12: the criteria have no criterion authority") {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"../scenarios/*.txt", "testdata/*.txt", "testdata/bad/*.txt"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			for part := range strings.SplitSeq(string(src), "\nScenario: ") { // small seeds, many runs
				f.Add([]byte("Scenario: " + part))
			}
		}
	}
	// The parts have fuzzers of their own, and take time.
	contact := lead.Contact{ID: "c", Prospect: "acme.example", Kind: lead.KindEvent, Class: lead.ClassInquiry, Event: "signed"}
	runner := scenario.NewRunner(scenario.Parts{
		Mail: func(raw []byte, at time.Time) (lead.Contact, error) {
			c := contact
			c.ID, c.At, c.Received = string(raw), at, at
			return c, nil
		},
		Post: func(c *lead.Contact, fields []lead.Field, _ bool) {
			c.Kind, c.Prospect, c.Class = lead.KindEvent, fields[0].Value, lead.ClassInquiry
		},
		Extract: func(*lead.Contact) []lead.Finding { return nil },
	}, scoring.Default())
	f.Fuzz(func(t *testing.T, src []byte) {
		script, err := scenario.Parse("f.txt", src, scoring.Default())
		if (script == nil) == (err == nil) {
			t.Fatalf("script %v, error %v", script, err)
		}
		var problems scoring.Problems
		if err != nil && !errors.As(err, &problems) {
			t.Fatalf("%T: %v", err, err)
		}
		lines := strings.Count(string(src), "\n") + 1
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines || p.Column < 1 || p.Message == "" {
				t.Errorf("%+v", p)
			}
		}
		if script == nil {
			return
		}
		for _, s := range script.Scenarios { // what is accepted also runs
			r := runner.Run(s)
			_ = report(t, &r)
		}
	})
}
