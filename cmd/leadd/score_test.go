package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// scoreLines runs leadd score and decodes what it prints.
func scoreLines(t *testing.T, stdin string, args ...string) (lines []verdict, stderr string, code int) {
	t.Helper()
	stdout, stderr, code := runLeadd(t, stdin, append([]string{"score"}, args...)...)
	for line := range strings.Lines(stdout) {
		var v verdict
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		lines = append(lines, v)
	}
	return lines, stderr, code
}

const formLine = `{"id": "f1", "at": "2026-03-02T09:15:00Z", "more": 1, "form": {"Name": "Ada Lovelace", "E-Mail": "Ada@Acme.example", "Company": "Acme",
	"Job title": "CTO", "Budget": "50,000 USD", "Timeline": "within 3 months", "Message": "We need 200 licences."}}`

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", "") }

func TestScoreForm(t *testing.T) {
	lines, stderr, code := scoreLines(t, oneLine(formLine), "-")
	if code != 0 || len(lines) != 1 {
		t.Fatalf("exit code %d, %d lines, %s", code, len(lines), stderr)
	}
	v := lines[0]
	if string(v.ID) != `"f1"` || v.Class != "inquiry" || v.Person == nil || *v.Person.Email != "ada@acme.example" || *v.Person.Title != "CTO" ||
		v.Person.Phone != nil || *v.CompanyDomain != "acme.example" || *v.Budget.Currency != "USD" || v.Budget.Amount != 50000 || *v.DeadlineDays != 90 {
		t.Errorf("%+v", v)
	}
	for _, c := range []string{"need", "budget", "timeline", "authority"} {
		if !v.Criteria[c] {
			t.Errorf("%s is not met", c)
		}
	}
	sum := 0
	for _, r := range v.Reasons {
		sum += r.Points
		if r.Contact != "f1" || r.Evidence == "" {
			t.Errorf("reason %+v", r)
		}
	}
	if v.Stage.String() != "lead" || v.Score != sum {
		t.Errorf("stage %s, score %d, reasons add up to %d", v.Stage, v.Score, sum)
	}
}

func TestScoreMailFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mail.eml")
	if err := os.WriteFile(file, leadMail(7), 0o600); err != nil {
		t.Fatal(err)
	}
	lines, stderr, code := scoreLines(t, "", file)
	if code != 0 || len(lines) != 1 || lines[0].Stage.String() != "lead" || *lines[0].CompanyDomain != "company7.example" || string(lines[0].ID) != `"`+file+`"` {
		t.Errorf("exit code %d: %+v %s", code, lines, stderr)
	}
}

// TestScoreAsConfigured: who we are, where we are, and our criteria come from
// the daemon's configuration.
func TestScoreAsConfigured(t *testing.T) {
	in := `{"id": "1", "mail": "From: Max <max@we.example>\r\nTo: lena@we.example\r\nSubject: Lunch\r\n\r\nAt one?"}
{"id": "2", "form": {"email": "a@b.example", "phone": "030 123456", "message": "We need 5 seats."}}`
	file := writeConfig(t, oneForm+"criteria: criteria.yaml\nidentity: {own_domains: [we.example], phone_region: DE}\n")
	criteria := "name: ours\nversion: 7\ncriteria:\n  - {name: need, points: 77, when: text.says(\"need\")}\nstages:\n  lead: met(need)\n"
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "criteria.yaml"), []byte(criteria), 0o600); err != nil {
		t.Fatal(err)
	}
	lines, stderr, code := scoreLines(t, in, "-c", file, "-")
	if code != 0 || len(lines) != 2 || lines[0].Class != "internal" || lines[0].Person != nil ||
		lines[1].Person == nil || lines[1].Person.Phone == nil || *lines[1].Person.Phone != "+4930123456" || lines[1].Score != 77 {
		t.Errorf("exit code %d: %+v %s", code, lines, stderr)
	}
	plain, stderr, code := scoreLines(t, in, "-")
	if code != 0 || len(plain) != 2 || plain[0].Class == "internal" || *plain[1].Person.Phone != "030 123456" || plain[1].Score == 77 {
		t.Errorf("without it: exit code %d: %+v %s", code, plain, stderr)
	}
	two := writeConfig(t, oneForm+"criteria: [criteria.yaml, other.yaml]\n")
	for _, name := range []string{"criteria.yaml", "other.yaml"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(two), name), []byte(strings.Replace(criteria, "ours", strings.TrimSuffix(name, ".yaml"), 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, stderr, code := scoreLines(t, in, "-c", two, "-"); code != 1 || !strings.Contains(stderr, "name one of them with --criteria") {
		t.Errorf("two products: exit code %d: %s", code, stderr)
	}
	if lines, stderr, code := scoreLines(t, in, "-c", two, "--criteria", filepath.Join(filepath.Dir(two), "other.yaml"), "-"); code != 0 || lines[1].Score != 77 {
		t.Errorf("one of two products: exit code %d: %+v %s", code, lines, stderr)
	}
	if _, stderr, code := scoreLines(t, in, "-c", "nowhere.yaml", "-"); code != 1 || !strings.Contains(stderr, "nowhere.yaml") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestScoreGoesOnBehindBrokenLines(t *testing.T) {
	in := `{"id": 9007199254740993, "form": {"email": "a@b.example", "message": "hello"}}
this is no JSON

{"id": "nothing"}
{"at": "yesterday", "form": {"email": "a@b.example"}}
{"form": {}}
{"mail": "From: x@y.example\r\nSubject: hi\r\n\r\nhello"}`
	lines, stderr, code := scoreLines(t, in, "-")
	if code != 1 || len(lines) != 2 || string(lines[0].ID) != "9007199254740993" || string(lines[1].ID) != `"-:7"` {
		t.Errorf("exit code %d: %+v", code, lines)
	}
	for _, want := range []string{"-:2: ", "-:4: neither a mail nor a form", `-:5: at: "yesterday" is no time`, "-:6: "} {
		if !strings.Contains(stderr, want) {
			t.Errorf("not said: %s\nsaid: %s", want, stderr)
		}
	}
}

// TestScoreHistory takes the same two contacts apart and together: only
// together do they show need and budget of one company.
func TestScoreHistory(t *testing.T) {
	in := `{"id": "1", "at": "2026-03-02T09:15:00Z", "form": {"email": "eng@acme.example", "message": "We need a replacement for our tool."}}
{"id": "2", "at": "2026-03-03T09:15:00Z", "form": {"email": "cfo@acme.example", "budget": "20,000 EUR", "job_title": "Assistant"}}`
	apart, _, code := scoreLines(t, in, "-")
	if code != 0 || len(apart) != 2 || len(apart[1].Criteria) != 1 && !apart[1].Criteria["budget"] {
		t.Fatalf("exit code %d: %+v", code, apart)
	}
	together, _, code := scoreLines(t, in, "--history", "-")
	if code != 0 || len(together) != 2 || !together[1].Criteria["need"] || !together[1].Criteria["budget"] || together[1].Stage.String() != "lead" {
		t.Errorf("exit code %d: %+v", code, together)
	}
	for _, v := range together {
		sum := 0
		for _, r := range v.Reasons {
			sum += r.Points
		}
		if sum != v.Score {
			t.Errorf("%s: reasons add up to %d, the score is %d", v.ID, sum, v.Score)
		}
	}
}

// TestNothingSaidIsNoLead: words without a need, even of somebody with
// authority, make no lead.
func TestNothingSaidIsNoLead(t *testing.T) {
	for _, words := range []string{"asdf", "hello", "test test", "lorem ipsum dolor sit amet", "Thanks, have a nice day!", "Is there a newsletter I can subscribe to?"} {
		in, err := json.Marshal(map[string]any{"form": map[string]string{"email": "a@b.example", "job_title": "Owner", "message": words}})
		if err != nil {
			t.Fatal(err)
		}
		lines, stderr, code := scoreLines(t, string(in), "-")
		if code != 0 || len(lines) != 1 || lines[0].Stage.String() != "contact" || lines[0].Criteria["need"] {
			t.Errorf("%s: exit code %d: %+v %s", words, code, lines, stderr)
		}
	}
}

func TestScoreWithOwnLexicons(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "en.txt"), []byte("[signed]\nthe parchment is sealed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	form := oneLine(`{"id": "1", "at": "2026-03-02T09:15:00Z", "form": {"email": "ada@acme.example", "message": "For your information: the parchment is sealed."}}`)
	lines, stderr, code := scoreLines(t, form, "--lexicons", dir, "-")
	if code != 0 || len(lines) != 1 || !lines[0].Criteria["signed"] {
		t.Errorf("exit code %d: %+v %s", code, lines, stderr)
	}
	if lines, _, code := scoreLines(t, form, "-"); code != 0 || len(lines) != 1 || lines[0].Criteria["signed"] {
		t.Errorf("without the lexicon: exit code %d: %+v", code, lines)
	}
	if _, stderr, code := scoreLines(t, "", "--lexicons", "nowhere", "-"); code != 1 || !strings.Contains(stderr, "nowhere") {
		t.Errorf("a missing directory: exit code %d: %s", code, stderr)
	}
}

func TestScoreWithOtherCriteria(t *testing.T) {
	file := filepath.Join(t.TempDir(), "criteria.yaml")
	if err := os.WriteFile(file, []byte(`name: ours
version: 3
criteria:
  - {name: licences, points: 7, when: fields.message contains "licences"}
stages:
  lead: met(licences)
  opportunity: score > 100
  customer: score > 100
  lost: score < 0
`), 0o600); err != nil {
		t.Fatal(err)
	}
	lines, stderr, code := scoreLines(t, oneLine(formLine), "--criteria", file, "-")
	if code != 0 || len(lines) != 1 || lines[0].Score != 7 || lines[0].Stage.String() != "lead" || !lines[0].Criteria["licences"] {
		t.Errorf("exit code %d: %+v %s", code, lines, stderr)
	}
	if _, stderr, code := scoreLines(t, "", "--criteria", "nowhere.yaml", "-"); code != 1 || !strings.Contains(stderr, "nowhere.yaml") {
		t.Errorf("a missing criteria file: exit code %d: %s", code, stderr)
	}
}
