package dashboard

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"leadd/lead"
)

const (
	listPage = 50 // prospects or dead letters on a page
	maxPage  = 10000
)

func (d *Dashboard) funcs() template.FuncMap {
	return template.FuncMap{
		"samplePost": SamplePost, "readable": readable, "withProduct": withProduct, "capital": capital, "fallWords": fallWords,
		"asset": d.assetPath, "number": number, "points": points, "score": score, "percent": percent, "duration": duration,
		"plural": plural, "date": date, "dateTime": dateTime, "isoTime": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"stageWord": stageWord, "stagePlural": stagePlural, "stageClass": stageClass, "spoken": spoken, "title": title,
		"snippet": snippet, "prospectPath": prospectPath, "classWord": classWord, "bucketWords": bucketWords, "marked": marked,
	}
}

// prospectPath is the address of a prospect's page. A key may hold any
// character; product is what the visitor asks about, or "".
func prospectPath(key, product string) string {
	return withProduct("/prospects/"+url.PathEscape(key), product)
}

// withProduct keeps the product that a visitor asks about in a link.
func withProduct(base, product string) string {
	switch {
	case product == "":
		return base
	case strings.Contains(base, "?"):
		return base + "&product=" + url.QueryEscape(product)
	}
	return base + "?product=" + url.QueryEscape(product)
}

// classWord names what is not an inquiry; it is "" where there is nothing to add.
func classWord(c lead.Class) string {
	if c == lead.ClassInquiry || c == "" {
		return ""
	}
	return spoken(string(c))
}

type link struct {
	Label, URL string
	Current    bool
}

// picked is the product and period a page shows, and the ways to another one.
type picked struct {
	Product  string
	Asked    string // the product where the visitor has named one, for links
	Products []link // to the same page for another; none where there is no choice
	Period   Period
	Words    string
	Presets  []link
	From, To string // the form's values
	Own      bool   // a period of the visitor's own
	query    url.Values
}

func (d *Dashboard) pick(r *http.Request, now time.Time) (picked, error) {
	q := r.URL.Query()
	period, name, err := pagePeriod(q, now)
	if err != nil {
		return picked{}, badRequest{err}
	}
	product, err := d.product(q)
	if err != nil {
		return picked{}, err
	}
	p := picked{Product: product, Asked: q.Get("product"), Period: period, Words: period.words(), Own: name == "", query: url.Values{}}
	if p.Asked != "" {
		p.query.Set("product", p.Asked)
	}
	if p.Own {
		for _, end := range []string{"from", "to"} {
			if v := q.Get(end); v != "" {
				p.query.Set(end, v)
			}
		}
	} else if name != defaultPreset {
		p.query.Set("period", name)
	}
	if !period.From.IsZero() {
		p.From = period.From.Format(time.DateOnly)
	}
	if !period.To.IsZero() {
		p.To = period.To.Add(-time.Millisecond).Format(time.DateOnly)
	}
	for _, ps := range presets() {
		p.Presets = append(p.Presets, link{ps.Label, path("/", url.Values{}, "product", p.Asked, "period", ps.Name), ps.Name == name})
	}
	return p, nil
}

// path adds name-value pairs to a query; empty values are left out.
func path(base string, q url.Values, pairs ...string) string {
	all := url.Values{}
	for k, v := range q {
		all[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		all.Del(pairs[i])
		if pairs[i+1] != "" {
			all.Set(pairs[i], pairs[i+1])
		}
	}
	if len(all) == 0 {
		return base
	}
	return base + "?" + all.Encode()
}

// paging is where in a long list a page stands.
type paging struct {
	First, Last, Total uint64
	Newer, Older       string // addresses; "" at the ends
}

func pageNumber(q url.Values) (int, error) {
	s := q.Get("page")
	if s == "" {
		return 1, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxPage {
		return 0, badRequest{fmt.Errorf("page=%s is not understood: use a number from 1 to %d", quote(s), maxPage)}
	}
	return n, nil
}

// newPaging places a page of shown rows out of total; base is the list's
// address without its page.
func newPaging(base string, page, shown int, total uint64) paging {
	p := paging{Total: total}
	if shown > 0 {
		p.First = uint64((page-1)*listPage + 1)
		p.Last = p.First + uint64(shown) - 1
	}
	at := func(n int) string {
		if strings.Contains(base, "?") {
			return base + "&page=" + strconv.Itoa(n)
		}
		return base + "?page=" + strconv.Itoa(n)
	}
	if page > 1 {
		p.Newer = at(page - 1)
	}
	if shown > 0 && p.Last < total && page < maxPage {
		p.Older = at(page + 1)
	}
	return p
}

// problem is the page shown where there is nothing to show.
type problem struct{ Heading, Say string }

func problemOf(err error) frame {
	code, say := status(err)
	p := problem{Heading: "Something went wrong", Say: say + "."}
	switch code {
	case http.StatusBadRequest:
		p.Heading = "That was not understood"
	case http.StatusNotFound:
		p.Heading, p.Say = "Nothing here", "There is no such page or prospect. It may be spelled differently."
	case http.StatusServiceUnavailable:
		p.Heading, p.Say = "The database is not answering", "Contacts keep being accepted and nothing is lost. Try again in a moment."
	}
	return frame{Title: p.Heading, Page: "problem", Body: p}
}
