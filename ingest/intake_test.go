package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"leadd/ingest"
	"leadd/lead"
)

type producer struct {
	topic, key string
	value      []byte
	err        error
}

func (p *producer) Publish(_ context.Context, topic string, key, value []byte) error {
	p.topic, p.key, p.value = topic, string(key), value
	return p.err
}

func TestAccept(t *testing.T) {
	p, reg := &producer{}, prometheus.NewRegistry()
	intake := ingest.NewIntake(p, reg)
	want := lead.Contact{ID: "1", Prospect: "acme.example", Source: "website", Kind: lead.KindForm}
	if err := intake.Accept(t.Context(), &want); err != nil {
		t.Fatal(err)
	}
	var got lead.Contact
	if err := lead.Decode(p.value, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" || p.topic != lead.TopicContacts || p.key != "acme.example" {
		t.Errorf("%s %s %s", p.topic, p.key, d)
	}

	p.err = errors.New("broker away")
	if err := intake.Accept(t.Context(), &want); !errors.Is(err, p.err) {
		t.Errorf("producer's error lost: %v", err)
	}
	for _, c := range []lead.Contact{{Prospect: "x", Source: "s"}, {ID: "1", Source: "s"}, {ID: "1", Prospect: "x"}} {
		if err := intake.Accept(t.Context(), &c); !errors.Is(err, ingest.ErrIncomplete) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "leadd_ingest_contacts_total" && f.GetMetric()[0].GetCounter().GetValue() != 1 {
			t.Errorf("counted %v, want the one that was accepted", f)
		}
	}
}

func TestAnnounce(t *testing.T) {
	var mu sync.Mutex
	got := map[string]lead.Notice{}
	away := errors.New("broker away")
	fails := ""
	intake := ingest.NewIntake(publish(func(topic, key string, value []byte) error {
		mu.Lock()
		defer mu.Unlock()
		var n lead.Notice
		if err := lead.Decode(value, &n); err != nil || topic != lead.TopicNotices || key != "ads/"+n.ID {
			t.Errorf("%s %s %v", topic, key, err)
		}
		got[n.Object] = n
		if key == fails {
			return away
		}
		return nil
	}), prometheus.NewRegistry())
	var notices []lead.Notice
	for i := range 1000 {
		notices = append(notices, lead.Notice{ID: strconv.Itoa(i), Source: "ads", Sender: "meta", What: "lead", Object: strconv.Itoa(i), Fields: []lead.Field{{Name: "form_id", Value: "1"}}})
	}
	if err := intake.Announce(t.Context(), notices); err != nil || len(got) != 1000 {
		t.Fatalf("%d, %v", len(got), err)
	}
	if d := cmp.Diff(notices[7], got["7"]); d != "" {
		t.Error(d)
	}
	// One that Kafka may not have is enough for the sender to send all again.
	fails = "ads/999"
	if err := intake.Announce(t.Context(), notices); !errors.Is(err, away) {
		t.Errorf("producer's error lost: %v", err)
	}
}

type publish func(topic, key string, value []byte) error

func (p publish) Publish(_ context.Context, topic string, key, value []byte) error {
	return p(topic, string(key), value)
}

func TestRefuse(t *testing.T) {
	p := &producer{}
	intake := ingest.NewIntake(p, prometheus.NewRegistry())
	if err := intake.Refuse(t.Context(), lead.DeadLetter{ID: "1", Raw: bytes.Repeat([]byte("x"), lead.MaxRaw+1)}); err != nil {
		t.Fatal(err)
	}
	var got lead.DeadLetter
	if err := lead.Decode(p.value, &got); err != nil {
		t.Fatal(err)
	}
	if p.topic != lead.TopicDead || p.key != "1" || len(got.Raw) != lead.MaxRaw || !got.Truncated {
		t.Errorf("%s %s: %d bytes, truncated %v", p.topic, p.key, len(got.Raw), got.Truncated)
	}
	p.err = errors.New("broker away")
	if err := intake.Refuse(t.Context(), lead.DeadLetter{ID: "1"}); !errors.Is(err, p.err) {
		t.Errorf("producer's error lost: %v", err)
	}
}
