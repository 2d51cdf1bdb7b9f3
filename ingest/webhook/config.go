package webhook

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"leadd/ingest"
)

const (
	defaultMaxBody  = 1 << 20
	defaultHoneypot = "_gotcha"
)

// Config is one source: who posts to /in/NAME, and how that is read. The zero
// Config is a source like any other. With everything written out:
//
//	website:                              # POST /in/website
//	  redirect: https://ours.example/thanks
//	  honeypot: website_hp
//	  max_body: 1048576
//	  fields:
//	    your_thing: budget
//	    internal_note: "-"
type Config struct {
	// Fields says what this source's fields mean, where their names do not
	// tell: name as sent -> key. "-" leaves a field out.
	Fields ingest.FieldMap `yaml:"fields"`
	// Redirect is where a browser goes after it has posted a form: an http(s)
	// address. Empty: a small page of thanks.
	Redirect string `yaml:"redirect"`
	// Honeypot is the name of a field that people do not see and robots fill
	// in; what has it filled is dropped. Empty: "_gotcha".
	Honeypot string `yaml:"honeypot"`
	// MaxBody is how many bytes a post may have, files and all, also after
	// unpacking. 0: 1 MiB.
	MaxBody int64 `yaml:"max_body"`
}

// Validate names every mistake in c, one to an error; nil where there is none.
func (c Config) Validate() error {
	var errs []error
	if c.Redirect != "" {
		u, err := url.Parse(c.Redirect)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			errs = append(errs, fmt.Errorf("redirect: %q is no web address; write it whole, like https://ours.example/thanks", c.Redirect))
		}
	}
	if c.MaxBody < 0 {
		errs = append(errs, fmt.Errorf("max_body: %d is less than nothing; write a number of bytes, or 0 for %d", c.MaxBody, defaultMaxBody))
	}
	names := make([]string, 0, len(c.Fields))
	for name := range c.Fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if key := c.Fields[name]; key != "" && key != "-" && !keyPattern.MatchString(key) {
			errs = append(errs, fmt.Errorf("fields: %q -> %q: write a key in small letters like budget, or \"-\" to leave the field out", name, key))
		}
	}
	return errors.Join(errs...)
}

var (
	keyPattern    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	sourcePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)
)

// source is a Config made ready.
type source struct {
	Config
	name string
}

// newSource checks a source and fills in its defaults.
func newSource(name string, cfg Config) (*source, error) {
	var errs []error
	if !sourcePattern.MatchString(name) {
		errs = append(errs, fmt.Errorf("source %q: a name has small letters, digits, - and _, 63 at most", name))
	}
	if err := cfg.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("source %q: %w", name, err))
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = defaultMaxBody
	}
	if cfg.Honeypot = strings.TrimSpace(cfg.Honeypot); cfg.Honeypot == "" {
		cfg.Honeypot = defaultHoneypot
	}
	return &source{Config: cfg, name: name}, errors.Join(errs...)
}
