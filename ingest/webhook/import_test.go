package webhook_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/ingest"
	"leadd/ingest/webhook"
	"leadd/lead"
)

// TestImportedIsWhatIsPosted: an imported post has the id that it has at the
// front door, and keeps it for ever.
func TestImportedIsWhatIsPosted(t *testing.T) {
	id, err := ingest.NewIdentity(ingest.IdentityConfig{})
	if err != nil {
		t.Fatal(err)
	}
	d := door{acceptor: &acceptor{}, reg: prometheus.NewRegistry()}
	d.Handler, err = webhook.New(map[string]webhook.Config{
		"website": {}, "mapped": {Fields: ingest.FieldMap{"q1": "budget"}},
		"gravity": {Preset: "gravity-forms", Unsigned: true}, "survey": {Preset: "typeform", Secret: "s3cret"},
	}, id, d.acceptor, zerolog.Nop(), d.reg)
	if err != nil {
		t.Fatal(err)
	}
	received := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		source, body string
		key          string
	}{
		"plain":           {"website", `{"email": "ada@acme.example", "message": "hello", "n": 9007199254740993}`, ""},
		"list of answers": {"website", `[{"label": "E-Mail", "value": "ada@acme.example"}]`, ""},
		"event":           {"website", `{"event": "signed", "person": {"email": "ada@acme.example"}, "at": "2026-03-02T09:15:00Z"}`, ""},
		"mapped":          {"mapped", `{"email": "ada@acme.example", "q1": "5000 EUR"}`, ""},
		"by key":          {"website", `{"email": "ada@acme.example"}`, "key-1"},
		"by its sender":   {"gravity", `{"id": "7", "form_id": "2", "Email": "ada@acme.example"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			line := tc.body
			if tc.key != "" {
				line = `{"Idempotency-Key": "` + tc.key + `", "email": "ada@acme.example", "note": "more is known by now"}`
			}
			headers := []string{"Content-Type", "application/json"}
			if tc.key != "" {
				headers = append(headers, "Idempotency-Key", tc.key)
			}
			if w := d.post("/in/"+tc.source, tc.body, headers...); w.Code != http.StatusOK {
				t.Fatal(w.Code, w.Body)
			}
			posted := d.contacts[len(d.contacts)-1]
			c, err := d.ImportJSON(tc.source, []byte(line), received)
			if err != nil {
				t.Fatal(err)
			}
			if c.ID != posted.ID || c.RepeatAfter != 0 || c.Prospect != posted.Prospect || c.Source != tc.source {
				t.Errorf("imported %+v\nposted %+v", c, posted)
			}
		})
	}
	event, err := d.ImportJSON("website", []byte(`{"event": "signed", "email": "a@b.example"}`), received)
	if err != nil || event.Kind != lead.KindEvent || event.Event != "signed" {
		t.Errorf("%+v %v", event, err)
	}
	partial := `{"event_type": "form_response_partial", "form_response": {"token": "x"}}`
	if _, err := d.ImportJSON("survey", []byte(partial), received); !errors.Is(err, webhook.ErrIgnored) {
		t.Error(err)
	}
	row := []lead.Field{{Name: "Response ID", Value: "tok-1"}, {Name: "Email", Value: "a@b.example"}, {Name: "Datum", Value: "02.03.2026"}}
	c, err := d.ImportRow("survey", row, received)
	if err != nil || c.ID != lead.ContactID("survey", "submission", "tok-1") || !c.At.Equal(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v %v", c, err)
	}
	for _, bad := range []string{`no JSON`, `{}`, `"x"`} {
		if _, err := d.ImportJSON("website", []byte(bad), received); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
	if _, err := d.ImportRow("nobody", row, received); err == nil {
		t.Error("an unknown source")
	}
}
