package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"leadd/dashboard"
	"leadd/internal/testenv"
)

const oneForm = "webhooks:\n  website: {}\n"

// leadForm is a form post that the default criteria make a lead of.
func leadForm(person, company string) string {
	return url.Values{
		"name": {person}, "email": {person + "@" + company}, "company": {company},
		"job_title": {"CTO"}, "budget": {"50,000 USD"}, "timeline": {"within 3 months"},
		"message": {"We need a replacement for our present system, 200 licences."},
	}.Encode()
}

const formType = "application/x-www-form-urlencoded"

func TestTheOfferedCurlLineMakesALead(t *testing.T) {
	testenv.ClickHouse(t) // skips where there is no engine
	p := startLeadd(t, "serve", "-c", writeConfig(t, oneForm))
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", p.curl).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", p.curl, err, out)
	}
	p.awaitCounts(map[string]int{"contact": 1, "lead": 1, "opportunity": 0, "customer": 0})

	var funnel dashboard.Funnel
	if err := p.get("/api/v1/funnel", &funnel); err != nil {
		t.Fatal(err)
	}
	page := p.page("/")
	i := strings.Index(page, `href="/prospects/`)
	if i < 0 {
		t.Fatalf("the page links to no prospect:\n%s", page)
	}
	link := page[i+len(`href="`):]
	link = link[:strings.IndexByte(link, '"')]
	var prospect dashboard.Prospect
	if err := p.get("/api/v1"+link, &prospect); err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, r := range prospect.Reasons {
		if r.Evidence == "" || r.Contact == "" {
			t.Errorf("reason without evidence or contact: %+v", r)
		}
		sum += r.Worth
	}
	if sum != int(prospect.Score) || len(prospect.Reasons) < 2 {
		t.Errorf("%d reasons add up to %d, the score is %d", len(prospect.Reasons), sum, prospect.Score)
	}
	p.stop()
}

func (p *process) page(path string) string {
	p.t.Helper()
	res, err := http.Get(p.base + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		p.t.Fatalf("GET %s: %s, %v\n%s", path, res.Status, err, b)
	}
	return string(b)
}

func TestTheSamePostTwiceIsOneContact(t *testing.T) {
	testenv.ClickHouse(t)
	config := writeConfig(t, oneForm)
	p := startLeadd(t, "serve", "-c", config)
	body := leadForm("ada", "acme.example")
	code, first := p.post("/in/website", formType, body)
	if code != http.StatusOK {
		t.Fatalf("%d %s", code, first)
	}
	for range 3 {
		if code, again := p.post("/in/website", formType, body); code != http.StatusOK || again != first {
			t.Errorf("the same post again: %d %s, at first %s", code, again, first)
		}
	}
	if code, answer := p.post("/in/website", formType, leadForm("bob", "other.example")); code != http.StatusOK {
		t.Fatalf("%d %s", code, answer)
	}
	p.awaitCounts(map[string]int{"contact": 2, "lead": 2})
	p.stop()

	// Started again, everything is still there, and the same post still known.
	p = startLeadd(t, "serve", "-c", config)
	p.awaitCounts(map[string]int{"contact": 2, "lead": 2})
	if code, again := p.post("/in/website", formType, body); code != http.StatusOK || again != first {
		t.Errorf("the same post after a restart: %d %s", code, again)
	}
	if code, answer := p.post("/in/website", formType, leadForm("cyd", "third.example")); code != http.StatusOK {
		t.Fatalf("%d %s", code, answer)
	}
	p.awaitCounts(map[string]int{"contact": 3, "lead": 3})
	p.stop()
}

func TestBadInputIsAnsweredClearly(t *testing.T) {
	testenv.ClickHouse(t)
	p := startLeadd(t, "serve", "-c", writeConfig(t, oneForm))
	for name, tc := range map[string]struct {
		path, contentType, body string
		code                    int
	}{
		"not understood": {"/in/website", "application/json", `{"email": `, http.StatusBadRequest},
		"empty":          {"/in/website", formType, "", http.StatusBadRequest},
		"too large":      {"/in/website", formType, "message=" + strings.Repeat("x", 2<<20), http.StatusRequestEntityTooLarge},
		"unknown source": {"/in/webside", formType, "email=a@b.example", http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			code, answer := p.post(tc.path, tc.contentType, tc.body)
			var said struct {
				Error string `json:"error"`
			}
			if err := json.Unmarshal([]byte(answer), &said); err != nil || said.Error == "" {
				t.Errorf("no reason given: %s", answer)
			}
			if code != tc.code {
				t.Errorf("status %d, want %d: %s", code, tc.code, answer)
			}
		})
	}
	t.Run("wrong method", func(t *testing.T) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, p.base+"/in/website", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") == "" {
			t.Errorf("%s, Allow %q", res.Status, res.Header.Get("Allow"))
		}
	})
	// What was not understood is kept: the JSON that ends too early.
	await(t, "dead letter", func() error {
		if page := p.page("/dead"); !strings.Contains(page, "website") {
			return fmt.Errorf("the page of dead letters does not show it")
		}
		return nil
	})
	p.stop()
}

// TestKafkaAwayIsNeverA2xx gives the daemon brokers that do not answer.
func TestKafkaAwayIsNeverA2xx(t *testing.T) {
	testenv.ClickHouse(t)
	config := writeConfig(t, oneForm+"kafka:\n  brokers: [\"127.0.0.1:1\"]\n")
	addr := freeAddr(t)
	p := launchLeadd(t, "serve", "-c", config, "--listen", addr)
	p.base = "http://" + addr
	await(t, "healthz", func() error {
		res, err := http.Get(p.base + "/healthz")
		if err != nil {
			return err
		}
		return res.Body.Close()
	})
	res, err := http.Post(p.base+"/in/website", formType, strings.NewReader(leadForm("ada", "acme.example")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("%s, Retry-After %q", res.Status, res.Header.Get("Retry-After"))
	}
	ready, err := http.Get(p.base + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ready.Body.Close() }()
	said, err := io.ReadAll(ready.Body)
	if err != nil || ready.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(said), "Kafka") {
		t.Errorf("readyz: %s %q %v", ready.Status, said, err)
	}
	p.stop()
}

func TestBeyondLoopbackThePageWantsAPassword(t *testing.T) {
	testenv.ClickHouse(t)
	if _, stderr, code := runLeadd(t, "", "serve", "-c", writeConfig(t, oneForm), "--listen", "0.0.0.0:0"); code != 1 || !strings.Contains(stderr, "auth: none") {
		t.Errorf("without auth: exit code %d: %s", code, stderr)
	}
	config := writeConfig(t, oneForm+"auth: {user: boss, password: \"${BOSS}\", token: t0ken}\n")
	t.Setenv("BOSS", "s3cret")
	p := startLeadd(t, "serve", "-c", config, "--listen", "0.0.0.0:0")
	p.base = strings.Replace(p.base, "0.0.0.0", "127.0.0.1", 1)
	for name, tc := range map[string]struct {
		path string
		auth func(*http.Request)
		code int
	}{
		"page, nobody":         {"/", func(*http.Request) {}, 401},
		"page, password":       {"/", func(r *http.Request) { r.SetBasicAuth("boss", "s3cret") }, 200},
		"page, wrong password": {"/", func(r *http.Request) { r.SetBasicAuth("boss", "secret") }, 401},
		"API, nobody":          {"/api/v1/funnel", func(*http.Request) {}, 401},
		"API, token":           {"/api/v1/funnel", func(r *http.Request) { r.Header.Set("Authorization", "Bearer t0ken") }, 200},
		"metrics, nobody":      {"/metrics", func(*http.Request) {}, 401},
		"metrics, token":       {"/metrics", func(r *http.Request) { r.Header.Set("Authorization", "Bearer t0ken") }, 200},
		"health":               {"/healthz", func(*http.Request) {}, 200},
		"front door is open":   {"/in/nobody", func(*http.Request) {}, 404},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+tc.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			tc.auth(req)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			if res.StatusCode != tc.code {
				t.Errorf("%s, want %d", res.Status, tc.code)
			}
		})
	}
	p.stop()
	if strings.Contains(p.log.tail(), "s3cret") || strings.Contains(p.log.tail(), "t0ken") {
		t.Error("a secret is in the log")
	}
}

// TestRolesOnGivenServers runs the four roles in four processes on Apache
// Kafka and a ClickHouse that is not the daemon's own child.
func TestRolesOnGivenServers(t *testing.T) {
	db, name := testenv.ClickHouseDB(t)
	servers := fmt.Sprintf("kafka: {brokers: [%q]}\nclickhouse: {addr: [%q], database: %s}\n", testenv.ApacheKafka(t), db, name)
	config := func() string { return writeConfig(t, oneForm+servers) }
	var all []*process
	for _, role := range []string{"scoring", "sink"} {
		all = append(all, launchLeadd(t, "serve", "-c", config(), "--roles", role))
	}
	page := startLeadd(t, "serve", "-c", config(), "--roles", "dashboard")
	door := startLeadd(t, "serve", "-c", config(), "--roles", "ingest,dashboard")
	for i := range 20 {
		if code, answer := door.post("/in/website", formType, leadForm("ada", fmt.Sprintf("acme%d.example", i))); code != http.StatusOK {
			t.Fatalf("%d %s", code, answer)
		}
	}
	page.awaitCounts(map[string]int{"contact": 20, "lead": 20})
	if code, _ := page.post("/in/website", formType, leadForm("ada", "acme.example")); code == http.StatusOK {
		t.Error("a process without the role ingest took a post")
	}
	for _, p := range append(all, page, door) {
		p.stop()
	}
}

func TestCheckNamesEveryMistake(t *testing.T) {
	config := writeConfig(t, "lisen: x\nwebhooks:\n  Web Site: {}\nkafka:\n  partitions: many\n  sasl: {user: \"${LEADD_NOT_SET}\"}\ncriteria: criteria.yaml\nlexicons: words\n")
	words := filepath.Join(filepath.Dir(config), "words")
	if err := os.Mkdir(words, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(words, "de.txt"), []byte("[need]\nwir @mögen\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	criteria := "name: ours\nversion: 1\ncriteria:\n  - {name: need, points: 30, when: has(field.product)}\nstages:\n  lead: met(ned)\n"
	if err := os.WriteFile(filepath.Join(filepath.Dir(config), "criteria.yaml"), []byte(criteria), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := runLeadd(t, "", "check", "-c", config)
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		`leadd.yaml:3:1: unknown key "lisen"; did you mean "listen"?`,
		`leadd.yaml:5:3: webhooks.Web Site: "Web Site" is no name here`,
		`leadd.yaml:7:15: kafka.partitions takes a whole number, not "many"`,
		"leadd.yaml:8:16: environment variable LEADD_NOT_SET is not set",
		"criteria.yaml:4:", "field", "criteria.yaml:6:", "did you mean need?",
		"words/de.txt:2: no list is named @mögen",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("not said: %s\nsaid:\n%s", want, stderr)
		}
	}
	if stdout, stderr, code := runLeadd(t, "", "check", "-c", "../../deploy/leadd.yaml"); code != 0 {
		t.Errorf("the example: exit code %d\n%s%s", code, stdout, stderr)
	}
}

func TestTheCommandLine(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		code int
		says string
	}{
		"version":       {[]string{"version"}, 0, "leadd "},
		"help":          {[]string{"help"}, 0, "leadd serve"},
		"help of one":   {[]string{"import", "-h"}, 0, "leadd import -c FILE [--source NAME] FILE...: take in"},
		"help of two":   {[]string{"criteria", "test", "-h"}, 0, "leadd criteria test DIR... [--criteria FILE]... [--lexicons DIR]"},
		"no default":    {[]string{"check"}, 1, "-c FILE says which"},
		"nothing":       {nil, 2, "leadd serve"},
		"unknown":       {[]string{"sevre"}, 2, `no command "sevre"`},
		"unknown flag":  {[]string{"serve", "--rolls", "x"}, 2, "rolls"},
		"unknown role":  {[]string{"serve", "--roles", "sinks"}, 2, "no role"},
		"no file":       {[]string{"serve", "-c", "nowhere.yaml"}, 1, "nowhere.yaml"},
		"left over":     {[]string{"check", "leadd.yaml"}, 2, "takes no argument"},
		"address taken": {[]string{"serve", "-c", writeConfig(t, oneForm), "--listen", "nonsense"}, 1, "host:port"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := runLeadd(t, "", tc.args...)
			if code != tc.code || !strings.Contains(stdout+stderr, tc.says) {
				t.Errorf("exit code %d, said %s%s", code, stdout, stderr)
			}
		})
	}
}
