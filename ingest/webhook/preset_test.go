package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
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
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/ingest"
	"leadd/ingest/webhook"
	"leadd/lead"
)

var update = flag.Bool("update", false, "write the golden files anew")

// secret is what every sender below signs with or carries.
const secret = "k3y-of-the-form"

// sender posts as a vendor documents it.
type sender struct {
	file        string // under testdata/presets
	contentType string
	config      webhook.Config
	timed       bool // a time is signed

	// sign gives the body as it is sent, and headers: names and values in
	// turn. The address may get a query, under the name "?".
	sign func(body string, at time.Time) (sent string, headers []string)
}

func mac(key string, parts ...string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(strings.Join(parts, "")))
	return h.Sum(nil)
}

func seconds(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// inAddress is for the senders that sign nothing.
func inAddress(body string, _ time.Time) (string, []string) {
	return body, []string{"?", "secret=" + url.QueryEscape(secret)}
}

func standard(brand string) func(body string, at time.Time) (string, []string) {
	return func(body string, at time.Time) (string, []string) {
		const id = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"
		signature := base64.StdEncoding.EncodeToString(mac("the key, decoded", id, ".", seconds(at), ".", body))
		return body, []string{brand + "-id", id, brand + "-timestamp", seconds(at), brand + "-signature", "v1a,bm90IHRoaXM= v1,b2xkIGtleQ== v1," + signature}
	}
}

var whsec = "whsec_" + base64.StdEncoding.EncodeToString([]byte("the key, decoded"))

func senders() map[string]sender {
	const jsonType = "application/json"
	return map[string]sender{
		"typeform": {"typeform.json", jsonType, webhook.Config{Secret: secret}, false, func(body string, _ time.Time) (string, []string) {
			return body, []string{"Typeform-Signature", "sha256=" + base64.StdEncoding.EncodeToString(mac(secret, body))}
		}},
		"tally": {"tally.json", jsonType, webhook.Config{Secret: secret}, false, func(body string, _ time.Time) (string, []string) {
			return body, []string{"Tally-Signature", base64.StdEncoding.EncodeToString(mac(secret, body))}
		}},
		"webflow": {"webflow.json", jsonType, webhook.Config{Secret: secret}, true, func(body string, at time.Time) (string, []string) {
			ms := strconv.FormatInt(at.UnixMilli(), 10)
			return body, []string{"x-webflow-timestamp", ms, "x-webflow-signature", hex.EncodeToString(mac(secret, ms, ":", body))}
		}},
		"calendly": {"calendly.json", jsonType, webhook.Config{Secret: secret}, true, func(body string, at time.Time) (string, []string) {
			return body, []string{"Calendly-Webhook-Signature", "t=" + seconds(at) + ",v1=" + hex.EncodeToString(mac(secret, seconds(at), ".", body))}
		}},
		"google-ads": {"google-ads.json", jsonType, webhook.Config{Secret: secret}, false, func(body string, _ time.Time) (string, []string) {
			return body, nil
		}},
		"hubspot-workflow": {"hubspot-workflow.json", jsonType, webhook.Config{Secret: secret}, false, inAddress},
		"jotform":          {"jotform.txt", multiType, webhook.Config{Secret: secret}, false, inAddress},
		"gravity-forms": {"gravity-forms.json", jsonType, webhook.Config{Secret: secret, Fields: ingest.FieldMap{"4": "message"}}, false, func(body string, _ time.Time) (string, []string) {
			return body, []string{"Authorization", "Bearer " + secret}
		}},
		"contact-form-7": {"contact-form-7.json", jsonType, webhook.Config{Secret: secret}, false, inAddress},
		"mailgun": {"mailgun.txt", formType, webhook.Config{Secret: secret}, true, func(body string, at time.Time) (string, []string) {
			form, err := url.ParseQuery(body)
			if err != nil {
				panic(err)
			}
			return strings.NewReplacer("TIMESTAMP", seconds(at), "SIGNATURE", hex.EncodeToString(mac(secret, seconds(at), form.Get("token")))).Replace(body), nil
		}},
		"sendgrid": {"sendgrid.txt", multiType, webhook.Config{Secret: secret}, false, inAddress},
		"postmark": {"postmark.json", jsonType, webhook.Config{Secret: secret}, false, func(body string, _ time.Time) (string, []string) {
			return body, []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("postmark:"+secret))}
		}},
		"standard": {"standard.json", jsonType, webhook.Config{Secret: whsec}, true, standard("webhook")},
		"svix":     {"svix.json", jsonType, webhook.Config{Secret: whsec}, true, standard("svix")},
		"hmac": {"hmac.json", jsonType, webhook.Config{Secret: secret}, false, func(body string, _ time.Time) (string, []string) {
			return body, []string{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(mac(secret, body))}
		}},
	}
}

// presetDoor has a source for every preset, named like it.
func presetDoor(t testing.TB, more map[string]webhook.Config) door {
	t.Helper()
	id, err := ingest.NewIdentity(ingest.IdentityConfig{PhoneRegion: "DE", OwnDomains: []string{"ours.example"}})
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]webhook.Config{}
	for name, s := range senders() {
		s.config.Preset = name
		sources[name] = s.config
	}
	for name, cfg := range more {
		sources[name] = cfg
	}
	d := door{acceptor: &acceptor{}, reg: prometheus.NewRegistry(), log: &bytes.Buffer{}}
	d.Handler, err = webhook.New(sources, id, d.acceptor, zerolog.New(d.log), d.reg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// deliver posts what sign gave.
func (d door) deliver(source, contentType, body string, headers []string) *httptest.ResponseRecorder {
	path := "/in/" + source
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "?" {
			path += "?" + headers[i+1]
		}
	}
	return d.post(path, body, append([]string{"Content-Type", contentType}, headers...)...)
}

// TestPresets posts the golden delivery of every sender, signed here as the
// vendor documents it, and compares the contact with the one beside it. The
// same delivery again has the same answer.
func TestPresets(t *testing.T) {
	for name, s := range senders() {
		t.Run(name, func(t *testing.T) {
			d := presetDoor(t, nil)
			body, headers := s.sign(testdata(t, "presets/"+s.file), time.Now())
			w := d.deliver(name, s.contentType, body, headers)
			if w.Code != 200 || len(d.contacts) != 1 {
				t.Fatalf("%d %s, %d contacts\n%s", w.Code, w.Body, len(d.contacts), d.log)
			}
			c := d.contacts[0]
			if c.Source != name || c.Received.IsZero() {
				t.Errorf("%+v", c)
			}
			if timeless := c.At.Equal(c.Received); timeless != (name == "contact-form-7" || name == "jotform") {
				t.Errorf("at %v", c.At)
			} else if timeless {
				c.At = time.Time{}
			}
			c.Received = time.Time{}
			got, err := json.MarshalIndent(c, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", "presets", name+".want.json")
			if *update {
				if err := os.WriteFile(file, append(got, '\n'), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
				t.Error(diff)
			}

			again := d.deliver(name, s.contentType, body, headers)
			if again.Code != 200 || again.Body.String() != w.Body.String() || len(d.contacts) != 2 || d.contacts[1].ID != d.contacts[0].ID {
				t.Errorf("the same again: %d %s, first %s", again.Code, again.Body, w.Body)
			}
			if bytes.Contains(d.log.Bytes(), []byte(secret)) || strings.Contains(d.log.String(), "acme.example") {
				t.Errorf("the log tells secrets: %s", d.log)
			}
		})
	}
}

// forged is a delivery that must be refused.
type forged struct {
	body    string
	headers []string
	reason  string
}

// forge makes wrong deliveries of a right one.
func (s sender) forge(t *testing.T) map[string]forged {
	now := time.Now()
	golden := testdata(t, "presets/"+s.file)
	body, headers := s.sign(golden, now)
	out := map[string]forged{}
	inBody := strings.Contains(body, secret) || s.file == "mailgun.txt"
	switch {
	case s.file == "google-ads.json":
		out["another key"] = forged{strings.Replace(body, secret, secret+"x", 1), nil, "signature_wrong"}
		out["no key"] = forged{strings.Replace(body, `"google_key"`, `"other_key"`, 1), nil, "signature_missing"}
	case s.file == "mailgun.txt":
		out["another token"] = forged{strings.Replace(body, "f6d7c1a5", "f6d7c1a6", 1), nil, "signature_wrong"}
		out["no signature"] = forged{strings.Replace(body, "signature=", "other=", 1), nil, "signature_missing"}
		out["another mail"] = forged{strings.ReplaceAll(body, "200+licences", "900+licences"), nil, "replayed"}
	case len(headers) == 2 && !strings.Contains(headers[0], "ignature"):
		other := strings.Replace(headers[1], url.QueryEscape(secret), "guess", 1)
		if strings.HasPrefix(other, "Basic ") {
			other = "Basic " + base64.StdEncoding.EncodeToString([]byte("postmark:guess"))
		}
		out["another secret"] = forged{body, []string{headers[0], other}, "signature_wrong"}
	default:
		tampered := strings.Replace(body, "acme.example", "evil.example", 1)
		if tampered == body {
			t.Fatal("nothing to tamper with")
		}
		out["another body"] = forged{tampered, headers, "signature_wrong"}
		broken := append([]string{}, headers...)
		broken[len(broken)-1] = broken[len(broken)-1][:len(broken[len(broken)-1])-4] + "AAA="
		out["another signature"] = forged{body, broken, "signature_wrong"}
	}
	if !inBody {
		out["no signature"] = forged{body, nil, "signature_missing"}
	}
	if s.timed {
		for name, at := range map[string]time.Time{"long ago": now.Add(-10 * time.Hour), "in the future": now.Add(10 * time.Hour)} {
			body, headers := s.sign(golden, at)
			out[name] = forged{body, headers, "signature_old"}
			// The old signature under a new time.
			replace := strings.NewReplacer(seconds(at), seconds(now), strconv.FormatInt(at.UnixMilli(), 10), strconv.FormatInt(now.UnixMilli(), 10))
			fresh := append([]string{}, headers...)
			for i := range fresh {
				fresh[i] = replace.Replace(fresh[i])
			}
			out[name+", said to be now"] = forged{replace.Replace(body), fresh, "signature_wrong"}
		}
	}
	return out
}

func TestForgedDeliveries(t *testing.T) {
	for name, s := range senders() {
		d := presetDoor(t, nil)
		body, headers := s.sign(testdata(t, "presets/"+s.file), time.Now())
		if w := d.deliver(name, s.contentType, body, headers); w.Code != 200 {
			t.Fatalf("%s: %d %s", name, w.Code, w.Body)
		}
		counts := map[string]float64{}
		for how, f := range s.forge(t) {
			t.Run(name+" "+how, func(t *testing.T) {
				w := d.deliver(name, s.contentType, f.body, f.headers)
				var answer map[string]string
				if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer) != 1 {
					t.Errorf("%v: %s", err, w.Body)
				}
				counts[f.reason]++
				if w.Code != 401 || d.counted(t, "leadd_webhook_refused_total", f.reason, name) != counts[f.reason] {
					t.Errorf("%d %s, not counted as %s", w.Code, w.Body, f.reason)
				}
				if len(d.contacts) != 1 || len(d.dead) != 0 {
					t.Errorf("%d contacts, %d dead letters", len(d.contacts), len(d.dead))
				}
			})
		}
	}
}

// A delivery that is genuine, but cannot be understood, is kept; one that
// nobody has signed never is.
func TestOnlyGenuineDeliveriesAreKept(t *testing.T) {
	for name, s := range senders() {
		for what, body := range map[string]string{"something else": `{"hello":"world","google_key":"` + secret + `"}`, "broken": `{"a":`} {
			d := presetDoor(t, nil)
			contentType := "application/json"
			_ = d.deliver(name, contentType, body, nil)
			if unsigned := name == "google-ads" && what == "something else"; !unsigned && len(d.dead) != 0 {
				t.Errorf("%s, %s: kept without a signature", name, what)
			}
			d = presetDoor(t, nil)
			sent, headers := body, []string(nil)
			if name != "mailgun" {
				sent, headers = s.sign(body, time.Now())
			}
			w := d.deliver(name, contentType, sent, headers)
			generic := name == "standard" || name == "svix" || name == "hmac" || name == "contact-form-7" || name == "gravity-forms"
			switch {
			case generic && what == "something else":
				if w.Code != 200 || len(d.contacts) != 1 {
					t.Errorf("%s, %s: %d %s", name, what, w.Code, w.Body)
				}
			case name == "mailgun", name == "google-ads" && what == "broken":
				if len(d.dead) != 0 || w.Code != 401 && w.Code != 400 {
					t.Errorf("%s, %s: %d, %d dead letters", name, what, w.Code, len(d.dead))
				}
			case len(d.dead) != 1 || w.Code != 400:
				t.Errorf("%s, %s: %d %s, %d dead letters", name, what, w.Code, w.Body, len(d.dead))
			default:
				// Its cause mended, it can be replayed; here it is not.
				if id, err := d.Replay(t.Context(), &d.dead[0]); err == nil {
					t.Errorf("%s, %s: replayed as %s", name, what, id)
				}
			}
		}
	}
}

// A delivery that was not understood, replayed when it can be: it has been
// verified, and its signature is too old by then.
func TestReplayOfADelivery(t *testing.T) {
	for name, s := range senders() {
		d := presetDoor(t, nil)
		body, _ := s.sign(testdata(t, "presets/"+s.file), time.Now())
		letter := lead.DeadLetter{Source: name, At: time.Now().Add(-24 * time.Hour), Origin: fmt.Sprintf("POST /in/%s from 192.0.2.1 (%q)", name, s.contentType), Raw: []byte(body)}
		id, err := d.Replay(t.Context(), &letter)
		if err != nil || len(d.contacts) != 1 || d.contacts[0].ID != id || !d.contacts[0].Received.Equal(letter.At.UTC().Truncate(time.Millisecond)) {
			t.Errorf("%s: %v, %+v", name, err, d.contacts)
		}
	}
}

// Values that the vendors or the standard publish, with their own secrets.
func TestPublishedSignatures(t *testing.T) {
	d := presetDoor(t, map[string]webhook.Config{
		"github": {Preset: "hmac", Secret: "It's a Secret to Everybody"},
		"std":    {Preset: "standard", Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
		"svix2":  {Preset: "svix", Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
	})
	// "Hello, World!" is no form: beyond the signature it is not understood.
	w := d.post("/in/github", "Hello, World!", "Content-Type", "text/plain", "X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")
	if w.Code != 400 || len(d.dead) != 1 {
		t.Errorf("GitHub: %d %s", w.Code, w.Body)
	}
	// Of February 2021: genuine, but old.
	for source, brand := range map[string]string{"std": "webhook", "svix2": "svix"} {
		for signature, reason := range map[string]string{
			"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=": "signature_old",
			"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=": "signature_wrong",
		} {
			w := d.post("/in/"+source, `{"test": 2432232314}`, "Content-Type", "application/json",
				brand+"-id", "msg_p5jXN8AQM9LWM0D4loKWxJek", brand+"-timestamp", "1614265330", brand+"-signature", signature)
			if w.Code != 401 || d.counted(t, "leadd_webhook_refused_total", reason, source) != 1 {
				t.Errorf("%s: %d %s, not %s", source, w.Code, w.Body, reason)
			}
		}
	}
}

func TestHMACSchemes(t *testing.T) {
	const body = `{"email":"ada@acme.example"}`
	now := seconds(time.Now())
	for name, tc := range map[string]struct {
		scheme, header string
		sent           []string
	}{
		"stripe":            {"stripe", "", []string{"Stripe-Signature", "t=" + now + ",v1=00,v0=11,v1=" + hex.EncodeToString(mac(secret, now, ".", body))}},
		"hex":               {"hex", "X-Acme-Hmac", []string{"X-Acme-Hmac", hex.EncodeToString(mac(secret, body))}},
		"base64":            {"base64", "", []string{"X-Signature", base64.StdEncoding.EncodeToString(mac(secret, body))}},
		"github, elsewhere": {"", "X-Acme-Signature", []string{"X-Acme-Signature", "sha256=" + strings.ToUpper(hex.EncodeToString(mac(secret, body)))}},
	} {
		d := presetDoor(t, map[string]webhook.Config{"crm": {Preset: "hmac", Scheme: tc.scheme, Header: tc.header, Secret: " " + secret + "\n"}})
		if w := d.deliver("crm", "application/json", body, tc.sent); w.Code != 200 || len(d.contacts) != 1 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		// An id that is not signed must not make a new contact of a replay.
		w := d.deliver("crm", "application/json", body, append([]string{"Idempotency-Key", "other"}, tc.sent...))
		if w.Code != 200 || len(d.contacts) != 2 || d.contacts[0].ID != d.contacts[1].ID {
			t.Errorf("%s: replayed under another key: %d %s", name, w.Code, w.Body)
		}
		if w := d.deliver("crm", "application/json", body+" ", tc.sent); w.Code != 401 {
			t.Errorf("%s: tampered: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestUnsigned(t *testing.T) {
	for name, s := range senders() {
		cfg := s.config
		cfg.Preset, cfg.Secret, cfg.Unsigned = name, "", true
		if cfg.Validate() != nil {
			continue // it always signs; TestPresetMistakes tells
		}
		d := presetDoor(t, map[string]webhook.Config{"open": cfg})
		if w := d.deliver("open", s.contentType, testdata(t, "presets/"+s.file), nil); w.Code != 200 || len(d.contacts) != 1 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestPresetMistakes(t *testing.T) {
	for name := range senders() {
		cfg := webhook.Config{Preset: name}
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "secret: ") {
			t.Errorf("%s without a secret: %v", name, err)
		}
		cfg.Secret = " \n"
		if err := cfg.Validate(); err == nil {
			t.Errorf("%s: a blank is no secret", name)
		}
	}
	for want, cfg := range map[string]webhook.Config{
		`preset: there is no "typefrom"; write one of calendly, contact-form-7, google-ads, gravity-forms, hmac, hubspot, hubspot-workflow, jotform, linkedin, mailgun, meta, plain, postmark, sendgrid, standard, svix, tally, typeform, webflow`: {Preset: "typefrom", Secret: "x"},
		`secret: without a preset anybody may post; write the sender's preset, or leave it out`:                                                                                 {Secret: "x"},
		`unsigned: there is a secret as well; leave one of them out`:                                                                                                            {Preset: "jotform", Secret: "x", Unsigned: true},
		`unsigned: Typeform can sign; leave it out and write the secret`:                                                                                                        {Preset: "typeform", Unsigned: true},
		"unsigned: without a preset nobody signs; leave it out":                                                                                                                 {Preset: "plain", Unsigned: true},
		"scheme: only preset hmac has one; leave it out\nheader: only preset hmac has one; leave it out":                                                                        {Preset: "tally", Secret: "x", Scheme: "hex", Header: "X"},
		`scheme: there is no "md5"; write github, stripe, hex or base64`:                                                                                                        {Preset: "hmac", Secret: "x", Scheme: "md5"},
		`secret: Svix writes it as whsec_ and base64; copy it anew`:                                                                                                             {Preset: "svix", Secret: "whsec_?"},
		`secret: preset jotform needs one, or unsigned: true, which lets anybody post`:                                                                                          {Preset: "jotform"},
		"secret: preset tally needs the one that Tally signs with; without it anybody could post\nmax_body: -1 is less than nothing; write a number of bytes, or 0 for 1048576": {Preset: "tally", MaxBody: -1},
	} {
		if err := cfg.Validate(); fmt.Sprint(err) != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	for _, cfg := range []webhook.Config{{Preset: "plain"}, {}, {Preset: "typeform", Secret: "x"}, {Preset: "hmac", Scheme: "stripe", Header: "X", Secret: "x"}} {
		if err := cfg.Validate(); err != nil {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// What a sender reports beside submissions.
func TestOtherEvents(t *testing.T) {
	calendly := func(event, more string) string {
		return `{"event":"` + event + `","created_at":"2026-02-01T09:30:00Z","payload":{"uri":"https://api.calendly.com/x","email":"a@acme.example"` + more + `}}`
	}
	for what, tc := range map[string]struct {
		source, body string
		event        string // "": a form; "ignored"
		class        lead.Class
	}{
		"an invitee cancels":    {"calendly", calendly("invitee.canceled", `,"rescheduled":false,"cancellation":{"canceler_type":"invitee","reason":"no need"}`), "declined", lead.ClassInquiry},
		"the host cancels":      {"calendly", calendly("invitee.canceled", `,"cancellation":{"canceler_type":"host"}`), "canceled", lead.ClassInquiry},
		"a meeting moves":       {"calendly", calendly("invitee.canceled", `,"rescheduled":true,"cancellation":{"canceler_type":"invitee"}`), "ignored", ""},
		"somebody did not come": {"calendly", calendly("invitee_no_show.created", ""), "ignored", ""},
		"a routing form":        {"calendly", calendly("routing_form_submission.created", `,"questions_and_answers":[{"question":"Company","answer":"Acme"}]`), "", lead.ClassInquiry},
		"a partial response":    {"typeform", `{"event_type":"form_response_partial","form_response":{"token":"x"}}`, "ignored", ""},
		"a site is published":   {"webflow", `{"triggerType":"site_publish","payload":{}}`, "ignored", ""},
		"an odd shape":          {"hubspot-workflow", `{"id":"7","updatedAt":"2026-02-01T09:30:00Z","properties":{"email":"ada@acme.example","tags":["a",{"b":[1,null]}],"odd":{"x":1},"gone":null,"hs_object_id":"7"}}`, "", lead.ClassInquiry},
		"a test lead":           {"google-ads", strings.Replace(testdata(t, "presets/google-ads.json"), `"is_test":false`, `"is_test":true`, 1), "", lead.ClassOther},
	} {
		t.Run(what, func(t *testing.T) {
			d := presetDoor(t, nil)
			body, headers := senders()[tc.source].sign(tc.body, time.Now())
			w := d.deliver(tc.source, "application/json", body, headers)
			if tc.event == "ignored" {
				if w.Code != 200 || w.Body.String() != `{"status":"ignored"}` || len(d.contacts)+len(d.dead) != 0 {
					t.Errorf("%d %s, %d contacts", w.Code, w.Body, len(d.contacts))
				}
				if d.counted(t, "leadd_webhook_refused_total", "ignored", tc.source) != 1 {
					t.Error("not counted")
				}
				return
			}
			if w.Code != 200 || len(d.contacts) != 1 || d.contacts[0].Event != tc.event || d.contacts[0].Class != tc.class {
				t.Errorf("%d %s, %+v", w.Code, w.Body, d.contacts)
			}
		})
	}
}

// Google reads the answers: {} is success, {"message": ...} the rest.
func TestGoogleAnswers(t *testing.T) {
	d := presetDoor(t, nil)
	body := testdata(t, "presets/google-ads.json")
	if w := d.post("/in/google-ads", body, "Content-Type", "application/json", "Accept", html); w.Body.String() != "{}" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	d.err = http.ErrServerClosed
	if w := d.post("/in/google-ads", body, "Content-Type", "application/json"); w.Code != 503 || !strings.HasPrefix(w.Body.String(), `{"message":"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// A whole mail has the id that it has in a mailbox; taken apart, it says the
// same.
func TestWholeMails(t *testing.T) {
	const raw = "From: Ada Lovelace <ada@acme.example>\r\nTo: sales@ours.example\r\nSubject: Quote\r\nMessage-ID: <1@acme.example>\r\nDate: Tue, 03 Feb 2026 10:15:00 +0100\r\n\r\nWe need 200 licences.\r\n"
	postmark, err := json.Marshal(map[string]string{"MessageID": "x", "From": "ada@acme.example", "RawEmail": raw})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for source, post := range map[string][]string{
		"sendgrid": {formType, "email=" + url.QueryEscape(raw)},
		"mailgun": {formType, "body-mime=" + url.QueryEscape(raw) + "&token=x&timestamp=" + seconds(now) + "&signature=" +
			hex.EncodeToString(mac(secret, seconds(now), "x"))},
		"postmark": {"application/json", string(postmark)},
	} {
		d := presetDoor(t, nil)
		w := d.deliver(source, post[0], post[1], []string{"?", "secret=" + secret})
		if w.Code != 200 || len(d.contacts) != 1 {
			t.Errorf("%s: %d %s", source, w.Code, w.Body)
			continue
		}
		c := d.contacts[0]
		if want := lead.ContactID("mail", "1@acme.example", "We need 200 licences."); c.ID != want || c.Kind != lead.KindMail || c.Text != "We need 200 licences." || c.Source != source {
			t.Errorf("%s: %+v", source, c)
		}
	}
}

// A file's name is cleaned, also where it comes beside the mail.
func TestMailAttachmentNames(t *testing.T) {
	d := presetDoor(t, nil)
	body := strings.Replace(testdata(t, "presets/sendgrid.txt"), "plan.pdf", "pla\xff.pdf", 1)
	d.deliver("sendgrid", multiType, body, []string{"?", "secret=" + secret})
	if len(d.contacts) != 1 || !cmp.Equal(d.contacts[0].Attachments, []string{"pla\ufffd.pdf"}) {
		t.Errorf("%+v", d.contacts)
	}
}

// A header in a mail's field cannot become two, nor its body a header.
func TestMailHeadersAreLines(t *testing.T) {
	d := presetDoor(t, nil)
	body, err := json.Marshal(map[string]any{
		"MessageID": "x", "From": "ada@acme.example", "Subject": "Quote\r\nFrom: boss@evil.example\r\n\r\nhello", "TextBody": "We need 200 licences.",
		"Headers": []map[string]string{{"Name": "X\r\nFrom", "Value": "boss@evil.example"}, {"Name": "Content-Type", "Value": "image/png"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.deliver("postmark", "application/json", string(body), []string{"?", "secret=" + secret})
	if len(d.contacts) != 1 || d.contacts[0].Person.Email != "ada@acme.example" || d.contacts[0].Text != "We need 200 licences." {
		t.Errorf("%+v", d.contacts)
	}
}

// Forged posts are logged sparingly, and do not hide other refusals.
func TestForgeriesAreLoggedSparingly(t *testing.T) {
	d := presetDoor(t, map[string]webhook.Config{"website": {}})
	for range 1000 {
		d.post("/in/typeform", "{}", "Content-Type", "application/json")
	}
	d.post("/in/website", "{", "Content-Type", "application/json")
	if lines := strings.Count(d.log.String(), "\n"); lines < 2 || lines > 20 || !strings.Contains(d.log.String(), "not_understood") {
		t.Errorf("%d lines", lines)
	}
}

// A body is not even read before the secret beside it is found right.
func TestNothingIsReadWithoutTheSecret(t *testing.T) {
	d := presetDoor(t, nil)
	body := &unread{t: t}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/in/postmark?secret=guess", body))
	if w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

type unread struct{ t *testing.T }

func (u *unread) Read([]byte) (int, error) {
	u.t.Error("read")
	return 0, http.ErrBodyReadAfterClose
}

// Whatever a sender sends, behind its signature, the answer is one of the
// known ones, and success is a contact that Kafka can carry.
func FuzzPresets(f *testing.F) {
	all := senders()
	for name, s := range all {
		body, _ := s.sign(testdata(f, "presets/"+s.file), time.Now())
		f.Add(name, s.contentType, []byte(body))
	}
	tireless := map[string]webhook.Config{}
	for name, s := range all {
		s.config.Preset, s.config.Rate = name, 1e9
		tireless[name] = s.config
	}
	d := presetDoor(f, tireless)
	webhook.Unlock(d.Handler)
	f.Fuzz(func(t *testing.T, name, contentType string, body []byte) {
		if _, ok := all[name]; !ok {
			t.Skip()
		}
		d.contacts, d.dead = nil, nil
		d.log.Reset()
		r := httptest.NewRequest(http.MethodPost, "/in/"+name, bytes.NewReader(body))
		r.Header["Content-Type"] = []string{contentType}
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		switch w.Code {
		case 200:
			ignored := w.Body.String() == `{"status":"ignored"}`
			if (len(d.contacts) == 1) == ignored {
				t.Fatalf("%d contacts, ignored %v", len(d.contacts), ignored)
			}
		case 400, 415:
			if len(d.contacts) != 0 {
				t.Error("refused and accepted")
			}
		default:
			t.Errorf("answer %d %s", w.Code, w.Body)
		}
		for i := range d.contacts {
			checkCarried(t, &d.contacts[i])
		}
	})
}

// checkCarried reports a contact that Kafka does not give back as it is.
func checkCarried(t *testing.T, c *lead.Contact) {
	t.Helper()
	b, err := lead.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	var back lead.Contact
	if err := lead.Decode(b, &back); err != nil {
		t.Fatal(err)
	}
	again, err := lead.Encode(&back)
	if err != nil || !bytes.Equal(b, again) {
		t.Errorf("%v\n%s\n%s", err, b, again)
	}
	if c.ID == "" || c.Prospect == "" || c.Source == "" || c.At.IsZero() {
		t.Errorf("%+v", c)
	}
}
