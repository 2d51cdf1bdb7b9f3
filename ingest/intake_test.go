package ingest_test

import (
	"bytes"
	"context"
	"errors"
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
