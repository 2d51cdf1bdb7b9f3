package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeFiles makes a folder of files.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const scenarioText = `Scenario: a quote for licences
2026-03-02, form
  email: ada@acme.example
  message: Please send us a quote for 200 licences.
expect
  stage: contact
  met: need
`

func TestCriteriaTestOfDefault(t *testing.T) {
	stdout, stderr, code := runLeadd(t, "", "criteria", "test", "../../scoring/scenarios")
	if code != 0 || !strings.HasSuffix(stdout, ", not as expected: 0\n") || strings.Count(stdout, "\nok") < 25 {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}

func TestCriteriaTest(t *testing.T) {
	ours := `name: ours
version: 1
criteria: [{name: need, points: 7, when: fields.message contains "licences"}]
stages: {lead: met(need)}
`
	dir := writeFiles(t, map[string]string{
		"right/a.txt": scenarioText, "right/more/b.txt": scenarioText, "right/README.md": "no scenario",
		"words.txt":    strings.Replace(scenarioText, "Please send us a quote for 200 licences.", "Let us frobnicate.", 1),
		"words/en.txt": "[need]\nfrobnicate\n", "wrong/en.txt": "[need]\n@nothing\n",
		"typo.txt": strings.Replace(scenarioText, "stage:", "stagge:", 1), "typos/x.txt": "hello", "empty/x.md": "",
		"ours.yaml": ours, "broken.yaml": "name: x", "other.yaml": strings.Replace(ours, "ours", "other", 1),
		"both/a.txt": strings.Replace(scenarioText, "stage: contact", "stage: lead", 1) + "expect for other\n  stage: lead\n",
	})
	t.Chdir(dir)
	for name, tc := range map[string]struct {
		args        []string
		code        int
		out, stderr []string
	}{
		"right":            {[]string{"right"}, 0, []string{"ok    right/a.txt:1  a quote for licences", "right/more/b.txt:1", "scenarios: 2, not as expected: 0\n"}, nil},
		"a file":           {[]string{"right/a.txt"}, 0, []string{"scenarios: 1, "}, nil},
		"other criteria":   {[]string{"right", "--criteria", "ours.yaml"}, 1, []string{"FAIL  right/a.txt:1", "right/a.txt:6:3: expected stage: contact; found lead", "+7", "scenarios: 2, not as expected: 2"}, nil},
		"two products":     {[]string{"both", "--criteria", "ours.yaml", "--criteria", "other.yaml"}, 0, []string{"scenarios: 1, not as expected: 0\n"}, nil},
		"no such product":  {[]string{"both", "--criteria", "ours.yaml"}, 2, nil, []string{"both/a.txt:8:12: there is no product other (ours)"}},
		"one name twice":   {[]string{"both", "--criteria", "ours.yaml", "--criteria", "ours.yaml"}, 2, nil, []string{"ours.yaml is named ours as well"}},
		"flag first":       {[]string{"--criteria", "ours.yaml", "right"}, 1, nil, nil},
		"our own words":    {[]string{"words.txt", "--lexicons", "words"}, 0, nil, nil},
		"not without them": {[]string{"words.txt"}, 1, []string{"expected met: need"}, nil},
		"wrong words":      {[]string{"right", "--lexicons", "wrong"}, 2, nil, []string{"en.txt:2: no list is named @nothing"}},
		"no words":         {[]string{"right", "--lexicons", "nowhere"}, 2, nil, []string{"nowhere"}},
		"all mistakes":     {[]string{"typo.txt", "typos", "right"}, 2, nil, []string{"typo.txt:6:3: ", "did you mean stage?", "typos/x.txt:1:1: "}},
		"nothing named":    {nil, 2, nil, []string{"name a folder"}},
		"no such folder":   {[]string{"nowhere"}, 2, nil, []string{"nowhere"}},
		"no scenarios":     {[]string{"empty"}, 2, nil, []string{"no scenarios in empty: they are files that end in .txt"}},
		"broken criteria":  {[]string{"right", "--criteria", "broken.yaml"}, 2, nil, []string{"broken.yaml:1:1: "}},
		"missing criteria": {[]string{"right", "--criteria", "none.yaml"}, 2, nil, []string{"none.yaml"}},
		"unknown flag":     {[]string{"right", "--rules", "ours.yaml"}, 2, nil, []string{"-rules"}},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := runLeadd(t, "", append([]string{"criteria", "test"}, tc.args...)...)
			if code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			for _, want := range tc.out {
				if !strings.Contains(stdout, want) {
					t.Errorf("not printed: %s", want)
				}
			}
			for _, want := range tc.stderr {
				if !strings.Contains(stderr, want) {
					t.Errorf("not said: %s", want)
				}
			}
			if t.Failed() {
				t.Logf("%s\n%s", stdout, stderr)
			}
		})
	}
}

func TestCriteriaExplain(t *testing.T) {
	stdout, stderr, code := runLeadd(t, "", "criteria", "explain", "../../scoring/default.yaml")
	if code != 0 || !strings.Contains(stdout, "A prospect becomes a lead when need is met and at least one of budget, timeline and authority is met") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if builtIn, _, code := runLeadd(t, "", "criteria", "explain"); code != 0 || builtIn != stdout {
		t.Errorf("exit code %d: the built-in criteria are explained otherwise than their file:\n%s", code, builtIn)
	}
	if _, stderr, code := runLeadd(t, "", "criteria", "explain", "nowhere.yaml"); code != 1 || !strings.Contains(stderr, "nowhere.yaml") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if _, stderr, code := runLeadd(t, "", "criteria", "explain", "a", "b"); code != 2 || !strings.Contains(stderr, "one criteria file") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestCriteriaUsage(t *testing.T) {
	if stdout, _, code := runLeadd(t, "", "criteria", "-h"); code != 0 || !strings.Contains(stdout, "leadd criteria explain [FILE]") {
		t.Errorf("exit code %d: %s", code, stdout)
	}
	if _, stderr, code := runLeadd(t, "", "criteria"); code != 2 || !strings.Contains(stderr, "leadd criteria test DIR") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if _, stderr, code := runLeadd(t, "", "criteria", "explane"); code != 2 || !strings.Contains(stderr, "did you mean explain?") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
