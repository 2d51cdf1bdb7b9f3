package mailbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// The providers whose token servers are known (OAuth.Provider).
const (
	providerGoogle    = "google"
	providerMicrosoft = "microsoft"
)

// tokenLimit is how long the token server may take to answer.
const tokenLimit = 30 * time.Second

// OAuth says where tokens to log in with come from: with RefreshToken for a
// user who has agreed (RFC 6749, 6), without it for the application itself by
// client credentials (RFC 6749, 4.4). Secrets are never logged.
type OAuth struct {
	Provider     string   `yaml:"provider"`  // google or microsoft; or else TokenURL
	TokenURL     string   `yaml:"token_url"` // https
	Tenant       string   `yaml:"tenant"`    // microsoft: the directory's id or domain
	ClientID     string   `yaml:"client_id"`
	ClientSecret string   `yaml:"client_secret"`
	RefreshToken string   `yaml:"refresh_token"`
	Scopes       []string `yaml:"scopes"` // the provider's for IMAP where left out
}

// validate returns every mistake, each beginning with the field's name.
func (o OAuth) validate() (mistakes []error) {
	wrong := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf(format, args...)) }
	switch o.Provider {
	case "":
		if u, err := url.Parse(o.TokenURL); o.TokenURL == "" {
			wrong("provider: missing; google or microsoft, or say token_url")
		} else if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
			wrong("token_url: %q is no https address", o.TokenURL)
		}
	case providerGoogle, providerMicrosoft:
		if o.TokenURL != "" {
			wrong("token_url: not beside provider; leave one of them out")
		}
	default:
		wrong("provider: %q is neither google nor microsoft; for others say token_url", o.Provider)
	}
	if o.ClientID == "" {
		wrong("client_id: missing; the provider gives it when you register the application")
	}
	switch {
	case o.RefreshToken != "": // an application without a secret may have one
	case o.Provider == providerGoogle:
		wrong("refresh_token: missing; Google's client credentials open no mailbox")
	case o.ClientSecret == "":
		wrong("refresh_token: missing, and so is client_secret; one of them has to be there")
	case o.Provider == providerMicrosoft && o.Tenant == "":
		wrong("tenant: missing; without refresh_token Microsoft wants the directory's id")
	}
	return mistakes
}

// endpoint gives the token server and the scopes to ask for. Sources:
// developers.google.com/workspace/gmail/imap/xoauth2-protocol and
// learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth.
func (o OAuth) endpoint() (endpoint oauth2.Endpoint, scopes []string) {
	switch o.Provider {
	case providerGoogle:
		endpoint = oauth2.Endpoint{TokenURL: "https://oauth2.googleapis.com/token", AuthStyle: oauth2.AuthStyleInParams}
		// A refresh token has its scopes with it.
	case providerMicrosoft:
		tenant := o.Tenant
		if tenant == "" {
			tenant = "common"
		}
		endpoint = oauth2.Endpoint{
			TokenURL:  "https://login.microsoftonline.com/" + url.PathEscape(tenant) + "/oauth2/v2.0/token",
			AuthStyle: oauth2.AuthStyleInParams,
		}
		if o.RefreshToken == "" {
			scopes = []string{"https://outlook.office365.com/.default"}
		}
	default:
		endpoint = oauth2.Endpoint{TokenURL: o.TokenURL}
	}
	if len(o.Scopes) > 0 {
		scopes = o.Scopes
	}
	return endpoint, scopes
}

// tokens gets access tokens and keeps the last one while it is valid. Only
// one goroutine may use it.
type tokens struct {
	cfg     OAuth
	last    *oauth2.Token
	refresh string // the token server may replace the configured one
}

// get gives an access token, and whether it comes fresh from the server.
func (t *tokens) get(ctx context.Context) (token string, fresh bool, err error) {
	if t.last.Valid() {
		return t.last.AccessToken, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, tokenLimit)
	defer cancel()
	endpoint, scopes := t.cfg.endpoint()
	if t.cfg.RefreshToken == "" {
		c := clientcredentials.Config{
			ClientID: t.cfg.ClientID, ClientSecret: t.cfg.ClientSecret,
			TokenURL: endpoint.TokenURL, AuthStyle: endpoint.AuthStyle, Scopes: scopes,
		}
		t.last, err = c.Token(ctx)
	} else {
		if t.refresh == "" {
			t.refresh = t.cfg.RefreshToken
		}
		c := oauth2.Config{ClientID: t.cfg.ClientID, ClientSecret: t.cfg.ClientSecret, Endpoint: endpoint, Scopes: scopes}
		t.last, err = c.TokenSource(ctx, &oauth2.Token{RefreshToken: t.refresh}).Token()
	}
	if err != nil {
		t.last = nil
		return "", false, t.explain(endpoint.TokenURL, err)
	}
	if t.last.RefreshToken != "" {
		t.refresh = t.last.RefreshToken
	}
	return t.last.AccessToken, true, nil
}

// explain says what the token server has against us. Of its answer only the
// fields made for that are repeated.
func (t *tokens) explain(server string, err error) error {
	var refusal *oauth2.RetrieveError
	if !errors.As(err, &refusal) {
		return fmt.Errorf("get a token from %s: %w", server, err)
	}
	status := 0
	if refusal.Response != nil {
		status = refusal.Response.StatusCode
	}
	err = fmt.Errorf("get a token from %s: status %d %s %s", server, status, refusal.ErrorCode, refusal.ErrorDescription)
	if status >= 400 && status < 500 && status != 429 {
		return fmt.Errorf("%w: %w; check client_id, client_secret and refresh_token", errLogin, err)
	}
	return err
}

// loginByToken authenticates with an access token. One that was used before
// may have been taken back: then a fresh one is tried.
func (c Config) loginByToken(ctx context.Context, client *imapclient.Client, t *tokens) error {
	mechanism := sasl.OAuthBearer
	if caps := client.Caps(); !caps.Has(imap.AuthCap(mechanism)) {
		if mechanism = xoauth2; !caps.Has(imap.AuthCap(mechanism)) {
			return fmt.Errorf("%w: %s takes no OAuth tokens here (neither OAUTHBEARER nor XOAUTH2); use password, or tls: tls", errLogin, c.Addr)
		}
	}
	for {
		token, fresh, err := t.get(ctx)
		if err != nil {
			return err
		}
		err = client.Authenticate(bearer{mechanism: mechanism, user: c.User, token: token, addr: c.Addr})
		if refusal := (*imap.Error)(nil); !errors.As(err, &refusal) || temporary(refusal) || fresh {
			return c.loginRefused(err, "token", "user, the token's scopes, and whether IMAP is allowed")
		}
		t.last = nil
	}
}

const xoauth2 = "XOAUTH2"

// bearer is a SASL client for OAUTHBEARER (RFC 7628) and XOAUTH2 (its
// forerunner, as Google and Microsoft document it). go-sasl's leaves a refused
// exchange in the middle.
type bearer struct{ mechanism, user, token, addr string }

// Start gives all that there is to say.
func (b bearer) Start() (mechanism string, initial []byte, err error) {
	auth := "auth=Bearer " + b.token + "\x01\x01"
	if b.mechanism == xoauth2 {
		return b.mechanism, []byte("user=" + b.user + "\x01" + auth), nil
	}
	host, port, err := net.SplitHostPort(b.addr)
	if err != nil {
		return "", nil, err
	}
	user := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(b.user)
	return b.mechanism, []byte("n,a=" + user + ",\x01host=" + host + "\x01port=" + port + "\x01" + auth), nil
}

// Next answers the server's error, so that it ends the exchange with NO.
func (b bearer) Next([]byte) ([]byte, error) { return []byte{1}, nil }

// loopback reports whether host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
