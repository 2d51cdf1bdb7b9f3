package dashboard

import (
	"net/http"
	"time"
)

// funnelJSON answers GET /api/v1/funnel?from=&to=&by=&product=. Without from
// and to it counts all time, without product for the first product.
func (d *Dashboard) funnelJSON(r *http.Request) (any, error) {
	q := r.URL.Query()
	if err := onlyKnown(q, "from", "to", "by", "product"); err != nil {
		return nil, badRequest{err}
	}
	period, err := parsePeriod(q)
	if err != nil {
		return nil, badRequest{err}
	}
	by, err := parseBy(q)
	if err != nil {
		return nil, badRequest{err}
	}
	product, err := d.product(q)
	if err != nil {
		return nil, err
	}
	funnel, _, err := d.store.funnel(r.Context(), product, time.Now(), period, by, "")
	return funnel, err
}

// prospectJSON answers GET /api/v1/prospects/{key}?product=&at=. Without at
// it speaks of now.
func (d *Dashboard) prospectJSON(r *http.Request) (any, error) {
	if err := onlyKnown(r.URL.Query(), "product", "at"); err != nil {
		return nil, badRequest{err}
	}
	return d.prospect(r)
}
