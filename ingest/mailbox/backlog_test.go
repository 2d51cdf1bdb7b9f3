package mailbox_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/ingest/mailbox"
	"leadd/internal/testenv"
	"leadd/lead"
)

// tally counts contacts by number and keeps nothing else, and looks at the
// memory in use now and then.
type tally struct {
	reader
	nullKafka
	mu       sync.Mutex
	seen     []uint8
	left     int
	every    int
	mostLive uint64
	all      chan struct{}
}

func newTally(mails int) *tally {
	return &tally{seen: make([]uint8, mails+1), left: mails, every: mails / 8, all: make(chan struct{})}
}

// Contact reads a mail.
func (k *tally) Contact(raw []byte, received time.Time) (lead.Contact, error) {
	return k.reader.Contact(raw, received)
}

// Accept counts a contact.
func (k *tally) Accept(_ context.Context, c *lead.Contact) error {
	var n int
	if _, err := fmt.Sscanf(c.ID, "<%d@test>", &n); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.seen[n]++; k.seen[n] > 1 {
		return nil
	}
	if k.left--; k.left%k.every == 0 {
		k.mostLive = max(k.mostLive, live())
	}
	if k.left == 0 {
		close(k.all)
	}
	return nil
}

// live is how many bytes are in use.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A big backlog passes whole and in little memory. Not parallel, as it
// measures the memory in use.
func TestDovecotBacklog(t *testing.T) {
	mails := 20_000
	if os.Getenv("LEADD_SOAK") != "" {
		mails = 100_000
	}
	d := testenv.Dovecot(t)
	filler := strings.Repeat(strings.Repeat("x", 78)+"\r\n", 50)
	d.Fill(t, mails, func(n int) []byte { return []byte(letter(n) + filler) }) // 4 KB each
	a := accountAt(t, d, d.User())
	before := live()
	k := newTally(mails)
	m := mailbox.New("inbox", a.cfg, k, k, k, zerolog.Nop(), prometheus.NewRegistry())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- m.Run(ctx) }()
	select {
	case <-k.all:
	case <-time.After(3 * time.Minute):
		t.Errorf("%d mails are missing", k.left)
	}
	took := time.Since(began)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for n, times := range k.seen[1:] {
		if times != 1 {
			t.Fatalf("mail %d was accepted %d times", n+1, times)
		}
	}
	const bound = 40 << 20 // half of what 20,000 mails take
	if used := k.mostLive - min(before, k.mostLive); used > bound {
		t.Errorf("%d MiB were in use, more than %d", used>>20, bound>>20)
	} else {
		t.Logf("%d mails in %v, %d MiB in use at most", mails, took, used>>20)
	}
}

// hugeMail is a mail of 50 MB: words, an attachment of nearly all its size,
// more words behind it, and a mail attached.
func hugeMail(t testing.TB) []byte {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part := func(header string, content io.Reader) {
		h := make(map[string][]string)
		for line := range strings.Lines(header) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			h[name] = append(h[name], value)
		}
		p, err := w.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(p, content); err != nil {
			t.Fatal(err)
		}
	}
	part("Content-Type: text/plain; charset=utf-8", strings.NewReader("We need 40 pumps.\r\n"))
	line := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("pump"), 14)) + "\r\n"
	part("Content-Type: application/pdf; name=\"drawing.pdf\"\nContent-Disposition: attachment; filename=\"drawing.pdf\"\nContent-Transfer-Encoding: base64",
		strings.NewReader(strings.Repeat(line, 50_000_000/len(line))))
	part("Content-Type: text/plain; charset=utf-8", strings.NewReader("Sent from my pump.\r\n"))
	part("Content-Type: message/rfc822", strings.NewReader("From: bob@acme.example\r\nSubject: Pumps\r\n\r\nThe old ones leak.\r\n"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	head := fmt.Sprintf("From: p1@acme.example\r\nMessage-ID: %s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=%s\r\n\r\n", id(1), w.Boundary())
	return append([]byte(head), body.Bytes()...)
}

// Of a huge mail the words arrive and the attachment's name. Not parallel, as
// it measures the memory in use.
func TestDovecotHugeMail(t *testing.T) {
	d := testenv.Dovecot(t)
	huge := hugeMail(t)
	d.Fill(t, 2, func(n int) []byte {
		if n == 1 {
			return huge
		}
		return []byte(letter(n))
	})
	huge = nil
	a := accountAt(t, d, d.User())
	k := newKafka()
	before := live()
	stop := make(chan struct{})
	most := make(chan uint64)
	go func() {
		var m runtime.MemStats
		var peak uint64
		for {
			select {
			case <-stop:
				most <- peak
				return
			case <-time.After(2 * time.Millisecond):
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapAlloc)
			}
		}
	}()
	run(t, a.cfg, k)
	k.waitIDs(t, 2, ids(1, 2)...)
	close(stop)
	if used := max(<-most, before) - before; used > 30<<20 {
		t.Errorf("%d MiB were in use", used>>20)
	} else {
		t.Logf("%d KiB were in use", used>>10)
	}

	var text string
	for _, c := range k.contacts {
		if c.ID == id(1) {
			text = c.Text
		}
	}
	m, err := netmail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	var got []string
	for {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p.FileName()+"|"+strings.TrimSpace(string(content)))
	}
	want := "|We need 40 pumps. drawing.pdf| |Sent from my pump. |From: bob@acme.example\r\nSubject: Pumps\r\n\r\nThe old ones leak."
	if strings.Join(got, " ") != want {
		t.Errorf("parts %q", got)
	}
}
