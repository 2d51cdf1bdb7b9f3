package webhook_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"leadd/ingest/webhook"
)

// TestProxies: X-Forwarded-For is the word of whoever has connected, and as
// good as that.
func TestProxies(t *testing.T) {
	trusted := webhook.Proxies{"10.0.0.0/8", "192.0.2.7", "2001:db8:ffff::/48"}
	for name, tc := range map[string]struct {
		from string
		said []string
		want string
	}{
		"nothing said":                {"10.0.0.1:5", nil, "10.0.0.1:5"},
		"a stranger says it":          {"198.51.100.9:5", []string{"203.0.113.1"}, "198.51.100.9:5"},
		"one proxy":                   {"10.0.0.1:5", []string{"203.0.113.1"}, "203.0.113.1:0"},
		"a lone address":              {"192.0.2.7:5", []string{"203.0.113.1"}, "203.0.113.1:0"},
		"two proxies":                 {"10.0.0.1:5", []string{"203.0.113.1, 192.0.2.7"}, "203.0.113.1:0"},
		"two headers":                 {"10.0.0.1:5", []string{"203.0.113.1", "192.0.2.7"}, "203.0.113.1:0"},
		"the visitor makes up others": {"10.0.0.1:5", []string{"1.1.1.1, 10.9.9.9, 203.0.113.1"}, "203.0.113.1:0"},
		"IPv6":                        {"[2001:db8:ffff::1]:5", []string{"2001:db8::5"}, "[2001:db8::5]:0"},
		"IPv4 in IPv6":                {"[::ffff:10.0.0.1]:5", []string{"::ffff:203.0.113.1"}, "203.0.113.1:0"},
		"with a port":                 {"10.0.0.1:5", []string{"203.0.113.1:4711"}, "203.0.113.1:0"},
		"in brackets":                 {"10.0.0.1:5", []string{"[2001:db8::5]:4711"}, "[2001:db8::5]:0"},
		"no address":                  {"10.0.0.1:5", []string{"unknown"}, "10.0.0.1:0"},
		"no address before one":       {"10.0.0.1:5", []string{"unknown, 203.0.113.1"}, "203.0.113.1:0"},
		"proxies only":                {"10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3:0"},
	} {
		got := ""
		h, err := trusted.Before(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/in/website", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = tc.from, tc.said
		if h.ServeHTTP(httptest.NewRecorder(), r); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
	if err := (webhook.Proxies{"10.0.0.0/8", "proxy.example", "10.0.0.0/99"}).Validate(); err == nil || err.Error() != `"proxy.example" is no network; write it like 10.0.0.0/8 or 192.0.2.7
"10.0.0.0/99" is no network; write it like 10.0.0.0/8 or 192.0.2.7` {
		t.Error(err)
	}
}
