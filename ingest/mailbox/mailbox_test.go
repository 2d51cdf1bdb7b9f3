package mailbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"leadd/ingest/mailbox"
	"leadd/lead"
)

var errAway = errors.New("kafka is away")

func TestCatchesUpThenIdles(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	server.add(t, letter(1), letter(2), letter(3))
	k := newKafka()
	b := run(t, server.config(), k)
	k.waitIDs(t, 3, ids(1, 3)...)

	server.add(t, letter(4))
	k.waitIDs(t, 4, ids(1, 4)...)
	if c := k.contacts[3]; c.Source != "inbox" || c.Received.IsZero() || c.Text != letter(4) {
		t.Errorf("contact %+v", c)
	}
	if k.position.Account == "" || k.cursor.UIDValidity == 0 {
		t.Errorf("position %+v", k.position)
	}
	if ok, reason := b.Ready(); !ok {
		t.Errorf("not ready: %s", reason)
	}
	for name, want := range map[string]float64{
		"leadd_mailbox_mails_total": 4, "leadd_mailbox_uid": 4, "leadd_mailbox_connected": 1,
		"leadd_mailbox_reconnects_total": 0, "leadd_mailbox_dead_letters_total": 0, "leadd_mailbox_retries_total": 0,
	} {
		if got := b.metric(t, name); got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	b.stop()
	if ok, reason := b.Ready(); ok || reason != "stopped" {
		t.Errorf("after stop: %v %s", ok, reason)
	}
	if seen := unseen(t, server.user); seen != 4 {
		t.Errorf("%d mails unread, want all 4", seen)
	}
}

func unseen(t *testing.T, u *imapmemserver.User) uint32 {
	t.Helper()
	status, err := u.Status("INBOX", &imap.StatusOptions{NumUnseen: true})
	if err != nil {
		t.Fatal(err)
	}
	return *status.NumUnseen
}

func TestResumesAtTheSavedPosition(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	server.add(t, letter(1), letter(2))
	k := newKafka()
	first := run(t, server.config(), k)
	k.waitIDs(t, 2, ids(1, 2)...)
	first.stop()

	server.add(t, letter(3), letter(4))
	second := run(t, server.config(), k)
	k.waitIDs(t, 4, ids(1, 4)...)
	second.stop()
	if len(k.contacts) != 4 {
		t.Errorf("%d accepted, want each of 4 once", len(k.contacts))
	}
}

func TestAnotherInboxBeginsAtItsStart(t *testing.T) {
	t.Parallel()
	a, b := newMemory(t, mailbox.TLSNone, nil, fake{}), newMemory(t, mailbox.TLSNone, nil, fake{})
	a.add(t, letter(1), letter(2))
	b.add(t, letter(3), letter(4), letter(5)) // same UIDVALIDITY as a's
	k := newKafka()
	first := run(t, a.config(), k)
	k.waitIDs(t, 2, ids(1, 2)...)
	first.stop()
	run(t, b.config(), k)
	k.waitIDs(t, 3, ids(1, 5)...)
}

// A process that dies after Kafka has a contact and before the position is
// saved reads the mail again, and gives it the same id.
func TestDiesBetweenAcceptAndSave(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	server.add(t, letter(1), letter(2))
	k := newKafka()
	k.onSave = func(mailbox.Position) error { return errAway }
	first := run(t, server.config(), k)
	k.wait(t, "both accepted", func() bool { return len(k.contacts) == 2 })
	first.stop()
	if k.saves != 0 {
		t.Fatalf("%d saves", k.saves)
	}

	k.onSave = nil
	second := run(t, server.config(), k)
	k.waitIDs(t, 2, ids(1, 2)...)
	second.stop()
	if len(k.contacts) != 4 {
		t.Errorf("%d accepted, want both twice", len(k.contacts))
	}
}

// The position never passes a mail that is not in Kafka, however many behind
// it are.
func TestPositionWaitsForTheSlowest(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	for n := range 20 {
		server.add(t, letter(n+1))
	}
	k := newKafka()
	let := make(chan struct{})
	k.onAccept = func(ctx context.Context, c *lead.Contact) error {
		if c.ID != id(5) {
			return nil
		}
		select {
		case <-let:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	first := run(t, server.config(), k)
	k.wait(t, "all others accepted", func() bool { return len(k.contacts) == 19 })
	k.wait(t, "position before it", func() bool { return k.cursor.UID == 4 })
	first.stop()
	if k.cursor.UID != 4 {
		t.Fatalf("position %d is past the mail that is not in Kafka", k.cursor.UID)
	}
	close(let)
	run(t, server.config(), k)
	k.waitIDs(t, 20, ids(1, 20)...)
}

func TestOneProspectsMailsStayInOrder(t *testing.T) {
	t.Parallel()
	const mails = 300
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	for n := range mails {
		server.add(t, letterFrom(n+1, fmt.Sprintf("p%d@acme.example", n%3)))
	}
	k := newKafka()
	var at atomic.Int64
	k.onAccept = func(context.Context, *lead.Contact) error {
		if at.Add(1)%7 == 0 {
			return errAway
		}
		return nil
	}
	run(t, server.config(), k)
	k.waitIDs(t, mails, ids(1, mails)...)
	got := make(map[string][]string)
	for _, c := range k.contacts {
		got[c.Prospect] = append(got[c.Prospect], c.ID)
	}
	for p := range 3 {
		var want []string
		for n := p; n < mails; n += 3 {
			want = append(want, id(n+1))
		}
		if prospect := fmt.Sprintf("p%d@acme.example", p); !slices.Equal(got[prospect], want) {
			t.Errorf("%s: %v", prospect, got[prospect])
		}
	}
}

func TestKafkaAway(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	server.add(t, letter(1), "no mail at all", letter(3))
	k := newKafka()
	var tries atomic.Int64
	k.onAccept = func(context.Context, *lead.Contact) error {
		if tries.Add(1) < 20 {
			return errAway
		}
		return nil
	}
	b := run(t, server.config(), k)
	k.waitIDs(t, 3, id(1), id(3))
	b.stop()
	if got := b.metric(t, "leadd_mailbox_retries_total"); got != 19 {
		t.Errorf("%v retries counted, want 19", got)
	}
	if n := strings.Count(b.logs.String(), errAway.Error()); n != 1 {
		t.Errorf("%d log lines about it, want 1: rate-limited", n)
	}
}

func TestBrokenMailBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	broken := "Subject: from nobody\r\n\r\nThe memory server gives a header that is none as nothing.\r\n"
	server.add(t, letter(1), broken, "", "Subject: panic!\r\n\r\n", letter(5))
	k := newKafka()
	b := run(t, server.config(), k)
	k.waitIDs(t, 5, id(1), id(5))
	b.stop()
	if len(k.dead) != 3 || b.metric(t, "leadd_mailbox_dead_letters_total") != 3 {
		t.Fatalf("dead letters %+v", k.dead)
	}
	slices.SortFunc(k.dead, func(a, b lead.DeadLetter) int { return strings.Compare(a.Origin, b.Origin) })
	d := k.dead[0]
	if string(d.Raw) != broken || d.Stage != "ingest" || d.Source != "inbox" || d.Reason == "" || d.At.IsZero() ||
		d.Origin != "INBOX uid 2 of validity 1" {
		t.Errorf("dead letter %+v", d)
	}
	if d.ID == k.dead[1].ID || k.dead[1].ID == k.dead[2].ID {
		t.Error("different mails have one id")
	}
	if r := k.dead[2].Reason; !strings.Contains(r, "panicked") {
		t.Errorf("reason %q", r)
	}
}

func TestNewUIDValidity(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	p := newProxy(t, server.addr)
	server.add(t, letter(1), letter(2), letter(3))
	cfg := server.config()
	cfg.Addr = p.addr
	k := newKafka()
	b := run(t, cfg, k)
	k.waitIDs(t, 3, ids(1, 3)...)
	was := k.cursor.UIDValidity

	p.down()
	if err := server.user.Delete("INBOX"); err != nil {
		t.Fatal(err)
	}
	if err := server.user.Create("INBOX", nil); err != nil {
		t.Fatal(err)
	}
	server.add(t, letter(2), letter(4)) // fewer than the old position
	p.up(t)
	k.waitIDs(t, 2, ids(1, 4)...)
	if k.cursor.UIDValidity == was {
		t.Errorf("validity is still %d", was)
	}
	b.stop()
	if !strings.Contains(b.logs.String(), "new UIDVALIDITY") {
		t.Error("not logged")
	}
}

// expunge removes a mail through a session of its own.
func expunge(u *imapmemserver.User, uid imap.UID) error {
	s := imapmemserver.NewUserSession(u)
	defer func() { _ = s.Close() }()
	if _, err := s.Select("INBOX", nil); err != nil {
		return err
	}
	flags := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}
	if err := s.Store(nil, imap.UIDSetNum(uid), flags, nil); err != nil {
		return err
	}
	return s.Expunge(nil, nil)
}

func TestExpungedBetweenSearchAndFetch(t *testing.T) {
	t.Parallel()
	var once sync.Once
	server := newMemory(t, mailbox.TLSNone, nil, fake{onFetch: func(u *imapmemserver.User, set imap.NumSet) (_ imap.NumSet, err error) {
		once.Do(func() { err = errors.Join(expunge(u, 2), expunge(u, 5)) })
		return set, err
	}})
	for n := range 5 {
		server.add(t, letter(n+1))
	}
	k := newKafka()
	b := run(t, server.config(), k)
	k.waitIDs(t, 5, id(1), id(3), id(4))
	server.add(t, letter(6))
	k.waitIDs(t, 6, id(1), id(3), id(4), id(6))
	if n := b.metric(t, "leadd_mailbox_reconnects_total"); n != 0 {
		t.Errorf("%v reconnects", n)
	}
}

func TestServerWithholdsAMail(t *testing.T) {
	t.Parallel()
	refusal := &imap.Error{Type: imap.StatusResponseTypeNo, Text: "cannot read it"}
	var asked atomic.Int64
	server := newMemory(t, mailbox.TLSNone, nil, fake{onFetch: func(_ *imapmemserver.User, set imap.NumSet) (imap.NumSet, error) {
		if uids, ok := set.(imap.UIDSet); ok && uids.Contains(2) {
			asked.Add(1)
			return nil, refusal
		}
		return set, nil
	}})
	server.add(t, letter(1), letter(2), letter(3))
	k := newKafka()
	b := run(t, server.config(), k)
	k.waitIDs(t, 3, id(1), id(3))
	b.stop()
	if len(k.dead) != 1 || !strings.Contains(k.dead[0].Reason, "cannot read it") || k.dead[0].Origin != "INBOX uid 2 of validity 1" {
		t.Errorf("dead letters %+v", k.dead)
	}
	if n := asked.Load(); n != 20 { // in its chunk and alone, ten times
		t.Errorf("asked for %d times, want 20", n)
	}
}

// A mail at which the connection always breaks becomes a dead letter after
// some tries, and the line goes on.
func TestMailThatBreaksTheConnection(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	for n := 1; n <= 5; n++ {
		mail := letter(n)
		if n == 3 {
			mail += strings.Repeat("filler\r\n", 5000) + "the deadly words\r\n"
		}
		server.add(t, mail)
	}
	p := newProxy(t, server.addr)
	p.set(func() { p.choke = "deadly words" })
	cfg := server.config()
	cfg.Addr = p.addr
	k := newKafka()
	b := run(t, cfg, k)
	k.waitIDs(t, 5, id(1), id(2), id(4), id(5))
	b.stop()
	if len(k.dead) != 1 || k.dead[0].Origin != "INBOX uid 3 of validity 1" ||
		!strings.Contains(k.dead[0].Reason, "mail uid 3 of folder INBOX and did not give it, 10 times: fetch mail") {
		t.Errorf("dead letters %+v", k.dead)
	}
	if p.chokes != 10 {
		t.Errorf("%d tries", p.chokes)
	}
	if len(k.contacts) > 4+2 { // the first two may be fetched again with the third
		t.Errorf("%d accepted", len(k.contacts))
	}
}

// A connection that breaks again and again, never twice at one mail, is no
// mail's fault.
func TestUnsteadyConnectionMakesNoDeadLetters(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	const mails = 40
	for n := range mails {
		server.add(t, letter(n+1)+strings.Repeat("filler\r\n", 5000))
	}
	p := newProxy(t, server.addr)
	p.set(func() { p.lasts = 100_000 })
	cfg := server.config()
	cfg.Addr = p.addr
	k := newKafka()
	b := run(t, cfg, k)
	k.waitIDs(t, mails, ids(1, mails)...)
	if n := b.metric(t, "leadd_mailbox_reconnects_total"); n < mails/4 {
		t.Errorf("only %v reconnects", n)
	}
	if len(k.dead) != 0 {
		t.Errorf("dead letters %+v", k.dead)
	}
}

// A storage that is away for a while is the server's trouble, not the mail's.
func TestServerIsUnavailableForLong(t *testing.T) {
	t.Parallel()
	refusal := &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeUnavailable, Text: "storage is away"}
	var asked atomic.Int64
	server := newMemory(t, mailbox.TLSNone, nil, fake{onFetch: func(_ *imapmemserver.User, set imap.NumSet) (imap.NumSet, error) {
		if asked.Add(1) < 50 {
			return nil, refusal
		}
		return set, nil
	}})
	server.add(t, letter(1), letter(2))
	k := newKafka()
	b := run(t, server.config(), k)
	k.waitIDs(t, 2, ids(1, 2)...)
	b.stop()
	if len(k.dead) != 0 {
		t.Errorf("dead letters %+v", k.dead)
	}
}

// The position does not pass a mail that the server leaves out, though those
// behind it are in Kafka.
func TestPositionWaitsForAMissingMail(t *testing.T) {
	t.Parallel()
	refusal := &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeUnavailable, Text: "cannot read one"}
	var repaired atomic.Bool
	server := newMemory(t, mailbox.TLSNone, nil, fake{onFetch: func(_ *imapmemserver.User, set imap.NumSet) (imap.NumSet, error) {
		uids, ok := set.(imap.UIDSet)
		if !ok || !uids.Contains(2) || repaired.Load() {
			return set, nil
		}
		if !uids.Contains(1) {
			return nil, refusal
		}
		return imap.UIDSetNum(1, 3, 4), refusal
	}})
	for n := range 4 {
		server.add(t, letter(n+1))
	}
	k := newKafka()
	first := run(t, server.config(), k)
	k.wait(t, "the others", func() bool { return len(k.first()) == 3 })
	first.stop()
	if k.cursor.UID != 1 {
		t.Fatalf("position %d, want 1", k.cursor.UID)
	}
	repaired.Store(true)
	run(t, server.config(), k)
	k.waitIDs(t, 4, ids(1, 4)...)
}

// Big mails wait on the server while those before them are not in Kafka.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	const mails, size, fit = 20, 4 << 20, 16 // 16 of 4 MiB are 64 MiB
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	for n := range mails {
		head := letter(n + 1)
		server.add(t, head+strings.Repeat("x", size-len(head)))
	}
	k := newKafka()
	full, over, let := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var waiting atomic.Int64
	k.onAccept = func(ctx context.Context, _ *lead.Contact) error {
		switch waiting.Add(1) {
		case fit:
			close(full)
		case fit + 1:
			close(over)
		}
		select {
		case <-let:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	run(t, server.config(), k)
	<-full
	select {
	case <-over:
		t.Error("more is held than fits")
	case <-time.After(200 * time.Millisecond): // time for it to happen, if it can
	}
	waiting.Store(2 * mails)
	close(let)
	k.waitIDs(t, mails, ids(1, mails)...)
}

func TestWarnsOfAPasswordInTheClear(t *testing.T) {
	t.Parallel()
	cfg := mailbox.Config{Addr: "192.0.2.1", TLS: mailbox.TLSNone, User: user, Password: password}
	b := run(t, cfg, newKafka())
	awaitReady(t, b, false, "connecting to 192.0.2.1:143")
	b.stop()
	if logs := b.logs.String(); !strings.Contains(logs, "in the clear") || strings.Contains(logs, password) {
		t.Errorf("logs: %s", logs)
	}
}

// What counts is when the server got a mail, not the date that it bears.
func TestSince(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	since := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for n, at := range []time.Time{since.AddDate(-1, 0, 0), since.Add(-time.Second), since, since.Add(time.Hour), since.Add(-time.Minute)} {
		mail := "Date: " + since.Add(since.Sub(at)-time.Minute).Format(time.RFC1123Z) + "\r\n" + letter(n+1)
		if _, err := server.user.Append("INBOX", bytes.NewReader([]byte(mail)), &imap.AppendOptions{Time: at}); err != nil {
			t.Fatal(err)
		}
	}
	cfg := server.config()
	cfg.Since = since
	k := newKafka()
	run(t, cfg, k)
	k.waitIDs(t, 5, id(3), id(4))
}

func TestLongMailIsCut(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	cfg := server.config()
	cfg.MaxSize = 64 << 10
	long := letter(1) + strings.Repeat("more and more\r\n", 10_000)
	server.add(t, long, letter(2))
	k := newKafka()
	run(t, cfg, k)
	k.waitIDs(t, 2, ids(1, 2)...)
	for _, c := range k.contacts {
		if c.ID == id(1) && (len(c.Text) < 32<<10 || len(c.Text) > 64<<10 || !strings.HasPrefix(long, c.Text)) {
			t.Errorf("%d bytes of %d read", len(c.Text), len(long))
		}
	}
}

func TestManyMails(t *testing.T) {
	t.Parallel()
	const mails = 1000 // more than one FETCH asks for
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	for n := range mails {
		server.add(t, letter(n+1))
	}
	k := newKafka()
	run(t, server.config(), k)
	k.waitIDs(t, mails, ids(1, mails)...)
	if k.saves > 20 {
		t.Errorf("the position was saved %d times", k.saves)
	}
}

func TestWithoutIdle(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	p := newProxy(t, server.addr)
	p.set(func() { p.strike = []string{" IDLE"} })
	cfg := server.config()
	cfg.Addr, cfg.Poll = p.addr, time.Second
	k := newKafka()
	b := run(t, cfg, k)
	server.add(t, letter(1))
	k.waitIDs(t, 1, id(1))
	server.add(t, letter(2))
	k.waitIDs(t, 2, ids(1, 2)...)
	b.stop()
	if p.sent("IDLE") != 0 || p.sent("NOOP") == 0 {
		t.Errorf("sent %q", p.lines)
	}
}

// Where a server announces nothing while idling, the poll finds it.
func TestPollsWhileIdling(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	p := newProxy(t, server.addr)
	p.set(func() { p.strike = []string{"* 1 EXISTS\r\n"} })
	cfg := server.config()
	cfg.Addr, cfg.Poll = p.addr, time.Second
	k := newKafka()
	run(t, cfg, k)
	awaitSent(t, p, "IDLE", 1)
	server.add(t, letter(1))
	k.waitIDs(t, 1, id(1))
}

// awaitSent waits until the client has sent a line n times.
func awaitSent(t *testing.T, p *proxy, prefix string, n int) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for p.sent(prefix) < n {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%s was not sent %d times", prefix, n)
		}
	}
}

func TestServerDownAndBack(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	p := newProxy(t, server.addr)
	cfg := server.config()
	cfg.Addr = p.addr
	server.add(t, letter(1))
	k := newKafka()
	b := run(t, cfg, k)
	k.waitIDs(t, 1, id(1))

	p.down()
	server.add(t, letter(2), letter(3))
	awaitReady(t, b, false, "connection refused")
	p.up(t)
	k.waitIDs(t, 3, ids(1, 3)...)
	if len(k.contacts) != 3 {
		t.Errorf("%d accepted, want each once", len(k.contacts))
	}
	if b.metric(t, "leadd_mailbox_reconnects_total") < 2 {
		t.Error("reconnects not counted")
	}
	awaitReady(t, b, true, "")
}

// awaitReady waits until Ready gives ok and a reason that holds the words.
func awaitReady(t *testing.T, b *box, ok bool, words string) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		got, reason := b.Ready()
		if got == ok && strings.Contains(reason, words) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("ready %v (%s), want %v (%s)", got, reason, ok, words)
		}
	}
}

// A server that keeps the connection and says nothing any more is left.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	p := newProxy(t, server.addr)
	cfg := server.config()
	cfg.Addr, cfg.Poll = p.addr, time.Second
	server.add(t, letter(1))
	k := newKafka()
	b := runHastened(t, cfg, k, 300*time.Millisecond)
	k.waitIDs(t, 1, id(1))
	awaitSent(t, p, "IDLE", 1)

	p.set(func() { p.mute = true })
	server.add(t, letter(2))
	awaitReady(t, b, false, "timeout")
	p.set(func() { p.mute = false })
	k.waitIDs(t, 2, ids(1, 2)...)
}

func TestCutAtEveryCommand(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for n, cut := 1, true; cut; n++ {
			t.Run(fmt.Sprintf("after=%v,%d", after, n), func(t *testing.T) {
				server := newMemory(t, mailbox.TLSNone, nil, fake{})
				cut = cutAt(t, server.config(), n, after, func(from, to int) {
					for i := from; i <= to; i++ {
						server.add(t, letter(i))
					}
				})
			})
		}
	}
}

// cutAt cuts the connection at the n-th line sent, and tells whether there
// were so many.
func cutAt(t *testing.T, cfg mailbox.Config, n int, after bool, add func(from, to int)) bool {
	t.Helper()
	p := newProxy(t, cfg.Addr)
	p.set(func() { p.cutAt, p.after = n, after })
	cfg.Addr = p.addr
	add(1, 5)
	k := newKafka()
	b := run(t, cfg, k)
	k.waitIDs(t, 5, ids(1, 5)...)
	add(6, 8)
	k.waitIDs(t, 8, ids(1, 8)...)
	b.stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cut && n < 8 {
		t.Errorf("only %d lines were sent: %q", len(p.lines), p.lines)
	}
	return p.cut
}

func TestTLS(t *testing.T) {
	t.Parallel()
	serverTLS, caFile := certificate(t)
	_, otherCA := certificate(t)
	for _, mode := range []string{mailbox.TLSImplicit, mailbox.TLSStart} {
		t.Run(mode, func(t *testing.T) {
			server := newMemory(t, mode, serverTLS, fake{})
			server.add(t, letter(1))
			cfg := server.config()
			cfg.TLS, cfg.CAFile = mode, caFile
			k := newKafka()
			run(t, cfg, k)
			k.waitIDs(t, 1, id(1))

			cfg.CAFile = otherCA
			stranger := run(t, cfg, newKafka())
			awaitReady(t, stranger, false, "certificate")
		})
	}
	t.Run("none where TLS is required", func(t *testing.T) {
		server := newMemory(t, mailbox.TLSStart, serverTLS, fake{})
		b := run(t, server.config(), newKafka())
		awaitReady(t, b, false, "use tls: tls or tls: starttls")
	})
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	cfg := server.config()
	cfg.Password = "not-the-pass"
	b := run(t, cfg, newKafka())
	awaitReady(t, b, false, "check user and password")
	b.stop()
	if logs := b.logs.String(); !strings.Contains(logs, "check user and password") || strings.Contains(logs, cfg.Password) {
		t.Errorf("logs: %s", logs)
	}
}

func TestNoSuchFolder(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	cfg := server.config()
	cfg.Folders = []string{"Leads"}
	awaitReady(t, run(t, cfg, newKafka()), false, `open folder "Leads"`)
}

func TestRunsAgain(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	server.add(t, letter(1))
	k := newKafka()
	b := run(t, server.config(), k)
	k.waitIDs(t, 1, id(1))
	b.stop()
	server.add(t, letter(2))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.Run(ctx) }()
	k.waitIDs(t, 2, ids(1, 2)...)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
