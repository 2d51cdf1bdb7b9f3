package dashboard

import (
	"errors"
	"fmt"
)

// Config says who may look. The zero Config lets everybody in; whether that
// is allowed is for the caller to decide (see Auth.Configured and Auth.None).
type Config struct {
	Auth Auth `yaml:"auth"`
}

// Auth is how a visitor shows who they are. In YAML it is either the word
// none or a mapping of user, password and token.
type Auth struct {
	User     string `yaml:"user"`     // name to give with Password; empty: any name will do
	Password string `yaml:"password"` // for browsers: HTTP basic authentication
	Token    string `yaml:"token"`    // for programs: "Authorization: Bearer TOKEN"

	// None is set where "auth: none" was written out: everybody may look,
	// and somebody has decided so.
	None bool `yaml:"-"`
}

// Hint is what the pages know of the rest of the configuration.
type Hint struct {
	Forms      []string // names of the sources that take posts under /in/
	ConfigFile string   // where mailboxes are configured; may be empty
	Products   []string // names of the criteria in force; the first is shown where none is asked for
}

func (h Hint) product() string {
	if len(h.Products) == 0 {
		return ""
	}
	return h.Products[0]
}

// SamplePost is a line for a terminal that sends a first lead to a form's
// source. base is the address of the daemon, without a slash at the end.
func SamplePost(base, source string) string {
	return fmt.Sprintf("curl %s/in/%s -d name='Ada Lovelace' -d email=ada@acme.example -d company=Acme -d job_title=CTO"+
		" -d message='We need 200 licences within 3 months, our budget is 50,000 USD.'", base, source)
}

// Configured tells whether a visitor has to show a password or token.
func (a Auth) Configured() bool { return a.Password != "" || a.Token != "" }

var errAuthEmpty = errors.New("auth: neither a password nor a token is given: set one of them, or write \"auth: none\" to let everybody in")

// UnmarshalYAML reads the word none or the mapping. It fails on any other
// word and on a mapping that would let everybody in without saying so.
func (a *Auth) UnmarshalYAML(unmarshal func(any) error) error {
	var word string
	if unmarshal(&word) == nil {
		if word != "none" {
			return fmt.Errorf("auth: %q is not understood: write none, or a mapping of user, password and token", word)
		}
		*a = Auth{None: true}
		return nil
	}
	type mapping Auth // without this method
	var m mapping
	if err := unmarshal(&m); err != nil {
		return err
	}
	if !Auth(m).Configured() {
		return errAuthEmpty
	}
	*a = Auth(m)
	return nil
}
