package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"leadd/dashboard"
	"leadd/ingest"
	"leadd/ingest/webhook"
)

// handler serves what the roles call for, and always the process's health.
func (d *daemon) handler() (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /readyz", d.readyz)
	mux.Handle("GET /metrics", d.cfg.Auth.Require(promhttp.HandlerFor(d.metrics, promhttp.HandlerOpts{Registry: d.metrics})))
	if d.roles.ingest {
		id, err := ingest.NewIdentity(d.cfg.Identity)
		if err != nil {
			return nil, err
		}
		d.intake = ingest.NewIntake(d.stream, d.metrics)
		forms, err := webhook.New(d.cfg.Webhooks, id, d.intake, d.log, d.metrics)
		if err != nil {
			return nil, err
		}
		front, err := d.cfg.TrustedProxies.Before(forms)
		if err != nil {
			return nil, err
		}
		mux.Handle("/in/", front)
		d.openMailboxes(id)
		if err := d.openFetching(id); err != nil {
			return nil, err
		}
	} else {
		// Not 404: some senders give up for good on that.
		mux.HandleFunc("/in/", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "60")
			http.Error(w, "this process takes no forms: its roles are "+d.roles.String(), http.StatusServiceUnavailable)
		})
	}
	if d.roles.dashboard {
		hint := dashboard.Hint{ConfigFile: d.configFile, Forms: openForms(d.cfg.Webhooks)}
		for _, c := range d.criteria {
			hint.Products = append(hint.Products, c.Name())
		}
		pages, err := dashboard.New(d.db, dashboard.Config{Auth: d.cfg.Auth}, hint, d.log, d.metrics)
		if err != nil {
			return nil, err
		}
		mux.Handle("/", pages.Routes())
	}
	return mux, nil
}

// problems names what keeps this process from doing its work.
func (d *daemon) problems(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	problems := d.stream.Problems(ctx)
	if !d.topicsReady.Load() {
		problems = append(problems, "Kafka: the topics are not there yet")
	}
	if d.scoring != nil {
		problems = append(problems, d.scoring.Problems()...)
	}
	if d.roles.sink || d.roles.dashboard {
		if err := d.pingDatabase(ctx); err != nil {
			problems = append(problems, "ClickHouse does not answer: "+err.Error())
		}
	}
	if d.roles.sink && !d.tablesReady.Load() {
		problems = append(problems, "ClickHouse: the tables are not up to date yet")
	}
	return problems
}

// pingDatabase asks ClickHouse for a sign of life, as long as ctx lasts. The
// question itself is not given up half way: the embedded engine ends when a
// client leaves in the middle of its greeting.
func (d *daemon) pingDatabase(ctx context.Context) error {
	if !d.pinging.TryLock() {
		return errors.New("the last question is still open")
	}
	answer := make(chan error, 1)
	go func() {
		defer d.pinging.Unlock()
		answer <- d.db.Ping(context.WithoutCancel(ctx))
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readyz names what is not ready, one to a line, with 503. Mailboxes and the
// senders' APIs are named too, but do not count: one that cannot be reached
// must not take the web forms out of service.
func (d *daemon) readyz(w http.ResponseWriter, r *http.Request) {
	problems := d.problems(r.Context())
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if len(problems) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprintln(w, strings.Join(problems, "\n"))
	} else {
		_, _ = io.WriteString(w, "ready\n")
	}
	for _, name := range slices.Sorted(maps.Keys(d.mailboxes)) {
		if ok, reason := d.mailboxes[name].Ready(); !ok {
			_, _ = fmt.Fprintf(w, "mailbox %s: %s\n", name, reason)
		}
	}
	if d.fetching == nil {
		return
	}
	for _, name := range d.fetching.Sources() {
		if trouble := d.fetching.Trouble(name); trouble != "" {
			_, _ = fmt.Fprintf(w, "web form %s: %s\n", name, trouble)
		}
	}
}

// Limits of a connection: what a slow or idle client can hold.
const (
	readTimeout     = 10 * time.Second // the headers, and a body unless it comes at the pace that the front doors want
	writeTimeout    = time.Minute
	idleTimeout     = 2 * time.Minute
	maxHeaderBytes  = 64 << 10
	shutdownTimeout = 3 * time.Second // with the stages' 5 s less than the 10 s that a stop may take
)

func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:        h,
		ReadTimeout:    readTimeout,
		WriteTimeout:   writeTimeout,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
	}
}

// serveHTTP serves until ctx ends, then lets the requests under way finish.
func serveHTTP(ctx context.Context, l net.Listener, s *http.Server) error {
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		err := s.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = s.Close()
		}
		stopped <- err
	})
	err := s.Serve(l)
	if stop() {
		return err // it ended by itself
	}
	return <-stopped
}

// openForms names the sources that take what anybody posts, and so a first
// lead from a terminal. What only our programs reach is none of them.
func openForms(sources map[string]webhook.Config) []string {
	forms := slices.Sorted(maps.Keys(sources))
	return slices.DeleteFunc(forms, func(name string) bool { return !sources[name].Open() || sources[name].Events })
}

// greet says how to begin.
func (d *daemon) greet(w io.Writer) {
	base := "http://" + reachable(d.listener.Addr())
	_, _ = fmt.Fprintf(w, "\nleadd is running.\n")
	if d.roles.dashboard {
		_, _ = fmt.Fprintf(w, "  The page:  %s/\n", base)
	}
	if forms := openForms(d.cfg.Webhooks); d.roles.ingest && len(forms) > 0 {
		_, _ = fmt.Fprintf(w, "  A first lead, to paste into another terminal:\n\n%s\n\n", dashboard.SamplePost(base, forms[0]))
	}
	_, _ = fmt.Fprintf(w, "  Ctrl-C stops it; what has arrived is kept in %s.\n\n", d.cfg.Data)
}

// reachable gives an address that this machine can open where the listener is
// bound to all.
func reachable(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
