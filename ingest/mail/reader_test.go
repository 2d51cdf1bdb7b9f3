package mail_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"leadd/ingest"
	"leadd/ingest/mail"
	"leadd/lead"
)

var update = flag.Bool("update", false, "write the golden files anew")

var received = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

func newReader(t testing.TB) *mail.Reader {
	t.Helper()
	id, err := ingest.NewIdentity(ingest.IdentityConfig{OwnDomains: []string{"ours.example"}})
	if err != nil {
		t.Fatal(err)
	}
	return mail.NewReader(id)
}

func samples(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[f] = b
	}
	return out
}

// TestGolden reads every sample and compares the contact with the one beside
// it, which somebody has looked at. go test -update writes them.
func TestGolden(t *testing.T) {
	r := newReader(t)
	for file, raw := range samples(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".eml"), func(t *testing.T) {
			c, err := r.Contact(raw, received)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(c, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			golden := strings.TrimSuffix(file, ".eml") + ".json"
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestIDSurvivesTransport(t *testing.T) {
	r := newReader(t)
	id := func(raw []byte, at time.Time) string {
		t.Helper()
		c, err := r.Contact(raw, at)
		if err != nil {
			t.Fatal(err)
		}
		return c.ID
	}
	for file, raw := range samples(t) {
		lf := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
		crlf := bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n"))
		want := id(lf, received)
		if got := id(crlf, received); got != want {
			t.Errorf("%s: CRLF changes the id", file)
		}
		if got := id(append(crlf, "\r\n\r\n"...), received.Add(time.Hour)); got != want {
			t.Errorf("%s: newlines at the end or the time received change the id", file)
		}
		if bytes.HasPrefix(raw, []byte("From:")) {
			if got := id(append([]byte("Delivered-To: x@ours.example\nReceived: by mx\n"), lf...), received); got != want {
				t.Errorf("%s: another way through the servers changes the id", file)
			}
		}
	}
	base := "From: a@b.example\nSubject: x\nDate: Tue, 3 Mar 2026 10:15:00 +0100\n"
	if id([]byte(base+"Message-ID: <1@x>\n\nhi\n"), received) == id([]byte(base+"Message-ID: <2@x>\n\nhi\n"), received) {
		t.Error("two Message-IDs, one id")
	}
	if id([]byte(base+"\nhi\n"), received) == id([]byte(strings.Replace(base, "10:15", "10:16", 1)+"\nhi\n"), received) {
		t.Error("without Message-ID, the Date must tell mails apart")
	}
}

func TestUnreadable(t *testing.T) {
	r := newReader(t)
	for name, raw := range map[string]string{
		"nothing":     "",
		"blank":       " \r\n\r\n",
		"binary":      "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x01\x00\x02\x03\x04\x05\x06\x07\x08\x0e\x0f",
		"random high": strings.Repeat("\xff\xfe\x80\x81\x00", 100),
	} {
		c, err := r.Contact([]byte(raw), received)
		if err == nil {
			t.Errorf("%s: read as %+v", name, c)
			continue
		}
		if len(err.Error()) < 25 || errors.Unwrap(err) == nil {
			t.Errorf("%s: the error says too little: %v", name, err)
		}
	}
}

func TestDate(t *testing.T) {
	r := newReader(t)
	for date, want := range map[string]time.Time{
		"Tue, 3 Mar 2026 10:15:00 +0100":  time.Date(2026, 3, 3, 9, 15, 0, 0, time.UTC),
		"Wed, 4 Mar 2026 11:00:00 +0000":  received, // ahead
		"Thu, 5 Mar 2026 11:00:00 +0000":  received,
		"Sun, 31 Dec 1989 11:00:00 +0000": received,
		"soon":                            received,
	} {
		c, err := r.Contact([]byte("From: a@b.example\nDate: "+date+"\n\nhi\n"), received)
		if err != nil {
			t.Fatal(err)
		}
		if !c.At.Equal(want) || !c.Received.Equal(received) {
			t.Errorf("%s: at %v received %v, want at %v", date, c.At, c.Received, want)
		}
	}
}

// TestBombs: what is made to be costly stays within the limits.
func TestBombs(t *testing.T) {
	r := newReader(t)
	nest := func(depth int) string {
		var b strings.Builder
		b.WriteString("From: a@b.example\nSubject: deep\n")
		for i := range depth {
			id := strings.Repeat("b", 1+i%50) + string(rune('a'+i%26))
			b.WriteString("Content-Type: multipart/mixed; boundary=" + id + "\n\n--" + id + "\n")
		}
		return b.String() + "\nbottom\n"
	}
	for name, raw := range map[string]string{
		"deep parts":     nest(5000),
		"many parts":     "From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n" + strings.Repeat("--x\n\nhi\n", 20000) + "--x--\n",
		"many broken":    "From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n" + strings.Repeat("--x\n\nhi\n", 20000),
		"nested mails":   "From: a@b.example\n" + strings.Repeat("Content-Type: message/rfc822\n\nFrom: a@b.example\n", 1000) + "\nhi\n",
		"long text":      "From: a@b.example\n\n" + strings.Repeat("ж", 1<<20),
		"long header":    "From: a@b.example\nSubject: " + strings.Repeat("x", 2<<20) + "\n\nhi\n",
		"folded header":  "References: " + strings.Repeat("<x@y.example>\n ", 1<<18) + "\nFrom: a@b.example\n\nhi\n",
		"broken headers": "From: a@b.example\n" + strings.Repeat("no header\nhello: x\n", 1<<17) + "\nhi\n",
		"uuencode":       "From: a@b.example\n\n" + strings.Repeat("begin 644 x\nend\n", 1<<14) + strings.Repeat("begin 644 x\n", 1<<14),
		"long base64":    "From: a@b.example\n\n" + strings.Repeat("QUFB", 1<<19),
		"8-bit noise":    "From: a@b.example\nSubject: \xa4\xa4\n\n" + strings.Repeat("\xa4\xff\x81 ", 1<<19),
		"many headers":   strings.Repeat("X-A: b\n", 200000) + "\nhi\n",
		"deep html":      "From: a@b.example\nContent-Type: text/html\n\n" + strings.Repeat("<div><blockquote>", 20000) + "x",
		"many quotes":    "From: a@b.example\n\n" + strings.Repeat("On 1.1.2026 x <a@b.example>\n", 10000),
		"many addresses": "From: " + strings.Repeat("a@b.example, ", 50000) + "\nTo: " + strings.Repeat("(", 100000) + "\n\nhi\n",
		"many words":     "From: " + strings.Repeat("=?utf-8?Q?a?= ", 20000) + "\n\nhi\n",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			c, err := r.Contact([]byte(raw), received)
			if err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 32<<20+32*uint64(len(raw)) {
				t.Errorf("%d MiB were allocated for %d KiB of mail", n>>20, len(raw)>>10)
			}
			if len(c.Text) > ingest.MaxText || len(c.Attachments) > ingest.MaxAttachments {
				t.Errorf("%d bytes of text, %d attachments", len(c.Text), len(c.Attachments))
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

func FuzzReader(f *testing.F) {
	r := newReader(f)
	for _, raw := range samples(f) {
		f.Add(raw)
	}
	for _, l := range letters(f) {
		f.Add(l.raw)
	}
	for _, b := range malformed() {
		if len(b.raw) < 10<<10 {
			f.Add([]byte(b.raw))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := r.Contact(raw, received)
		again, err2 := r.Contact(raw, received)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("first %v, then %v", err, err2)
		}
		if err != nil {
			return
		}
		if d := cmp.Diff(c, again); d != "" {
			t.Fatalf("twice the same mail, two contacts: %s", d)
		}
		if c.ID == "" || c.Prospect == "" || c.Kind != lead.KindMail || c.Class == "" {
			t.Errorf("incomplete: %+v", c)
		}
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		texts := []string{c.Subject, c.Text, c.Person.Name, c.Person.Title, c.Company.Name, c.MessageID}
		for _, fd := range c.Fields {
			texts = append(texts, fd.Name, fd.Value)
		}
		for _, s := range texts {
			if !utf8.ValidString(s) || strings.Contains(s, "\x00") {
				t.Errorf("invalid text %q", s)
			}
		}
		if !utf8.Valid(b) {
			t.Error("invalid JSON")
		}
	})
}

func BenchmarkReader(b *testing.B) {
	r := newReader(b)
	quote := strings.Repeat("> We are pleased to offer the licences under the terms that were discussed last week.\r\n", 30)
	words := strings.Repeat("We run twelve shops with shift work and look for a planning tool that our managers can use on the phone.\r\n", 18)
	raw := []byte("Received: by mx.ours.example; Tue, 3 Mar 2026 10:15:01 +0100\r\nFrom: Ada Byron <ada@engine.example>\r\nTo: sales@ours.example\r\n" +
		"Subject: Re: Offer\r\nDate: Tue, 3 Mar 2026 10:15:00 +0100\r\nMessage-ID: <1@engine.example>\r\nIn-Reply-To: <o1@ours.example>\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
		"Hi Lena,\r\n\r\n" + words + "\r\nKind regards,\r\nAda Byron\r\nHead of IT\r\nEngine Works Ltd\r\n+44 20 7946 0018\r\n\r\n" +
		"On Mon, 2 Mar 2026 at 17:04, Lena Hartwig <lena@ours.example> wrote:\r\n" + quote)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Contact(raw, received); err != nil {
			b.Fatal(err)
		}
	}
}
