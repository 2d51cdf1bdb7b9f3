package fetch

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/segmentio/encoding/json"

	"leadd/ingest"
)

const (
	requestTimeout = 20 * time.Second // of one request, until its answer is read
	maxAnswer      = 1 << 20          // bytes of an answer, unpacked
)

// client asks one source's API.
type client struct {
	api     api
	cfg     Config
	fields  ingest.FieldMap // the source's own
	http    *http.Client
	gate    *gate
	metrics *sourceMetrics
}

// newHTTP makes the connections that all sources share. Redirects are not
// followed: they could carry the token elsewhere.
func newHTTP(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: transport, Timeout: requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// get asks for a path below the API's address and reads the JSON answered
// into v. It waits at the source's gate. The error is a *failure, or the
// context's.
func (c *client) get(ctx context.Context, path string, query string, v any) error {
	era, err := c.gate.enter(ctx)
	if err != nil {
		return err
	}
	told := false // the gate how it ended; not where ctx ends, or what reads the answer panics
	defer func() {
		if !told {
			c.gate.giveBack(era)
		}
	}()
	began := time.Now()
	header, f := c.ask(ctx, strings.TrimSuffix(c.cfg.URL, "/")+path+"?"+query, v)
	if ctx.Err() != nil && f != nil {
		return ctx.Err()
	}
	c.metrics.seconds.Observe(time.Since(began).Seconds())
	if f != nil {
		c.metrics.requests(f.verdict).Inc()
		told = true
		c.gate.leave(era, f, 0)
		return f
	}
	c.metrics.requests(fetched).Inc()
	rest := time.Duration(0)
	if c.api.rest != nil {
		rest = min(c.api.rest(header), longestRest)
	}
	told = true
	c.gate.leave(era, nil, rest)
	return nil
}

func (c *client) ask(ctx context.Context, address string, v any) (http.Header, *failure) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &failure{gone, "the id in the notice cannot be asked for", 0}
	}
	r.Header.Set("Authorization", "Bearer "+c.cfg.Token)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "leadd")
	if c.api.header != nil {
		c.api.header(r.Header, c.cfg.Version)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, &failure{failed, "the API does not answer: " + why(err), 0}
	}
	defer func() { _ = res.Body.Close() }() // it was read
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, &failure{failed, "the API's answer broke off: " + why(err), 0}
	case len(body) > maxAnswer:
		return nil, &failure{gone, "the API's answer has more than 1 MiB", 0}
	}
	isJSON := ingest.CheckJSON(body) == nil
	if isJSON && c.api.judge != nil {
		if f := c.api.judge(res.StatusCode, res.Header, body); f != nil {
			return nil, f
		}
	}
	switch {
	case res.StatusCode != http.StatusOK:
		return nil, byStatus(res.StatusCode, res.Header)
	case !isJSON:
		return nil, &failure{failed, "the API's answer is no JSON", 0}
	case json.Unmarshal(body, v) != nil:
		return nil, &failure{gone, "the API's answer is not what its documentation says; a newer version of leadd may read it, then replay", 0}
	}
	return res.Header, nil
}

// why leaves the address out of an error: it holds ids.
func why(err error) string {
	if u, ok := err.(*url.Error); ok { //nolint:errorlint // http.Client gives it unwrapped
		err = u.Err
	}
	return err.Error()
}
