package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/internal/clickhouse"
	"leadd/internal/stream"
	"leadd/internal/testenv"
	"leadd/lead"
)

// broker is a client of the daemon's embedded Kafka.
func (p *process) broker() *stream.Client {
	p.t.Helper()
	cfg := stream.DefaultConfig()
	cfg.Brokers = []string{p.embeddedAddr("kafka")}
	c, err := stream.Dial(cfg, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(c.Close)
	if err := c.EnsureTopics(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	return c
}

// letter is a row of table dead_letters.
type letter struct {
	ID     string `ch:"id"`
	Stage  string `ch:"stage"`
	Source string `ch:"source"`
	Origin string `ch:"origin"`
	Reason string `ch:"reason"`
}

func letters(t testing.TB, cfg clickhouse.Config) (all []letter) {
	t.Helper()
	db, err := clickhouse.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Select(t.Context(), &all, "SELECT id, toString(stage) AS stage, source, origin, reason FROM dead_letters ORDER BY id"); err != nil {
		t.Fatal(err)
	}
	return all
}

func encoded[T lead.Value](t testing.TB, v *T) []byte {
	t.Helper()
	b, err := lead.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// strangeContact is a contact that nothing is wrong with.
func strangeContact(n int) lead.Contact {
	at := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	key := fmt.Sprintf("strange%d.example", n)
	return lead.Contact{
		ID: lead.ContactID("strange", fmt.Sprint(n)), Prospect: key, Source: "website", Kind: lead.KindForm, Class: lead.ClassInquiry,
		At: at, Received: at, Person: lead.Person{Email: "eve@" + key}, Company: lead.Company{Domain: key}, Text: "We need 10 licences.",
	}
}

// TestPoison puts records on every topic that nobody can read. Each becomes
// one dead letter, and the line goes on.
func TestPoison(t *testing.T) {
	t.Parallel()
	dovecot := testenv.Dovecot(t)
	testenv.ClickHouse(t)
	dovecot.Append(t, "INBOX", leadMail(0))
	c := campaign{prospects: 40, each: 10}
	file, addr := writeConfig(t, busyForm+inbox(dovecot)), freeAddr(t)
	p := startLeadd(t, "serve", "-c", file, "--listen", addr)
	load := newCrowd(t, c, 20*time.Second, func(int) string { return "http://" + addr })
	load.release(c.total() / 2)
	load.awaitAcked(load.released / 2)

	broker := p.broker()
	poison := map[string][]string{
		lead.TopicContacts:  {"\x00\xff\xfegarbage", `{"v":2,"id":"x"}`, `{"v":1,"id":"x"`, `{"v":1,"id":"","prospect":"x"}`, ""},
		lead.TopicScored:    {"\x00\xff\xfegarbage", `{"v":2,"contact":{}}`, `{"v":1,"contact":{"id":"x"}`},
		lead.TopicProspects: {"\x00\xff\xfegarbage", `{"v":2,"key":"x"}`},
		lead.TopicDead:      {"\x00\xff\xfegarbage", `{"v":2,"id":"x"}`},
		lead.TopicCursors:   {"\x00\xff\xfegarbage", `{"v":2,"place":7}`},
	}
	want := 0
	for topic, values := range poison {
		for i, value := range values {
			key := fmt.Sprintf("poison%d", i)
			switch topic {
			case lead.TopicProspects:
				key = "p/" + key
			case lead.TopicCursors:
				key = "info" // the mailbox
			}
			partition, err := broker.PartitionOf(topic, []byte(key))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := broker.Append(t.Context(), topic, partition, []lead.Record{{Key: []byte(key), Value: []byte(value)}}); err != nil {
				t.Fatal(err)
			}
			want++
		}
	}
	load.release(c.total() / 4)
	load.awaitAcked(load.released)
	p.stop()

	// States and positions are read when a process starts.
	if err := os.RemoveAll(filepath.Join(p.data(), "scoring")); err != nil {
		t.Fatal(err)
	}
	dovecot.Append(t, "INBOX", leadMail(1))
	p = startLeadd(t, "serve", "-c", file, "--listen", addr)
	load.finish()
	awaitStored(t, p.database(), c.total()+2)
	await(t, "dead letters", func() error {
		if all := letters(t, p.database()); len(all) != want {
			return fmt.Errorf("%d of %d: %+v", len(all), want, all)
		}
		return nil
	})
	p.exactlyOnce()
	page := p.page("/dead")
	for topic := range poison {
		if !strings.Contains(page, topic) {
			t.Errorf("the page of dead letters shows none of %s", topic)
		}
	}

	// Garbage stays garbage, and replaying it makes no more of it.
	out, stderr, code := runLeadd(t, "", "replay", "-c", file)
	if code != 0 || strings.Count(out, "left as it is") != want {
		t.Errorf("replay: exit code %d\n%s%s", code, out, stderr)
	}
	p.stop()
}

// TestReplay takes dead letters in again whose cause has been mended.
func TestReplay(t *testing.T) {
	t.Parallel()
	testenv.ClickHouse(t)
	dovecot := testenv.Dovecot(t)
	file := writeConfig(t, busyForm+inbox(dovecot))
	if _, stderr, code := runLeadd(t, "", "replay", "-c", file); code != 1 || !strings.Contains(stderr, "must be running") {
		t.Errorf("without a daemon: exit code %d: %s", code, stderr)
	}
	p := startLeadd(t, "serve", "-c", file)
	broker := p.broker()
	at := time.Now().UTC().Truncate(time.Millisecond)
	bury := func(id, stage, source, origin string, raw []byte) {
		t.Helper()
		l := lead.DeadLetter{ID: id, At: at, Stage: stage, Source: source, Reason: "a mistake of the version before", Origin: origin, Raw: raw}
		if err := broker.Publish(t.Context(), lead.TopicDead, []byte(id), encoded(t, &l)); err != nil {
			t.Fatal(err)
		}
	}
	publish := func(key string, c lead.Contact) (partition int, offset int64) {
		t.Helper()
		if err := broker.Publish(t.Context(), lead.TopicContacts, []byte(key), encoded(t, &c)); err != nil {
			t.Fatal(err)
		}
		partition, err := broker.PartitionOf(lead.TopicContacts, []byte(key))
		if err != nil {
			t.Fatal(err)
		}
		_, end, err := broker.Offsets(t.Context(), lead.TopicContacts, partition)
		if err != nil {
			t.Fatal(err)
		}
		return partition, end - 1
	}
	// A contact under a key that is not its prospect's is refused by scoring.
	partition, refused := publish("nobody.example", strangeContact(1))
	// Others come behind it.
	others := 0
	for found := false; !found; others++ {
		c := strangeContact(100 + others)
		where, _ := publish(c.Prospect, c)
		found = where == partition
	}
	awaitStored(t, p.database(), others)
	// A scored contact that the sink had to leave out, before those.
	behind := lead.Scored{
		Contact: strangeContact(2), Offset: refused, AsOf: at,
		Verdicts: []lead.Verdict{{
			Product: "default", Criteria: "default-1", Score: 10,
			Reasons: []lead.Reason{{Criterion: "engagement:form", Points: 10, Evidence: "a form", Contact: strangeContact(2).ID, At: at}},
		}},
	}
	place, err := broker.Append(t.Context(), lead.TopicScored, partition, []lead.Record{{Key: []byte(behind.Contact.Prospect), Value: encoded(t, &behind)}})
	if err != nil {
		t.Fatal(err)
	}
	bury("scored", "sink", lead.TopicScored, fmt.Sprintf("%s/%d@%d", lead.TopicScored, partition, place), []byte("the beginning"))
	bury("form", "ingest", "website", `POST /in/website from 192.0.2.1 ("application/json")`, []byte(`{"email":"kim@form.example","message":"We need 5 seats."}`))
	bury("mail", "ingest", "info", "INBOX uid 7 of validity 1", leadMail(4))
	await(t, "dead letters", func() error {
		if all := letters(t, p.database()); len(all) != 4 {
			return fmt.Errorf("%+v", all)
		}
		return nil
	})
	if list, stderr, code := runLeadd(t, "", "replay", "-c", file, "--list"); code != 0 || strings.Count(list, "\n") != 4 || !strings.Contains(list, "a mistake") {
		t.Errorf("--list: exit code %d\n%s%s", code, list, stderr)
	}
	if out, stderr, code := runLeadd(t, "", "replay", "-c", file, "nonsense"); code != 1 || !strings.Contains(stderr, "no dead letter nonsense") {
		t.Errorf("an unknown id: exit code %d\n%s%s", code, out, stderr)
	}
	out, stderr, code := runLeadd(t, "", "replay", "-c", file, "form")
	if code != 0 || strings.Count(out, "\n") != 1 {
		t.Errorf("one id: exit code %d\n%s%s", code, out, stderr)
	}
	for range 2 { // twice counts once
		out, stderr, code = runLeadd(t, "", "replay", "-c", file)
		if code != 0 || strings.Contains(out, "left as it is") || strings.Count(out, "\n") != 4 {
			t.Errorf("exit code %d\n%s%s", code, out, stderr)
		}
		awaitStored(t, p.database(), others+4)
	}
	if !strings.Contains(out, "is stored already") {
		t.Errorf("the scored contact was stored again:\n%s", out)
	}
	// What follows in every partition shows that no second one came before it.
	load := newCrowd(t, campaign{prospects: 40, each: 1}, 20*time.Second, func(int) string { return p.base })
	load.finish()
	awaitStored(t, p.database(), others+44)
	p.exactlyOnce()
	if n := len(letters(t, p.database())); n != 4 {
		t.Errorf("%d dead letters", n)
	}
	p.stop()
}
