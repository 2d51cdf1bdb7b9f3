package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"leadd/dashboard"
)

func loadText(t *testing.T, text string, env map[string]string) (Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "leadd.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return load(file, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
}

// TestMistakes loads each file of testdata and compares what is said with the
// .txt file beside it.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			_, err := load(file, func(string) (string, bool) { return "", false })
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error %v", err)
			}
			got := strings.ReplaceAll(problems.Error(), "testdata/", "") + "\n"
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("said:\n%swant:\n%s", got, want)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	criteria := filepath.Join(t.TempDir(), "criteria.yaml")
	if err := os.WriteFile(criteria, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := loadText(t, `
listen: :9999
criteria: ${CRITERIA}
auth:
  token: ${TOKEN}
kafka:
  brokers: [one:9092, "two:9092"]
  partitions: ${PARTITIONS}
  sasl: {mechanism: plain, user: u, password: 12345}
webhooks:
  website:
    fields: {your_thing: budget}
mailboxes:
  info:
    addr: imap.ours.example
    user: info@ours.example
    password: "${PASSWORD}"
    poll: 1m
    since: 2026-01-31
`, map[string]string{"TOKEN": "t", "PARTITIONS": "12", "PASSWORD": "a: b # c", "CRITERIA": criteria})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Kafka.Partitions != 12 || len(cfg.Kafka.Brokers) != 2 || cfg.Kafka.SASL.Password != "12345" {
		t.Errorf("kafka: %+v", cfg.Kafka)
	}
	info := cfg.Mailboxes["info"]
	if info.Poll != time.Minute || info.Password != "a: b # c" || !info.Since.Equal(time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("mailbox: %+v", info)
	}
	if cfg.Webhooks["website"].Fields["your_thing"] != "budget" {
		t.Errorf("webhook: %+v", cfg.Webhooks["website"])
	}
	if cfg.Auth.Token != "t" || len(cfg.Criteria) != 1 || cfg.Criteria[0] != criteria {
		t.Errorf("auth %+v, criteria %s", cfg.Auth, cfg.Criteria)
	}
}

func TestCriteriaFiles(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.yaml"), filepath.Join(dir, "b.yaml")
	for _, file := range []string{a, b} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := loadText(t, "criteria: ["+a+", \"${B}\"]\n", map[string]string{"B": b})
	if err != nil || len(cfg.Criteria) != 2 || cfg.Criteria[0] != a || cfg.Criteria[1] != b {
		t.Errorf("%v %v", cfg.Criteria, err)
	}
	for text, want := range map[string]string{
		"criteria: [" + a + ", nowhere.yaml]\n": "leadd.yaml:1:1: criteria: there is no such file",
		"criteria: {a: b}\n":                    "leadd.yaml:1:", "criteria: [" + a + ", \"\"]\n": "a file's name is wanted, or a list of names",
		"criteria: []\n": "a file's name is wanted, or a list of names",
	} {
		if _, err := loadText(t, text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAnEmptyFileIsTheDefault(t *testing.T) {
	cfg, err := loadText(t, "# nothing yet\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Listen != Default().Listen || cfg.Kafka.Partitions != Default().Kafka.Partitions {
		t.Errorf("%+v", cfg)
	}
}

func TestProblemsShowNoSecret(t *testing.T) {
	_, err := loadText(t, "mailboxes:\n  info:\n    addr: [s3cret]\n    password: {a: s3cret}\n    user: ${NOT_SET}s3cret\n    pol: s3cret\n", nil)
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("said: %v", err)
	}
}

func TestCheckListen(t *testing.T) {
	for addr, open := range map[string]bool{
		"127.0.0.1:8080": false, "localhost:0": false, "[::1]:80": false,
		":8080": true, "0.0.0.0:80": true, "192.168.1.5:80": true, "[::]:80": true, "example.com:80": true,
	} {
		if err := CheckListen(addr, dashboard.Auth{}); (err != nil) != open {
			t.Errorf("%s without auth: %v", addr, err)
		}
		if err := CheckListen(addr, dashboard.Auth{None: true}); err != nil {
			t.Errorf("%s with auth: none: %v", addr, err)
		}
		if err := CheckListen(addr, dashboard.Auth{Password: "x"}); err != nil {
			t.Errorf("%s with a password: %v", addr, err)
		}
	}
	if CheckListen("8080", dashboard.Auth{None: true}) == nil {
		t.Error("a bare port was taken")
	}
}

func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yaml", "../deploy/leadd.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(b))
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(dir, "fuzz.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		// Must not panic, and must say of every problem where it is.
		_, err := load(file, func(string) (string, bool) { return "", false })
		var problems Problems
		if errors.As(err, &problems) {
			for _, p := range problems {
				if p.Message == "" {
					t.Errorf("a problem without words: %+v", p)
				}
			}
		}
	})
}
