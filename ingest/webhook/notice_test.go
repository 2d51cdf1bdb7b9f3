package webhook_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leadd/ingest/fetch"
	"leadd/ingest/webhook"
	"leadd/lead"
)

// Signatures of the files in testdata/notices, and of LinkedIn's challenge,
// made with openssl as the vendors document them:
//
//	openssl dgst -sha256 -hmac k3y-of-the-form meta.json
//	(printf hmacsha256=; cat linkedin.json) | openssl dgst -sha256 -hmac ...
//	(printf 'POSThttps://leads.ours.example/in/hubspot'; cat hubspot.json; printf 1769853600500) | openssl dgst ... -binary | base64
const (
	metaSigned      = "f16a32fe92d21f0b976328fcbd500587e1463a7963a03db17d12266c9d162a19"
	linkedInSigned  = "5c2e190802142bf8350837dbb3d5c7647c46693b45a3936cd92d822f5481160f"
	challengeSigned = "ce5ad60d5faa5efe65c6ac7af6885fa6bd5e2cc20517a193397414d48371861b"
	hubSpotSigned   = "PP3Ctb44u8Hj1RCdPqgoi5hwgfuOEAjcAH5/q6bS+Vg="
	hubSpotQuery    = "TUFPEkTu4EkGVZoyrtLfZcsbzO2o4EZPp6CClIaU5dM=" // the address with ?team=a/b
	hubSpotTime     = "1769853600500"
)

func announcers() map[string]webhook.Config {
	api := fetch.Config{Token: "t0ken"}
	return map[string]webhook.Config{
		"meta":     {Preset: "meta", Secret: secret, VerifyToken: "verify-me", API: api},
		"linkedin": {Preset: "linkedin", Secret: secret, API: api},
		"hubspot":  {Preset: "hubspot", Secret: secret, API: api, PublicURL: "https://leads.ours.example/in/hubspot", DealStages: map[string]string{"98211": "contract_out", "closedlost": "-"}},
		"direct":   {Preset: "hubspot", Secret: secret, API: api},
	}
}

// signedNow gives the headers of a delivery as the sender signs it.
func signedNow(source, body string, at time.Time) []string {
	switch source {
	case "meta":
		return []string{"X-Hub-Signature-256", fmt.Sprintf("sha256=%x", mac(secret, body))}
	case "linkedin":
		return []string{"X-LI-Signature", fmt.Sprintf("%x", mac(secret, "hmacsha256=", body))}
	}
	ms := strconv.FormatInt(at.UnixMilli(), 10)
	address := "https://leads.ours.example/in/hubspot"
	if source == "direct" {
		address = "https://example.com/in/direct" // httptest's host
	}
	return []string{
		"X-HubSpot-Request-Timestamp", ms,
		"X-HubSpot-Signature-v3", base64.StdEncoding.EncodeToString(mac(secret, "POST", address, body, ms)),
	}
}

func (d door) announce(source, body string, headers ...string) *httptest.ResponseRecorder {
	return d.post("/in/"+source, body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

// TestNotices posts the golden deliveries and compares the notices with those
// beside them. The same again gives the same notices.
func TestNotices(t *testing.T) {
	for _, source := range []string{"meta", "linkedin", "hubspot"} {
		t.Run(source, func(t *testing.T) {
			d := presetDoor(t, announcers())
			body := testdata(t, "notices/"+source+".json")
			headers := signedNow(source, body, time.Now())
			w := d.announce(source, body, headers...)
			if w.Code != 200 || len(d.notices) == 0 || len(d.contacts)+len(d.dead) != 0 {
				t.Fatalf("%d %s, %d notices\n%s", w.Code, w.Body, len(d.notices), d.log)
			}
			first := d.notices
			if !strings.Contains(w.Body.String(), first[0].ID) {
				t.Errorf("answer %s", w.Body)
			}
			d.notices = nil
			if again := d.announce(source, body, headers...); again.Code != 200 || again.Body.String() != w.Body.String() || len(d.notices) != len(first) {
				t.Errorf("the same again: %d %s", again.Code, again.Body)
			}
			for i := range first {
				if first[i].ID != d.notices[i].ID || first[i].Received.IsZero() {
					t.Errorf("%+v, then %+v", first[i], d.notices[i])
				}
				first[i].Received = time.Time{}
			}
			got, err := json.MarshalIndent(first, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", "notices", source+".want.json")
			if *update {
				if err := os.WriteFile(file, append(got, '\n'), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(strings.TrimSpace(testdata(t, "notices/"+source+".want.json")), string(got)); diff != "" {
				t.Error(diff)
			}
			if bytes.Contains(d.log.Bytes(), []byte(secret)) || strings.Contains(d.log.String(), "t0ken") {
				t.Errorf("the log tells secrets: %s", d.log)
			}
		})
	}
}

// Signatures that were not made by this program.
func TestNoticesSignedElsewhere(t *testing.T) {
	d := presetDoor(t, announcers())
	meta, linkedIn, hubSpot := testdata(t, "notices/meta.json"), testdata(t, "notices/linkedin.json"), testdata(t, "notices/hubspot.json")
	for name, tc := range map[string]struct {
		path, body string
		headers    []string
		status     int
		reason     string
	}{
		"meta":                      {"meta", meta, []string{"X-Hub-Signature-256", "sha256=" + metaSigned}, 200, ""},
		"meta, another body":        {"meta", meta + " ", []string{"X-Hub-Signature-256", "sha256=" + metaSigned}, 401, "signature_wrong"},
		"meta, no signature":        {"meta", meta, nil, 401, "signature_missing"},
		"linkedin":                  {"linkedin", linkedIn, []string{"X-LI-Signature", linkedInSigned}, 200, ""},
		"linkedin, prefixed":        {"linkedin", linkedIn, []string{"X-LI-Signature", "hmacsha256=" + linkedInSigned}, 200, ""},
		"linkedin, another body":    {"linkedin", strings.Replace(linkedIn, "CREATED", "DELETED", 1), []string{"X-LI-Signature", linkedInSigned}, 401, "signature_wrong"},
		"linkedin, no signature":    {"linkedin", linkedIn, nil, 401, "signature_missing"},
		"hubspot, genuine but old":  {"hubspot", hubSpot, []string{"X-HubSpot-Signature-v3", hubSpotSigned, "X-HubSpot-Request-Timestamp", hubSpotTime}, 401, "signature_old"},
		"hubspot, with a query":     {"hubspot?team=a%2Fb", hubSpot, []string{"X-HubSpot-Signature-v3", hubSpotQuery, "X-HubSpot-Request-Timestamp", hubSpotTime}, 401, "signature_old"},
		"hubspot, another address":  {"hubspot?x=1", hubSpot, []string{"X-HubSpot-Signature-v3", hubSpotSigned, "X-HubSpot-Request-Timestamp", hubSpotTime}, 401, "signature_wrong"},
		"hubspot, another source":   {"direct", hubSpot, []string{"X-HubSpot-Signature-v3", hubSpotSigned, "X-HubSpot-Request-Timestamp", hubSpotTime}, 401, "signature_wrong"},
		"hubspot, another body":     {"hubspot", hubSpot + " ", []string{"X-HubSpot-Signature-v3", hubSpotSigned, "X-HubSpot-Request-Timestamp", hubSpotTime}, 401, "signature_wrong"},
		"hubspot, another time":     {"hubspot", hubSpot, []string{"X-HubSpot-Signature-v3", hubSpotSigned, "X-HubSpot-Request-Timestamp", strconv.FormatInt(time.Now().UnixMilli(), 10)}, 401, "signature_wrong"},
		"hubspot, no time":          {"hubspot", hubSpot, []string{"X-HubSpot-Signature-v3", hubSpotSigned}, 401, "signature_missing"},
		"hubspot, a time to come":   {"hubspot", hubSpot, signedNow("hubspot", hubSpot, time.Now().Add(time.Hour)), 401, "signature_old"},
		"hubspot, behind no proxy":  {"direct", hubSpot, signedNow("direct", hubSpot, time.Now()), 200, ""},
		"hubspot, behind our proxy": {"hubspot", hubSpot, signedNow("hubspot", hubSpot, time.Now()), 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d.notices = nil
			source, _, _ := strings.Cut(tc.path, "?")
			before := d.counted(t, "leadd_webhook_refused_total", tc.reason, source)
			w := d.announce(tc.path, tc.body, tc.headers...)
			if w.Code != tc.status || (len(d.notices) > 0) != (tc.status == 200) {
				t.Errorf("%d %s, %d notices", w.Code, w.Body, len(d.notices))
			}
			if tc.reason != "" && d.counted(t, "leadd_webhook_refused_total", tc.reason, source) != before+1 {
				t.Errorf("not counted as %s: %s", tc.reason, w.Body)
			}
			if len(d.dead) != 0 {
				t.Error("a forged delivery was kept")
			}
		})
	}
}

func TestHandshakes(t *testing.T) {
	const challenge = "890e4665-4dfe-4ab1-b689-ed553bceeed0"
	d := presetDoor(t, announcers())
	for name, tc := range map[string]struct {
		path   string
		status int
		body   string // "": whatever
	}{
		"meta":                  {"meta?hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=1158201444", 200, "1158201444"},
		"meta, wrong token":     {"meta?hub.mode=subscribe&hub.verify_token=verify-m&hub.challenge=1158201444", 403, ""},
		"meta, no token":        {"meta?hub.mode=subscribe&hub.challenge=1158201444", 403, ""},
		"meta, no challenge":    {"meta?hub.mode=subscribe&hub.verify_token=verify-me", 403, ""},
		"meta, script":          {"meta?hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=%3Cscript%3E", 403, ""},
		"meta, another mode":    {"meta?hub.mode=unsubscribe&hub.verify_token=verify-me&hub.challenge=1", 403, ""},
		"linkedin":              {"linkedin?challengeCode=" + challenge, 200, `{"challengeCode":"` + challenge + `","challengeResponse":"` + challengeSigned + `"}`},
		"linkedin, none":        {"linkedin", 403, ""},
		"linkedin, no UUID":     {"linkedin?challengeCode=hello", 403, ""},
		"hubspot asks nothing":  {"hubspot", 405, ""},
		"typeform asks nothing": {"typeform", 405, ""},
	} {
		w := d.send(http.MethodGet, "/in/"+tc.path, "")
		if w.Code != tc.status || tc.body != "" && w.Body.String() != tc.body {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if tc.status != 200 && (strings.Contains(w.Body.String(), "1158201444") || strings.Contains(w.Body.String(), "verify-me")) {
			t.Errorf("%s: told %s", name, w.Body)
		}
	}
}

// Whoever can have any text signed by the handshake could forge deliveries.
func TestHandshakeSignsNoDelivery(t *testing.T) {
	d := presetDoor(t, announcers())
	body := testdata(t, "notices/linkedin.json")
	w := d.send(http.MethodGet, "/in/linkedin?challengeCode="+url.QueryEscape("hmacsha256="+body), "")
	if w.Code != 403 || strings.Contains(w.Body.String(), linkedInSigned) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// What is announced beside new leads, and what cannot be understood.
func TestOtherNotices(t *testing.T) {
	for what, tc := range map[string]struct {
		source, body string
		status       int
		notices      int
		dead         int
	}{
		"a page's post":                {"meta", `{"object":"page","entry":[{"id":"1","changes":[{"field":"feed","value":{}}]}]}`, 200, 0, 0},
		"a lead without an id":         {"meta", `{"object":"page","entry":[{"changes":[{"field":"leadgen","value":{"page_id":"1"}},{"field":"leadgen","value":{"leadgen_id":7}}]}]}`, 400, 1, 1},
		"an id that is an address":     {"meta", `{"object":"page","entry":[{"changes":[{"field":"leadgen","value":{"leadgen_id":"../me?x="}}]}]}`, 400, 0, 1},
		"no entry":                     {"meta", `{"object":"page"}`, 400, 0, 1},
		"broken":                       {"meta", `{"object":`, 400, 0, 1},
		"a lead deleted":               {"linkedin", strings.Replace(testdata(t, "notices/linkedin.json"), "CREATED", "DELETED", 1), 200, 0, 0},
		"something else of LinkedIn's": {"linkedin", `{"type":"ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS","notifications":[]}`, 200, 0, 0},
		"an object":                    {"linkedin", `{"hello":"world"}`, 400, 0, 1},
		"a contact deleted":            {"hubspot", `[{"subscriptionType":"contact.deletion","objectId":1,"portalId":2,"occurredAt":1769853600123}]`, 200, 0, 0},
		"a deal's amount":              {"hubspot", `[{"subscriptionType":"deal.propertyChange","propertyName":"amount","propertyValue":"closedwon","objectId":1,"portalId":2}]`, 200, 0, 0},
		"a stage left out":             {"hubspot", `[{"subscriptionType":"deal.propertyChange","propertyName":"dealstage","propertyValue":"closedlost","objectId":1,"portalId":2}]`, 200, 0, 0},
		"a company":                    {"hubspot", `[{"subscriptionType":"object.creation","objectTypeId":"0-2","objectId":1,"portalId":2}]`, 200, 0, 0},
		"a workflow's object":          {"hubspot", `{"properties":{"email":"ada@acme.example"}}`, 400, 0, 1},
		"one of two is odd":            {"hubspot", `[{"hello":1},{"subscriptionType":"contact.creation","objectId":1,"portalId":2}]`, 400, 1, 1},
	} {
		t.Run(what, func(t *testing.T) {
			d := presetDoor(t, announcers())
			w := d.announce(tc.source, tc.body, signedNow(tc.source, tc.body, time.Now())...)
			if w.Code != tc.status || len(d.notices) != tc.notices || len(d.dead) != tc.dead {
				t.Errorf("%d %s, %d notices, %d dead letters", w.Code, w.Body, len(d.notices), len(d.dead))
			}
			if tc.status == 200 && w.Body.String() != `{"status":"ignored"}` {
				t.Errorf("answer %s", w.Body)
			}
		})
	}
}

// A thousand leads come in one delivery.
func TestABatchOfNotices(t *testing.T) {
	d := presetDoor(t, announcers())
	var entries []string
	for n := range 1000 {
		entries = append(entries, fmt.Sprintf(`{"id":"153125381133","time":1769853605,"changes":[{"field":"leadgen","value":{"leadgen_id":%d,"page_id":"153125381133","form_id":"9876543210987654321","adgroup_id":"12312312312","ad_id":"12312312312","created_time":1769853600}}]}`, 9007199254740993000+n))
	}
	body := `{"object":"page","entry":[` + strings.Join(entries, ",") + `]}`
	if w := d.announce("meta", body, signedNow("meta", body, time.Now())...); w.Code != 200 || len(d.notices) != 1000 {
		t.Fatalf("%d %s, %d notices", w.Code, w.Body, len(d.notices))
	}
	ids := map[string]bool{}
	for i, n := range d.notices {
		ids[n.ID] = true
		if want := strconv.Itoa(9007199254740993000 + i); n.Object != want {
			t.Errorf("object %s, want %s", n.Object, want)
		}
	}
	if len(ids) != 1000 {
		t.Errorf("%d ids", len(ids))
	}
}

// Kafka away: nothing is acknowledged.
func TestNoticesAreDurableFirst(t *testing.T) {
	for _, source := range []string{"meta", "linkedin", "hubspot"} {
		d := presetDoor(t, announcers())
		d.err = http.ErrServerClosed
		body := testdata(t, "notices/"+source+".json")
		if w := d.announce(source, body, signedNow(source, body, time.Now())...); w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", source, w.Code, w.Body)
		}
	}
}

// A delivery that was not understood, replayed when it can be, announces.
func TestReplayAnnounces(t *testing.T) {
	d := presetDoor(t, announcers())
	letter := lead.DeadLetter{Source: "meta", At: time.Now(), Origin: `POST /in/meta from 192.0.2.1 ("application/json")`, Raw: []byte(testdata(t, "notices/meta.json"))}
	if id, err := d.Replay(t.Context(), &letter); err != nil || len(d.notices) != 2 || d.notices[0].ID != id {
		t.Errorf("%s %v, %d notices", id, err, len(d.notices))
	}
}

func TestAnnouncingMistakes(t *testing.T) {
	for name, cfg := range announcers() {
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	api := fetch.Config{Token: "t"}
	for want, cfg := range map[string]webhook.Config{
		"secret: preset meta needs the one that Meta signs with; without it anybody could post\napi.token: Meta tells only that there is something to fetch; give the access token of its API\nverify_token: missing; make one up, and write the same into Meta's webhook settings": {Preset: "meta"},
		"api.token: it holds white space; copy it anew": {Preset: "linkedin", Secret: "x", API: fetch.Config{Token: "a b"}},
		`api.url: "http://gateway.example" is no https address without a query (http is for this machine only, as the token is sent there)`:                           {Preset: "hubspot", Secret: "x", API: fetch.Config{Token: "t", URL: "http://gateway.example"}},
		`api.version: the API of HubSpot takes none; leave it out`:                                                                                                    {Preset: "hubspot", Secret: "x", API: fetch.Config{Token: "t", Version: "v1"}},
		`api.version: "v1/../" is no version of this API; leave it out or write one like "v25.0"`:                                                                     {Preset: "meta", Secret: "x", VerifyToken: "v", API: fetch.Config{Token: "t", Version: "v1/../"}},
		"api: only the presets meta, linkedin and hubspot fetch something; leave it out":                                                                              {Preset: "typeform", Secret: "x", API: api},
		"verify_token: only preset meta has one; leave it out":                                                                                                        {Preset: "hubspot", Secret: "x", API: api, VerifyToken: "x"},
		"public_url: only preset hubspot signs the address; leave it out":                                                                                             {Preset: "linkedin", Secret: "x", API: api, PublicURL: "https://x.example/"},
		`public_url: "x.example" is no address that HubSpot calls; copy the whole from its webhook settings, like https://leads.ours.example/in/crm, without a query`: {Preset: "hubspot", Secret: "x", API: api, PublicURL: "x.example"},
		"deal_stages: only preset hubspot has deals; leave it out":                                                                                                    {Preset: "linkedin", Secret: "x", API: api, DealStages: map[string]string{"1": "signed"}},
		`deal_stages: "1" -> "Closed Won": write an event like signed, or "-" for a stage that means none`:                                                            {Preset: "hubspot", Secret: "x", API: api, DealStages: map[string]string{"1": "Closed Won"}},
		"unsigned: LinkedIn can sign; leave it out and write the secret":                                                                                              {Preset: "linkedin", Unsigned: true, API: api},
	} {
		if err := cfg.Validate(); fmt.Sprint(err) != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// Whatever is posted behind the signature, the answer is one of the known
// ones, and what is announced can be asked for and carried by Kafka.
func FuzzNotices(f *testing.F) {
	for _, source := range []string{"meta", "linkedin", "hubspot"} {
		f.Add(source, []byte(testdata(f, "notices/"+source+".json")))
	}
	d := presetDoor(f, announcers())
	webhook.Unlock(d.Handler)
	f.Fuzz(func(t *testing.T, source string, body []byte) {
		if _, ok := announcers()[source]; !ok {
			t.Skip()
		}
		d.notices, d.dead = nil, nil
		d.log.Reset()
		w := d.announce(source, string(body))
		switch ignored := w.Body.String() == `{"status":"ignored"}`; {
		case w.Code == 200 && (len(d.notices) > 0) == ignored:
			t.Errorf("%d notices, ignored %v", len(d.notices), ignored)
		case w.Code != 200 && w.Code != 400:
			t.Errorf("answer %d %s", w.Code, w.Body)
		}
		for _, n := range d.notices {
			b, err := lead.Encode(&n)
			if err != nil {
				t.Fatal(err)
			}
			var back lead.Notice
			if err := lead.Decode(b, &back); err != nil {
				t.Fatal(err)
			}
			if n.ID == "" || n.Source != source || n.What == "" || url.PathEscape(n.Object) != n.Object || n.Object == "" {
				t.Errorf("%+v", n)
			}
		}
	})
}
