package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"leadd/internal/testenv"
)

// vendor is the APIs of Meta, LinkedIn and HubSpot, with answers as they
// document them. Every person is of another company.
type vendor struct {
	mu      sync.Mutex
	away    bool            // answers 503
	limited bool            // Meta's next request gets 429, once
	deleted map[string]bool // ids that are not there
	token   string          // the one that LinkedIn takes
	served  map[string]int  // by path
	told    time.Time       // when 429 was answered
	after   []time.Duration // Meta's requests, from then on
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	meta := strings.HasPrefix(r.URL.Path, "/v25.0/")
	if meta && !v.told.IsZero() {
		v.after = append(v.after, time.Since(v.told))
	}
	switch {
	case v.away:
		w.WriteHeader(http.StatusBadGateway)
		return
	case v.limited && meta:
		v.limited, v.told = false, time.Now()
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case v.deleted[id]:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"message":"Unsupported get request.","type":"GraphMethodException","code":100,"error_subcode":33}}`)
		return
	case strings.HasPrefix(r.URL.Path, "/rest/") && r.Header.Get("Authorization") != "Bearer "+v.token:
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"status":401,"serviceErrorCode":65601,"code":"REVOKED_ACCESS_TOKEN"}`)
		return
	}
	v.served[r.URL.Path]++
	switch r.URL.Path {
	case "/crm/v3/objects/deals/555":
		_, _ = io.WriteString(w, `{"id":"555","properties":{"dealname":"Licences","amount":"15000"},"associations":{"contacts":{"results":[{"id":"77","type":"deal_to_contact"}]}}}`)
	case "/crm/v3/objects/contacts/77":
		_, _ = io.WriteString(w, `{"id":"77","properties":{"email":"ada@company77.example","firstname":"Ada","lastname":"Lovelace","message":null}}`)
	case "/rest/leadFormResponses/abc-6":
		_, _ = io.WriteString(w, `{"id":"abc-6","submittedAt":1769853599288,"testLead":false,"formResponse":{"answers":[{"questionId":1,"answerDetails":{"textQuestionAnswer":{"answer":"kevin@linked.example"}}}]},
			"form":{"content":{"questions":[{"questionId":1,"predefinedField":"WORK_EMAIL"}]}}}`)
	default:
		_, _ = fmt.Fprintf(w, `{"created_time":"2026-01-31T10:00:00+0000","id":"%[1]s","field_data":[{"name":"full_name","values":["Ada Lovelace"]},{"name":"work_email","values":["ada@company%[1]s.example"]},
			{"name":"what_do_you_need?","values":["We need 200 licences of your product and have a budget of 50,000 USD. We want to start within 3 months."]}]}`, id)
	}
}

func (v *vendor) set(change func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change()
}

const appSecret = "the-app's-secret"

func signature(parts ...string) []byte {
	h := hmac.New(sha256.New, []byte(appSecret))
	_, _ = io.WriteString(h, strings.Join(parts, ""))
	return h.Sum(nil)
}

// deliver posts a delivery that must be taken; headers are names and values in
// turn.
func (p *process) deliver(path, body string, headers ...string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if b, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 200 || !strings.Contains(string(b), "accepted") {
		p.t.Fatalf("%s: %s %s %v", path, res.Status, b, err)
	}
}

// metaLeads announces leads from one number up to another.
func (p *process) metaLeads(from, to int) {
	p.t.Helper()
	var entries []string
	for n := from; n < to; n++ {
		entries = append(entries, fmt.Sprintf(`{"id":"1","changes":[{"field":"leadgen","value":{"leadgen_id":%d,"form_id":"2","created_time":1769853600}}]}`, n))
	}
	body := `{"object":"page","entry":[` + strings.Join(entries, ",") + `]}`
	p.deliver("/in/ads", body, "X-Hub-Signature-256", "sha256="+hex.EncodeToString(signature(body)))
}

// TestAnnouncedLeadsAreFetched takes what Meta, LinkedIn and HubSpot announce
// through the whole daemon: killed before anything is fetched, an API that is
// away, that limits, a token that is refused until it is renewed, a lead that
// is deleted and comes back. Each lead is one contact.
func TestAnnouncedLeadsAreFetched(t *testing.T) {
	t.Parallel()
	testenv.ClickHouse(t)
	api := &vendor{away: true, deleted: map[string]bool{"6001": true}, token: "renewed", served: map[string]int{}}
	server := httptest.NewServer(api)
	defer server.Close()
	config := fmt.Sprintf(`
webhooks:
  website: {}
  ads: {preset: meta, secret: "%[1]s", verify_token: verify-me, api: {token: m, url: "%[2]s"}}
  posts: {preset: linkedin, secret: "%[1]s", api: {token: revoked, url: "%[2]s"}}
  crm: {preset: hubspot, secret: "%[1]s", public_url: "https://leads.ours.example/in/crm", api: {token: h, url: "%[2]s"}}
`, appSecret, server.URL)
	file := writeConfig(t, config)
	if _, stderr, code := runLeadd(t, "", "check", "-c", file); code != 0 {
		t.Fatalf("check: %s", stderr)
	}
	p := startLeadd(t, "serve", "-c", file)
	res, err := http.Get(p.base + "/in/ads?hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=42")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(res.Body); err != nil || string(b) != "42" {
		t.Errorf("handshake: %s %v", b, err)
	}
	_ = res.Body.Close()

	// Announced, and killed before anything could be fetched.
	const leads = 300
	p.metaLeads(5000, 5000+leads)
	p.metaLeads(5000, 5010) // again
	p.metaLeads(6001, 6002) // deleted
	linkedIn := `{"type":"LEAD_ACTION","leadGenFormResponse":"urn:li:leadGenFormResponse:abc-6","leadType":"SPONSORED","leadAction":"CREATED","occurredAt":1769853600288}`
	p.deliver("/in/posts", linkedIn, "X-LI-Signature", hex.EncodeToString(signature("hmacsha256=", linkedIn)))
	deal := `[{"eventId":1,"portalId":9,"occurredAt":1769853600125,"subscriptionType":"deal.propertyChange","attemptNumber":0,"objectId":555,"propertyName":"dealstage","propertyValue":"closedwon"}]`
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	p.deliver("/in/crm", deal, "X-HubSpot-Request-Timestamp", now,
		"X-HubSpot-Signature-v3", base64.StdEncoding.EncodeToString(signature("POST", "https://leads.ours.example/in/crm", deal, now)))
	await(t, "trouble", func() error {
		if code, said := p.ready(); code != 200 || !strings.Contains(said, "web form ads: the API answers 502") {
			return fmt.Errorf("%d %s", code, said)
		}
		return nil
	})
	p.kill()

	// The API is back, but limits; LinkedIn refuses the token.
	api.set(func() { api.away, api.limited = false, true })
	p = startLeadd(t, "serve", "-c", file)
	p.awaitCounts(map[string]int{"contact": leads + 1, "lead": leads + 1, "customer": 1})
	await(t, "refused token", func() error {
		if code, said := p.ready(); code != 200 || !strings.Contains(said, "web form posts: the API refuses the token") || strings.Contains(said, "web form ads") {
			return fmt.Errorf("%d %s", code, said)
		}
		return nil
	})
	p.stop()

	// The token is renewed.
	if err := os.WriteFile(file, []byte(strings.Replace(string(must(os.ReadFile(file))), "token: revoked", "token: renewed", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	p = startLeadd(t, "serve", "-c", file)
	p.awaitCounts(map[string]int{"contact": leads + 2, "lead": leads + 1, "customer": 1})
	await(t, "the deleted lead's dead letter", func() error {
		if all := letters(t, p.database()); len(all) != 1 || all[0].Source != "ads" || !strings.Contains(all[0].Origin, "leadd.notices/") {
			return fmt.Errorf("%+v", all)
		}
		return nil
	})
	// It is there again: nothing is lost.
	api.set(func() { api.deleted = nil })
	for range 2 { // twice counts once
		out, stderr, code := runLeadd(t, "", "replay", "-c", file)
		if code != 0 || !strings.Contains(out, "published again on leadd.notices") {
			t.Errorf("replay: exit code %d\n%s%s", code, out, stderr)
		}
		p.awaitCounts(map[string]int{"contact": leads + 3, "lead": leads + 2, "customer": 1})
	}
	// And what comes now comes at once.
	shown := func(more int) { p.awaitCounts(map[string]int{"contact": leads + 3 + more, "lead": leads + 2 + more}) }
	p.promptly(3*time.Second, func(n int) { shown(2*n - 1) }, func(n int) {
		p.metaLeads(7000+n, 7001+n)
		shown(2 * n)
	})
	p.exactlyOnce()
	api.set(func() {
		// Those that were on their way have arrived within a second.
		for _, after := range api.after {
			if after > time.Second && after < 3*time.Second {
				t.Errorf("asked %v after 429 with Retry-After: 3", after)
			}
		}
		if len(api.after) < leads {
			t.Errorf("%d requests after 429", len(api.after))
		}
	})
	for _, secret := range []string{appSecret, "revoked", "renewed"} {
		if strings.Contains(p.log.tail(), secret) {
			t.Errorf("the log tells %s", secret)
		}
	}
	p.stop()
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A token that is missing is a mistake that check names, with its line.
func TestCheckAsksForTokens(t *testing.T) {
	file := writeConfig(t, "webhooks:\n  ads:\n    preset: meta\n    secret: x\n    api:\n      url: http://gateway.example\n")
	_, stderr, code := runLeadd(t, "", "check", "-c", file)
	for _, want := range []string{
		"leadd.yaml:7:5: webhooks.ads.api.token: Meta tells only",
		"leadd.yaml:4:3: webhooks.ads.verify_token: missing",
		"leadd.yaml:8:7: webhooks.ads.api.url: \"http://gateway.example\" is no https address",
	} {
		if code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("exit code %d, not said: %s\nsaid:\n%s", code, want, stderr)
		}
	}
}
