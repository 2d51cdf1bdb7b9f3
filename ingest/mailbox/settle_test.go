package mailbox_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/google/go-cmp/cmp"

	"leadd/ingest/mailbox"
	"leadd/internal/testenv"
	"leadd/lead"
)

// awaitFlags waits until the mails of a folder have the flags.
func (a *account) awaitFlags(t *testing.T, folder string, want map[imap.UID]string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		got := a.flags(t, folder)
		if cmp.Equal(got, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("flags in %s: %v, want %v", folder, got, want)
		}
	}
}

func TestDovecotFlagsWhatKafkaHas(t *testing.T) {
	t.Parallel()
	d := testenv.Dovecot(t)
	d.Fill(t, 4, func(n int) []byte { return []byte(letter(n)) })
	a := accountAt(t, d, d.User())
	cfg := a.cfg
	cfg.Flag = "$Leadd"
	k := newKafka()
	let := make(chan struct{})
	k.onAccept = func(ctx context.Context, c *lead.Contact) error {
		if c.ID == id(3) {
			select {
			case <-let:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	}
	first := run(t, cfg, k)
	k.wait(t, "the first two are saved", func() bool { return k.cursor.UID == 2 && len(k.contacts) == 3 })
	if flags := a.flags(t, "INBOX"); !cmp.Equal(flags, map[imap.UID]string{1: "", 2: "", 3: "", 4: ""}) {
		t.Errorf("flags %v while the third is not in Kafka", flags)
	}
	first.stop() // as if killed: the position is saved, no flag is set

	close(let)
	a.add(t, "INBOX", letter(5))
	run(t, cfg, k)
	want := map[imap.UID]string{1: "$Leadd", 2: "$Leadd", 3: "$Leadd", 4: "$Leadd", 5: "$Leadd"}
	a.awaitFlags(t, "INBOX", want)
	a.add(t, "INBOX", letter(6))
	want[6] = "$Leadd"
	a.awaitFlags(t, "INBOX", want)
	k.waitIDs(t, 6, ids(1, 6)...)
}

// What cannot be saved is not touched.
func TestDovecotTouchesNothingBeforeThePositionIsSaved(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.addTo(t, "INBOX")(1, 2)
	cfg := a.cfg
	cfg.Flag = `\Seen`
	k := newKafka()
	k.onSave = func(p mailbox.Position) error {
		if p.Folders["INBOX"].UID > 0 {
			return errAway
		}
		return nil
	}
	b := run(t, cfg, k)
	k.wait(t, "accepted", func() bool { return len(k.contacts) == 2 })
	for b.metric(t, "leadd_mailbox_retries_total") < 3 {
		if t.Context().Err() != nil {
			t.Fatal("no retries")
		}
	}
	b.stop()
	for uid, flags := range a.flags(t, "INBOX") {
		if strings.Contains(flags, "Seen") {
			t.Errorf("uid %d: %s", uid, flags)
		}
	}
}

// Mails are moved, at whatever command the connection breaks, with MOVE, which
// leaves one copy, and without, which leaves at least one; what somebody else has marked as deleted stays, and so do mails
// older than since.
func TestDovecotMoves(t *testing.T) {
	t.Parallel()
	const most = 24 // lines that a client may send here
	for _, without := range []string{"", " MOVE"} {
		name := func(n int) string { return fmt.Sprintf("move%d%d", len(without), n) }
		var names []string
		for n := range most {
			names = append(names, name(n))
		}
		d := testenv.Dovecot(t, names...)
		t.Run("without"+without, func(t *testing.T) {
			t.Parallel()
			for n, cut := 1, true; cut; n++ {
				if n == most {
					t.Fatal("more lines than expected")
				}
				t.Run(fmt.Sprint(n), func(t *testing.T) { cut = moves(t, accountAt(t, d, name(n)), n, without) })
			}
		})
	}
}

// moves cuts the connection at the n-th line, and tells whether there were so
// many.
func moves(t *testing.T, a *account, n int, without string) bool {
	t.Helper()
	since := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	a.addAt(t, since.Add(-time.Second), letter(100))
	a.addAt(t, since, letter(1))
	a.addAt(t, since, letter(2))
	if _, err := a.client.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	deleted := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}
	if err := a.client.Store(imap.UIDSetNum(1), deleted, nil).Close(); err != nil {
		t.Fatal(err)
	}
	if err := a.client.Unselect().Wait(); err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, a.cfg.Addr)
	p.set(func() { p.cutAt, p.strike = n, []string{without} })
	cfg := a.cfg
	cfg.Addr, cfg.Since, cfg.MoveTo, cfg.Folders = p.addr, since, "Archive.leadd", []string{"*"}
	k := newKafka()
	b := run(t, cfg, k)
	k.waitIDs(t, 3, ids(1, 2)...)
	deadline := time.Now().Add(patience)
	for b.metric(t, "leadd_mailbox_changed_total") < 2 && time.Now().Before(deadline) {
		if n > 0 && b.metric(t, "leadd_mailbox_reconnects_total") > 0 && !a.has(t, "INBOX", 2) {
			break // the connection was cut within the answer
		}
	}
	b.stop()
	if got := a.flags(t, "INBOX"); len(got) != 1 || !strings.Contains(got[1], "Deleted") {
		t.Errorf("left in the INBOX: %v", got)
	}
	if got := a.flags(t, "Archive.leadd"); len(got) != 2 && without == "" || len(got) < 2 {
		t.Errorf("moved: %v", got)
	}
	if len(k.first()) != 2 {
		t.Errorf("contacts %v", k.first())
	}
	return p.wasCut()
}

// has reports whether a mail is in a folder.
func (a *account) has(t testing.TB, folder string, uid imap.UID) bool {
	t.Helper()
	_, ok := a.flags(t, folder)[uid]
	return ok
}

func (p *proxy) wasCut() (cut bool) {
	p.set(func() { cut = p.cut })
	return cut
}

// addAt appends a mail to the INBOX as received at a time.
func (a *account) addAt(t testing.TB, at time.Time, mail string) {
	t.Helper()
	cmd := a.client.Append("INBOX", int64(len(mail)), &imap.AppendOptions{Time: at})
	if _, err := cmd.Write([]byte(mail)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// Where mails cannot be moved without the risk of removing others', they stay.
func TestDovecotDoesNotExpungeOthersMails(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.addTo(t, "INBOX")(1, 2)
	p := newProxy(t, a.cfg.Addr)
	p.set(func() { p.strike = []string{" MOVE", " UIDPLUS"} })
	cfg := a.cfg
	cfg.Addr, cfg.MoveTo = p.addr, "Done"
	k := newKafka()
	b := run(t, cfg, k)
	k.waitIDs(t, 2, ids(1, 2)...)
	awaitSent(t, p, "IDLE", 1)
	if b.metric(t, "leadd_mailbox_refused_changes_total") != 1 {
		t.Error("not counted")
	}
	b.stop()
	if !strings.Contains(b.logs.String(), "neither MOVE nor UIDPLUS") || p.sent("EXPUNGE") != 0 {
		t.Errorf("logs %s, sent %q", b.logs, p.lines)
	}
	if got := a.flags(t, "INBOX"); len(got) != 2 {
		t.Errorf("left in the INBOX: %v", got)
	}
}
