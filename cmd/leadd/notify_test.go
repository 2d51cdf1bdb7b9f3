package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"leadd/internal/testenv"
)

// Every promotion is told, whenever the daemon is killed, and told again only
// under the same id; what a destination refused is sent again by replay.
func TestPromotionsAreTold(t *testing.T) {
	testenv.ClickHouse(t)
	var mu sync.Mutex
	told := map[string]map[string]bool{} // prospect -> ids
	refusing := false
	crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		var e struct {
			Type string
			Data struct{ Prospect string }
		}
		if err != nil || json.Unmarshal(b, &e) != nil || e.Type != "prospect.promoted" {
			t.Errorf("%v: %s", err, b)
		}
		mu.Lock()
		defer mu.Unlock()
		if refusing {
			http.Error(w, "no", http.StatusUnprocessableEntity)
			return
		}
		if told[e.Data.Prospect] == nil {
			told[e.Data.Prospect] = map[string]bool{}
		}
		told[e.Data.Prospect][r.Header.Get("webhook-id")] = true
	}))
	defer crm.Close()
	awaitTold := func(n int) {
		await(t, "promotions", func() error {
			mu.Lock()
			defer mu.Unlock()
			if len(told) != n {
				return fmt.Errorf("%d prospects are told of, want %d", len(told), n)
			}
			return nil
		})
	}
	config, addr := writeConfig(t, oneForm+"notify:\n  crm: {url: '"+crm.URL+"', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}\n"), freeAddr(t)
	const rounds = 3
	var p *process
	for round := range rounds {
		p = startLeadd(t, "serve", "-c", config, "--listen", addr)
		for i := range 5 {
			if code, answer := p.post("/in/website", formType, leadForm("ada", fmt.Sprintf("company%d.example", 5*round+i))); code != http.StatusOK {
				t.Fatalf("%d %s", code, answer)
			}
		}
		if round < rounds-1 {
			p.kill()
		}
	}
	awaitTold(5 * rounds)
	mu.Lock()
	for prospect, ids := range told {
		if len(ids) != 1 {
			t.Errorf("%s was told of under %d ids", prospect, len(ids))
		}
	}
	refusing = true
	mu.Unlock()
	if code, answer := p.post("/in/website", formType, leadForm("ada", "refused.example")); code != http.StatusOK {
		t.Fatalf("%d %s", code, answer)
	}
	await(t, "dead letter", func() error {
		if out, stderr, _ := runLeadd(t, "", "replay", "-c", config, "--list"); !strings.Contains(out, "crm: leadd.scored/") {
			return fmt.Errorf("%s%s", out, stderr)
		}
		return nil
	})
	if out, stderr, code := runLeadd(t, "", "replay", "-c", config); code != 0 || !strings.Contains(out, "422") {
		t.Errorf("replay while it refuses: %d %s%s", code, out, stderr)
	}
	mu.Lock()
	refusing = false
	mu.Unlock()
	if out, stderr, code := runLeadd(t, "", "replay", "-c", config); code != 0 || !strings.Contains(out, "sent to crm") {
		t.Errorf("replay: %d %s%s", code, out, stderr)
	}
	awaitTold(5*rounds + 1)
	p.stop()
}
