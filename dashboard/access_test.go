package dashboard_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/dashboard"
	"leadd/internal/testenv"
)

// nothing is a database without a single row.
type nothing struct{ driver.Conn }

func (nothing) Select(context.Context, any, string, ...any) error { return nil }

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestAuth(t *testing.T) {
	password := dashboard.Auth{User: "boss", Password: "pässword"}
	anybody := dashboard.Auth{Password: "secret"}
	token := dashboard.Auth{Token: "t0ken"}
	both := dashboard.Auth{Password: "secret", Token: "t0ken"}
	for name, tc := range map[string]struct {
		auth   dashboard.Auth
		header string
		want   int
	}{
		"open":                    {dashboard.Auth{}, "", 200},
		"open on purpose":         {dashboard.Auth{None: true}, "", 200},
		"nothing shown":           {password, "", 401},
		"right":                   {password, basic("boss", "pässword"), 200},
		"wrong password":          {password, basic("boss", "password"), 401},
		"wrong user":              {password, basic("bos", "pässword"), 401},
		"longer":                  {password, basic("boss", "pässword1"), 401},
		"empty password":          {password, basic("boss", ""), 401},
		"any user":                {anybody, basic("whoever", "secret"), 200},
		"token":                   {token, "Bearer t0ken", 200},
		"token, small letters":    {token, "bearer t0ken", 200},
		"wrong token":             {token, "Bearer token", 401},
		"empty token":             {token, "Bearer ", 401},
		"token where none is set": {anybody, "Bearer ", 401},
		"token as password":       {token, basic("", "t0ken"), 401},
		"no password set":         {token, basic("", ""), 401},
		"both, password":          {both, basic("", "secret"), 200},
		"both, token":             {both, "Bearer t0ken", 200},
		"garbage":                 {both, "Basic !!!", 401},
	} {
		t.Run(name, func(t *testing.T) {
			srv := server(t, nothing{}, dashboard.Config{Auth: tc.auth})
			for _, path := range []string{"/", "/api/v1/funnel", "/static/style.css", "/prospects", "/dead", "/nowhere"} {
				want := tc.want
				if path == "/nowhere" && want == 200 {
					want = 404
				}
				code, header, _ := get(t, srv.URL+path, "Authorization", tc.header)
				if code != want {
					t.Errorf("%s: %d, want %d", path, code, want)
				}
				if code == 401 && header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s: the browser is not told how to sign in", path)
				}
			}
		})
	}
}

func TestAuthYAML(t *testing.T) {
	for in, want := range map[string]struct {
		auth dashboard.Auth
		err  string
	}{
		"auth: none": {auth: dashboard.Auth{None: true}},
		"auth:\n  user: boss\n  password: p\n  token: t": {auth: dashboard.Auth{User: "boss", Password: "p", Token: "t"}},
		"auth:\n  token: t":              {auth: dashboard.Auth{Token: "t"}},
		"auth:\n  password: 12345":       {auth: dashboard.Auth{Password: "12345"}},
		"{}":                             {},
		"auth: open":                     {err: `auth: "open" is not understood: write none`},
		"auth: {}":                       {err: "neither a password nor a token"},
		"auth:\n  user: boss":            {err: "neither a password nor a token"},
		"auth:\n  password: p\n  pin: 1": {err: "pin"},
		"auth: [a]":                      {err: "auth"},
	} {
		var cfg dashboard.Config
		err := yaml.NewDecoder(strings.NewReader(in), yaml.Strict()).Decode(&cfg)
		switch {
		case want.err == "" && err != nil:
			t.Errorf("%s: %v", in, err)
		case want.err != "" && (err == nil || !strings.Contains(err.Error(), want.err)):
			t.Errorf("%s: error %v, want %s", in, err, want.err)
		case cfg.Auth != want.auth:
			t.Errorf("%s: %+v", in, cfg.Auth)
		}
	}
}

func TestHeaders(t *testing.T) {
	srv := server(t, nothing{}, dashboard.Config{})
	_, header, page := get(t, srv.URL+"/")
	if csp := header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "script") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	if header.Get("Cache-Control") != "no-store" {
		t.Errorf("pages may be kept: %q", header.Get("Cache-Control"))
	}
	for _, bad := range []string{"<script", " style=", "http://", "https://"} {
		if strings.Contains(strings.ReplaceAll(page, srv.URL, ""), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	_, style, found := strings.Cut(page, `rel="stylesheet" href="`)
	style, _, _ = strings.Cut(style, `"`)
	if !found {
		t.Fatal("no style sheet")
	}
	code, header, _ := get(t, srv.URL+style)
	if code != 200 || !strings.Contains(header.Get("Cache-Control"), "immutable") || !strings.HasPrefix(header.Get("Content-Type"), "text/css") {
		t.Errorf("%s: %d %v", style, code, header)
	}
	if code, _, _ := get(t, srv.URL+style, "If-None-Match", header.Get("ETag")); code != http.StatusNotModified {
		t.Errorf("asked again: %d", code)
	}
	if code, header, _ := get(t, srv.URL+"/static/style.css?v=old"); code != 200 || strings.Contains(header.Get("Cache-Control"), "immutable") {
		t.Errorf("an old version is kept for good: %d %v", code, header)
	}
}

func TestBadRequests(t *testing.T) {
	srv := server(t, nothing{}, dashboard.Config{})
	for path, want := range map[string]struct {
		code int
		say  string
	}{
		"/api/v1/funnel?from=yesterday":                  {400, "write a date (2026-10-31)"},
		"/api/v1/funnel?to=2026-13-01":                   {400, "to="},
		"/api/v1/funnel?from=2026-10-02&to=2026-10-01":   {400, "swap them"},
		"/api/v1/funnel?from=2026-10-02&to=2026-10-02":   {200, "stages"},
		"/api/v1/funnel?from=0001-01-01":                 {400, "1900 to 2299"},
		"/api/v1/funnel?to=9999-01-01":                   {400, "1900 to 2299"},
		"/api/v1/funnel?by=colour":                       {400, "source, campaign, kind, day, week, month"},
		"/api/v1/funnel?form=2026-10-01":                 {400, "from, to, by"},
		"/api/v1/funnel?by=day&by=week":                  {400, "once"},
		"/api/v1/funnel?by=" + strings.Repeat("x", 5000): {400, "…"},
		"/api/v1/nothing":                                {404, "/api/v1/funnel"},
		"/?from=soon":                                    {400, "write a date"},
		"/?period=century":                               {400, "7d, 30d, 90d, year or all"},
		"/?from=2026-10-01&to=":                          {200, ""},
		"/prospects?stage=client":                        {400, "no stage is named"},
		"/prospects?page=0":                              {400, "1 to 10000"},
		"/dead?page=x":                                   {400, "1 to 10000"},
		"/static/none.css":                               {404, ""},
	} {
		code, header, body := get(t, srv.URL+path)
		if code != want.code || !strings.Contains(body, want.say) {
			t.Errorf("%.60s: %d, want %d with %q: %.300s", path, code, want.code, want.say, body)
		}
		if strings.HasPrefix(path, "/api/") && header.Get("Content-Type") != "application/json" {
			t.Errorf("%.60s: %s", path, header.Get("Content-Type"))
		}
	}
	for _, path := range []string{"/", "/prospects", "/api/v1/funnel", "/dead"} {
		resp, err := http.Post(srv.URL+path, "text/plain", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, resp.StatusCode)
		}
	}
}

// While the database is away, or has no tables yet, every page says so calmly.
func TestDatabaseAway(t *testing.T) {
	addr, name := testenv.ClickHouseDB(t)
	for what, db := range map[string]driver.Conn{"no server": connect(t, "127.0.0.1:1", "default"), "no tables": connect(t, addr, name)} {
		srv := server(t, db, dashboard.Config{})
		for _, path := range []string{"/", "/prospects", "/prospects/acme.example", "/dead", "/api/v1/funnel", "/api/v1/prospects/acme.example"} {
			code, header, body := get(t, srv.URL+path)
			if code != 503 || header.Get("Retry-After") == "" || !strings.Contains(strings.ToLower(body), "contacts keep being accepted") {
				t.Errorf("%s: %s: %d %.200s", what, path, code, body)
			}
		}
		if code, _, _ := get(t, srv.URL+"/static/style.css"); code != 200 {
			t.Errorf("%s: style sheet %d", what, code)
		}
	}
}

func TestTwoDashboardsOneRegistry(t *testing.T) {
	reg := prometheus.NewRegistry()
	for i, wantErr := range []bool{false, true} {
		if _, err := dashboard.New(nothing{}, dashboard.Config{}, dashboard.Hint{}, zerolog.Nop(), reg); (err != nil) != wantErr {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// FuzzParameters sends any query string to the pages and the API: it is
// answered or refused with a reason, and nothing else.
func FuzzParameters(f *testing.F) {
	for _, q := range []string{
		"from=2026-10-01&to=2026-10-31&by=week", "from=2026-10-01T00:00:00Z", "period=90d", "period=year&stage=lead&source=website&page=2",
		"from=2026-10-01T02:00:00+02:00", "to=1900-01-01", "from=2298-12-31&to=2299-12-30", "from=%FF&by=%00", "stage=lost&page=-1", "from=1900-01-01&to=2290-01-01", ";;", "%zz",
	} {
		f.Add(q)
	}
	d, err := dashboard.New(nothing{}, dashboard.Config{}, dashboard.Hint{Forms: []string{"website"}}, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		f.Fatal(err)
	}
	routes := d.Routes()
	f.Fuzz(func(t *testing.T, query string) {
		for _, path := range []string{"/", "/prospects", "/dead", "/api/v1/funnel", "/api/v1/prospects/x"} {
			code, body := ask(t, routes, path, query)
			switch {
			case code == 200, code == 404 && strings.HasSuffix(path, "/x"):
			case code == 400 && (strings.Contains(body, `{"error":"`) || strings.Contains(body, "That was not understood")):
			default:
				t.Errorf("%s?%q: %d %s", path, query, code, body)
			}
		}
	})
}
