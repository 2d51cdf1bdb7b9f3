package dashboard

import "testing"

func TestKeysAsPeopleWriteThem(t *testing.T) {
	for key, shown := range map[string]string{
		"xn--mller-bau-q9a.de":      "müller-bau.de",
		"ada@xn--mller-bau-q9a.de":  "ada@müller-bau.de",
		"acme.example":              "acme.example",
		"jane+x@gmail.com":          "jane+x@gmail.com",
		"+4930123456":               "+4930123456",
		"id:typeform:a b":           "id:typeform:a b",
		"anonymous:0123456789abcde": "anonymous:0123456789abcde",
	} {
		if got := readable(key); got != shown {
			t.Errorf("readable(%q) = %q, want %q", key, got, shown)
		}
	}
	for typed, key := range map[string]string{
		"müller-bau.de":     "xn--mller-bau-q9a.de",
		"ACME.example":      "acme.example",
		"Ada@Müller-Bau.de": "ada@xn--mller-bau-q9a.de",
		"+4930123456":       "+4930123456",
	} {
		if got := lookUp(typed); got != key {
			t.Errorf("lookUp(%q) = %q, want %q", typed, got, key)
		}
	}
}
