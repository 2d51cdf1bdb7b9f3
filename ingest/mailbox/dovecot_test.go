package mailbox_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/ingest/mailbox"
	"leadd/internal/testenv"
	"leadd/lead"
)

// account is a user of a real Dovecot.
type account struct {
	cfg    mailbox.Config
	client *imapclient.Client
}

// newAccount gives a user with an empty INBOX of a Dovecot of the test's own.
func newAccount(t testing.TB) *account {
	t.Helper()
	d := testenv.Dovecot(t)
	return accountAt(t, d, d.User())
}

func accountAt(t testing.TB, d *testenv.DovecotServer, name string) *account {
	t.Helper()
	return &account{
		cfg:    mailbox.Config{Addr: d.Addr(), TLS: mailbox.TLSNone, User: name, Password: d.Password()},
		client: d.Client(t, name),
	}
}

// add appends mails to a folder.
func (a *account) add(t testing.TB, folder string, mails ...string) {
	t.Helper()
	for _, m := range mails {
		cmd := a.client.Append(folder, int64(len(m)), nil)
		if _, err := cmd.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}

// addTo gives a function that appends the mails from..to.
func (a *account) addTo(t testing.TB, folder string) func(from, to int) {
	return func(from, to int) {
		t.Helper()
		for n := from; n <= to; n++ {
			a.add(t, folder, letter(n))
		}
	}
}

// expunge removes mails of the INBOX.
func (a *account) expunge(t testing.TB, uids ...imap.UID) {
	t.Helper()
	if _, err := a.client.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	flags := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}
	if err := a.client.Store(imap.UIDSetNum(uids...), flags, nil).Close(); err != nil {
		t.Fatal(err)
	}
	if err := a.client.Expunge().Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDovecotAppendWhileIdling(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	p := newProxy(t, a.cfg.Addr)
	cfg := a.cfg
	cfg.Addr = p.addr
	k := newKafka()
	b := run(t, cfg, k)
	awaitSent(t, p, "IDLE", 1)
	for n := 1; n <= 3; n++ {
		awaitSent(t, p, "IDLE", n)
		at := time.Now()
		a.add(t, "INBOX", letter(n))
		k.waitIDs(t, uint32(n), ids(1, n)...)
		// Dovecot itself takes half a second to tell.
		if took := time.Since(at); took > 2*time.Second {
			t.Errorf("mail %d took %s", n, took)
		} else {
			t.Logf("mail %d: %s", n, took)
		}
	}
	b.stop()
	status, err := a.client.Status("INBOX", &imap.StatusOptions{NumUnseen: true}).Wait()
	if err != nil {
		t.Fatal(err)
	}
	if *status.NumUnseen != 3 {
		t.Errorf("%d mails unread, want 3", *status.NumUnseen)
	}
}

func TestDovecotBrokenMails(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.add(t, "INBOX", letter(1), "this is no mail\r\n", "\r\n", "From\x00: \xff\xfe\r\n", letter(5))
	k := newKafka()
	run(t, a.cfg, k)
	k.waitIDs(t, 5, id(1), id(5))
	k.wait(t, "dead letters", func() bool { return len(k.dead) == 3 })
}

func TestDovecotCutAtEveryCommand(t *testing.T) {
	t.Parallel()
	const most = 20 // lines that a client may send here
	name := func(n int, after bool) string { return fmt.Sprintf("cut%d%v", n, after) }
	var names []string
	for n := range most {
		names = append(names, name(n+1, false), name(n+1, true))
	}
	d := testenv.Dovecot(t, names...)
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after=%v", after), func(t *testing.T) {
			t.Parallel()
			for n, cut := 1, true; cut; n++ {
				if n > most {
					t.Fatal("more lines than expected")
				}
				t.Run(fmt.Sprint(n), func(t *testing.T) {
					a := accountAt(t, d, name(n, after))
					cut = cutAt(t, a.cfg, n, after, a.addTo(t, "INBOX"))
				})
			}
		})
	}
}

func TestDovecotDownAndBack(t *testing.T) {
	t.Parallel()
	d := testenv.Dovecot(t)
	a := accountAt(t, d, d.User())
	a.addTo(t, "INBOX")(1, 2)
	k := newKafka()
	b := run(t, a.cfg, k)
	k.waitIDs(t, 2, ids(1, 2)...)
	d.Stop()
	awaitReady(t, b, false, "connect")
	d.Start(t)
	accountAt(t, d, d.User()).addTo(t, "INBOX")(3, 4)
	k.waitIDs(t, 4, ids(1, 4)...)
}

func TestDovecotTLS(t *testing.T) {
	t.Parallel()
	d := testenv.Dovecot(t)
	a := accountAt(t, d, d.User())
	a.addTo(t, "INBOX")(1, 2)
	for mode, addr := range map[string]string{mailbox.TLSImplicit: d.TLSAddr(), mailbox.TLSStart: d.Addr()} {
		t.Run(mode, func(t *testing.T) {
			cfg := a.cfg
			cfg.TLS, cfg.Addr, cfg.CAFile = mode, addr, d.CAFile()
			k := newKafka()
			run(t, cfg, k)
			k.waitIDs(t, 2, ids(1, 2)...)
		})
	}
}

func TestDovecotNewUIDValidity(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	if err := a.client.Create("Leads", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	cfg := a.cfg
	cfg.Folders = []string{"Leads"}
	a.addTo(t, "Leads")(1, 5)
	k := newKafka()
	k.folder = "Leads"
	first := run(t, cfg, k)
	k.waitIDs(t, 5, ids(1, 5)...)
	was := k.cursor.UIDValidity
	first.stop()

	if err := a.client.Delete("Leads").Wait(); err != nil {
		t.Fatal(err)
	}
	if err := a.client.Create("Leads", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	a.addTo(t, "Leads")(4, 6)
	run(t, cfg, k)
	k.waitIDs(t, 3, ids(1, 6)...)
	if k.cursor.UIDValidity == was {
		t.Errorf("validity is still %d", was)
	}
}

// Mails that go while they are being fetched are skipped, and none of the
// others is.
func TestDovecotExpungeDuringFetch(t *testing.T) {
	t.Parallel()
	const mails = 150
	a := newAccount(t)
	filler := strings.Repeat(strings.Repeat("x", 78)+"\r\n", 2000) // 160 KB, so that most is not sent yet when we expunge
	var want []string
	var gone []imap.UID
	for n := 1; n <= mails; n++ {
		a.add(t, "INBOX", letter(n)+filler)
		if n%10 == 5 {
			gone = append(gone, imap.UID(n))
		}
	}
	k := newKafka()
	var once sync.Once
	begun, let := make(chan struct{}), make(chan struct{})
	k.onAccept = func(ctx context.Context, _ *lead.Contact) error {
		once.Do(func() { close(begun) })
		select {
		case <-let:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	b := run(t, a.cfg, k)
	<-begun
	a.expunge(t, gone...)
	close(let)
	k.wait(t, "all read", func() bool { return k.cursor.UID == mails })
	t.Logf("%v reconnects", b.metric(t, "leadd_mailbox_reconnects_total"))
	b.stop()

	seen := make(map[string]bool)
	for _, id := range k.first() {
		seen[id] = true
	}
	for n := 1; n <= mails; n++ {
		if !seen[id(n)] && n%10 != 5 {
			want = append(want, id(n))
		}
	}
	if len(want) > 0 || len(k.dead) > 0 {
		t.Errorf("missed: %v; dead letters: %+v", want, k.dead)
	}
	t.Logf("%d of the %d expunged mails were read before they went", len(seen)-(mails-len(gone)), len(gone))
}

func TestDovecotWrongPassword(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.cfg.Password = "not-the-pass"
	awaitReady(t, run(t, a.cfg, newKafka()), false, "check user and password")
}

// BenchmarkDovecot compares the mailbox, up to a Kafka that takes no time,
// with a loop that only fetches.
func BenchmarkDovecot(b *testing.B) {
	const mails = 4000
	a := newAccount(b)
	body := strings.Repeat(strings.Repeat("x", 78)+"\r\n", 60)
	for n := range mails {
		a.add(b, "INBOX", letter(n+1)+body)
	}
	b.Run("only-fetch", func(b *testing.B) {
		for b.Loop() {
			client, err := imapclient.DialInsecure(a.cfg.Addr, nil)
			if err != nil {
				b.Fatal(err)
			}
			if err := client.Login(a.cfg.User, a.cfg.Password).Wait(); err != nil {
				b.Fatal(err)
			}
			if _, err := client.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
				b.Fatal(err)
			}
			found, err := client.UIDSearch(&imap.SearchCriteria{}, nil).Wait()
			if err != nil {
				b.Fatal(err)
			}
			got, err := client.Fetch(imap.UIDSetNum(found.AllUIDs()...), &imap.FetchOptions{
				UID: true, InternalDate: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}},
			}).Collect()
			if err != nil || len(got) != mails {
				b.Fatal(len(got), err)
			}
			_ = client.Close()
		}
		b.ReportMetric(float64(mails*b.N)/b.Elapsed().Seconds(), "mails/s")
	})
	b.Run("mailbox", func(b *testing.B) {
		for b.Loop() {
			k := &nullKafka{all: mails, done: make(chan struct{})}
			m := mailbox.New("inbox", a.cfg, k, k, k, zerolog.Nop(), prometheus.NewRegistry())
			ctx, cancel := context.WithCancel(b.Context())
			ended := make(chan error)
			go func() { ended <- m.Run(ctx) }()
			<-k.done
			cancel()
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(mails*b.N)/b.Elapsed().Seconds(), "mails/s")
	})
}

// nullKafka takes all at once, and reads nothing in it.
type nullKafka struct {
	all  int64
	n    atomic.Int64
	done chan struct{}
}

func (k *nullKafka) Contact(raw []byte, _ time.Time) (lead.Contact, error) {
	return lead.Contact{Prospect: string(raw[:30])}, nil
}

func (k *nullKafka) Accept(context.Context, *lead.Contact) error {
	if k.n.Add(1) == k.all {
		close(k.done)
	}
	return nil
}

func (k *nullKafka) Refuse(context.Context, lead.DeadLetter) error { return nil }

func (k *nullKafka) Load(context.Context, string) (mailbox.Position, error) {
	return mailbox.Position{}, nil
}

func (k *nullKafka) Save(context.Context, string, mailbox.Position) error { return nil }
