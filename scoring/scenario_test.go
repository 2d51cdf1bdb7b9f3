package scoring_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"leadd/lead"
	"leadd/scoring"
)

// scenario is one story of testdata/scenarios; the file explains the format.
type scenario struct {
	Scenario string `yaml:"scenario"`
	Steps    []struct {
		At       string            `yaml:"at"`
		Form     map[string]string `yaml:"form"`
		Mail     string            `yaml:"mail"`
		Event    string            `yaml:"event"`
		Class    lead.Class        `yaml:"class"`
		Title    string            `yaml:"title"`
		Provider lead.Provider     `yaml:"provider"`
		Finds    []struct {
			Says     string  `yaml:"says"`
			Words    string  `yaml:"words"`
			Amount   float64 `yaml:"amount"`
			Currency string  `yaml:"currency"`
		} `yaml:"finds"`
		Then struct {
			Stage   string    `yaml:"stage"`
			Score   *int      `yaml:"score"`
			Met     *[]string `yaml:"met"`
			Reasons *[]string `yaml:"reasons"`
			Changes *[]string `yaml:"changes"`
		} `yaml:"then"`
	} `yaml:"steps"`
}

func TestDefaultScenarios(t *testing.T) {
	b, err := os.ReadFile("testdata/scenarios/default.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var scenarios []scenario
	if err := yaml.UnmarshalWithOptions(b, &scenarios, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	engine := scoring.NewEngine(scoring.Default())
	for _, s := range scenarios {
		t.Run(s.Scenario, func(t *testing.T) { s.run(t, engine) })
	}
}

func (s *scenario) run(t *testing.T, engine *scoring.Engine) {
	var p *lead.Prospect
	for i, step := range s.Steps {
		at, err := time.Parse("2006-01-02 15:04", step.At)
		if err != nil {
			t.Fatal(err)
		}
		c := lead.Contact{
			ID: fmt.Sprint("c", i), Prospect: "acme.example", Source: "website", At: at, Received: at.Add(24 * time.Hour * 365),
			Kind: lead.KindMail, Class: lead.ClassInquiry, Text: step.Mail, Event: step.Event, Provider: step.Provider,
			Person: lead.Person{Email: "ada@acme.example", Title: step.Title}, Company: lead.Company{Domain: "acme.example"},
		}
		if step.Class != "" {
			c.Class = step.Class
		}
		switch {
		case step.Event != "":
			c.Kind = lead.KindEvent
		case step.Form != nil:
			c.Kind = lead.KindForm
			for _, k := range slices.Sorted(maps.Keys(step.Form)) {
				c.Fields = append(c.Fields, lead.Field{Name: k, Key: k, Value: step.Form[k]})
			}
		}
		var findings []lead.Finding
		for _, f := range step.Finds {
			findings = append(findings, lead.Finding{Criterion: f.Says, Words: f.Words, Amount: f.Amount, Currency: f.Currency, Place: "text"})
		}
		var scored lead.Scored
		p, scored = engine.Apply(p, &c, findings, int64(i))
		standing, verdict := p.Standings[0], scored.Verdicts[0]

		got, want := map[string]any{}, map[string]any{}
		if then := step.Then; then.Stage != "" {
			got["stage"], want["stage"] = standing.Stage.String(), then.Stage
		}
		if then := step.Then; then.Score != nil {
			got["score"], want["score"] = standing.Score, *then.Score
		}
		if then := step.Then; then.Met != nil {
			met := []string{}
			for _, m := range standing.Met {
				met = append(met, m.Criterion)
			}
			got["met"], want["met"] = met, *then.Met
		}
		if then := step.Then; then.Reasons != nil {
			reasons := []string{}
			for _, r := range verdict.Reasons {
				reasons = append(reasons, fmt.Sprintf("%s %+d: %s", r.Criterion, r.Points, r.Evidence))
			}
			got["reasons"], want["reasons"] = reasons, *then.Reasons
		}
		if then := step.Then; then.Changes != nil {
			changes := []string{}
			for _, c := range verdict.Changes {
				changes = append(changes, fmt.Sprintf("%v → %v on %s: %s", c.From, c.To, c.At.Format(time.DateOnly), c.Evidence))
			}
			got["changes"], want["changes"] = changes, *then.Changes
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("step %d (%s), -expected +got:\n%s\n%s", i+1, step.At, d, ledger(verdict))
		}
	}
}

func ledger(s lead.Verdict) string {
	var b strings.Builder
	for _, r := range s.Reasons {
		fmt.Fprintf(&b, "%s %+d: %s\n", r.Criterion, r.Points, r.Evidence)
	}
	fmt.Fprintf(&b, "= %d, %v", s.Score, s.Stage)
	return b.String()
}
