package lead

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sampleScored() Scored {
	days := 30
	at := time.Date(2026, 3, 2, 9, 15, 0, 123e6, time.UTC)
	return Scored{
		Contact: Contact{
			ID: ContactID("website", "17"), Prospect: "acme.example", Source: "website",
			Kind: KindForm, Class: ClassInquiry, At: at, Received: at.Add(time.Second), RepeatAfter: 86400,
			Person:  Person{Email: "ada@acme.example", Name: "Ada \"L\" <Öz>", Phone: "+4930123456"},
			Company: Company{Name: "Acme", Domain: "acme.example"},
			Text:    "We need 200 licences.\n\tBy June \u2028 & soon",
			Fields:  []Field{{Name: "Budget (USD)", Key: "budget", Value: "50,000"}},
		},
		Offset: 1 << 60, AsOf: at.Add(time.Hour),
		Findings: []Finding{{Criterion: "timeline", Words: "By June", Place: "text", Start: 22, Days: &days}},
		Verdicts: []Verdict{{
			Product: "default", Criteria: "default-1",
			Reasons: []Reason{{Criterion: "need", Points: 30, Evidence: "We need 200 licences", Contact: "x", At: at}},
			Changes: []StageChange{{From: StageContact, To: StageLead, At: at, Rule: "met(need)"}},
			Stage:   StageLead, Score: 55,
		}},
	}
}

func TestCodecRoundTrip(t *testing.T) {
	want := sampleScored()
	b, err := Encode(&want)
	if err != nil {
		t.Fatal(err)
	}
	var got Scored
	if err := Decode(b, &got); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	again, err := Encode(&got)
	if err != nil {
		t.Fatal(err)
	}
	if string(b) != string(again) {
		t.Errorf("encoded again differs:\n%s\n%s", b, again)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		in    string
		newer bool
	}{
		"empty":             {in: ""},
		"garbage":           {in: "\x00\x01\x02"},
		"no version":        {in: `{"id":"x"}`},
		"version only":      {in: `{"v":1`},
		"cut off":           {in: `{"v":1,"id":"x`},
		"more behind it":    {in: `{"v":1,"id":"x"}{}`},
		"wrong type":        {in: `{"v":1,"at":17}`},
		"newer format":      {in: `{"v":2,"id":"x"}`, newer: true},
		"far newer format":  {in: `{"v":123456789,"id":"x"}`, newer: true},
		"unreadable number": {in: `{"v":12345678901234567890}`},
	} {
		t.Run(name, func(t *testing.T) {
			var c Contact
			err := Decode([]byte(tc.in), &c)
			if err == nil {
				t.Fatal("no error")
			}
			if errors.Is(err, ErrNewerFormat) != tc.newer && name != "unreadable number" {
				t.Errorf("newer = %v: %v", !tc.newer, err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	s := sampleScored()
	b, err := Encode(&s)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"v":1,"contact":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Scored
		if Decode(b, &s) != nil {
			return
		}
		once, err := Encode(&s)
		if err != nil {
			return // a stage or time that JSON cannot carry
		}
		var back Scored
		if err := Decode(once, &back); err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
	})
}

func TestContactIDKeepsPartsApart(t *testing.T) {
	if ContactID("ab", "c") == ContactID("a", "bc") {
		t.Error("parts run together")
	}
	if id := ContactID("website", "17"); len(id) != 32 || id != ContactID("website", "17") {
		t.Errorf("id %q", id)
	}
}

func TestStageNames(t *testing.T) {
	for _, s := range Stages() {
		back, err := ParseStage(s.String())
		if err != nil || back != s {
			t.Errorf("%v: %v %v", s, back, err)
		}
	}
	if _, err := ParseStage("client"); err == nil {
		t.Error("unknown stage accepted")
	}
}
