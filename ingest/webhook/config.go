package webhook

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"leadd/ingest"
	"leadd/ingest/fetch"
)

const (
	defaultMaxBody  = 1 << 20
	defaultHoneypot = "_gotcha"
)

// Config is one source: who posts to /in/NAME, and how that is read. For a
// sender that is known, its preset and the secret it shares with us are enough:
//
//	survey:                               # POST /in/survey
//	  preset: typeform
//	  secret: ${TYPEFORM_SECRET}
//
// The zero Config is a source too, open to every form and program.
// With everything written out:
//
//	website:                              # POST /in/website
//	  redirect: https://ours.example/thanks
//	  honeypot: website_hp
//	  max_body: 1048576
//	  rate: 6000
//	  address_rate: 120
//	  fields:
//	    your_thing: budget
//	    internal_note: "-"
type Config struct {
	// Preset says who posts here, so how a post is signed and read: typeform,
	// tally, webflow, ... Empty or "plain": anybody, a form or a JSON object.
	Preset string `yaml:"preset"`
	// Secret is what the sender signs with or carries: the signing secret or
	// key that its settings show or ask for. Senders that do not sign carry it
	// in the address (/in/NAME?secret=...), or as the password or bearer token.
	Secret string `yaml:"secret"`
	// Unsigned lets anybody post who finds the address, where a preset's
	// sender does not sign or has a way of sending that is not signed.
	Unsigned bool `yaml:"unsigned"`
	// Scheme is how the sender of preset hmac signs: github (the body, in hex
	// behind "sha256="), stripe ("t=TIME,v1=HEX" over "TIME.BODY"), hex or
	// base64 (the body). Empty: github.
	Scheme string `yaml:"scheme"`
	// Header is the header that holds the signature of preset hmac. Empty:
	// X-Hub-Signature-256, Stripe-Signature, or X-Signature.
	Header string `yaml:"header"`
	// API is how the answers are fetched that a sender only announces: needed
	// by the presets meta, linkedin and hubspot.
	API fetch.Config `yaml:"api"`
	// VerifyToken is the word that preset meta's webhook settings ask for.
	VerifyToken string `yaml:"verify_token"`
	// PublicURL is the address that preset hubspot's webhook settings have, as
	// HubSpot signs it. Empty: https, the Host header and the path, which is
	// right where no proxy changes them.
	PublicURL string `yaml:"public_url"`
	// DealStages says, for preset hubspot, which event a deal's stage stands
	// for: the stage's id -> contacted, negotiating, contract_out, signed,
	// declined, ...; "-" for none. The stages of HubSpot's own sales pipeline
	// are known.
	DealStages map[string]string `yaml:"deal_stages"`
	// Events says that only our own programs reach this source, and what they
	// say is believed without a signature: what sales has done ({"event":
	// "signed", "person": {"email": ...}} in JSON), and when, however long
	// ago. Whoever finds the address can make anybody a customer. A source
	// with a secret is believed in any case.
	Events bool `yaml:"events"`
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
	// unpacking. 0: 1 MiB, or 50 MiB where the preset's sender sends mails.
	MaxBody int64 `yaml:"max_body"`
	// Rate is how many posts a minute are taken, as many at once too; of a
	// sender that signs, only genuine ones count. 0: 6000.
	Rate int `yaml:"rate"`
	// AddressRate is the same for one network address, where anybody may
	// post. 0: 120.
	AddressRate int `yaml:"address_rate"`
}

// Open reports whether anybody may post here, as forms in browsers do.
func (c Config) Open() bool { return c.Preset == "" || c.Preset == plain }

// strangers reports whether anybody who finds the address may post here, and so
// is not believed everything.
func (c Config) strangers() bool { return c.Open() && !c.Events || c.Unsigned }

// Validate names every mistake in c, one to an error; nil where there is none.
func (c Config) Validate() error {
	p, err := presetOf(c)
	errs := []error{err, c.validateAPI(p)}
	if c.Redirect != "" {
		u, err := url.Parse(c.Redirect)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			errs = append(errs, fmt.Errorf("redirect: %q is no web address; write it whole, like https://ours.example/thanks", c.Redirect))
		}
	}
	if c.Events && !c.Open() {
		errs = append(errs, errors.New("events: only for a source without a preset; the presets hmac, standard and svix take events as they are"))
	}
	if c.MaxBody < 0 {
		errs = append(errs, fmt.Errorf("max_body: %d is less than nothing; write a number of bytes, or 0 for %d", c.MaxBody, defaultMaxBody))
	}
	for _, rate := range []struct {
		setting  string
		value    int
		standard int
	}{{"rate", c.Rate, defaultRate}, {"address_rate", c.AddressRate, defaultAddressRate}} {
		if rate.value < 0 {
			errs = append(errs, fmt.Errorf("%s: %d is less than nothing; write how many posts a minute, or 0 for %d", rate.setting, rate.value, rate.standard))
		}
	}
	if c.AddressRate > 0 && !c.strangers() {
		errs = append(errs, errors.New("address_rate: only where anybody may post; leave it out, rate is enough here"))
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

// validateAPI names the mistakes in what the presets need that announce.
func (c Config) validateAPI(p *preset) error {
	var errs []error
	if p != nil && p.notices != nil {
		for err := range each(c.API.Validate(c.Preset)) {
			errs = append(errs, fmt.Errorf("api.%w", err))
		}
	} else if c.API != (fetch.Config{}) {
		errs = append(errs, errors.New("api: only the presets meta, linkedin and hubspot fetch something; leave it out"))
	}
	switch {
	case c.Preset != "meta" && c.VerifyToken != "":
		errs = append(errs, errors.New("verify_token: only preset meta has one; leave it out"))
	case c.Preset == "meta" && strings.TrimSpace(c.VerifyToken) == "":
		errs = append(errs, errors.New("verify_token: missing; make one up, and write the same into Meta's webhook settings"))
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if c.Preset != "hubspot" {
			errs = append(errs, errors.New("public_url: only preset hubspot signs the address; leave it out"))
		} else if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			errs = append(errs, fmt.Errorf("public_url: %q is no address that HubSpot calls; copy the whole from its webhook settings, like https://leads.ours.example/in/crm, without a query", c.PublicURL))
		}
	}
	if c.Preset != "hubspot" && len(c.DealStages) > 0 {
		errs = append(errs, errors.New("deal_stages: only preset hubspot has deals; leave it out"))
	}
	return errors.Join(append(errs, checkDealStages(c.DealStages))...)
}

// each gives the errors that were joined.
func each(err error) iter.Seq[error] {
	return func(yield func(error) bool) {
		joined, ok := err.(interface{ Unwrap() []error })
		if !ok {
			if err != nil {
				yield(err)
			}
			return
		}
		for _, err := range joined.Unwrap() {
			if !yield(err) {
				return
			}
		}
	}
}

var (
	keyPattern    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	sourcePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)
)

// source is a Config made ready.
type source struct {
	Config
	name   string
	preset *preset // nil: plain
	tokens *tokens // nil: the scheme has none

	accepted  prometheus.Counter
	all       *rate.Limiter // posts
	addresses *addresses    // nil, as scraps: strangers cannot post here
	scraps    *scraps
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
	cfg.Secret, cfg.VerifyToken = strings.TrimSpace(cfg.Secret), strings.TrimSpace(cfg.VerifyToken)
	src := &source{name: name}
	src.preset, _ = presetOf(cfg) // Validate has told its mistakes
	if cfg.MaxBody == 0 {
		cfg.MaxBody = defaultMaxBody
		if src.preset != nil && src.preset.maxBody > 0 {
			cfg.MaxBody = src.preset.maxBody
		}
	}
	if src.preset != nil && src.preset.scheme != nil && src.preset.scheme.once {
		src.tokens = &tokens{window: src.preset.scheme.window}
	}
	if cfg.Honeypot = strings.TrimSpace(cfg.Honeypot); cfg.Honeypot == "" {
		cfg.Honeypot = defaultHoneypot
	}
	src.all = perMinute(cmp.Or(cfg.Rate, defaultRate))
	if cfg.strangers() {
		src.addresses = &addresses{perMinute: cmp.Or(cfg.AddressRate, defaultAddressRate)}
		src.scraps = newScraps()
	}
	src.Config = cfg
	return src, errors.Join(errs...)
}
