package mailbox_test

import (
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"leadd/ingest/mailbox"
)

func TestConfigFromYAML(t *testing.T) {
	const text = `
addr: imap.example.com
tls: starttls
user: sales@example.com
password: secret
folders: [INBOX, "Leads/*", "!Leads/Spam"]
flag: $Leadd
move_to: Archive/leadd
since: 2026-01-31
poll: 1m30s
max_size: 1000000
`
	var got mailbox.Config
	if err := yaml.UnmarshalWithOptions([]byte(text), &got, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	want := mailbox.Config{
		Addr: "imap.example.com", TLS: "starttls", User: "sales@example.com", Password: "secret", Folders: []string{"INBOX", "Leads/*", "!Leads/Spam"}, Flag: "$Leadd", MoveTo: "Archive/leadd",
		Since: time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), Poll: 90 * time.Second, MaxSize: 1000000,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if mistakes := got.Validate(); mistakes != nil {
		t.Error(mistakes)
	}
}

func TestValidate(t *testing.T) {
	good := func(change func(*mailbox.Config)) mailbox.Config {
		c := mailbox.Config{Addr: "imap.example.com", User: "u", Password: "p"}
		change(&c)
		return c
	}
	for name, test := range map[string]struct {
		cfg  mailbox.Config
		want []string
	}{
		"least":     {good(func(*mailbox.Config) {}), nil},
		"IPv6":      {good(func(c *mailbox.Config) { c.Addr = "[::1]:993" }), nil},
		"bare IPv6": {good(func(c *mailbox.Config) { c.Addr = "::1" }), nil},
		"empty": {mailbox.Config{}, []string{
			`addr: "" is no host or host:port, such as imap.example.com:993`,
			"user: missing; the login name, often the whole address",
			"password: missing; write ${VARIABLE} to take it from the environment, or use oauth",
		}},
		"port":    {good(func(c *mailbox.Config) { c.Addr = "host:imap" }), []string{`addr: "imap" is no port; use a number from 1 to 65535`}},
		"no host": {good(func(c *mailbox.Config) { c.Addr = ":993" }), []string{`addr: ":993" is no host or host:port, such as imap.example.com:993`}},
		"tls":     {good(func(c *mailbox.Config) { c.TLS = "ssl" }), []string{`tls: "ssl" is none of tls, starttls, none`}},
		"bounds": {good(func(c *mailbox.Config) { c.Poll, c.MaxSize = time.Hour, 10 }), []string{
			"poll: 1h0m0s is not between 1s and 9m",
			"max_size: 10 is not between 65536 and 1073741824 bytes",
		}},
		"no CA file":  {good(func(c *mailbox.Config) { c.CAFile = "testdata/none.pem" }), []string{"ca_file: read the certificates to trust: open testdata/none.pem: no such file or directory"}},
		"no PEM file": {good(func(c *mailbox.Config) { c.CAFile = "config_test.go" }), []string{"ca_file: config_test.go holds no PEM certificate"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, err := range test.cfg.Validate() {
				got = append(got, err.Error())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
