package mailbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"

	"leadd/internal/certs"
)

// dialLimit is how long TCP may take to connect.
const dialLimit = 30 * time.Second

// errLogin marks credentials that the server does not take. Trying again soon
// would only get the account locked.
var errLogin = errors.New("login refused")

// dial connects and logs in; silence is the longest an answer may take to
// begin or to go on. When ctx is done the connection closes, and
// every call on the client returns.
func (c Config) dial(ctx context.Context, silence time.Duration, t *tokens, unilateral *imapclient.UnilateralDataHandler) (*imapclient.Client, *watchedConn, error) {
	dialer := net.Dialer{Timeout: dialLimit}
	raw, err := dialer.DialContext(ctx, "tcp", c.Addr)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to %s: %w", c.Addr, err)
	}
	conn := &watchedConn{Conn: raw}
	context.AfterFunc(ctx, func() { _ = raw.Close() })
	conn.expect(silence)

	client, err := c.greet(ctx, conn, unilateral)
	if err != nil {
		_ = raw.Close()
		return nil, nil, fmt.Errorf("connect to %s (tls: %s): %w", c.Addr, c.TLS, err)
	}
	if err := c.login(ctx, client, t); err != nil {
		_ = client.Close()
		return nil, nil, err
	}
	conn.expect(0)
	return client, conn, nil
}

// greet makes the connection an IMAP one, encrypted as configured, up to and
// with the server's greeting.
func (c Config) greet(ctx context.Context, conn net.Conn, unilateral *imapclient.UnilateralDataHandler) (*imapclient.Client, error) {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return nil, err
	}
	roots, err := certs.Pool(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	options := &imapclient.Options{
		TLSConfig:             &tls.Config{ServerName: host, RootCAs: roots, MinVersion: tls.VersionTLS12},
		UnilateralDataHandler: unilateral,
	}
	switch c.TLS {
	case TLSStart:
		return imapclient.NewStartTLS(conn, options)
	case TLSImplicit:
		secured := tls.Client(conn, options.TLSConfig)
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = secured
	}
	client := imapclient.New(conn, options)
	if err := client.WaitGreeting(); err != nil {
		_ = client.Close()
		return nil, err
	}
	return client, nil
}

// login authenticates. SASL comes first: LOGIN is the older way, which some
// servers switch off and which takes no password beyond ASCII.
func (c Config) login(ctx context.Context, client *imapclient.Client, t *tokens) error {
	if client.State() != imap.ConnStateNotAuthenticated {
		return nil // PREAUTH
	}
	if c.OAuth != nil {
		return c.loginByToken(ctx, client, t)
	}
	caps := client.Caps()
	var err error
	switch {
	case caps.Has(imap.AuthCap(sasl.Plain)):
		err = client.Authenticate(sasl.NewPlainClient("", c.User, c.Password))
	case caps.Has(imap.CapLoginDisabled):
		return fmt.Errorf("%w: %s takes no password here; use tls: tls or tls: starttls", errLogin, c.Addr)
	default:
		err = client.Login(c.User, c.Password).Wait()
	}
	return c.loginRefused(err, "password", "user and password")
}

// loginRefused explains why a log-in failed, if it did.
func (c Config) loginRefused(err error, what, check string) error {
	var refusal *imap.Error
	if errors.As(err, &refusal) && !temporary(refusal) {
		return fmt.Errorf("%w: %s does not take %s's %s (%q); check %s", errLogin, c.Addr, c.User, what, refusal.Text, check)
	}
	if err != nil {
		return fmt.Errorf("log in to %s: %w", c.Addr, err)
	}
	return nil
}

// temporary reports whether the server says that it is not the request's
// fault and later may go better (RFC 5530).
func temporary(e *imap.Error) bool {
	switch e.Code {
	case imap.ResponseCodeUnavailable, imap.ResponseCodeInUse, imap.ResponseCodeLimit, imap.ResponseCodeServerBug:
		return true
	}
	return false
}
