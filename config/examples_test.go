package config

import (
	"encoding/base64"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"leadd/ingest/mailbox"
)

// loadExample loads a file of that text, beside which the files stand that the
// examples name, with every environment variable set.
func loadExample(t *testing.T, text string) (Config, error) {
	t.Helper()
	dir := t.TempDir()
	server := httptest.NewTLSServer(nil) // for its certificate
	server.Close()
	for name, content := range map[string][]byte{
		"criteria.yaml": nil,
		"ca.pem":        pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "lexicons"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "leadd.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return load(file, func(name string) (string, bool) {
		if strings.HasSuffix(name, "_URL") {
			return "https://chat.example/hook", true
		}
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32))), true
	})
}

// option is a line of deploy/leadd.yaml that is an option, commented out.
var option = regexp.MustCompile(`^( *)# ( *[a-z_]+:( .*)?)$`)

// TestEveryOptionOfTheExample: whatever is commented out in deploy/leadd.yaml
// is taken when the # is removed, all of it together.
func TestEveryOptionOfTheExample(t *testing.T) {
	b, err := os.ReadFile("../deploy/leadd.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	uncommented := 0
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		m := option.FindStringSubmatch(line)
		if m == nil || strings.HasPrefix(m[2], "auth: none") { // instead of a password
			out = append(out, line)
			continue
		}
		uncommented++
		out = append(out, m[1]+m[2])
	}
	if uncommented < 80 {
		t.Errorf("%d options were found", uncommented)
	}
	cfg, err := loadExample(t, strings.Join(out, "\n"))
	if err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(out, "\n"))
	}
	// What stands at the end of each part has arrived.
	office := cfg.Mailboxes["office"].OAuth
	if office == nil || office.Provider != "microsoft" || !strings.HasPrefix(office.ClientSecret, "whsec_") {
		t.Errorf("a mailbox's token: %+v", office)
	}
	if cfg.Auth.Token == "" || len(cfg.TrustedProxies) != 3 || !cfg.Webhooks["crm"].Events || cfg.Mailboxes["sales"].MoveTo != "Archive/leadd" ||
		cfg.Identity.GmailDots != "strip" || len(cfg.Criteria) != 1 || cfg.Notify["team"].Page == "" || cfg.Kafka.SASL.User == "" || !cfg.ClickHouse.TLS.Enabled {
		t.Errorf("not everything was read: %+v", cfg)
	}
	if cfg, err := loadExample(t, "listen: :8080\nauth: none\n"); err != nil || !cfg.Auth.None {
		t.Errorf("auth: none: %v", err)
	}
}

// TestExamplesOfTheReadme: every piece of configuration in the README is taken.
func TestExamplesOfTheReadme(t *testing.T) {
	b, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for block := range strings.SplitSeq(string(b), "\n\n") {
		text := strings.ReplaceAll("\n"+block, "\n    ", "\n")
		if !strings.HasPrefix(block, "    ") || !regexp.MustCompile(`^\n(webhooks|mailboxes|notify):\n`).MatchString(text) {
			continue
		}
		found++
		if _, err := loadExample(t, text+"\n"); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
		// What is commented out too.
		if _, err := loadExample(t, regexp.MustCompile(`(?m)^( +)# (\w+:)`).ReplaceAllString(text, "$1$2")); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
	if found < 5 {
		t.Errorf("%d examples were found", found)
	}
}

// TestAPartThatMayBeLeftOut: oauth's keys are read, named and told of like any
// other's.
func TestAPartThatMayBeLeftOut(t *testing.T) {
	const box = "mailboxes:\n  m:\n    addr: imap.example.com\n    user: u\n"
	cfg, err := loadExample(t, box+"    oauth: {token_url: https://login.example/token, client_id: id, client_secret: \"${SECRET}\", scopes: [a, b]}\n")
	if err != nil {
		t.Fatal(err)
	}
	got := cfg.Mailboxes["m"].OAuth
	if got == nil || got.TokenURL != "https://login.example/token" || got.ClientID != "id" || !strings.HasPrefix(got.ClientSecret, "whsec_") || len(got.Scopes) != 2 {
		t.Errorf("oauth: %+v", got)
	}
	if cfg, err := loadExample(t, box+"    password: x\n    oauth:\n"); err != nil || cfg.Mailboxes["m"].OAuth != (*mailbox.OAuth)(nil) {
		t.Errorf("an empty oauth: %v, %+v", err, cfg.Mailboxes["m"].OAuth)
	}
	for text, want := range map[string]string{
		"{provider: googel, client_id: id, refresh_token: x}": `leadd.yaml:5:13: mailboxes.m.oauth.provider: "googel"`,
		"{provider: google, client_id: id}":                   "leadd.yaml:5:5: mailboxes.m.oauth.refresh_token: missing",
		"{provider: google, client: id}":                      `leadd.yaml:5:31: unknown key "client"; did you mean "client_id"?`,
		"google":                                              "leadd.yaml:5:12: mailboxes.m.oauth takes a mapping",
	} {
		if _, err := loadExample(t, box+"    oauth: "+text+"\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}
