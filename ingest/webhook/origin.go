package webhook

import (
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// origin is what makes a contact beside the body. A dead letter keeps it as a
// text for people, of which replay reads it back:
//
//	POST /in/website?utm_source=x from 192.0.2.1 ("text/plain") of https://ours.example/contact, contact 0123456789abcdef0123456789abcdef
type origin struct {
	source      string
	campaign    url.Values // of the address
	from        string     // network address
	contentType string
	page        string // with the form, as the browser tells; "": it does not
	contact     string // id that the sender's own makes; "": there is none
}

// maxOrigin is how many bytes of each part a dead letter keeps.
const maxOrigin = 500

func originOf(r *http.Request, src *source) origin {
	o := origin{source: src.name, from: r.RemoteAddr, contentType: r.Header.Get("Content-Type"), contact: src.givenID(r.Header)}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		o.from = host
	}
	if src.preset == nil {
		o.campaign, o.page = campaignOf(r.URL.Query()), r.Referer()
	}
	return o
}

// String writes what parseOrigin reads.
func (o origin) String() string {
	var b strings.Builder
	b.WriteString("POST " + prefix + o.source)
	if query := o.campaign.Encode(); query != "" && len(query) <= maxOrigin {
		b.WriteString("?" + query)
	}
	b.WriteString(" from " + o.from + " (" + strconv.Quote(o.contentType[:min(len(o.contentType), 100)]) + ")")
	if page, err := url.Parse(o.page); err == nil && o.page != "" && len(page.String()) <= maxOrigin {
		b.WriteString(" of " + page.String())
	}
	if o.contact != "" {
		b.WriteString(", contact " + o.contact)
	}
	return b.String()
}

// parseOrigin reads what String has written; what it cannot read is left out.
func parseOrigin(s string) origin {
	var o origin
	address, rest, _ := strings.Cut(s, " from ")
	path, posted := strings.CutPrefix(address, "POST "+prefix)
	if !posted {
		return o
	}
	var query string
	o.source, query, _ = strings.Cut(path, "?")
	o.campaign, _ = url.ParseQuery(query)
	o.from, rest, _ = strings.Cut(rest, " (")
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return o
	}
	o.contentType, _ = strconv.Unquote(quoted)
	rest, o.contact, _ = strings.Cut(rest[len(quoted):], ", contact ")
	o.page = strings.TrimPrefix(strings.TrimPrefix(rest, ")"), " of ")
	return o
}
