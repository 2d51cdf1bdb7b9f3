package mailbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"leadd/ingest/mailbox"
	"leadd/internal/testenv"
)

// The secrets of the tests' application.
const (
	clientSecret = "client-secret-of-tests"
	refreshToken = "refresh-token-of-tests"
)

// tokenServer gives out tokens, and tells Dovecot which are good.
type tokenServer struct {
	*httptest.Server
	mu       sync.Mutex
	grants   []string        // grant types of the requests answered
	good     map[string]bool // tokens
	lifetime int             // seconds
	refuse   bool            // to give tokens
	useless  bool            // what it gives opens nothing
	rotated  int             // refresh tokens replaced
	scopes   string          // last asked for
}

func newTokenServer(t testing.TB) *tokenServer {
	t.Helper()
	s := &tokenServer{good: map[string]bool{}, lifetime: 3600}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("POST /introspect", s.introspect)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func answer(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (s *tokenServer) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	known := refreshToken
	if s.rotated > 0 {
		known = fmt.Sprintf("%s-%d", refreshToken, s.rotated)
	}
	grant := r.FormValue("grant_type")
	switch {
	case id != "leadd-test" || secret != clientSecret:
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	case s.refuse || grant == "refresh_token" && r.FormValue("refresh_token") != known:
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "the user has taken it back"})
		return
	}
	s.grants = append(s.grants, grant)
	s.scopes = r.FormValue("scope")
	token := fmt.Sprintf("access-token-%d", len(s.grants))
	s.good[token] = !s.useless
	body := map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": s.lifetime}
	if grant == "refresh_token" {
		s.rotated++
		body["refresh_token"] = fmt.Sprintf("%s-%d", refreshToken, s.rotated)
	}
	answer(w, http.StatusOK, body)
}

func (s *tokenServer) introspect(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := r.FormValue("token")
	if !s.good[token] {
		answer(w, http.StatusOK, map[string]any{"active": false})
		return
	}
	answer(w, http.StatusOK, map[string]any{"active": true, "username": "inbox@leadd.example"})
}

// granted reports how many tokens were given.
func (s *tokenServer) granted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.grants)
}

// set changes how the server behaves.
func (s *tokenServer) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// fill puts the first mails into the INBOX of a Dovecot that knows tokens.
func fill(d *testenv.DovecotServer, t testing.TB) mailbox.Config {
	t.Helper()
	d.Fill(t, 2, func(n int) []byte { return []byte(letter(n)) })
	return mailbox.Config{Addr: d.Addr(), TLS: mailbox.TLSNone, User: d.User()}
}

func TestDovecotTokens(t *testing.T) {
	t.Parallel()
	for grant, refresh := range map[string]string{"refresh_token": refreshToken, "client_credentials": ""} {
		for _, mechanism := range []string{"OAUTHBEARER", "XOAUTH2"} {
			t.Run(grant+" "+mechanism, func(t *testing.T) {
				t.Parallel()
				server := newTokenServer(t)
				d := testenv.DovecotWithTokens(t, server.URL+"/introspect")
				cfg := fill(d, t)
				p := newProxy(t, cfg.Addr)
				if mechanism == "XOAUTH2" {
					p.set(func() { p.strike = []string{" AUTH=OAUTHBEARER"} })
				}
				cfg.Addr = p.addr
				cfg.OAuth = &mailbox.OAuth{
					TokenURL: server.URL + "/token", ClientID: "leadd-test", ClientSecret: clientSecret, RefreshToken: refresh,
					Scopes: []string{"imap", "mail"},
				}
				k := newKafka()
				b := run(t, cfg, k)
				k.waitIDs(t, 2, ids(1, 2)...)
				if n := server.granted(); n != 1 || server.grants[0] != grant || p.sent("AUTHENTICATE "+mechanism) != 1 {
					t.Errorf("%d tokens given for %q; sent %q", n, server.grants, p.lines)
				}
				if refresh == "" && server.scopes != "imap mail" {
					t.Errorf("scopes %q", server.scopes)
				}

				idles := 1
				again := func(cut func()) {
					t.Helper()
					awaitSent(t, p, "IDLE", idles)
					cut()
					idles++
					awaitSent(t, p, "IDLE", idles)
				}
				// The token is used again while it is good, and replaced when the server has taken it back.
				again(p.cutAll)
				if n := server.granted(); n != 1 {
					t.Errorf("%d tokens given, want the first used again", n)
				}
				server.set(func() { clear(server.good); server.lifetime = 1 })
				again(func() { // so that Dovecot forgets it too
					d.Stop()
					d.Start(t)
				})
				if n := server.granted(); n != 2 {
					t.Errorf("%d tokens given, want a second", n)
				}

				// One that has expired is replaced without being tried.
				tried := p.sent("AUTHENTICATE")
				again(p.cutAll)
				if n, m := server.granted(), p.sent("AUTHENTICATE"); n != 3 || m != tried+1 {
					t.Errorf("%d tokens given, want a third; %d log-ins, want one more than %d", n, m, tried)
				}
				b.stop()
				for _, secret := range []string{clientSecret, refreshToken, "access-token"} {
					if strings.Contains(b.logs.String(), secret) {
						t.Errorf("%q is in the log: %s", secret, b.logs)
					}
				}
			})
		}
	}
}

func TestDovecotTokensRefused(t *testing.T) {
	t.Parallel()
	server := newTokenServer(t)
	d := testenv.DovecotWithTokens(t, server.URL+"/introspect")
	cfg := fill(d, t)
	for name, test := range map[string]struct {
		change func(*mailbox.OAuth)
		set    func()
		want   string
	}{
		"secret":  {func(o *mailbox.OAuth) { o.ClientSecret = "wrong-secret-x" }, func() {}, "invalid_client"},
		"refresh": {func(o *mailbox.OAuth) { o.RefreshToken = "wrong-secret-y" }, func() {}, "the user has taken it back; check client_id"},
		"token":   {func(o *mailbox.OAuth) { o.RefreshToken = "" }, func() { server.useless = true }, "does not take inbox@leadd.example's token"},
	} {
		t.Run(name, func(t *testing.T) {
			o := mailbox.OAuth{TokenURL: server.URL + "/token", ClientID: "leadd-test", ClientSecret: clientSecret, RefreshToken: refreshToken}
			test.change(&o)
			server.set(test.set)
			cfg.OAuth = &o
			b := run(t, cfg, newKafka())
			awaitReady(t, b, false, test.want)
			_, reason := b.Ready()
			b.stop()
			for _, secret := range []string{"wrong-secret", clientSecret, refreshToken, "access-token"} {
				if strings.Contains(b.logs.String()+reason, secret) {
					t.Errorf("%q is told: %s %s", secret, reason, b.logs)
				}
			}
		})
	}
	t.Run("server takes no tokens", func(t *testing.T) {
		plain := newMemory(t, mailbox.TLSNone, nil, fake{})
		cfg := plain.config()
		cfg.Password, cfg.OAuth = "", &mailbox.OAuth{TokenURL: server.URL, ClientID: "leadd-test", ClientSecret: clientSecret}
		awaitReady(t, run(t, cfg, newKafka()), false, "neither OAUTHBEARER nor XOAUTH2")
	})
}
