package fetch_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/ingest"
	"leadd/ingest/fetch"
	"leadd/lead"
)

// response is what the vendor answers once.
type response struct {
	status int
	header []string // names and values in turn
	body   string
	err    error // no answer at all
}

// asked is a request that the vendor got.
type asked struct {
	at    time.Time
	path  string
	query string
	token string
}

// vendor is a sender's API, as a server or as a transport.
type vendor struct {
	mu     sync.Mutex
	answer func(path, token string, nth int) response // nth request of the path, from 1
	asked  []asked
	counts map[string]int
	header http.Header // of the last request
}

func (v *vendor) respond(r *http.Request) response {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.counts == nil {
		v.counts = map[string]int{}
	}
	v.counts[r.URL.Path]++
	v.header = r.Header
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	v.asked = append(v.asked, asked{time.Now(), r.URL.Path, r.URL.RawQuery, token})
	return v.answer(r.URL.Path, token, v.counts[r.URL.Path])
}

// requests gives those of a path; "": all.
func (v *vendor) requests(path string) (all []asked) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, a := range v.asked {
		if path == "" || a.path == path {
			all = append(all, a)
		}
	}
	return all
}

// RoundTrip answers without a network.
func (v *vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	res := v.respond(r)
	if res.err != nil {
		return nil, res.err
	}
	w := httptest.NewRecorder()
	res.write(w)
	return w.Result(), nil
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) { v.respond(r).write(w) }

func (r response) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	for i := 0; i+1 < len(r.header); i += 2 {
		w.Header().Set(r.header[i], r.header[i+1])
	}
	w.WriteHeader(r.status)
	_, _ = w.Write([]byte(r.body))
}

func testdata(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// kafka is a partition of notices in memory, and what the stage brings back.
type kafka struct {
	mu       sync.Mutex
	changed  chan struct{}
	records  []lead.Record
	contacts []lead.Contact
	dead     []lead.DeadLetter
	most     int           // records of one Fetch; 0: any
	pace     time.Duration // of a Fetch that finds records
	away     int           // so many writes fail
	wait     time.Duration // longest of a Fetch
}

func newKafka() *kafka { return &kafka{changed: make(chan struct{}), wait: 500 * time.Millisecond} }

func (k *kafka) put(t testing.TB, notices ...lead.Notice) {
	t.Helper()
	for i := range notices {
		b, err := lead.Encode(&notices[i])
		if err != nil {
			t.Fatal(err)
		}
		k.putRaw(b)
	}
}

func (k *kafka) putRaw(value []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.records = append(k.records, lead.Record{Offset: int64(len(k.records)), Value: value})
	close(k.changed)
	k.changed = make(chan struct{})
}

func (k *kafka) Offsets(context.Context, string, int) (first, end int64, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return 0, int64(len(k.records)), nil
}

func (k *kafka) Fetch(ctx context.Context, _ string, _ int, from int64) ([]lead.Record, int64, error) {
	wait := time.After(k.wait)
	for {
		k.mu.Lock()
		all, changed := k.records, k.changed
		k.mu.Unlock()
		if from < int64(len(all)) {
			select {
			case <-ctx.Done():
				return nil, 0, ctx.Err()
			case <-time.After(k.pace):
			}
			some := all[from:]
			if k.most > 0 {
				some = some[:min(k.most, len(some))]
			}
			return some, int64(len(all)), nil
		}
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-wait:
			return nil, int64(len(all)), nil
		case <-changed:
		}
	}
}

func (k *kafka) write(do func()) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.away > 0 {
		k.away--
		return fmt.Errorf("broker away")
	}
	do()
	return nil
}

func (k *kafka) Accept(_ context.Context, c *lead.Contact) error {
	return k.write(func() { k.contacts = append(k.contacts, *c) })
}

func (k *kafka) Refuse(_ context.Context, d lead.DeadLetter) error {
	return k.write(func() { k.dead = append(k.dead, d) })
}

// state gives the contacts and dead letters so far.
func (k *kafka) state() ([]lead.Contact, []lead.DeadLetter) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]lead.Contact(nil), k.contacts...), append([]lead.DeadLetter(nil), k.dead...)
}

// claim is the one partition there is; it lives on when a process ends.
type claim struct {
	mu       sync.Mutex
	offset   int64
	metadata string
}

func (c *claim) Partition() int { return 0 }

func (c *claim) Committed() (int64, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset, c.metadata
}

// at gives the offset committed.
func (c *claim) at() int64 {
	offset, _ := c.Committed()
	return offset
}

func (c *claim) Commit(ctx context.Context, offset int64, metadata string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() == nil {
		c.offset, c.metadata = offset, metadata
	}
	return ctx.Err()
}

// bench is a stage over a vendor and a Kafka in memory.
type bench struct {
	*fetch.Stage
	*kafka
	reg *prometheus.Registry
}

func sources() []fetch.Source {
	return []fetch.Source{
		{Name: "ads", Sender: "meta", API: fetch.Config{Token: "meta-token"}},
		{Name: "posts", Sender: "linkedin", API: fetch.Config{Token: " linkedin-token\n", Version: "202610"}},
		{Name: "crm", Sender: "hubspot", API: fetch.Config{Token: "hubspot-token"}, Fields: ingest.FieldMap{"your_spend": "budget"}},
	}
}

func newBench(t testing.TB, k *kafka, transport http.RoundTripper, sources ...fetch.Source) bench {
	t.Helper()
	id, err := ingest.NewIdentity(ingest.IdentityConfig{PhoneRegion: "DE"})
	if err != nil {
		t.Fatal(err)
	}
	b := bench{kafka: k, reg: prometheus.NewRegistry()}
	b.Stage, err = fetch.NewVia(sources, id, k, k, zerolog.Nop(), b.reg, transport)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// start runs a source until the function that it gives is called.
func (b bench) start(t testing.TB, source string, c *claim) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx, source, c) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// value gives a metric's value.
func (b bench) value(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var got []string
			for _, l := range m.GetLabel() {
				got = append(got, l.GetValue())
			}
			if f.GetName() == name && strings.Join(got, " ") == strings.Join(labels, " ") {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

var at = time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)

// metaNotice announces a lead of source ads.
func metaNotice(n int) lead.Notice {
	object := fmt.Sprint(1000 + n)
	return lead.Notice{ID: lead.ContactID("ads", "submission", object), Source: "ads", Sender: "meta", What: "lead", Object: object, At: at, Received: at.Add(time.Second)}
}

// metaLead is the answer for a lead's path.
func metaLead(path string) response {
	return response{status: 200, body: `{"id":"1","field_data":[{"name":"email","values":["p` + path[strings.LastIndexByte(path, '/')+1:] + `@acme.example"]}]}`}
}

// roundTripper does something before each request.
func roundTripper(before func(), v *vendor) http.RoundTripper {
	return transport(func(r *http.Request) (*http.Response, error) {
		before()
		return v.RoundTrip(r)
	})
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }
