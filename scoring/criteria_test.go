package scoring_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leadd/lead"
	"leadd/scoring"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestDefaultCriteria(t *testing.T) {
	c, err := scoring.Load("default.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := scoring.Default().ID(); got != "default-1" || got != c.ID() {
		t.Errorf("id %q", got)
	}
	if len(c.Names()) != 13 {
		t.Errorf("criteria %v", c.Names())
	}
	for _, s := range lead.Stages()[1:] {
		if c.Rule(s) == "" {
			t.Errorf("%v has no rule", s)
		}
	}
	if when, points, ok := c.When("authority"); !ok || points != 15 || when != `text.says("authority") || person.seniority >= head` {
		t.Errorf("authority: %q %d %v", when, points, ok)
	}
	if _, _, ok := c.When("nothing"); ok {
		t.Error("unknown criterion found")
	}
}

// Each file of testdata/criteria is one set of mistakes; the problems expected
// stand in the file of the same name that ends in .problems.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/criteria/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := scoring.Load(file)
			var problems scoring.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("no problems: %v", err)
			}
			got := strings.ReplaceAll(problems.Error(), "testdata/criteria/", "") + "\n"
			golden := strings.TrimSuffix(file, ".yaml") + ".problems"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestLoadMissingFile(t *testing.T) {
	_, err := scoring.Load(filepath.Join(t.TempDir(), "none.yaml"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/criteria/*.yaml")
	for _, file := range append(files, "default.yaml") {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := scoring.Parse("f.yaml", []byte(s))
		if (c == nil) == (err == nil) {
			t.Fatalf("criteria %v, error %v", c, err)
		}
		var problems scoring.Problems
		if err != nil && !errors.As(err, &problems) {
			t.Fatalf("%T: %v", err, err)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Message == "" {
				t.Errorf("%+v", p)
			}
		}
		if c != nil { // what is accepted also runs
			x := lead.Contact{ID: "x", Prospect: "p", Kind: lead.KindForm, Class: lead.ClassInquiry, At: start}
			p, first := scoring.NewEngine(c).Apply(nil, &x, nil, 0)
			x.At = start.AddDate(1, 0, 0)
			p, second := scoring.NewEngine(c).Apply(p, &x, nil, 1)
			at := start.AddDate(3, 0, 0)
			ledger := slices.Concat(first.Verdicts[0].Reasons, second.Verdicts[0].Reasons)
			if seen, _, _ := p.StandingAt(c.Name(), at); seen.Score != worth(ledger, at) {
				t.Errorf("score %d, ledger %d", seen.Score, worth(ledger, at))
			}
		}
	})
}
