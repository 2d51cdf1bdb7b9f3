package webhook_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/ingest"
	"leadd/ingest/webhook"
)

// The example in Config's comment is one that works.
func TestConfigExample(t *testing.T) {
	source, err := os.ReadFile("config.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(source), "With everything written out:\n//\n")
	example, _, ok := strings.Cut(rest, "type Config struct")
	if !ok {
		t.Fatal("config.go has no example")
	}
	var text strings.Builder
	for line := range strings.Lines(example) {
		text.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, "//"), "\t"))
	}
	var got map[string]webhook.Config
	if err := yaml.UnmarshalWithOptions([]byte(text.String()), &got, yaml.Strict()); err != nil {
		t.Fatalf("%v\n%s", err, text.String())
	}
	want := map[string]webhook.Config{"website": {
		Redirect: "https://ours.example/thanks", Honeypot: "website_hp", MaxBody: 1 << 20, Rate: 6000, AddressRate: 120,
		Fields: ingest.FieldMap{"your_thing": "budget", "internal_note": "-"},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if err := got["website"].Validate(); err != nil {
		t.Error(err)
	}
}

func TestNewNamesEveryMistake(t *testing.T) {
	id, err := ingest.NewIdentity(ingest.IdentityConfig{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = webhook.New(map[string]webhook.Config{
		"Web/Site": {},
		"website":  {Redirect: "javascript:alert(1)", MaxBody: -1, Fields: ingest.FieldMap{"a": "Budget", "b": "-", "c": "", "d": "x y"}},
		"good":     {Redirect: "http://ours.example"},
	}, id, &acceptor{}, zerolog.Nop(), prometheus.NewRegistry())
	want := `source "Web/Site": a name has small letters, digits, - and _, 63 at most
source "website": redirect: "javascript:alert(1)" is no web address; write it whole, like https://ours.example/thanks
max_body: -1 is less than nothing; write a number of bytes, or 0 for 1048576
fields: "a" -> "Budget": write a key in small letters like budget, or "-" to leave the field out
fields: "d" -> "x y": write a key in small letters like budget, or "-" to leave the field out`
	if fmt.Sprint(err) != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}
