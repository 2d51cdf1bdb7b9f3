package dashboard

import (
	"errors"
	"net/http"
	"strings"

	"golang.org/x/net/idna"
)

// readable shows a key or address as people write it: a domain in its own
// letters, not in Punycode.
func readable(key string) string {
	at := strings.LastIndexByte(key, '@') + 1
	domain, err := idna.Display.ToUnicode(key[at:])
	if err != nil {
		return key
	}
	return key[:at] + domain
}

// lookUp turns what somebody typed as a prospect's key into the key it may
// stand for: domains and addresses are kept in small letters and in Punycode.
func lookUp(typed string) string {
	at := strings.LastIndexByte(typed, '@') + 1
	domain, err := idna.Lookup.ToASCII(typed[at:])
	if err != nil {
		return typed
	}
	return strings.ToLower(typed[:at]) + domain
}

// prospect reads the prospect that a request names, by its key or by what
// comes near it.
func (d *Dashboard) prospect(r *http.Request) (*Prospect, error) {
	product, err := d.product(r.URL.Query())
	if err != nil {
		return nil, err
	}
	at, err := parseAt(r.URL.Query())
	if err != nil {
		return nil, err
	}
	key := r.PathValue("key")
	p, err := d.store.prospect(r.Context(), key, product, at)
	if near := lookUp(key); errors.Is(err, errNotFound) && near != key {
		p, err = d.store.prospect(r.Context(), near, product, at)
	}
	if err != nil {
		return nil, err
	}
	p.Standings = d.arrange(p.Standings, product)
	return p, nil
}
