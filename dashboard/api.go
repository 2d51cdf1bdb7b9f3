package dashboard

import "net/http"

// funnelJSON answers GET /api/v1/funnel?from=&to=&by=. Without from and to it
// counts all time.
func (d *Dashboard) funnelJSON(r *http.Request) (any, error) {
	q := r.URL.Query()
	if err := onlyKnown(q, "from", "to", "by"); err != nil {
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
	funnel, _, err := d.store.funnel(r.Context(), period, by, "")
	return funnel, err
}

// prospectJSON answers GET /api/v1/prospects/{key}.
func (d *Dashboard) prospectJSON(r *http.Request) (any, error) {
	return d.prospect(r)
}
