package webhook_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/ingest"
	"leadd/ingest/webhook"
	"leadd/lead"
)

// acceptor keeps in memory what it is given; with err set, it takes nothing.
type acceptor struct {
	mu       sync.Mutex
	err      error
	contacts []lead.Contact
	dead     []lead.DeadLetter
	notices  []lead.Notice
	ctxErr   error // of the context given last
	deadline bool  // whether that has an end
}

func (a *acceptor) Accept(ctx context.Context, c *lead.Contact) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, a.deadline = ctx.Deadline()
	a.ctxErr = ctx.Err()
	if a.err == nil {
		a.contacts = append(a.contacts, *c)
	}
	return a.err
}

func (a *acceptor) Refuse(_ context.Context, d lead.DeadLetter) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil {
		a.dead = append(a.dead, d)
	}
	return a.err
}

func (a *acceptor) Announce(_ context.Context, notices []lead.Notice) error {
	if a.err == nil {
		a.notices = append(a.notices, notices...)
	}
	return a.err
}

type door struct {
	*webhook.Handler
	*acceptor
	reg *prometheus.Registry
	log *bytes.Buffer
}

func newDoor(t testing.TB) door {
	t.Helper()
	id, err := ingest.NewIdentity(ingest.IdentityConfig{PhoneRegion: "DE"})
	if err != nil {
		t.Fatal(err)
	}
	d := door{acceptor: &acceptor{}, reg: prometheus.NewRegistry(), log: &bytes.Buffer{}}
	d.Handler, err = webhook.New(map[string]webhook.Config{
		"website":  {},
		"redirect": {Redirect: "https://ours.example/thanks", Honeypot: "hp"},
		"small":    {MaxBody: 100},
		"mapped":   {Fields: ingest.FieldMap{"x": "email", "email": "-"}},
		"crm":      {Events: true},
	}, id, d.acceptor, zerolog.New(zerolog.SyncWriter(d.log)), d.reg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// post sends a body; headers are names and values in turn.
func (d door) post(path, body string, headers ...string) *httptest.ResponseRecorder {
	return d.send(http.MethodPost, path, body, headers...)
}

func (d door) send(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

// counted gives a counter's value.
func (d door) counted(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	families, err := d.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var got []string
			for _, l := range m.GetLabel() {
				got = append(got, l.GetValue())
			}
			if f.GetName() == name && cmp.Equal(got, labels) {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func testdata(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const (
	formType  = "application/x-www-form-urlencoded"
	multiType = "multipart/form-data; boundary=XyZ"
	html      = "text/html,application/xhtml+xml,*/*;q=0.8"
)

func TestPosts(t *testing.T) {
	ada := lead.Person{Name: "Ada Lovelace", Email: "ada@acme.example"}
	acme := lead.Company{Domain: "acme.example"}
	flat := lead.Contact{
		Kind: lead.KindForm, Prospect: "acme.example", Person: ada,
		Company: lead.Company{Name: "Acme", Domain: "acme.example"}, Text: "We need 200 licences by June.",
		Fields: []lead.Field{
			{Name: "name", Key: "name", Value: "Ada Lovelace"}, {Name: "email", Key: "email", Value: "Ada@acme.example"},
			{Name: "company", Key: "company", Value: "Acme"}, {Name: "budget", Key: "budget", Value: "50000"},
			{Name: "message", Key: "message", Value: "We need 200 licences by June."},
		},
	}
	form := lead.Contact{
		Kind: lead.KindForm, Prospect: "acme.example", Person: ada, Company: acme, Text: "100% sure\r\nTwo lines",
		Fields: []lead.Field{
			{Name: "name", Key: "name", Value: "Ada Lovelace"}, {Name: "your-email", Key: "email", Value: "Ada@acme.example"},
			{Name: "interest[]", Key: "product", Value: "Pumps, Valves"}, {Name: "message", Key: "message", Value: "100% sure\r\nTwo lines"},
		},
	}
	multi := lead.Contact{
		Kind: lead.KindForm, Prospect: "acme.example", Person: lead.Person{Email: "ada@acme.example"}, Company: acme, Text: "Grüße",
		Fields:      []lead.Field{{Name: "email", Key: "email", Value: "ada@acme.example"}, {Name: "message", Key: "message", Value: "Grüße"}},
		Attachments: []string{"brief.pdf"},
	}
	for name, tc := range map[string]struct {
		file, contentType string
		want              lead.Contact
	}{
		"json":                     {"flat.json", "application/json", flat},
		"json with a charset":      {"flat.json", "application/json; charset=utf-8", flat},
		"json without a type":      {"flat.json", "", flat},
		"json as text":             {"flat.json", "text/plain;charset=UTF-8", flat},
		"json as a form":           {"flat.json", formType, flat},
		"json with an odd type":    {"flat.json", "application/vnd.hooks+json; v=\"1", flat},
		"json, type half said":     {"flat.json", "json", flat},
		"form":                     {"form.txt", formType, form},
		"form without a type":      {"form.txt", "", form},
		"form with a broken type":  {"form.txt", formType + "; charset", form},
		"multipart":                {"multipart.txt", multiType, multi},
		"multipart, no boundary":   {"multipart.txt", "multipart/form-data", multi},
		"multipart without a type": {"multipart.txt", "", multi},
		"nested json": {"nested.json", "application/json", lead.Contact{
			Kind: lead.KindForm, Prospect: "acme.example", Company: acme, Person: lead.Person{Name: "Ada Lovelace", Email: "ada@acme.example", Title: "CTO"},
			Fields: []lead.Field{
				{Name: "submission_id", Key: "submission_id", Value: "9007199254740993"},
				{Name: "person.first_name", Key: "first_name", Value: "Ada"}, {Name: "person.last_name", Key: "last_name", Value: "Lovelace"},
				{Name: "person.email", Key: "email", Value: "ada@acme.example"}, {Name: "person.title", Key: "title", Value: "CTO"},
				{Name: "What is your budget?", Key: "budget", Value: "50000"}, {Name: "Products", Key: "product", Value: "Pumps, Valves"},
				{Name: "ok", Key: "ok", Value: "true"},
			},
		}},
		"form in Latin 1": {"form-latin1.txt", formType, lead.Contact{
			Kind: lead.KindForm, Prospect: "acme.example", Company: acme, Person: lead.Person{Name: "Jürgen Groß", Email: "j@acme.example"},
			Fields: []lead.Field{{Name: "name", Key: "name", Value: "Jürgen Groß"}, {Name: "email", Key: "email", Value: "j@acme.example"}},
		}},
		"lines": {"lines.txt", "text/plain", lead.Contact{
			Kind: lead.KindForm, Prospect: "acme.example", Company: acme, Person: lead.Person{Email: "ada@acme.example"}, Text: "a=b & c",
			Fields: []lead.Field{{Name: "email", Key: "email", Value: "ada@acme.example"}, {Name: "message", Key: "message", Value: "a=b & c"}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t)
			before := time.Now().Truncate(time.Millisecond)
			w := d.post("/in/website", testdata(t, tc.file), "Content-Type", tc.contentType)
			if w.Code != 200 || len(d.contacts) != 1 {
				t.Fatalf("%d %s, %d contacts", w.Code, w.Body, len(d.contacts))
			}
			got := d.contacts[0]
			if want := fmt.Sprintf(`{"id":%q,"status":"accepted"}`, got.ID); w.Body.String() != want || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("answer %s", w.Body)
			}
			if got.Source != "website" || got.Class != lead.ClassInquiry || len(got.ID) != 32 || got.RepeatAfter != 86400 {
				t.Errorf("%+v", got)
			}
			if got.Received.Before(before) || got.Received.After(time.Now()) || tc.want.At.IsZero() && !got.At.Equal(got.Received) {
				t.Errorf("received %v, at %v", got.Received, got.At)
			}
			ignore := []string{"ID", "Source", "Class", "Received", "RepeatAfter"}
			if tc.want.At.IsZero() {
				ignore = append(ignore, "At")
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreFields(lead.Contact{}, ignore...)); diff != "" {
				t.Error(diff)
			}
			if d.counted(t, "leadd_webhook_accepted_total", "website") != 1 {
				t.Error("not counted")
			}
			if strings.Contains(strings.ToLower(d.log.String()), "acme.example") {
				t.Errorf("the log tells values: %s", d.log)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		method, path, body string
		contentType        string
		status             int
		reason, text       string // text: a part of the error
		kept               bool   // as a dead letter
	}{
		"unknown source":      {"POST", "/in/other", "a=b", formType, 404, "unknown_source", "no source has this name", false},
		"no source":           {"POST", "/in/", "a=b", formType, 404, "unknown_source", "no source has this name", false},
		"below a source":      {"POST", "/in/website/x", "a=b", formType, 404, "unknown_source", "no source has this name", false},
		"get":                 {"GET", "/in/website", "", "", 405, "method", "only POST", false},
		"put":                 {"PUT", "/in/website", "a=b", formType, 405, "method", "only POST", false},
		"too large":           {"POST", "/in/small", "a=" + strings.Repeat("x", 99), formType, 413, "too_large", "more than 100 bytes", false},
		"nothing":             {"POST", "/in/website", "", "", 400, "empty", "the body is empty", false},
		"blanks":              {"POST", "/in/website", " \n", "application/json", 400, "empty", "the body is empty", false},
		"an empty object":     {"POST", "/in/website", "{}", "application/json", 400, "empty", "no field has a value", false},
		"an empty form":       {"POST", "/in/website", "name=&email=+", formType, 400, "empty", "no field has a value", false},
		"only secrets":        {"POST", "/in/website", "_token=x", formType, 400, "empty", "no field has a value", false},
		"broken json":         {"POST", "/in/website", `{"email":"a@b.example"`, "application/json", 400, "not_understood", "no valid JSON", true},
		"json of several":     {"POST", "/in/website", `[{"a":1},{"a":2}]`, "application/json", 400, "not_understood", "an array of 2", true},
		"a lone string":       {"POST", "/in/website", `"hello"`, "application/json", 400, "not_understood", "a lone value", true},
		"deep json":           {"POST", "/in/website", strings.Repeat("[", 5000), "application/json", 400, "not_understood", "nested more than 32 deep", true},
		"no form":             {"POST", "/in/website", "hello", formType, 400, "not_understood", "no form", true},
		"no form, no type":    {"POST", "/in/website", "hello", "", 400, "not_understood", "neither JSON nor a form", true},
		"binary, no type":     {"POST", "/in/website", "\x7fELF\x00=", "", 400, "not_understood", "neither JSON nor a form", true},
		"too many fields":     {"POST", "/in/website", strings.Repeat("a=b&", 1001), formType, 400, "not_understood", "more than 1000 answers", true},
		"multipart cut off":   {"POST", "/in/website", "--XyZ\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb", multiType, 400, "not_understood", "broken or cut off", true},
		"multipart, no parts": {"POST", "/in/website", "hello", multiType, 400, "not_understood", "broken or cut off", true},
		"an image":            {"POST", "/in/website", "\x89PNG\r\n", "image/png", 415, "unsupported", "Content-Type is not understood", true},
		"xml":                 {"POST", "/in/website", "<a>b</a>", "application/xml", 415, "unsupported", "Content-Type is not understood", true},
	} {
		for _, accept := range []string{"*/*", html} {
			t.Run(name+" "+accept[:1], func(t *testing.T) {
				d := newDoor(t)
				w := d.send(tc.method, tc.path, tc.body, "Content-Type", tc.contentType, "Accept", accept)
				if w.Code != tc.status || len(d.contacts) != 0 {
					t.Fatalf("%d %s, %d contacts", w.Code, w.Body, len(d.contacts))
				}
				text := w.Body.String()
				if accept == html && tc.contentType != "application/json" {
					if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || !strings.Contains(text, "<!doctype html>") {
						t.Errorf("a browser gets %s", text)
					}
				} else {
					var answer map[string]string
					if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer) != 1 {
						t.Errorf("%v: %s", err, text)
					}
					text = answer["error"]
				}
				if !strings.Contains(strings.ToLower(text), strings.ToLower(tc.text)) {
					t.Errorf("%q does not say %q", text, tc.text)
				}
				if (len(d.dead) == 1) != tc.kept {
					t.Fatalf("%d dead letters", len(d.dead))
				}
				if tc.kept {
					dl := d.dead[0]
					if string(dl.Raw) != tc.body || dl.Source != "website" || dl.Stage != "ingest" || len(dl.ID) != 32 || dl.At.IsZero() || !strings.Contains(dl.Reason, tc.text) || !strings.Contains(dl.Origin, "192.0.2.1") {
						t.Errorf("%+v", dl)
					}
				}
				source := strings.Split(tc.path, "/")[2]
				if tc.status == 404 {
					source = "unknown"
				}
				if d.counted(t, "leadd_webhook_refused_total", tc.reason, source) != 1 {
					t.Error("not counted")
				}
				if (tc.status == 405) != (w.Header().Get("Allow") == "POST, OPTIONS") {
					t.Errorf("Allow %q", w.Header().Get("Allow"))
				}
				if w.Header().Get("Access-Control-Allow-Origin") != "*" {
					t.Error("a script on another site cannot read the reason")
				}
			})
		}
	}
}

// While Kafka is away nothing is answered with success, be it good or bad.
func TestKafkaAway(t *testing.T) {
	for name, body := range map[string]string{"a good post": `{"email":"ada@acme.example"}`, "a bad post": `{"email":`} {
		d := newDoor(t)
		d.err = errors.New("no broker at 192.0.2.7")
		w := d.post("/in/website", body, "Content-Type", "application/json")
		if w.Code != 503 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "send it again") {
			t.Errorf("%s: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
		if strings.Contains(w.Body.String(), "192.0.2.7") || !strings.Contains(d.log.String(), "no broker") {
			t.Errorf("%s: the cause belongs into the log, not into the answer: %s / %s", name, w.Body, d.log)
		}
		if d.counted(t, "leadd_webhook_refused_total", "unavailable", "website") != 1 || d.counted(t, "leadd_webhook_accepted_total", "website") != 0 {
			t.Errorf("%s: counted wrongly", name)
		}
	}
}

// A visitor who closes the page has still sent the form, and Kafka's absence
// does not hold a request for ever.
func TestAcceptOutlivesTheRequest(t *testing.T) {
	d := newDoor(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequest(http.MethodPost, "/in/website", strings.NewReader("email=ada%40acme.example")).WithContext(ctx)
	d.ServeHTTP(httptest.NewRecorder(), r)
	if len(d.contacts) != 1 || d.ctxErr != nil || !d.deadline {
		t.Errorf("%d contacts, context %v, deadline %v", len(d.contacts), d.ctxErr, d.deadline)
	}
}

func TestSameDeliverySameAnswer(t *testing.T) {
	const ada = "email=ada%40acme.example&message=Hello"
	post := func(path, body string, headers ...string) string {
		d := newDoor(t)
		w := d.post(path, body, append(headers, "Content-Type", formType)...)
		if w.Code != 200 || len(d.contacts) != 1 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if keyed := len(headers) > 0; keyed != (d.contacts[0].RepeatAfter == 0) {
			t.Errorf("%v: repeat after %d", headers, d.contacts[0].RepeatAfter)
		}
		return w.Body.String()
	}
	first := post("/in/website", ada)
	for name, again := range map[string]string{
		"the same":         post("/in/website", ada),
		"another order":    post("/in/website", "message=Hello&email=ada%40acme.example"),
		"escaped in full":  post("/in/website", "email=%61da%40acme.example&message=Hello"),
		"a new form token": post("/in/website", ada+"&csrf_token=4711"),
	} {
		if again != first {
			t.Errorf("%s: %s, then %s", name, first, again)
		}
	}
	keyed := post("/in/website", ada, "Idempotency-Key", "k1")
	for name, other := range map[string]string{
		"another text":   post("/in/website", ada+"!"),
		"another source": post("/in/small", ada),
		"one more field": post("/in/website", ada+"&x=y"),
		"a key":          keyed,
		"another key":    post("/in/website", ada, "Idempotency-Key", "k2"),
	} {
		if other == first || name == "another key" && other == keyed {
			t.Errorf("%s: the same answer %s", name, other)
		}
	}
	for name, again := range map[string]string{
		"other content":        post("/in/website", "email=bob%40acme.example", "Idempotency-Key", "k1"),
		"the same, by webhook": post("/in/website", ada, "webhook-id", "k1"),
	} {
		if again != keyed {
			t.Errorf("%s under the same key: %s, then %s", name, keyed, again)
		}
	}
}

func TestBrowser(t *testing.T) {
	d := newDoor(t)
	w := d.post("/in/website", "email=ada%40acme.example", "Content-Type", formType, "Accept", html, "Referer", `https://ours.example/contact?a="b`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "Thank you") || !strings.Contains(w.Body.String(), `href="https://ours.example/contact?a=%22b"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("policy %q", csp)
	}
	w = d.post("/in/website", "email=ada%40acme.example", "Content-Type", formType, "Accept", html, "Referer", `javascript:alert(1)`)
	if strings.Contains(w.Body.String(), "javascript") {
		t.Error(w.Body)
	}
	w = d.post("/in/redirect", "email=ada%40acme.example", "Content-Type", formType, "Accept", html)
	if w.Code != 303 || w.Header().Get("Location") != "https://ours.example/thanks" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	w = d.post("/in/redirect", "email=ada%40acme.example", "Content-Type", formType, "Accept", "*/*")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "accepted") {
		t.Errorf("a script gets %d %s", w.Code, w.Body)
	}
	if len(d.contacts) != 4 {
		t.Errorf("%d contacts", len(d.contacts))
	}
}

func TestHoneypot(t *testing.T) {
	d := newDoor(t)
	person := d.post("/in/website", "email=ada%40acme.example&_gotcha=", "Content-Type", formType)
	robot := d.post("/in/website", "email=ada%40acme.example&_gotcha=x", "Content-Type", formType)
	if robot.Code != 200 || robot.Body.Len() != person.Body.Len() || !cmp.Equal(person.Header(), robot.Header()) {
		t.Errorf("a robot can tell: %d %s", robot.Code, robot.Body)
	}
	if w := d.post("/in/redirect", "email=ada%40acme.example&hp=x", "Content-Type", formType, "Accept", html); w.Code != 303 {
		t.Errorf("a robot can tell: %d", w.Code)
	}
	if len(d.contacts) != 1 || d.counted(t, "leadd_webhook_refused_total", "honeypot", "website") != 1 || d.counted(t, "leadd_webhook_accepted_total", "website") != 1 {
		t.Errorf("%d contacts", len(d.contacts))
	}
}

func TestFieldMap(t *testing.T) {
	d := newDoor(t)
	d.post("/in/mapped", "email=hidden%40x.example&x=ada%40acme.example", "Content-Type", formType)
	if len(d.contacts) != 1 || d.contacts[0].Person.Email != "ada@acme.example" || len(d.contacts[0].Fields) != 1 {
		t.Errorf("%+v", d.contacts)
	}
}

func TestPreflight(t *testing.T) {
	d := newDoor(t)
	w := d.send(http.MethodOptions, "/in/website", "", "Origin", "https://ours.example", "Access-Control-Request-Method", "POST")
	if w.Code != 204 || w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Access-Control-Allow-Methods") != "POST" || !strings.Contains(w.Header().Get("Access-Control-Allow-Headers"), "Content-Type") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := d.send(http.MethodOptions, "/in/other", ""); w.Code != 404 {
		t.Errorf("unknown source: %d", w.Code)
	}
}

func TestGzip(t *testing.T) {
	pack := func(s string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, s)
		_ = z.Close()
		return b.String()
	}
	for name, tc := range map[string]struct {
		body, encoding string
		status         int
	}{
		"packed":         {pack("email=ada%40acme.example"), "gzip", 200},
		"a bomb":         {pack("email=" + strings.Repeat("x", 1<<20)), "gzip", 413},
		"not packed":     {"email=ada%40acme.example", "gzip", 400},
		"cut off":        {pack("email=ada%40acme.example")[:20], "gzip", 400},
		"another way":    {"x", "br", 415},
		"said not to be": {"email=ada%40acme.example", "identity", 200},
	} {
		d := newDoor(t)
		w := d.post("/in/website", tc.body, "Content-Type", formType, "Content-Encoding", tc.encoding)
		if w.Code != tc.status || (len(d.contacts) == 1) != (tc.status == 200) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// Over a real connection: a body longer than the limit whose length is not
// announced.
func TestChunkedBodyOverTheLimit(t *testing.T) {
	d := newDoor(t)
	server := httptest.NewServer(d)
	defer server.Close()
	resp, err := http.Post(server.URL+"/in/small", formType, io.MultiReader(strings.NewReader("a="), strings.NewReader(strings.Repeat("x", 5000))))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != 413 {
		t.Error(resp.Status)
	}
}

func TestRefusalsAreLoggedSparingly(t *testing.T) {
	d := newDoor(t)
	for range 1000 {
		d.post("/in/website", "{", "Content-Type", "application/json")
	}
	if lines := strings.Count(d.log.String(), "\n"); lines == 0 || lines > 20 {
		t.Errorf("%d lines", lines)
	}
}

// Whatever comes in, the answer is one of the known ones, and success means a
// contact that Kafka can carry.
func FuzzHandler(f *testing.F) {
	for name, contentType := range map[string]string{
		"flat.json": "application/json", "nested.json": "", "event.json": "text/plain", "form.txt": formType,
		"form-latin1.txt": formType + "; charset=iso-8859-1", "multipart.txt": multiType, "lines.txt": "text/plain",
	} {
		f.Add(contentType, []byte(testdata(f, name)))
	}
	f.Add("multipart/form-data; boundary=\"", []byte("--\r\n\r\n--"))
	f.Add("application/json; charset=utf-16", []byte("{\x00}\x00"))
	d := presetDoor(f, map[string]webhook.Config{"website": {Rate: 1e9, AddressRate: 1e9}})
	robots := func(t *testing.T) float64 { return d.counted(t, "leadd_webhook_refused_total", "honeypot", "website") }
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		d.contacts, d.dead = nil, nil
		d.log.Reset()
		r := httptest.NewRequest(http.MethodPost, "/in/website", bytes.NewReader(body))
		r.Header["Content-Type"] = []string{contentType}
		w := httptest.NewRecorder()
		before := robots(t)
		d.ServeHTTP(w, r)
		switch w.Code {
		case 200:
			robot := robots(t) > before
			if (len(d.contacts) == 1) == robot {
				t.Fatalf("%d contacts, robot %v", len(d.contacts), robot)
			}
			for i := range d.contacts {
				c := &d.contacts[i]
				b, err := lead.Encode(c)
				if err != nil {
					t.Fatal(err)
				}
				var back lead.Contact
				if err := lead.Decode(b, &back); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(*c, back, cmpopts.EquateEmpty()); diff != "" {
					t.Error(diff)
				}
				if c.ID == "" || c.Prospect == "" {
					t.Errorf("%+v", c)
				}
			}
		case 400, 413, 415, 429: // 429: more that cannot be read than is kept
			if len(d.contacts) != 0 {
				t.Error("refused and accepted")
			}
		default:
			t.Errorf("answer %d %s", w.Code, w.Body)
		}
	})
}

// sinkhole is a Kafka that has everything at once.
type sinkhole struct{}

func (sinkhole) Publish(context.Context, string, []byte, []byte) error { return nil }

type blackHole struct{ header http.Header }

func (b blackHole) Header() http.Header         { return b.header }
func (b blackHole) Write(p []byte) (int, error) { return len(p), nil }
func (b blackHole) WriteHeader(int)             {}

func BenchmarkHandler(b *testing.B) {
	id, err := ingest.NewIdentity(ingest.IdentityConfig{PhoneRegion: "DE"})
	if err != nil {
		b.Fatal(err)
	}
	h, err := webhook.New(map[string]webhook.Config{"website": {Rate: 1e9, AddressRate: 1e9}}, id, ingest.NewIntake(sinkhole{}, prometheus.NewRegistry()),
		zerolog.New(io.Discard).Level(zerolog.InfoLevel), prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct{ name, contentType, body string }{
		{"json", "application/json", testdata(b, "flat.json")},
		{"long", "application/json", `{"submission_id":"7f9c2ba4-e88f-4d3a-000000000017","name":"Ada Lovelace","email":"ada@company5.example",` +
			`"company":"Company 5","job_title":"Head of Operations","phone":"+49 30 2000005","budget":"6,000 USD","timeline":"within 3 months",` +
			`"message":"Hello, we are looking for a replacement of our present system for about 200 people in two plants, and would like to see ` +
			`yours. Could somebody call us next week? We have to decide before summer.",` +
			`"utm_source":"newsletter","utm_campaign":"spring","landing_page":"https://ours.example/pricing"}`},
		{"json+phone", "application/json", `{"phone":"+49 30 123456",` + testdata(b, "flat.json")[1:]},
		{"form", formType, testdata(b, "form.txt")},
		{"multipart", multiType, testdata(b, "multipart.txt")},
	} {
		b.Run(bench.name, func(b *testing.B) {
			body := strings.NewReader(bench.body)
			r := httptest.NewRequest(http.MethodPost, "/in/website", body)
			r.Header.Set("Content-Type", bench.contentType)
			w := blackHole{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(bench.body)
				h.ServeHTTP(w, r)
			}
		})
	}
}

// TestEventsOnlyWhereTheyAreAllowed: a stranger's post to an open form makes
// nobody a customer.
func TestEventsOnlyWhereTheyAreAllowed(t *testing.T) {
	for path, want := range map[string]lead.Contact{
		"/in/website": {Kind: lead.KindForm},
		"/in/crm":     {Kind: lead.KindEvent, Event: "contract_out"},
	} {
		d := newDoor(t)
		if w := d.post(path, testdata(t, "event.json"), "Content-Type", "application/json"); w.Code != 200 || len(d.contacts) != 1 {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		got := d.contacts[0]
		if got.Kind != want.Kind || got.Event != want.Event || got.Person.Email != "ada@acme.example" ||
			!got.At.Equal(time.Date(2026, 3, 2, 9, 15, 0, 0, time.UTC)) {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

// TestPresetsThatTakeNoEvents: a form plugin's JSON is a form, also where it
// names an event; signed by one's own program it is one.
func TestPresetsThatTakeNoEvents(t *testing.T) {
	id, err := ingest.NewIdentity(ingest.IdentityConfig{})
	if err != nil {
		t.Fatal(err)
	}
	d := door{acceptor: &acceptor{}, reg: prometheus.NewRegistry()}
	d.Handler, err = webhook.New(map[string]webhook.Config{
		"plugin": {Preset: "contact-form-7", Unsigned: true},
		"secret": {Preset: "contact-form-7", Secret: "s3cret"},
		"signed": {Preset: "hmac", Scheme: "hex", Secret: "s3cret"},
	}, id, d.acceptor, zerolog.Nop(), d.reg)
	if err != nil {
		t.Fatal(err)
	}
	body := testdata(t, "event.json")
	mac := hmac.New(sha256.New, []byte("s3cret"))
	mac.Write([]byte(body))
	for path, want := range map[string]lead.Kind{
		"/in/plugin": lead.KindForm, "/in/secret?secret=s3cret": lead.KindForm, "/in/signed": lead.KindEvent,
	} {
		d.contacts = nil
		w := d.post(path, body, "Content-Type", "application/json", "X-Signature", hex.EncodeToString(mac.Sum(nil)))
		if w.Code != 200 || len(d.contacts) != 1 || d.contacts[0].Kind != want {
			t.Errorf("%s: %d %s, %+v", path, w.Code, w.Body, d.contacts)
		}
	}
}

// TestEventAboutNobody: it is no contact, as it would make a customer of no
// one, and is kept with what is wrong.
func TestEventAboutNobody(t *testing.T) {
	d := newDoor(t)
	for body, code := range map[string]int{
		`{"event": "signed"}`:                                                400,
		`{"event": "signed", "person": {"name": "Ada"}}`:                     400,
		`{"event": "signed", "person": {"phone": "+49 30 901820"}}`:          200,
		`{"event": "signed", "person": {"email": "ada@acme.example"}}`:       200,
		`{"event": "signed", "company": {"domain": "acme.example"}}`:         200,
		`{"event": "form_submitted", "message": "nobody, but not an event"}`: 200,
	} {
		d.contacts, d.dead = nil, nil
		w := d.post("/in/crm", body, "Content-Type", "application/json")
		if w.Code != code || (len(d.contacts) == 1) != (code == 200) || (len(d.dead) == 1) != (code == 400) {
			t.Errorf("%s: %d %s, %d contacts, %d dead letters", body, w.Code, w.Body, len(d.contacts), len(d.dead))
		}
		if code == 400 && !strings.Contains(w.Body.String(), "about nobody; say whom") {
			t.Errorf("%s: %s", body, w.Body)
		}
		_, err := d.ImportJSON("website", []byte(body), time.Now())
		if (err == nil) != (code == 200) {
			t.Errorf("import of %s: %v", body, err)
		}
	}
}

// TestWhatIsNotEscapedRight: bytes that are no UTF-8 and a plus that should
// have been %2B.
func TestWhatIsNotEscapedRight(t *testing.T) {
	for body, want := range map[string]lead.Person{
		"name=J%FCrgen&email=j@acme.example":             {Name: "Jürgen", Email: "j@acme.example"},
		"name=J\xfcrgen&email=j@acme.example":            {Name: "Jürgen", Email: "j@acme.example"},
		"email=Some.One+tag@gmail.com":                   {Email: "some.one+tag@gmail.com"},
		"email=ada@acme.example&phone=+49 30 1234567":    {Email: "ada@acme.example", Phone: "+49301234567"},
		"email=ada@acme.example&phone=+49+30+1234567":    {Email: "ada@acme.example", Phone: "+49301234567"},
		"email=ada@acme.example&name=Ada+King+Lovelace":  {Email: "ada@acme.example", Name: "Ada King Lovelace"},
		"email=ada%2Bx@acme.example&phone=%2B4930123456": {Email: "ada+x@acme.example", Phone: "+4930123456"},
	} {
		d := newDoor(t)
		if w := d.post("/in/website", body, "Content-Type", formType); w.Code != 200 || len(d.contacts) != 1 {
			t.Fatalf("%s: %d %s", body, w.Code, w.Body)
		}
		if got := d.contacts[0].Person; got != want {
			t.Errorf("%s: %+v, want %+v", body, got, want)
		}
	}
}

// TestCampaignInTheAddress: the query says what the form does not.
func TestCampaignInTheAddress(t *testing.T) {
	d := newDoor(t)
	w := d.post("/in/website?utm_source=google&utm_campaign=spring&secret=x", "email=ada@acme.example&utm_campaign=summer", "Content-Type", formType)
	if w.Code != 200 || len(d.contacts) != 1 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got := d.contacts[0]; got.Campaign != (lead.Campaign{Source: "google", Name: "summer"}) || len(got.Fields) != 3 {
		t.Errorf("%+v", got)
	}
}

// TestWhereAVisitorCameFrom: the form's own fields first, then the address, then
// the page with the form, as the browser tells.
func TestWhereAVisitorCameFrom(t *testing.T) {
	const page = "https://ours.example/contact?utm_source=mail&utm_medium=email"
	for what, tc := range map[string]struct {
		path, body, referer string
		want                lead.Campaign
	}{
		"fields": {
			"/in/website", "email=a@b.example&utm_source=google&landing_page=https%3A%2F%2Fours.example%2Fprices%3Futm_term%3Dpumps&referrer=https%3A%2F%2Fsearch.example%2F", page,
			lead.Campaign{Source: "google", Term: "pumps", Landing: "https://ours.example/prices?utm_term=pumps", Referrer: "https://search.example/"},
		},
		"the page with the form":  {"/in/website", "email=a@b.example", page, lead.Campaign{Source: "mail", Medium: "email", Landing: page}},
		"the address goes before": {"/in/website?utm_source=ad", "email=a@b.example", page, lead.Campaign{Source: "ad", Medium: "email", Landing: page}},
		"a page that is none":     {"/in/website", "email=a@b.example", "about:blank", lead.Campaign{}},
	} {
		d := newDoor(t)
		if w := d.post(tc.path, tc.body, "Content-Type", formType, "Referer", tc.referer); w.Code != 200 || len(d.contacts) != 1 {
			t.Fatalf("%s: %d %s", what, w.Code, w.Body)
		}
		if got := d.contacts[0].Campaign; got != tc.want {
			t.Errorf("%s: %+v, want %+v", what, got, tc.want)
		}
	}
}

// A post that was refused and is replayed makes the contact that it would have
// made, so that it counts once though its sender has mended it and sent it
// again.
func TestReplayMakesTheSameContact(t *testing.T) {
	const body = `{"email":"ada@acme.example","message":"We need 200 licences."}`
	for what, tc := range map[string]struct {
		source, query string
		headers       []string
	}{
		"content":           {"website", "", nil},
		"an address":        {"website", "?utm_source=a+b&utm_campaign=%26%22%29%28&secret=x", nil},
		"a key":             {"website", "", []string{"Idempotency-Key", `k "1", contact `}},
		"a page and a key":  {"website", "?utm_source=x", []string{"Referer", "https://ours.example/a%20b,contact?utm_medium=y", "Webhook-Id", "k2"}},
		"standard webhooks": {"standard", "", nil},
		"svix":              {"svix", "", nil},
		"hmac":              {"hmac", "", nil},
	} {
		d := presetDoor(t, map[string]webhook.Config{"website": {}})
		send := func(body string) *httptest.ResponseRecorder {
			headers := append([]string{"Content-Type", "application/json"}, tc.headers...)
			if s, ok := senders()[tc.source]; ok {
				_, signed := s.sign(body, time.Now())
				headers = append(headers, signed...)
			}
			return d.post("/in/"+tc.source+tc.query, body, headers...)
		}
		if w := send(body[:20]); w.Code != 400 || len(d.dead) != 1 {
			t.Fatalf("%s: %d %s", what, w.Code, w.Body)
		}
		if w := send(body); w.Code != 200 {
			t.Fatalf("%s: %d %s", what, w.Code, w.Body)
		}
		letter := d.dead[0]
		letter.Raw = []byte(body) // mended
		if _, err := d.Replay(t.Context(), &letter); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if diff := cmp.Diff(d.contacts[0], d.contacts[1], cmpopts.IgnoreFields(lead.Contact{}, "At", "Received")); diff != "" {
			t.Errorf("%s: %s\n%s", what, letter.Origin, diff)
		}
		if strings.Contains(letter.Origin, "secret") {
			t.Errorf("%s: a secret is kept: %s", what, letter.Origin)
		}
	}
}
