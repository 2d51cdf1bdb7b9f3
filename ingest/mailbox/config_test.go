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
	token := func(o mailbox.OAuth) mailbox.Config {
		return mailbox.Config{Addr: "imap.example.com", User: "u", OAuth: &o}
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
		"folders": {good(func(c *mailbox.Config) { c.Folders = []string{"!Spam", "!Junk*"} }), []string{
			`folders: nothing but exceptions; add "*" for all the others`,
		}},
		"empty folder": {good(func(c *mailbox.Config) { c.Folders = []string{"INBOX", "! "} }), []string{"folders: an empty name"}},
		"moved to what is read": {good(func(c *mailbox.Config) { c.Folders, c.MoveTo = []string{"inbox", "Done", "*"}, "Done" }), []string{
			`folders: "Done" is named, and is left out or is what move_to names`,
		}},
		"move_to":   {good(func(c *mailbox.Config) { c.MoveTo = "Done/*" }), []string{`move_to: "Done/*" is a pattern; name one folder`}},
		"flag":      {good(func(c *mailbox.Config) { c.Flag = `\Deleted` }), []string{`flag: "\\Deleted" is neither a word such as $Leadd nor \Seen or \Flagged`}},
		"two words": {good(func(c *mailbox.Config) { c.Flag = "by leadd" }), []string{`flag: "by leadd" is neither a word such as $Leadd nor \Seen or \Flagged`}},
		"seen":      {good(func(c *mailbox.Config) { c.Flag = `\Seen` }), nil},
		"google":    {token(mailbox.OAuth{Provider: "google", ClientID: "c", ClientSecret: "s", RefreshToken: "r"}), nil},
		"microsoft": {token(mailbox.OAuth{Provider: "microsoft", Tenant: "t", ClientID: "c", ClientSecret: "s"}), nil},
		"public":    {token(mailbox.OAuth{Provider: "microsoft", ClientID: "c", RefreshToken: "r"}), nil},
		"local":     {token(mailbox.OAuth{TokenURL: "http://127.0.0.1:80/token", ClientID: "c", ClientSecret: "s"}), nil},
		"both": {good(func(c *mailbox.Config) {
			c.OAuth = &mailbox.OAuth{Provider: "google", ClientID: "c", RefreshToken: "r"}
		}), []string{"password: not beside oauth; leave one of them out"}},
		"no oauth": {token(mailbox.OAuth{}), []string{
			"oauth.provider: missing; google or microsoft, or say token_url",
			"oauth.client_id: missing; the provider gives it when you register the application",
			"oauth.refresh_token: missing, and so is client_secret; one of them has to be there",
		}},
		"google alone": {token(mailbox.OAuth{Provider: "google", ClientID: "c", ClientSecret: "s"}), []string{
			"oauth.refresh_token: missing; Google's client credentials open no mailbox",
		}},
		"no tenant": {token(mailbox.OAuth{Provider: "microsoft", ClientID: "c", ClientSecret: "s"}), []string{
			"oauth.tenant: missing; without refresh_token Microsoft wants the directory's id",
		}},
		"other":       {token(mailbox.OAuth{Provider: "yahoo", ClientID: "c", ClientSecret: "s"}), []string{`oauth.provider: "yahoo" is neither google nor microsoft; for others say token_url`}},
		"two ways":    {token(mailbox.OAuth{Provider: "google", TokenURL: "https://x.example", ClientID: "c", RefreshToken: "r"}), []string{"oauth.token_url: not beside provider; leave one of them out"}},
		"clear text":  {token(mailbox.OAuth{TokenURL: "http://x.example", ClientID: "c", RefreshToken: "r"}), []string{`oauth.token_url: "http://x.example" is no https address`}},
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
