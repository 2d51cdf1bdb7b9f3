package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/ingest"
	"leadd/ingest/mail"
	"leadd/ingest/mailbox"
	"leadd/internal/embedded"
	"leadd/internal/stream"
	"leadd/internal/testenv"
)

// BenchmarkSpeedMailbox measures a backlog of ordinary mails of 5 KB on the
// way from Dovecot to the embedded Kafka, over one TLS connection, beside a
// loop that only fetches them, in turns. Kafka's files are in memory or on
// the disk. The processor time is this process's, Kafka's included and
// Dovecot's not.
func BenchmarkSpeedMailbox(b *testing.B) {
	const mails, rounds = 10_000, 5
	dovecot := testenv.Dovecot(b)
	dovecot.Fill(b, mails, ordinaryMail)
	fetchAll(b, dovecot, mails) // makes Dovecot's index
	for _, place := range []struct{ name, dir string }{{"memory", "/dev/shm"}, {"disk", ""}} {
		b.Run(place.name, func(b *testing.B) {
			tuneMemory()
			var rate, bare, ratio, cpu, bareCPU []float64
			used := func() float64 { return float64(cpuTime(b, os.Getpid()).Microseconds()) / mails }
			for b.Loop() {
				line := newMailLine(b, place.dir, dovecot)
				for range rounds {
					began := used()
					r := mails / line.read(b, mails).Seconds()
					between := used()
					f := mails / fetchAll(b, dovecot, mails).Seconds()
					rate, bare, ratio = append(rate, r), append(bare, f), append(ratio, r/f)
					cpu, bareCPU = append(cpu, between-began), append(bareCPU, used()-between)
				}
			}
			b.ReportMetric(median(rate), "mails/s")
			b.ReportMetric(median(bare), "fetch-mails/s")
			b.ReportMetric(median(ratio), "ratio")
			b.ReportMetric(median(cpu), "cpu-µs/mail")
			b.ReportMetric(median(bareCPU), "fetch-cpu-µs/mail")
			b.ReportMetric(0.7, "ratio-at-least")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// ordinaryMail is an answer with a signature and what it answers.
func ordinaryMail(n int) []byte {
	quote := strings.Repeat("> We are pleased to offer the licences under the terms that were discussed last week.\r\n", 28)
	words := strings.Repeat("We run twelve shops with shift work and look for a planning tool that our managers can use on the phone.\r\n", 16)
	return fmt.Appendf(nil, "Received: by mx.ours.example; Tue, 3 Mar 2026 10:15:01 +0100\r\nFrom: Ada Byron <ada@engine%d.example>\r\n"+
		"To: sales@ours.example\r\nSubject: Re: Offer\r\nDate: Tue, 3 Mar 2026 10:15:00 +0100\r\nMessage-ID: <%d@engine.example>\r\n"+
		"In-Reply-To: <o%d@ours.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"+
		"Content-Transfer-Encoding: quoted-printable\r\n\r\nHi Lena,\r\n\r\n%s\r\nKind regards,\r\nAda Byron\r\nHead of IT\r\n"+
		"Engine Works Ltd\r\n+44 20 7946 0018\r\n\r\nOn Mon, 2 Mar 2026 at 17:04, Lena Hartwig <lena@ours.example> wrote:\r\n%s",
		n%3000, n, n, words, quote)
}

// fetchAll fetches all mails and does nothing with them.
func fetchAll(b *testing.B, dovecot *testenv.DovecotServer, mails int) time.Duration {
	b.Helper()
	began := time.Now()
	client, err := imapclient.DialTLS(dovecot.TLSAddr(), &imapclient.Options{TLSConfig: &tls.Config{RootCAs: dovecot.CertPool()}})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	if err := client.Login(dovecot.User(), dovecot.Password()).Wait(); err != nil {
		b.Fatal(err)
	}
	if _, err := client.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		b.Fatal(err)
	}
	cmd := client.Fetch(imap.UIDSet{{Start: 1}}, &imap.FetchOptions{
		UID: true, InternalDate: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}},
	})
	n := 0
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		if _, err := msg.Collect(); err != nil {
			b.Fatal(err)
		}
		n++
	}
	if err := cmd.Close(); err != nil || n != mails {
		b.Fatal(n, err)
	}
	return time.Since(began)
}

// mailLine is what stands between a mailbox and Kafka in serve.
type mailLine struct {
	cfg     mailbox.Config
	reader  *mail.Reader
	intake  *ingest.Intake
	cursors cursors
	rounds  int
}

func newMailLine(b *testing.B, dir string, dovecot *testenv.DovecotServer) *mailLine {
	b.Helper()
	dir, err := os.MkdirTemp(dir, "leadd-bench") //nolint:usetesting // in memory
	if err != nil {
		b.Fatal(err)
	}
	kafka, err := embedded.StartKafka(dir, zerolog.Nop())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		kafka.Close()
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	cfg := stream.DefaultConfig()
	cfg.Brokers = []string{kafka.Addr()}
	reg := prometheus.NewRegistry()
	client, err := stream.Dial(cfg, zerolog.Nop(), reg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	if err := client.EnsureTopics(b.Context()); err != nil {
		b.Fatal(err)
	}
	id, err := ingest.NewIdentity(ingest.IdentityConfig{OwnDomains: []string{"ours.example"}})
	if err != nil {
		b.Fatal(err)
	}
	intake := ingest.NewIntake(client, reg)
	return &mailLine{
		cfg:    mailbox.Config{Addr: dovecot.TLSAddr(), CAFile: dovecot.CAFile(), User: dovecot.User(), Password: dovecot.Password()},
		reader: mail.NewReader(id), intake: intake, cursors: cursors{client, intake, zerolog.Nop()},
	}
}

// read reads all mails from the first on, until the position says so.
func (l *mailLine) read(b *testing.B, mails int) time.Duration {
	b.Helper()
	l.rounds++
	done := make(chan struct{})
	at := lastPosition{l.cursors, uint32(mails), done}
	m := mailbox.New(fmt.Sprintf("bench-%d", l.rounds), l.cfg, l.reader, l.intake, at, zerolog.Nop(), prometheus.NewRegistry())
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- m.Run(ctx) }()
	<-done
	took := time.Since(began)
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	return took
}

// lastPosition tells when a position is saved.
type lastPosition struct {
	cursors
	uid  uint32
	done chan struct{}
}

// Save saves p, and tells if it is the one waited for.
func (l lastPosition) Save(ctx context.Context, name string, p mailbox.Position) error {
	err := l.cursors.Save(ctx, name, p)
	if err == nil && p.Folders["INBOX"].UID == l.uid {
		close(l.done)
	}
	return err
}
