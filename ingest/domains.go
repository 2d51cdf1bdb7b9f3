package ingest

import (
	_ "embed" // the lists below
	"strings"
	"sync"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

//go:embed data/freemail.txt
var freeMailText string

//go:embed data/disposable.txt
var disposableText string

//go:embed data/shared_hosts.txt
var sharedHostsText string

// domainSet is a set of domains; a subdomain of a member is a member. A
// member "yahoo.*" stands for yahoo under every public suffix.
type domainSet map[string]struct{}

var (
	freeMailDomains   = sync.OnceValue(func() domainSet { return newDomainSet(freeMailText) })
	disposableDomains = sync.OnceValue(func() domainSet { return newDomainSet(disposableText) })
	sharedHosts       = sync.OnceValue(func() domainSet { return newDomainSet(sharedHostsText) })
)

// newDomainSet reads lists: domains parted by white space, "#" begins a
// comment.
func newDomainSet(lists ...string) domainSet {
	s := make(domainSet, 12000)
	for _, list := range lists {
		for line := range strings.Lines(list) {
			line, _, _ = strings.Cut(line, "#")
			for domain := range strings.FieldsSeq(line) {
				s[domain] = struct{}{}
			}
		}
	}
	return s
}

// has reports whether domain, whose registrable domain is given too, is a
// member.
func (s domainSet) has(domain, registrable string) bool {
	for d := domain; ; {
		if _, ok := s[d]; ok {
			return true
		}
		if len(d) <= len(registrable) {
			break
		}
		_, d, _ = strings.Cut(d, ".")
	}
	brand, _, _ := strings.Cut(registrable, ".")
	_, ok := s[brand+".*"]
	return ok
}

var strictIDNA = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// asciiDomain gives a domain in lower case and ASCII ("xn--..."), without a
// dot at its end; false where it is none. A single label is a domain here.
func asciiDomain(s string) (string, bool) {
	s = strings.TrimSuffix(s, ".")
	plain := len(s) > 0 && len(s) <= 253
	label := 0 // length of the label being read
	for i := 0; plain && i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			label++
		case c == '-':
			plain = label > 0 && i+1 < len(s) && s[i+1] != '.' && !strings.HasPrefix(s[i+1:], "-")
			label++
		case c == '.':
			plain = label > 0
			label = 0
		default:
			plain = false
		}
		plain = plain && label <= 63
	}
	if plain {
		return s, true
	}
	s, err := strictIDNA.ToASCII(s)
	return s, err == nil && s != ""
}

// registrableDomain gives the part of a domain that somebody registered
// ("acme.co.uk" of "mail.acme.co.uk"); "" for a public suffix itself, a lone
// label, or an IP address.
func registrableDomain(domain string) string {
	if i := strings.LastIndexByte(domain, '.'); i < 0 || isDigits(domain[i+1:]) {
		return ""
	}
	d, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		return ""
	}
	return d
}

// isAcademic reports whether a domain stands under a suffix that only
// universities and schools get: edu, edu.au, ac.uk, ...
func isAcademic(domain string) bool {
	suffix, icann := publicsuffix.PublicSuffix(domain)
	return icann && (suffix == "edu" || strings.HasPrefix(suffix, "edu.") || strings.HasPrefix(suffix, "ac."))
}

// isListed reports whether a domain ends in a public suffix that exists, or in
// one reserved for examples: "acme.example" is a domain, "Dr.Oetker" a name.
func isListed(domain string) bool {
	suffix, icann := publicsuffix.PublicSuffix(domain)
	return icann || strings.IndexByte(suffix, '.') >= 0 || suffix == "example" || suffix == "test"
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
