package ingest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"leadd/lead"
)

// IdentityConfig says who we are and how to read what people write about
// themselves.
type IdentityConfig struct {
	// OwnDomains are our own mail and web domains ("ours.example"); their
	// subdomains are ours too.
	OwnDomains []string `yaml:"own_domains"`
	// PhoneRegion is the country, as two letters ("DE"), of numbers written
	// without one. Empty: such numbers are kept as written.
	PhoneRegion string `yaml:"phone_region"`
	// FreeMail are domains to treat as free-mail providers', added to the
	// built-in list.
	FreeMail []string `yaml:"free_mail"`
	// PlusTags says whether jane+trial@gmail.com and jane@gmail.com are the
	// same prospect ("strip", the default) or two ("keep"). Where there is a
	// company, they are the same company's in any case. The address itself is
	// kept as it was written.
	PlusTags string `yaml:"plus_tags"`
	// GmailDots says the same of jane.doe@gmail.com and janedoe@gmail.com, which
	// are one mailbox at Google.
	GmailDots string `yaml:"gmail_dots"`
}

// What PlusTags and GmailDots can be.
const (
	Strip = "strip"
	Keep  = "keep"
)

// Identity normalises what identifies people and companies, and tells which
// prospect a contact is about. It is safe for concurrent use.
type Identity struct {
	own      domainSet
	free     domainSet // of the configuration; the built-in ones are freeMailDomains
	region   string
	keepTags bool
	keepDots bool
}

// NewIdentity makes an Identity. The error names every mistake in the
// configuration.
func NewIdentity(cfg IdentityConfig) (*Identity, error) {
	id := &Identity{
		own: domainSet{}, free: domainSet{}, region: strings.ToUpper(strings.TrimSpace(cfg.PhoneRegion)),
		keepTags: cfg.PlusTags == Keep, keepDots: cfg.GmailDots == Keep,
	}
	var errs []error
	add := func(set domainSet, setting string, domains []string) {
		for _, written := range domains {
			domain, ok := asciiDomain(strings.TrimPrefix(strings.TrimSpace(written), "@"))
			if !ok || !strings.Contains(domain, ".") {
				errs = append(errs, fmt.Errorf("%s: %q is no domain; write it like ours.example", setting, written))
				continue
			}
			set[domain] = struct{}{}
		}
	}
	add(id.own, "own_domains", cfg.OwnDomains)
	add(id.free, "free_mail", cfg.FreeMail)
	for _, s := range [...]struct{ setting, value string }{{"plus_tags", cfg.PlusTags}, {"gmail_dots", cfg.GmailDots}} {
		if s.value != "" && s.value != Strip && s.value != Keep {
			errs = append(errs, fmt.Errorf("%s: %q is neither %s nor %s", s.setting, s.value, Strip, Keep))
		}
	}
	if id.region != "" && phonenumbers.GetCountryCodeForRegion(id.region) == 0 {
		errs = append(errs, fmt.Errorf("phone_region: %q is no country; write its two letters, like DE", cfg.PhoneRegion))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return id, nil
}

// Email normalises an address: lower case, domain in ASCII, no display name.
// Of several it takes the first. It returns false where there is none.
func (id *Identity) Email(s string) (string, bool) {
	return cleanAddress(s)
}

// personKey gives what stands for the person behind a normalised address: the
// address without its tag, and at Gmail without dots. Gmail's old name in some
// countries is the same mailbox.
func (id *Identity) personKey(email string) string {
	local, domain, _ := strings.Cut(email, "@")
	if domain == "googlemail.com" {
		domain = "gmail.com"
	}
	if before, _, _ := strings.Cut(local, "+"); before != "" && !id.keepTags {
		local = before
	}
	if domain == "gmail.com" && !id.keepDots {
		local = strings.ReplaceAll(local, ".", "")
	}
	return local + "@" + domain
}

// Phone gives a number in E.164 form ("+4930123456"), "" where it is none or
// lacks its country and no region is configured.
func (id *Identity) Phone(s string) string {
	s = strings.TrimSpace(s)
	if len(s) < 5 || len(s) > 60 {
		return ""
	}
	if rest, ok := strings.CutPrefix(s, "00"); ok {
		s = "+" + rest
	}
	if e164, known := quickPhone(s); known {
		return e164
	}
	n, err := phonenumbers.Parse(s, id.region)
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return ""
	}
	n.Extension = nil
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	if n.GetItalianLeadingZero() {
		// Outside Italy a number of mere zeros is read with one less each time.
		again, err := phonenumbers.Parse(e164, "")
		if err != nil || again.GetNationalNumber() != n.GetNationalNumber() || again.GetNumberOfLeadingZeros() != n.GetNumberOfLeadingZeros() {
			return ""
		}
	}
	return e164
}

// CompanyDomain gives the registrable domain of the company an address
// belongs to; "" for free-mail and throw-away providers, IP addresses and
// hosts without a dot.
func (id *Identity) CompanyDomain(email string) string {
	domain, _ := id.provider(email)
	return domain
}

// provider gives CompanyDomain, and whose address it is where it is no
// company's own; a university's is both.
func (id *Identity) provider(email string) (company string, p lead.Provider) {
	domain, ok := asciiDomain(email[strings.LastIndexByte(email, '@')+1:])
	if !ok {
		return "", ""
	}
	registrable := registrableDomain(domain)
	switch {
	case registrable == "":
		return "", ""
	case disposableDomains().has(domain, registrable):
		return "", lead.ProviderDisposable
	case freeMailDomains().has(domain, registrable), id.free.has(domain, registrable):
		return "", lead.ProviderFree
	case isAcademic(domain):
		return registrable, lead.ProviderAcademic
	}
	return registrable, ""
}

// Own reports whether an address is at one of our own domains.
func (id *Identity) Own(email string) bool {
	domain, ok := asciiDomain(email[strings.LastIndexByte(email, '@')+1:])
	return ok && id.ownDomain(domain)
}

// ownDomain walks up from domain, as our own domain may lie below the
// registrable one.
func (id *Identity) ownDomain(domain string) bool {
	for len(id.own) > 0 && domain != "" {
		if _, ok := id.own[domain]; ok {
			return true
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	return false
}

// siteDomain gives the registrable domain of the company whose website s is:
// an address, a host or a bare domain. "" where it is none, is ours, or is a
// page on a site that everybody uses.
func (id *Identity) siteDomain(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	if i := strings.IndexAny(s, "/?#:"); i >= 0 {
		s = s[:i]
	}
	s = strings.TrimPrefix(s, "www.")
	if strings.IndexByte(s, '.') <= 0 || strings.ContainsAny(s, " \t\r\n@") {
		return ""
	}
	domain, ok := asciiDomain(s)
	if !ok || !isListed(domain) || id.ownDomain(domain) {
		return ""
	}
	registrable := registrableDomain(domain)
	if registrable == "" || sharedHosts().has(domain, registrable) {
		return ""
	}
	return id.CompanyDomain(domain)
}
