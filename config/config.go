// Package config reads the one configuration file: it composes the parts'
// own Config types, fills in the environment's variables, and reports every
// mistake with its line.
package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/rs/zerolog"

	"leadd/dashboard"
	"leadd/ingest"
	"leadd/ingest/mailbox"
	"leadd/ingest/webhook"
	"leadd/internal/clickhouse"
	"leadd/internal/stream"
	"leadd/sink/notify"
)

// Config is the whole configuration. Its YAML keys are those of the example,
// deploy/leadd.yaml.
type Config struct {
	// Listen is the host:port that the web forms, the page and its API are
	// served on.
	Listen string `yaml:"listen"`
	// Data is the directory for what this machine keeps: the embedded Kafka
	// and ClickHouse, and the scoring stage's local store.
	Data string `yaml:"data"`
	// Log is the least level that is logged: debug, info, warn or error.
	Log string `yaml:"log"`
	// Criteria is the criteria file, or a list of them, one a product; none:
	// the built-in ones. A relative name is seen from the configuration file.
	Criteria Files `yaml:"criteria"`
	// Lexicons is a directory of lexicons beside the built-in ones; empty:
	// those alone. A relative name is seen from the configuration file.
	Lexicons string `yaml:"lexicons"`

	// TrustedProxies are those whose X-Forwarded-For says where a post comes
	// from. Where leadd is reached without one, it is who connects.
	TrustedProxies webhook.Proxies `yaml:"trusted_proxies"`

	Auth       dashboard.Auth            `yaml:"auth"`
	Kafka      stream.Config             `yaml:"kafka"`
	ClickHouse clickhouse.Config         `yaml:"clickhouse"`
	Identity   ingest.IdentityConfig     `yaml:"identity"`
	Webhooks   map[string]webhook.Config `yaml:"webhooks"`
	Mailboxes  map[string]mailbox.Config `yaml:"mailboxes"`
	Notify     map[string]notify.Config  `yaml:"notify"`
}

// Default is the configuration of an empty file.
func Default() Config {
	return Config{
		Listen: "127.0.0.1:8080",
		Data:   "data",
		Log:    "info",
		// A proxy on this machine.
		TrustedProxies: webhook.Proxies{"127.0.0.0/8", "::1"},
		Kafka:          stream.DefaultConfig(),
		ClickHouse:     clickhouse.DefaultConfig(),
	}
}

// Load reads the file. A Problems error names every mistake in it; what could
// be read is returned beside it, so that more can be checked.
func Load(file string) (Config, error) {
	return load(file, os.LookupEnv)
}

func load(file string, env func(string) (string, bool)) (Config, error) {
	cfg := Default()
	d := newDecoder(file, env)
	if err := d.decodeFile(&cfg); err != nil {
		return Config{}, err
	}
	cfg.placeFiles(filepath.Dir(file))
	cfg.validate(d)
	if problems := d.sorted(); len(problems) > 0 {
		return cfg, problems
	}
	return cfg, nil
}

// placeFiles has every file that is named be seen from the configuration's
// directory. Data is not among them: it is where the daemon runs.
func (c *Config) placeFiles(dir string) {
	place := func(name *string) {
		if *name != "" && !filepath.IsAbs(*name) {
			*name = filepath.Join(dir, *name)
		}
	}
	for i := range c.Criteria {
		place(&c.Criteria[i])
	}
	for _, name := range []*string{
		&c.Lexicons, &c.Kafka.TLS.CAFile, &c.Kafka.TLS.CertFile, &c.Kafka.TLS.KeyFile, &c.ClickHouse.TLS.CAFile,
	} {
		place(name)
	}
	for name, m := range c.Mailboxes {
		place(&m.CAFile)
		c.Mailboxes[name] = m
	}
}

// sourceName is what can stand in a path and in a metric's label.
var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

func (c *Config) validate(d *decoder) {
	if err := CheckListen(c.Listen, c.Auth); err != nil {
		d.mistakes("", fmt.Errorf("listen: %w", err))
	}
	if level, err := zerolog.ParseLevel(c.Log); err != nil || level == zerolog.NoLevel {
		d.mistakes("", fmt.Errorf("log: %q is no level: debug, info, warn or error", c.Log))
	}
	if c.Data == "" {
		d.mistakes("", errors.New("data: no directory is named"))
	}
	c.Criteria = slices.DeleteFunc(c.Criteria, func(name string) bool {
		_, err := os.Stat(name)
		if err != nil {
			d.mistakes("", fmt.Errorf("criteria: there is no such file, seen from the configuration file: %w", err))
		}
		return err != nil
	})
	if c.Lexicons != "" {
		if _, err := os.ReadDir(c.Lexicons); err != nil {
			d.mistakes("", fmt.Errorf("lexicons: there is no such directory, seen from the configuration file: %w", err))
			c.Lexicons = ""
		}
	}
	d.mistakes("trusted_proxies", c.TrustedProxies.Validate())
	_, err := ingest.NewIdentity(c.Identity)
	d.mistakes("identity", err)
	d.mistakes("kafka", c.Kafka.Validate())
	d.mistakes("clickhouse", c.ClickHouse.Validate())
	for _, name := range sortedKeys(c.Webhooks) {
		d.mistakes("webhooks."+name, errors.Join(checkName(name), c.Webhooks[name].Validate()))
	}
	for _, name := range sortedKeys(c.Mailboxes) {
		if _, taken := c.Webhooks[name]; taken {
			d.mistakes("mailboxes."+name, errors.New("a web form has the same name; every source needs its own"))
		}
		d.mistakes("mailboxes."+name, errors.Join(append(c.Mailboxes[name].Validate(), checkName(name))...))
	}
	for _, name := range sortedKeys(c.Notify) {
		d.mistakes("notify."+name, errors.Join(checkName(name), c.Notify[name].Validate()))
	}
}

func checkName(name string) error {
	if sourceName.MatchString(name) {
		return nil
	}
	return fmt.Errorf("%q is no name here: small letters, digits, - and _, at most 63", name)
}

// CheckListen tells what is wrong with an address to serve on: beyond
// loopback the page needs a password, or the word that it shall have none.
func CheckListen(addr string, auth dashboard.Auth) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is not host:port, such as 127.0.0.1:8080 or :8080", addr)
	}
	ip := net.ParseIP(host)
	if host == "localhost" || (ip != nil && ip.IsLoopback()) || auth.Configured() || auth.None {
		return nil
	}
	return fmt.Errorf("%s can be reached from other machines, and the page would be open to all: "+
		"set auth (a password or token), or write auth: none to allow that, or listen on 127.0.0.1", addr)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
