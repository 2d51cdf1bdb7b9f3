package webhook_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/ingest"
	"leadd/ingest/webhook"
	"leadd/lead"
)

// from posts a form from an address.
func (d door) from(addr, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.RemoteAddr = addr
	r.Header.Set("Content-Type", formType)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

const hello = "email=ada%40acme.example&message=hello"

func TestAddressRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := presetDoor(t, map[string]webhook.Config{"website": {AddressRate: 5}, "open": {Preset: "jotform", Unsigned: true, AddressRate: 5}})
		for i := range 5 {
			if w := d.from("192.0.2.1:1000", "/in/website", hello); w.Code != 200 {
				t.Fatalf("post %d: %d %s", i, w.Code, w.Body)
			}
		}
		w := d.from("192.0.2.1:2000", "/in/website", hello, "Origin", "https://ours.example")
		var answer map[string]string
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 429 || w.Header().Get("Retry-After") != "12" || !strings.Contains(answer["error"], "too many posts") {
			t.Errorf("one too many: %d %v %s", w.Code, w.Header(), w.Body)
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Access-Control-Expose-Headers") != "Retry-After" {
			t.Errorf("a script on another site cannot read that: %v", w.Header())
		}
		if w := d.from("192.0.2.1:2000", "/in/website", hello, "Accept", html); w.Code != 429 || !strings.Contains(w.Body.String(), "Too many posts have come") {
			t.Errorf("a browser: %d %s", w.Code, w.Body)
		}
		for other, want := range map[string]int{"192.0.2.2:1000": 200, "[2001:db8:1:2::1]:1000": 200, "[::ffff:192.0.2.1]:5": 429, "@": 200} {
			if w := d.from(other, "/in/website", hello); w.Code != want {
				t.Errorf("%s: %d %s", other, w.Code, w.Body)
			}
		}
		if w := d.from("192.0.2.1:1000", "/in/open", hello); w.Code == 429 {
			t.Error("another source counts for itself")
		}
		if got := d.counted(t, "leadd_webhook_refused_total", "rate_address", "website"); got != 3 {
			t.Errorf("%v counted", got)
		}
		time.Sleep(12 * time.Second) // of the bubble's clock
		for i, want := range []int{200, 429} {
			if w := d.from("192.0.2.1:1000", "/in/website", hello); w.Code != want {
				t.Errorf("after Retry-After, post %d: %d %s", i, w.Code, w.Body)
			}
		}
		for i := range 7 {
			if w := d.from("192.0.2.1:1000", "/in/open", "{"); (w.Code == 429) != (i > 4) {
				t.Errorf("a sender that does not sign, post %d: %d", i, w.Code)
			}
		}
	})
}

// A household has a whole /64 of IPv6 addresses.
func TestAddressRateOfIPv6(t *testing.T) {
	d := presetDoor(t, map[string]webhook.Config{"website": {AddressRate: 3}})
	for i, from := range []string{"[2001:db8:1:2::1]:1", "[2001:db8:1:2:ffff::2]:1", "[2001:db8:1:2::3%eth0]:1", "[2001:db8:1:2::4]:1", "[2001:db8:1:3::1]:1"} {
		want := 200
		if i == 3 {
			want = 429
		}
		if w := d.from(from, "/in/website", hello); w.Code != want {
			t.Errorf("%s: %d", from, w.Code)
		}
	}
}

// What nobody has configured lets an office through that fills in a form all
// at once, and what is over comes through in time.
func TestUsualRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t)
		for i := range 120 {
			if w := d.from("192.0.2.1:1", "/in/website", hello); w.Code != 200 {
				t.Fatalf("post %d: %d", i, w.Code)
			}
		}
		w := d.from("192.0.2.1:1", "/in/website", hello)
		if w.Code != 429 || w.Header().Get("Retry-After") != "1" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		for i := range 6000 - 120 {
			if w := d.from(fmt.Sprintf("10.0.%d.%d:1", i/250, i%250), "/in/website", hello); w.Code != 200 {
				t.Fatalf("post %d of many addresses: %d", i, w.Code)
			}
		}
		if w := d.from("192.0.2.2:1", "/in/website", hello); w.Code != 429 || d.counted(t, "leadd_webhook_refused_total", "rate_source", "website") != 1 {
			t.Errorf("%d", w.Code)
		}
		if w := d.from("192.0.2.2:1", "/in/mapped", "x=ada%40acme.example"); w.Code != 200 {
			t.Errorf("another source: %d", w.Code)
		}
		time.Sleep(2 * time.Minute)
		if w := d.from("192.0.2.1:1", "/in/website", hello); w.Code != 200 {
			t.Errorf("later: %d", w.Code)
		}
	})
}

// The memory for addresses is bounded, and one address cannot hide in a crowd
// that fits into it.
func TestAddressesRemembered(t *testing.T) {
	d := presetDoor(t, map[string]webhook.Config{"website": {AddressRate: 1, Rate: 1e6}})
	for i := range 25_000 {
		d.from(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255), "/in/website", "a=b")
		if n := webhook.Remembered(d.Handler, "website"); n > 2*webhook.MaxAddresses {
			t.Fatalf("%d addresses are remembered", n)
		}
	}
	for _, from := range []string{"10.0.97.167:1", "10.0.46.224:1"} { // numbers 24,999 and 12,000
		if w := d.from(from, "/in/website", "a=b"); w.Code != 429 {
			t.Errorf("%s is forgotten: %d", from, w.Code)
		}
	}
}

// Only what a sender has signed counts for its source: a stranger cannot use up
// what it may send. From how few addresses it posts does not matter.
func TestRateOfASender(t *testing.T) {
	synctest.Test(t, testRateOfASender)
}

func testRateOfASender(t *testing.T) {
	all := map[string]webhook.Config{}
	for name, s := range senders() {
		s.config.Preset, s.config.Rate = name, 200
		all[name] = s.config
	}
	d := presetDoor(t, all)
	for name, s := range senders() {
		body, headers := s.sign(testdata(t, "presets/"+s.file), time.Now())
		if name != "google-ads" { // its key is in the body
			for range 300 {
				if w := d.deliver(name, s.contentType, "a=b", nil); w.Code != 401 {
					t.Fatalf("%s, forged: %d %s", name, w.Code, w.Body)
				}
			}
		}
		for i := range 200 {
			if w := d.deliver(name, s.contentType, body, headers); w.Code != 200 {
				t.Fatalf("%s, post %d: %d %s", name, i, w.Code, w.Body)
			}
		}
		want := 429
		if name == "google-ads" || name == "sendgrid" {
			want = 503 // they do not repeat what gets 4xx
		}
		if w := d.deliver(name, s.contentType, body, headers); w.Code != want || w.Header().Get("Retry-After") != "1" {
			t.Errorf("%s, one too many: %d %v", name, w.Code, w.Header())
		}
	}
}

func TestRatesAreLoggedSparingly(t *testing.T) {
	d := newDoor(t)
	for range 1000 {
		d.from("192.0.2.1:1", "/in/website", hello)
	}
	d.post("/in/crm", "{", "Content-Type", "application/json")
	if lines := strings.Count(d.log.String(), `"warn"`); lines < 2 || lines > 20 || !strings.Contains(d.log.String(), "rate_address") || !strings.Contains(d.log.String(), "not_understood") {
		t.Errorf("%d lines: %s", lines, d.log)
	}
}

func TestRateMistakes(t *testing.T) {
	for want, cfg := range map[string]webhook.Config{
		"rate: -1 is less than nothing; write how many posts a minute, or 0 for 6000":        {Rate: -1},
		"address_rate: -1 is less than nothing; write how many posts a minute, or 0 for 120": {AddressRate: -1},
		"address_rate: only where anybody may post; leave it out, rate is enough here":       {Preset: "tally", Secret: "x", AddressRate: 1},
		"address_rate: only where anybody may post; leave it out, rate is enough here ":      {Events: true, AddressRate: 1},
		"<nil>": {Preset: "jotform", Unsigned: true, Rate: 1, AddressRate: 1},
	} {
		if err := cfg.Validate(); fmt.Sprint(err) != strings.TrimSpace(want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// slowKafka takes nothing before it is released.
type slowKafka struct {
	acceptor
	release chan struct{}
}

func (s *slowKafka) Accept(ctx context.Context, c *lead.Contact) error {
	select {
	case <-s.release:
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.acceptor.Accept(ctx, c)
}

func slowDoor(t *testing.T) (door, *slowKafka) {
	t.Helper()
	d, kafka := newDoor(t), &slowKafka{release: make(chan struct{})}
	id, err := ingest.NewIdentity(ingest.IdentityConfig{})
	if err != nil {
		t.Fatal(err)
	}
	d.reg = prometheus.NewRegistry()
	d.Handler, err = webhook.New(map[string]webhook.Config{"website": {AddressRate: 1e6}, "crm": {Events: true, MaxBody: 1 << 20}}, id, kafka, zerolog.New(zerolog.SyncWriter(d.log)), d.reg)
	if err != nil {
		t.Fatal(err)
	}
	return d, kafka
}

// While Kafka is slow, posts wait up to a limit; those beyond it are refused at
// once, and those within it are stored.
func TestOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, kafka := slowDoor(t)
		answers := make(chan int, webhook.MaxPosts)
		for range webhook.MaxPosts {
			go func() { answers <- d.post("/in/website", hello, "Content-Type", formType).Code }()
		}
		synctest.Wait()
		w := httptest.NewRecorder()
		if d.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/in/website", &unread{t: t})); w.Code != 503 {
			t.Errorf("one that has not come in yet: %d", w.Code)
		}
		began := time.Now()
		for _, accept := range []string{"*/*", html} {
			w := d.post("/in/website", hello, "Content-Type", formType, "Accept", accept)
			if w.Code != 503 || w.Header().Get("Retry-After") == "" || time.Since(began) != 0 {
				t.Errorf("%d %v after %v", w.Code, w.Header(), time.Since(began))
			}
		}
		if d.counted(t, "leadd_webhook_refused_total", "overload", "website") != 3 {
			t.Error("not counted")
		}
		close(kafka.release)
		for range webhook.MaxPosts {
			if code := <-answers; code != 200 {
				t.Errorf("a post that waited: %d", code)
			}
		}
		if len(kafka.contacts) != webhook.MaxPosts {
			t.Errorf("%d contacts", len(kafka.contacts))
		}
		if w := d.post("/in/website", hello, "Content-Type", formType); w.Code != 200 {
			t.Errorf("afterwards: %d", w.Code)
		}
	})
}

// gated is a body that comes when its gate is opened.
type gated struct {
	io.Reader
	gate chan struct{}
}

func (g *gated) Read(p []byte) (int, error) {
	<-g.gate
	return g.Reader.Read(p)
}

// Posts whose bodies are still coming in take no place, however many they are;
// when all come in at once, those beyond the limit are refused.
func TestOverloadAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, kafka := slowDoor(t)
		gate := make(chan struct{})
		const over = 10
		answers := make(chan int, webhook.MaxPosts+over)
		for range webhook.MaxPosts + over {
			go func() {
				r := httptest.NewRequest(http.MethodPost, "/in/website", &gated{strings.NewReader(hello), gate})
				r.Header.Set("Content-Type", formType)
				w := httptest.NewRecorder()
				d.ServeHTTP(w, r)
				answers <- w.Code
			}()
		}
		synctest.Wait()
		if len(answers) != 0 {
			t.Errorf("%d are answered already", len(answers))
		}
		close(gate)
		synctest.Wait()
		if len(answers) != over {
			t.Errorf("%d are refused, not %d", len(answers), over)
		}
		close(kafka.release)
		codes := map[int]int{}
		for range webhook.MaxPosts + over {
			codes[<-answers]++
		}
		if codes[200] != webhook.MaxPosts || codes[503] != over {
			t.Errorf("answers: %v", codes)
		}
	})
}

// What all bodies together hold of the memory is bounded, whatever one source
// allows.
func TestOverloadOfLargeBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, kafka := slowDoor(t)
		webhook.Narrow(d.Handler, 2<<20+64<<10)
		large := "a=" + strings.Repeat("x", 1<<20-2)
		post := func() int { return d.post("/in/crm", large, "Content-Type", formType).Code }
		answers := make(chan int, 2)
		for range 2 {
			go func() { answers <- post() }()
		}
		synctest.Wait()
		if code := post(); code != 503 || d.counted(t, "leadd_webhook_refused_total", "overload", "crm") != 1 {
			t.Errorf("a third: %d", code)
		}
		close(kafka.release)
		for range 2 {
			if code := <-answers; code != 200 {
				t.Errorf("the first two: %d", code)
			}
		}
		if code := post(); code != 200 {
			t.Errorf("afterwards: %d", code)
		}
	})
}

// A sender that lets its body drip is cut off, be it quick enough never to
// stand still; others are served meanwhile, and one that keeps up the pace has
// its time.
func TestSlowBodies(t *testing.T) {
	d := newDoor(t)
	webhook.Hurry(d.Handler, 2000, 500*time.Millisecond, time.Minute)
	server := httptest.NewUnstartedServer(d)
	server.Config.ReadTimeout = 500 * time.Millisecond
	server.Start()
	defer server.Close()
	drip := func(pause time.Duration, piece string, pieces int) (status int) {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Error(err)
			return 0
		}
		defer conn.Close()
		_, _ = fmt.Fprintf(conn, "POST /in/website HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", formType, len(piece)*pieces)
		dripping := make(chan struct{})
		go func() {
			defer close(dripping)
			tick := time.NewTicker(pause)
			defer tick.Stop()
			for range pieces {
				if _, err := io.WriteString(conn, piece); err != nil {
					return
				}
				<-tick.C
			}
		}()
		answer := make([]byte, 12)
		_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		_, _ = io.ReadFull(conn, answer)
		_ = conn.Close()
		<-dripping
		status, _ = strconv.Atoi(string(answer[9:]))
		return status
	}
	var slow sync.WaitGroup
	for range 50 {
		slow.Go(func() {
			if code := drip(20*time.Millisecond, "a", 1000); code != 408 { // 50 bytes a second
				t.Errorf("a sender of drips got %d", code)
			}
		})
	}
	for range 20 {
		resp, err := http.Post(server.URL+"/in/website", formType, strings.NewReader(hello))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("another: %s", resp.Status)
		}
	}
	if code := drip(20*time.Millisecond, "a="+strings.Repeat("x", 198), 50); code != 200 { // 10,000 bytes a second for a second
		t.Errorf("a sender at the pace got %d", code)
	}
	slow.Wait()
	if n := d.counted(t, "leadd_webhook_refused_total", "too_slow", "website"); n != 50 {
		t.Errorf("%v counted", n)
	}
}

// A zip of zeros is not inflated beyond what a body may have.
func TestZipOfZeros(t *testing.T) {
	var zeros bytes.Buffer
	z := gzip.NewWriter(&zeros)
	for range 50 {
		_, _ = z.Write(make([]byte, 1<<20))
	}
	_ = z.Close()
	d := newDoor(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w := d.post("/in/website", zeros.String(), "Content-Type", formType, "Content-Encoding", "gzip")
	runtime.ReadMemStats(&after)
	if w.Code != 413 || after.TotalAlloc-before.TotalAlloc > 8<<20 {
		t.Errorf("%d, %d MiB", w.Code, (after.TotalAlloc-before.TotalAlloc)>>20)
	}
	if len(d.dead) != 0 {
		t.Error("it is kept")
	}
}

// Strangers' posts that cannot be read may take so much of the disk a day, no
// more.
func TestDeadLettersOfStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := presetDoor(t, map[string]webhook.Config{
			"website": {Rate: 1e9, AddressRate: 1e9}, "crm": {Events: true, Rate: 1e9}, "open": {Preset: "jotform", Unsigned: true, Rate: 1e9, AddressRate: 1e9},
		})
		broken := "{" + strings.Repeat("x", 20<<10)
		send := func(source string) *httptest.ResponseRecorder {
			return d.post("/in/"+source, broken, "Content-Type", "application/json")
		}
		for source, n := range map[string]int{"website": 1000, "open": 600} {
			d.dead = nil
			kept := 0
			for i := range n {
				if w := send(source); w.Code != 400 || len(d.dead) != i+1 {
					t.Fatalf("%s, post %d: %d, %d dead letters", source, i, w.Code, len(d.dead))
				}
				letter := d.dead[i]
				if letter.Truncated != (len(letter.Raw) < len(broken)) || len(letter.Raw) < 1000 || letter.ID != d.dead[0].ID {
					t.Errorf("%s, post %d: %d bytes, truncated %v", source, i, len(letter.Raw), letter.Truncated)
				}
				kept += len(letter.Raw)
			}
			if kept < 5<<20 || kept > 11<<20 {
				t.Errorf("%s: %d MiB were kept", source, kept>>20)
			}
			for source == "website" && len(d.dead) < 30_000 { // short ones, which takes less time
				if d.post("/in/"+source, "{x", "Content-Type", "application/json").Code != 400 {
					break
				}
			}
			if w := send(source); source == "website" && (w.Code != 429 || w.Header().Get("Retry-After") == "" || len(d.dead) > 11_000 || d.counted(t, "leadd_webhook_refused_total", "dead_letters", source) == 0) {
				t.Errorf("%s: %d after %d dead letters", source, w.Code, len(d.dead))
			}
			if w := d.post("/in/"+source, hello, "Content-Type", formType); source == "website" && w.Code != 200 {
				t.Errorf("a good post: %d", w.Code)
			}
			time.Sleep(24 * time.Hour)
			if send(source); len(d.dead[len(d.dead)-1].Raw) != len(broken) {
				t.Errorf("%s: a day later, %d bytes are kept", source, len(d.dead[len(d.dead)-1].Raw))
			}
		}
		d.dead = nil
		for i := range 600 { // our own program: everything is kept
			if w := send("crm"); w.Code != 400 || len(d.dead[i].Raw) != len(broken) {
				t.Fatalf("%d, %d bytes", w.Code, len(d.dead[i].Raw))
			}
		}
	})
}

// What a stranger says of the time is believed within reason, what a sender
// signs or our own program says always.
func TestTimesOfStrangers(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	signed := func(body string) []string {
		return []string{"X-Hub-Signature-256", "sha256=" + fmt.Sprintf("%x", mac(secret, body))}
	}
	for what, tc := range map[string]struct {
		at       time.Time
		stranger bool // is believed as well
	}{
		"last week":          {now.AddDate(0, 0, -7), true},
		"eleven months ago":  {now.AddDate(0, -11, 0), true},
		"two years ago":      {now.AddDate(-2, 0, 0), false},
		"at the very outset": {time.Unix(1, 0).UTC(), false},
	} {
		d := presetDoor(t, map[string]webhook.Config{"website": {}, "crm": {Events: true}, "open": {Preset: "contact-form-7", Unsigned: true}})
		body := fmt.Sprintf(`{"email":"ada@acme.example","submitted_at":%q}`, tc.at.Format(time.RFC3339))
		for source, believed := range map[string]bool{"website": tc.stranger, "open": tc.stranger, "crm": true, "hmac": true} {
			d.contacts = nil
			if w := d.deliver(source, "application/json", body, signed(body)); w.Code != 200 || len(d.contacts) != 1 {
				t.Fatalf("%s, %s: %d %s", source, what, w.Code, w.Body)
			}
			c := d.contacts[0]
			if believed && !c.At.Equal(tc.at) || !believed && !c.At.Equal(c.Received) {
				t.Errorf("%s, %s: at %v, received %v", source, what, c.At, c.Received)
			}
			if len(c.Fields) != 2 || c.Fields[1].Key != "at" || c.Fields[1].Value != tc.at.Format(time.RFC3339) {
				t.Errorf("%s, %s: the answer is gone: %+v", source, what, c.Fields)
			}
		}
	}
	d := newDoor(t)
	d.post("/in/crm", fmt.Sprintf(`{"email":"ada@acme.example","at":%q}`, now.AddDate(1, 0, 0).Format(time.RFC3339)), "Content-Type", "application/json")
	if len(d.contacts) != 1 || !d.contacts[0].At.Equal(d.contacts[0].Received) {
		t.Errorf("a time to come: %+v", d.contacts)
	}
}

// Small posts that would take much memory to read.
func TestPostsThatSwell(t *testing.T) {
	long := strings.Repeat("x", 500<<10)
	many := strings.Repeat(`"k":1,`, 4000) + `"k":2`
	for what, tc := range map[string]struct{ contentType, body string }{
		"a long name above many":    {"application/json", `{"` + long + `":{` + many + `}}`},
		"a long label above many":   {"application/json", `[{"label":"` + long + `","value":{` + many + `}}]`},
		"one name many times":       {formType, strings.Repeat("a="+strings.Repeat("x", 1<<10)+"&", 1000)},
		"many parts without a name": {multiType, strings.Repeat("--XyZ\r\n\r\n\r\n", 80_000) + "--XyZ--\r\n"},
		"a part with many headers":  {multiType, "--XyZ\r\n" + strings.Repeat("a: b\r\n", 150_000) + "\r\nx\r\n--XyZ--\r\n"},
		"a part with a long header": {multiType, "--XyZ\r\na: " + long + "\r\n\r\nx\r\n--XyZ--\r\n"},
		"many names":                {formType, manyNames()},
	} {
		d := newDoor(t)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		w := d.post("/in/website", tc.body, "Content-Type", tc.contentType)
		runtime.ReadMemStats(&after)
		if w.Code != 200 && w.Code != 400 {
			t.Errorf("%s: %d", what, w.Code)
		}
		if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 300 { // with -race all takes more
			t.Errorf("%s: %d MiB", what, mib)
		}
	}
}

func manyNames() string {
	var b strings.Builder
	for i := range 999 {
		fmt.Fprintf(&b, "%d=%s&", i, strings.Repeat("y", 500))
	}
	return b.String()
}
