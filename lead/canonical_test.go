package lead

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The fast reader takes what Encode writes, and gives what Decode gives.
func TestCanonicalContacts(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for i := range 3000 {
		c := randomContact(r)
		b, err := Encode(&c)
		if err != nil {
			t.Fatal(err)
		}
		var got, want Contact
		canonical, err := DecodeContact(b, &got)
		if err != nil {
			t.Fatal(err)
		}
		if err := Decode(b, &want); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("contact %d: %s\n%s", i, d, b)
		}
		if rare := strings.Contains(string(b), `\u`); canonical == rare {
			t.Fatalf("contact %d: canonical %v: %s", i, canonical, b)
		}
		if canonical {
			sameScored(t, got, b)
		}
	}
}

// sameScored compares a scored record with the contact's bytes taken over to
// one that was encoded.
func sameScored(t *testing.T, c Contact, b []byte) {
	t.Helper()
	for _, s := range []Scored{{}, sampleScored()} {
		s.Contact = c
		want, err := Encode(&s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := AppendScored([]byte("before"), &s, b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff("before"+string(want), string(got)); d != "" {
			t.Fatal(d)
		}
	}
}

// randomContact has each member or leaves it out, with texts of all sorts.
func randomContact(r *rand.Rand) Contact {
	pieces := []string{"", "a", "budget", "Ärger", "Бюджет", "预算", "😀", "\n", "\t", "\r\n", `"`, `\`, "\b\f", "<&>", " ", "\x7f", "\ufffd", "long words with nothing in them "}
	if r.IntN(10) == 0 {
		pieces = append(pieces, "\u2028", "\x01")
	}
	text := func() string {
		var b strings.Builder
		for range r.IntN(6) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		return b.String()
	}
	when := func() time.Time {
		if r.IntN(9) == 0 {
			return time.Time{}
		}
		return time.Date(r.IntN(9999)+1, 1, 1+r.IntN(366), r.IntN(24), r.IntN(60), r.IntN(60), 0, time.UTC).
			Add(time.Duration(r.Int64N(1e9)) / []time.Duration{1e9, 1, 1e6}[r.IntN(3)]).Truncate(time.Millisecond)
	}
	c := Contact{
		ID: text(), Prospect: text(), Source: text(), Kind: Kind(text()), Class: ClassReply, At: when(), Received: when(),
		Person:   Person{Email: text(), Name: text(), Phone: text(), Title: text()},
		Company:  Company{Name: text(), Domain: text()},
		Campaign: Campaign{Source: text(), Medium: text(), Name: text(), Term: text(), Content: text(), Landing: text(), Referrer: text()},
		Subject:  text(), Text: text(), Event: text(), MessageID: text(), InReplyTo: text(),
	}
	if r.IntN(2) == 0 {
		c.RepeatAfter = r.Int64N(2e6) - 1e6
	}
	for range r.IntN(4) {
		c.Fields = append(c.Fields, Field{Name: text(), Key: text(), Value: text()})
		c.Attachments = append(c.Attachments, text())
	}
	return c
}

// What is not canonical is still read, if it can be.
func TestNotCanonical(t *testing.T) {
	const good = `{"v":1,"id":"x","prospect":"p","source":"s","kind":"form","class":"reply","at":"2026-01-02T03:04:05.6Z","received":"2026-01-02T03:04:05Z",` +
		`"repeat_after":60,"person":{"email":"e"},"company":{},"campaign":{},"text":"t","fields":[{"name":"n","key":"k","value":"v"}]}`
	var want Contact
	if canonical, err := DecodeContact([]byte(good), &want); err != nil || !canonical {
		t.Fatal(canonical, err)
	}
	for _, change := range [][2]string{
		{`"x"`, ` "x"`}, {`"x"`, `"\u0078"`}, {`.6Z`, `.600Z`}, {`:05.6Z`, `:05.6+00:00`}, {`60`, `6e1`}, {`60`, `060`}, {`60`, `1234567890123456789012`},
		{`"text":"t"`, `"text":""`}, {`{"email":"e"}`, `{"email":"e","email":"e"}`}, {`{"email":"e"}`, `{"title":"e","email":"e"}`}, {`{"email":"e"}`, `{,"email":"e"}`},
		{`"class":"reply",`, ``}, {`,"text"`, `,"more":1,"text"`}, {`"t"`, "\"t\u2028\""}, {`"t"`, "\"t\xff\""}, {`"t"`, "\"t\x01\""}, {`"t"`, `"t\/"`},
		{`-02T`, `-32T`}, {`01-02`, `02-29`}, {`T03`, `T24`}, {`:04:`, `:60:`}, {`05Z`, `60Z`}, {`2026-01-02T03:04:05Z`, `0000-01-02T03:04:05Z`},
		{`]}`, `]} `}, {`]}`, `]`}, {`]}`, `],"attachments":[]}`}, {`[{"name":"n","key":"k","value":"v"}]`, `[]`}, {`"v":1`, `"v":2`},
	} {
		in := strings.Replace(good, change[0], change[1], 1)
		if in == good {
			t.Fatalf("%q is not in the record", change[0])
		}
		var got, want Contact
		canonical, err := DecodeContact([]byte(in), &got)
		if wanted := Decode([]byte(in), &want); canonical || fmt.Sprint(err) != fmt.Sprint(wanted) {
			t.Errorf("canonical %v, %v, want %v: %s", canonical, err, wanted, in)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(in, d)
		}
	}
}

func FuzzDecodeContact(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		c := randomContact(r)
		b, err := Encode(&c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var got, want Contact
		canonical, err := DecodeContact(b, &got)
		if wanted := Decode(b, &want); (err == nil) != (wanted == nil) {
			t.Fatalf("%v, want %v", err, wanted)
		}
		if err != nil {
			return
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
		if !canonical {
			return
		}
		again, err := Encode(&got)
		if err != nil || string(again) != string(b) {
			t.Fatalf("%v: canonical, but encoded differently:\n%s\n%s", err, b, again)
		}
		sameScored(t, got, b)
	})
}

func BenchmarkDecodeContact(b *testing.B) {
	s := sampleScored()
	s.Contact.Text = strings.Repeat("A canonical text, some lines long.\n", 10)
	record, err := Encode(&s.Contact)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var c Contact
		if canonical, err := DecodeContact(record, &c); err != nil || !canonical {
			b.Fatal(canonical, err)
		}
	}
}
