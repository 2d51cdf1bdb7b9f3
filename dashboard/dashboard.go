package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed static
var static embed.FS

// Dashboard serves the pages and their JSON. It may be used by any number of
// requests at once.
type Dashboard struct {
	store   store
	auth    Auth
	hint    Hint
	log     zerolog.Logger
	seconds *prometheus.HistogramVec
	pages   map[string]*template.Template
	assets  map[string]string // file name -> version by content
}

// New prepares a dashboard that reads from db. db need not answer yet: while
// it does not, visitors get 503 and a calm page. New fails where reg already
// has a dashboard's metrics.
func New(db driver.Conn, cfg Config, hint Hint, log zerolog.Logger, reg prometheus.Registerer) (*Dashboard, error) {
	d := &Dashboard{
		store: store{db},
		auth:  cfg.Auth,
		hint:  hint,
		// The database away is one thing to say, not one for every visitor.
		log: log.Sample(&zerolog.BurstSampler{Burst: 1, Period: 10 * time.Second}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "leadd_dashboard_request_seconds",
			Help:    "Time to answer a request for a page or its JSON, by route and status.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "code"}),
		pages:  make(map[string]*template.Template),
		assets: make(map[string]string),
	}
	if err := reg.Register(d.seconds); err != nil {
		return nil, fmt.Errorf("dashboard metrics: %w", err)
	}
	files, err := static.ReadDir("static")
	if err != nil {
		return nil, fmt.Errorf("dashboard assets: %w", err)
	}
	for _, f := range files {
		b, err := static.ReadFile("static/" + f.Name())
		if err != nil {
			return nil, fmt.Errorf("dashboard assets: %w", err)
		}
		sum := sha256.Sum256(b)
		d.assets[f.Name()] = hex.EncodeToString(sum[:6])
	}
	for _, name := range []string{"funnel", "prospects", "prospect", "dead", "problem"} {
		t, err := template.New("layout.html").Funcs(d.funcs()).ParseFS(templates, "templates/layout.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("dashboard page %s: %w", name, err)
		}
		d.pages[name] = t
	}
	return d, nil
}

// Routes serves the pages under / and the JSON under /api/. Every request
// has to pass the configured Auth first.
func (d *Dashboard) Routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h http.Handler) {
		_, route, _ := strings.Cut(pattern, " ")
		mux.Handle(pattern, promhttp.InstrumentHandlerDuration(d.seconds.MustCurryWith(prometheus.Labels{"route": route}), h))
	}
	handle("GET /{$}", d.page("funnel", "", d.funnelPage))
	handle("GET /prospects", d.page("prospects", "Prospects", d.prospectsPage))
	handle("GET /prospects/{key}", d.page("prospect", "Prospect", d.prospectPage))
	handle("GET /dead", d.page("dead", "Dead letters", d.deadPage))
	handle("GET /api/v1/funnel", d.api(d.funnelJSON))
	handle("GET /api/v1/prospects/{key}", d.api(d.prospectJSON))
	handle("GET /static/{file}", http.HandlerFunc(d.asset))
	handle("GET /api/", d.api(func(*http.Request) (any, error) {
		return nil, fmt.Errorf("ask for /api/v1/funnel or /api/v1/prospects/{key}: %w", errNotFound)
	}))
	handle("GET /", d.page("problem", "", func(*http.Request) (any, error) { return nil, errNotFound }))
	return secure(d.auth.Require(mux))
}

// secure forbids the browser everything the pages do not need: scripts,
// frames, other servers, and copies of people's data on disk.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// badRequest is a visitor's mistake; its message says what to do.
type badRequest struct{ error }

// status gives the HTTP status of an error and what to tell the visitor.
func status(err error) (code int, say string) {
	var bad badRequest
	switch {
	case errors.As(err, &bad):
		return http.StatusBadRequest, bad.Error()
	case errors.Is(err, errNotFound):
		return http.StatusNotFound, err.Error()
	case errors.Is(err, errDatabase):
		return http.StatusServiceUnavailable, errDatabase.Error() + "; contacts keep being accepted: try again in a moment"
	}
	return http.StatusInternalServerError, "something went wrong inside leadd: its log says what"
}

// report logs what is not the visitor's mistake.
func (d *Dashboard) report(r *http.Request, code int, err error) {
	if code >= http.StatusInternalServerError && r.Context().Err() == nil {
		d.log.Error().Err(err).Str("path", r.URL.Path).Int("status", code).Msg("the dashboard could not answer")
	}
}

// frame is what every page's template gets.
type frame struct {
	Title string
	Page  string
	Asked string // the product that the visitor has named, kept in all links
	Body  any
}

// page serves what view returns through the template of that name.
func (d *Dashboard) page(name, title string, view func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := queryContext(r)
		defer cancel()
		asked := r.URL.Query().Get("product")
		body, err := view(r.WithContext(ctx))
		var page bytes.Buffer
		if err == nil {
			if t, ok := body.(interface{ pageTitle() string }); ok {
				title = t.pageTitle()
			}
			err = d.pages[name].Execute(&page, frame{title, name, asked, body})
		}
		code := http.StatusOK
		if err != nil {
			code, _ = status(err)
			d.report(r, code, err)
			page.Reset()
			problem := problemOf(err)
			if validKey(asked) {
				problem.Asked = asked
			}
			if err := d.pages["problem"].Execute(&page, problem); err != nil {
				http.Error(w, "page broken: "+err.Error(), http.StatusInternalServerError)
				return
			}
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		answer(w, code, page.Bytes())
	})
}

// api serves what view returns as JSON.
func (d *Dashboard) api(view func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := queryContext(r)
		defer cancel()
		v, err := view(r.WithContext(ctx))
		var b []byte
		if err == nil {
			b, err = json.Marshal(v)
		}
		if err != nil {
			code, say := status(err)
			d.report(r, code, err)
			writeError(w, code, say)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		answer(w, http.StatusOK, append(b, '\n'))
	})
}

func writeError(w http.ResponseWriter, code int, say string) {
	b, err := json.Marshal(map[string]string{"error": say})
	if err != nil {
		b = []byte(`{}`)
	}
	w.Header().Set("Content-Type", "application/json")
	answer(w, code, append(b, '\n'))
}

func answer(w http.ResponseWriter, code int, body []byte) {
	if code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	w.WriteHeader(code)
	_, _ = w.Write(body) // an error here is a visitor who has left
}

// asset serves a file of static/. A page asks for it with its version, so
// that a browser keeps it for good and a new version is seen at once.
func (d *Dashboard) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	version, ok := d.assets[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", `"`+version+`"`)
	w.Header().Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == version {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeFileFS(w, r, fs.FS(static), "static/"+name)
}

func (d *Dashboard) assetPath(name string) string {
	return "/static/" + name + "?v=" + d.assets[name]
}
