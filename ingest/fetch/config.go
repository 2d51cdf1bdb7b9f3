package fetch

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
)

// Config is how a source's API is reached.
type Config struct {
	// Token is the access token that the API is asked with: of Meta a page's
	// or system user's with leads_retrieval, of LinkedIn a member's with
	// r_marketing_leadgen_automation, of HubSpot the private app's. It is
	// never logged. A new one counts from the next start.
	Token string `yaml:"token"`
	// URL is the API's address, where it is not the sender's own: a gateway.
	URL string `yaml:"url"`
	// Version is the API's version: v25.0 for Meta, 202609 for LinkedIn, which
	// ends a version after a year. HubSpot takes none.
	Version string `yaml:"version"`
}

var versionPattern = regexp.MustCompile(`^[a-z0-9.]{1,20}$`)

// Validate names every mistake in the configuration of a sender's API, one to
// an error, each beginning with its key.
func (c Config) Validate(sender string) error {
	var errs []error
	api, known := apis()[sender]
	if !known {
		return fmt.Errorf("token: preset %q has no API", sender)
	}
	if strings.TrimSpace(c.Token) == "" {
		errs = append(errs, fmt.Errorf("token: %s tells only that there is something to fetch; give the access token of its API", api.name))
	} else if strings.ContainsAny(strings.TrimSpace(c.Token), " \t\r\n") {
		errs = append(errs, errors.New("token: it holds white space; copy it anew"))
	}
	if c.URL != "" && !isSafe(c.URL) {
		errs = append(errs, fmt.Errorf("url: %q is no https address without a query (http is for this machine only, as the token is sent there)", c.URL))
	}
	switch {
	case c.Version == "":
	case api.version == "":
		errs = append(errs, fmt.Errorf("version: the API of %s takes none; leave it out", api.name))
	case !versionPattern.MatchString(c.Version):
		errs = append(errs, fmt.Errorf("version: %q is no version of this API; leave it out or write one like %q", c.Version, api.version))
	}
	return errors.Join(errs...)
}

// isSafe reports whether a token can be sent to an address.
func isSafe(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}
