package mailbox_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/ingest/mailbox"
)

const (
	user     = "sales@example.com"
	password = "s3cret-pass"
)

// letter is a mail with its number in its Message-ID.
func letter(n int) string { return letterFrom(n, fmt.Sprintf("p%d@acme.example", n)) }

func letterFrom(n int, from string) string {
	return fmt.Sprintf("From: %s\r\nTo: sales@example.com\r\nMessage-ID: %s\r\nSubject: Inquiry %d\r\n\r\nWe need %d pumps.\r\n", from, id(n), n, n)
}

func id(n int) string { return fmt.Sprintf("<%d@test>", n) }

// ids gives the Message-IDs from..to.
func ids(from, to int) (all []string) {
	for n := from; n <= to; n++ {
		all = append(all, id(n))
	}
	return all
}

// memory is an IMAP server in the process.
type memory struct {
	addr string
	user *imapmemserver.User
	fake fake
}

// fake says where the server differs from a good one.
type fake struct {
	// onFetch is asked before a FETCH is answered, for what is answered of it
	// and with which refusal, if any.
	onFetch func(u *imapmemserver.User, set imap.NumSet) (imap.NumSet, error)
}

type fakeSession struct {
	imapserver.SessionIMAP4rev2
	m *memory
}

func (s fakeSession) Fetch(w *imapserver.FetchWriter, set imap.NumSet, o *imap.FetchOptions) error {
	if s.m.fake.onFetch == nil {
		return s.SessionIMAP4rev2.Fetch(w, set, o)
	}
	set, refusal := s.m.fake.onFetch(s.m.user, set)
	if set != nil {
		if err := s.SessionIMAP4rev2.Fetch(w, set, o); err != nil {
			return err
		}
	}
	return refusal
}

// newMemory starts a server. With certificate, TLS is spoken from the first
// byte if mode is TLSImplicit, and offered otherwise.
func newMemory(t testing.TB, mode string, certificate *tls.Config, f fake) *memory {
	t.Helper()
	store := imapmemserver.New()
	m := &memory{user: imapmemserver.NewUser(user, password), fake: f}
	store.AddUser(m.user)
	if err := m.user.Create("INBOX", nil); err != nil {
		t.Fatal(err)
	}
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			inner, ok := store.NewSession().(imapserver.SessionIMAP4rev2)
			if !ok {
				return nil, nil, fmt.Errorf("the memory server has changed")
			}
			return fakeSession{inner, m}, nil, nil
		},
		Logger:       log.New(io.Discard, "", 0),
		TLSConfig:    certificate,
		InsecureAuth: certificate == nil,
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.addr = ln.Addr().String()
	if mode == mailbox.TLSImplicit {
		ln = tls.NewListener(ln, certificate)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(ln)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	return m
}

// add appends mails to the INBOX.
func (m *memory) add(t testing.TB, mails ...string) {
	t.Helper()
	for _, s := range mails {
		if _, err := m.user.Append("INBOX", bytes.NewReader([]byte(s)), &imap.AppendOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// config reads the server's INBOX.
func (m *memory) config() mailbox.Config {
	return mailbox.Config{Addr: m.addr, TLS: mailbox.TLSNone, User: user, Password: password}
}

// box is a running mailbox.
type box struct {
	*mailbox.Mailbox
	logs *strings.Builder // to be read after stop
	reg  *prometheus.Registry
	stop func()
}

// run runs a mailbox called "inbox" until the test ends or stop is called.
func run(t testing.TB, cfg mailbox.Config, k *kafka) *box {
	t.Helper()
	return runHastened(t, cfg, k, patience)
}

func runHastened(t testing.TB, cfg mailbox.Config, k *kafka, silence time.Duration) *box {
	t.Helper()
	if mistakes := cfg.Validate(); mistakes != nil {
		t.Fatal(mistakes)
	}
	b := &box{logs: &strings.Builder{}, reg: prometheus.NewRegistry()}
	b.Mailbox = mailbox.New("inbox", cfg, reader{}, k, k, zerolog.New(zerolog.SyncWriter(b.logs)), b.reg)
	b.Hasten(silence)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	b.stop = func() {
		cancel()
		select {
		case err, open := <-ended:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
			if open {
				close(ended)
			}
		case <-time.After(patience):
			t.Error("Run does not return")
		}
	}
	t.Cleanup(b.stop)
	return b
}

// metric gives the value of one of the mailbox's metrics.
func (b *box) metric(t testing.TB, name string) float64 {
	t.Helper()
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// certificate makes one for 127.0.0.1, and a file to trust it by.
func certificate(t testing.TB) (server *tls.Config, caFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, caFile
}
