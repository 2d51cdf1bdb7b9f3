package notify_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/internal/stream"
	"leadd/internal/testenv"
	"leadd/lead"
	"leadd/sink/notify"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// receiver is a destination that answers with what the test says.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	answers []int // for the next posts; then 204
	got     []delivery
	came    chan struct{}
}

type delivery struct {
	id, body string
	signed   bool
}

func newReceiver(t *testing.T, answers ...int) *receiver {
	r := &receiver{answers: answers, came: make(chan struct{}, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		code := http.StatusNoContent
		if len(r.answers) > 0 {
			code, r.answers = r.answers[0], r.answers[1:]
		}
		r.got = append(r.got, delivery{req.Header.Get("webhook-id"), string(body), signed(req, body)})
		if code == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(code)
		r.came <- struct{}{}
	}))
	t.Cleanup(r.Close)
	return r
}

// signed checks a signature as standardwebhooks.com describes it, by hand.
func signed(req *http.Request, body []byte) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	h := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(h, "%s.%s.%s", req.Header.Get("webhook-id"), req.Header.Get("webhook-timestamp"), body)
	return req.Header.Get("webhook-signature") == "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// await gives all deliveries once there are n.
func (r *receiver) await(t *testing.T, n int) []delivery {
	t.Helper()
	for {
		r.mu.Lock()
		got := append([]delivery{}, r.got...)
		r.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-r.came:
		case <-t.Context().Done():
			t.Fatal("the test has ended")
		case <-time.After(30 * time.Second):
			t.Fatalf("%d deliveries, want %d", len(got), n)
		}
	}
}

// scene is Kafka with scored records, and the stage.
type scene struct {
	t      *testing.T
	client *stream.Client
	next   int64
}

func newScene(t *testing.T) *scene {
	cfg := stream.DefaultConfig()
	cfg.Brokers, cfg.Partitions = []string{testenv.Kafka(t)}, 1
	client, err := stream.Dial(cfg, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if err := client.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &scene{t: t, client: client}
}

// scored appends a record with a change to the stage, and gives it.
func (s *scene) scored(to lead.Stage, edit func(*lead.Scored)) lead.Scored {
	s.t.Helper()
	s.next++
	now := time.Now().UTC().Truncate(time.Millisecond)
	r := lead.Scored{
		Contact: lead.Contact{
			ID: lead.ContactID("test", fmt.Sprint(s.next)), Prospect: "acme.example", Source: "website", Kind: lead.KindForm,
			Class: lead.ClassInquiry, At: now, Received: now, Person: lead.Person{Name: "Ada <Admin>"}, Company: lead.Company{Name: "Acme & Sons", Domain: "acme.example"},
		},
		Offset: s.next, AsOf: now,
		Verdicts: []lead.Verdict{{
			Product: "default", Criteria: "default-1", Stage: to, Score: 80,
			Reasons: []lead.Reason{{Criterion: "needs_identified", Points: 10, Evidence: "200 licences", Person: "Ada <Admin>"}},
			Changes: []lead.StageChange{{From: lead.StageContact, To: to, At: now, Rule: "met(need)", Evidence: "Need is met, with 80 points"}},
		}},
	}
	if edit != nil {
		edit(&r)
	}
	s.append(r)
	return r
}

func (s *scene) append(r lead.Scored) {
	s.t.Helper()
	value, err := lead.Encode(&r)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.client.Append(s.t.Context(), lead.TopicScored, 0, []lead.Record{{Key: []byte("acme.example"), Value: value}}); err != nil {
		s.t.Fatal(err)
	}
}

// run tells the destination until the function given back is called.
func (s *scene) run(cfg notify.Config, began time.Time) (stop func()) {
	s.t.Helper()
	stage, err := notify.NewStage(map[string]notify.Config{"crm": cfg}, s.client, began, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- s.client.Group(ctx, "leadd.notify.crm", []string{lead.TopicScored}, func(ctx context.Context, c *stream.Claim) error {
			return stage.Run(ctx, "crm", c)
		})
	}()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	}
}

func TestPromotionsAreToldOnce(t *testing.T) {
	s, crm := newScene(t), newReceiver(t)
	cfg := notify.Config{URL: crm.URL, Secret: secret, Page: "https://leadd.example/"}
	began := time.Now().Add(-time.Minute)
	s.scored(lead.StageLead, func(r *lead.Scored) { r.Contact.Received = began.Add(-2 * time.Hour) }) // before the destination was there
	first := s.scored(lead.StageLead, nil)
	s.append(first)                                                                                               // a rival's
	s.scored(lead.StageLead, func(r *lead.Scored) { r.Verdicts[0].Changes[0].At = time.Now().AddDate(-1, 0, 0) }) // an import's
	s.scored(lead.StageContact, func(r *lead.Scored) { r.Verdicts[0].Changes = nil })
	s.scored(lead.StageLost, nil)
	stop := s.run(cfg, began)
	got := crm.await(t, 2)
	stop()
	s.scored(lead.StageCustomer, nil)
	stop = s.run(cfg, time.Now().Add(time.Hour))
	got = append(got[:0], crm.await(t, 3)...)
	stop()

	var said []string
	ids := map[string]bool{}
	for _, d := range got {
		var e struct {
			Type string `json:"type"`
			Data struct {
				Prospect, From, To, Page string
				Reasons                  []lead.Reason
			} `json:"data"`
		}
		if err := json.Unmarshal([]byte(d.body), &e); err != nil {
			t.Fatal(err)
		}
		if !d.signed || len(e.Data.Reasons) != 1 {
			t.Errorf("signed %v: %s", d.signed, d.body)
		}
		ids[d.id] = true
		said = append(said, e.Type+" "+e.Data.Prospect+" "+e.Data.To+" "+e.Data.Page)
	}
	want := []string{
		"prospect.promoted acme.example lead https://leadd.example/prospects/acme.example",
		"prospect.fell acme.example lost https://leadd.example/prospects/acme.example",
		"prospect.promoted acme.example customer https://leadd.example/prospects/acme.example",
	}
	if d := cmp.Diff(want, said); d != "" || len(ids) != 3 {
		t.Error(ids, d)
	}
}

func TestADestinationThatFailsIsTriedAgain(t *testing.T) {
	s, crm := newScene(t), newReceiver(t, http.StatusInternalServerError, http.StatusTooManyRequests)
	s.scored(lead.StageLead, nil)
	defer s.run(notify.Config{URL: crm.URL, Secret: secret}, time.Time{})()
	got := crm.await(t, 3)
	if got[0].id == "" || got[1].id != got[0].id || got[2].id != got[0].id || got[2].body != got[0].body {
		t.Errorf("the tries differ: %v", got)
	}
}

func TestWhatADestinationRefusesIsADeadLetter(t *testing.T) {
	s, crm := newScene(t), newReceiver(t, http.StatusUnprocessableEntity)
	s.scored(lead.StageLead, nil)
	s.scored(lead.StageOpportunity, nil)
	defer s.run(notify.Config{URL: crm.URL, Secret: secret}, time.Time{})()
	got := crm.await(t, 2)
	records, _, err := s.client.Fetch(t.Context(), lead.TopicDead, 0, 0)
	if err != nil || len(records) != 1 {
		t.Fatalf("%d dead letters, %v", len(records), err)
	}
	var l lead.DeadLetter
	if err := lead.Decode(records[0].Value, &l); err != nil {
		t.Fatal(err)
	}
	if l.Stage != "notify" || l.Source != "crm" || l.Origin != "leadd.scored/0@0" || !strings.Contains(l.Reason, "422") || string(l.Raw) != got[0].body {
		t.Errorf("%+v\n%s", l, l.Raw)
	}
}

// A process that dies after the answer, or has lost the partition, does not
// tell another thing; its successor tells the same under the same id.
func TestKilledBeforeTheCommit(t *testing.T) {
	s, crm := newScene(t), newReceiver(t)
	s.scored(lead.StageLead, nil)
	stage, err := notify.NewStage(map[string]notify.Config{"crm": {URL: crm.URL, Secret: secret}}, s.client, time.Time{}, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	for posts := range 2 {
		if err := stage.Run(t.Context(), "crm", &dyingClaim{left: posts + 1}); !errors.Is(err, errDied) {
			t.Fatal(err)
		}
		if got := crm.await(t, posts); len(got) != posts {
			t.Errorf("want %d posts: %v", posts, got)
		}
	}
	defer s.run(notify.Config{URL: crm.URL, Secret: secret}, time.Time{})()
	if got := crm.await(t, 2); got[0].id != got[1].id || got[0].body != got[1].body {
		t.Errorf("%v", got)
	}
}

var errDied = errors.New("died")

type dyingClaim struct{ left int }

func (*dyingClaim) Partition() int             { return 0 }
func (*dyingClaim) Committed() (int64, string) { return -1, "" }
func (c *dyingClaim) Commit(context.Context, int64, string) error {
	if c.left == 0 {
		return errDied
	}
	c.left--
	return nil
}

func TestChat(t *testing.T) {
	s, chat := newScene(t), newReceiver(t)
	s.scored(lead.StageLead, nil) // not asked for
	s.scored(lead.StageOpportunity, nil)
	s.scored(lead.StageCustomer, func(r *lead.Scored) { r.Verdicts = append(r.Verdicts, lead.Verdict{Product: "training"}) })
	s.scored(lead.StageLost, func(r *lead.Scored) {
		r.Contact.Company.Name = ""
		r.Verdicts[0].Reasons = nil
		r.Verdicts[0].Changes[0].From = lead.StageLead
	})
	defer s.run(notify.Config{URL: chat.URL, Format: "chat", Stages: []string{"opportunity", "customer", "lost"}, Page: "https://leadd.example"}, time.Time{})()
	var said []string
	for _, d := range chat.await(t, 3) {
		var line struct{ Text string }
		if err := json.Unmarshal([]byte(d.body), &line); err != nil {
			t.Fatal(err)
		}
		said = append(said, line.Text)
	}
	want := []string{
		"Acme &amp; Sons (acme.example) became an opportunity, from contact. Need is met, with 80 points.\n" +
			"• needs identified (+10): 200 licences — Ada &lt;Admin&gt;\nhttps://leadd.example/prospects/acme.example",
		"default: Acme &amp; Sons (acme.example) became a customer, from contact. Need is met, with 80 points.\n" +
			"• needs identified (+10): 200 licences — Ada &lt;Admin&gt;\nhttps://leadd.example/prospects/acme.example?product=default",
		"acme.example is lost, from lead. Need is met, with 80 points.\nhttps://leadd.example/prospects/acme.example",
	}
	if d := cmp.Diff(want, said); d != "" {
		t.Error(d)
	}
}

func TestValidate(t *testing.T) {
	for _, tc := range []struct {
		cfg  notify.Config
		want string // "": nothing is wrong
	}{
		{notify.Config{URL: "https://crm.example/hook", Secret: secret}, ""},
		{notify.Config{URL: "https://chat.example/hook", Format: "chat"}, ""},
		{notify.Config{URL: "crm.example", Secret: secret}, "url: this is no address"},
		{notify.Config{URL: "https://crm.example"}, "secret: missing"},
		{notify.Config{URL: "https://crm.example", Secret: "short"}, "secret: this is no secret"},
		{notify.Config{URL: "https://chat.example", Format: "chat", Secret: secret}, "not signed"},
		{notify.Config{URL: "https://chat.example", Format: "slack"}, `format: "slack" is not webhook or chat`},
		{notify.Config{URL: "https://chat.example", Format: "chat", Stages: []string{"client"}}, `stages: no stage is named "client"`},
		{notify.Config{URL: "https://chat.example", Format: "chat", Page: "here"}, "page: this is no address"},
	} {
		err := tc.cfg.Validate()
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.cfg, err, tc.want)
		}
	}
}
