package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks whose word is taken for who has sent a request:
// "10.0.0.0/8", or a lone address.
type Proxies []string

// Validate names every entry that is no network.
func (p Proxies) Validate() error {
	_, err := p.prefixes()
	return err
}

func (p Proxies) prefixes() ([]netip.Prefix, error) {
	prefixes := make([]netip.Prefix, 0, len(p))
	var errs []error
	for _, written := range p {
		prefix, err := netip.ParsePrefix(written)
		if addr, aerr := netip.ParseAddr(written); aerr == nil {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%q is no network; write it like 10.0.0.0/8 or 192.0.2.7", written))
			continue
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, errors.Join(errs...)
}

// Before gives h the address of whoever has sent a request to the first of
// these proxies, as X-Forwarded-For has it, in place of the last proxy's own.
// From all others that header is not believed.
func (p Proxies) Before(h http.Handler) (http.Handler, error) {
	trusted, err := p.prefixes()
	if err != nil || len(trusted) == 0 {
		return h, err
	}
	isProxy := func(addr netip.Addr) bool {
		for _, t := range trusted {
			if t.Contains(addr) {
				return true
			}
		}
		return false
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if said := r.Header["X-Forwarded-For"]; len(said) > 0 {
			from, err := netip.ParseAddrPort(r.RemoteAddr)
			if err == nil && isProxy(from.Addr().Unmap()) {
				sent := *r
				sent.RemoteAddr = netip.AddrPortFrom(sender(from.Addr().Unmap(), said, isProxy), 0).String()
				r = &sent
			}
		}
		h.ServeHTTP(w, r)
	}), nil
}

// sender follows the addresses that proxies have written down from the last to
// the first, as far as they are the word of a proxy.
func sender(from netip.Addr, said []string, isProxy func(netip.Addr) bool) netip.Addr {
	hops := strings.Split(strings.Join(said, ","), ",")
	for i := len(hops) - 1; i >= 0 && isProxy(from); i-- {
		written := strings.TrimSpace(hops[i])
		next, err := netip.ParseAddr(strings.Trim(written, "[]"))
		if withPort, perr := netip.ParseAddrPort(written); perr == nil { // Azure's writes it
			next, err = withPort.Addr(), nil
		}
		if err != nil {
			break
		}
		from = next.Unmap()
	}
	return from
}
