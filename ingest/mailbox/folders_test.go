package mailbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/google/go-cmp/cmp"

	"leadd/ingest/mailbox"
	"leadd/internal/testenv"
)

// addTo appends a mail to a folder, which is made where it is missing.
func (m *memory) addTo(t testing.TB, folder, mail string) {
	t.Helper()
	_ = m.user.Create(folder, nil) // fails where it is there
	if _, err := m.user.Append(folder, bytes.NewReader([]byte(mail)), &imap.AppendOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestFolders(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	all := []string{"INBOX", "Leads", "Leads/a", "Leads/a/b", "Leads/Spam", "Other"}
	for n, folder := range all {
		server.addTo(t, folder, letter(n))
	}
	for _, test := range []struct {
		name    string
		folders []string
		want    []string
	}{
		{"none", nil, []string{"INBOX"}},
		{"names", []string{"Leads/a", "inbox"}, []string{"INBOX", "Leads/a"}},
		{"pattern", []string{"Leads/*"}, []string{"Leads/a", "Leads/a/b", "Leads/Spam"}},
		{"one level", []string{"Leads/%"}, []string{"Leads/a", "Leads/Spam"}},
		{"in the middle", []string{"L*/a"}, []string{"Leads/a"}},
		{"exceptions", []string{"*", "!Leads/Spam", "!Leads/a/*"}, []string{"INBOX", "Leads", "Leads/a", "Other"}},
		{"pattern and name", []string{"INBOX", "Leads/*", "!Leads/Spam"}, []string{"INBOX", "Leads/a", "Leads/a/b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := server.config()
			cfg.Folders = test.folders
			k := newKafka()
			b := run(t, cfg, k)
			var want []string
			for _, folder := range test.want {
				want = append(want, id(slices.Index(all, folder)))
			}
			slices.Sort(want)
			k.wait(t, "a cursor in each", func() bool { return len(k.position.Folders) == len(want) })
			k.wait(t, "a mail of each", func() bool {
				return slices.Equal(slices.Sorted(slices.Values(k.first())), want)
			})
			b.stop()
			for _, folder := range test.want {
				if k.position.Folders[folder].UID != 1 {
					t.Errorf("position %+v: none in %s", k.position, folder)
				}
			}
		})
	}
}

func TestNoFolderIsAsThePatternSays(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	server.addTo(t, "Inquiries", letter(1))
	cfg := server.config()
	cfg.Folders = []string{"Leads/*"}
	awaitReady(t, run(t, cfg, newKafka()), false, `it has ["INBOX" "Inquiries"]`)
}

// One folder that is missing holds up no other, and readiness names it.
func TestOneFolderIsMissing(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	server.addTo(t, "Sales", letter(1))
	cfg := server.config()
	cfg.Folders, cfg.Poll = []string{"Leads", "Sales"}, time.Second
	k := newKafka()
	k.folder = "Sales"
	b := run(t, cfg, k)
	k.waitIDs(t, 1, id(1))
	awaitReady(t, b, false, `open folder "Leads"`)
	server.addTo(t, "Leads", letter(2))
	k.waitIDs(t, 1, ids(1, 2)...)
	awaitReady(t, b, true, "")
}

// The record of the former format, which knew one folder, still holds.
func TestFormerPosition(t *testing.T) {
	t.Parallel()
	server := newMemory(t, mailbox.TLSNone, nil, fake{})
	server.add(t, letter(1), letter(2), letter(3))
	k := newKafka()
	record := fmt.Sprintf(`{"inbox":"INBOX of %s at %s","uid_validity":1,"uid":2}`, user, server.addr)
	if err := json.Unmarshal([]byte(record), &k.position); err != nil {
		t.Fatal(err)
	}
	run(t, server.config(), k)
	k.waitIDs(t, 3, id(3))

	again, err := json.Marshal(k.position)
	if err != nil {
		t.Fatal(err)
	}
	var got mailbox.Position
	if err := json.Unmarshal(again, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(k.position, got); diff != "" {
		t.Error(diff)
	}
}

// Special folders are left out unless named, new folders are found, a mail
// filed in two folders has one id, and news in the main folder come at once.
func TestDovecotFolders(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for n, folder := range []string{"INBOX", "Leads", "Junk", "Trash", "Sent", "Drafts"} {
		if n > 0 {
			if err := a.client.Create(folder, nil).Wait(); err != nil {
				t.Fatal(err)
			}
		}
		a.add(t, folder, letter(n))
	}
	a.add(t, "Leads", letter(0)) // filed twice
	p := newProxy(t, a.cfg.Addr)
	cfg := a.cfg
	cfg.Addr, cfg.Folders, cfg.Poll = p.addr, []string{"*", "Sent"}, time.Second
	k := newKafka()
	b := run(t, cfg, k)
	k.waitIDs(t, 1, id(0), id(1), id(4))

	if err := a.client.Create("Later", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	a.add(t, "Later", letter(6))
	a.add(t, "Leads", letter(7))
	k.waitIDs(t, 1, id(0), id(1), id(4), id(6), id(7))
	k.wait(t, "a cursor in each", func() bool {
		return k.position.Folders["Leads"].UID == 3 && k.position.Folders["Later"].UID == 1 && k.position.Folders["Sent"].UID == 1
	})
	idles := p.sent("IDLE")
	awaitSent(t, p, "IDLE", idles+1)
	b.stop()
	if n := p.sent(`EXAMINE "Sent"`); n != 1 {
		t.Errorf("Sent was opened %d times, though nothing came into it", n)
	}
	if p.sent("SELECT") != 0 || p.sent(`EXAMINE "Junk"`) != 0 {
		t.Errorf("sent %q", p.lines)
	}
	if len(k.contacts) != 6 {
		t.Errorf("%d accepted, want 5 and one of them twice", len(k.contacts))
	}
}

// Fetching changes no flags: all mails stay unread, and \Recent for whoever
// selects the folder first.
func TestDovecotIsUntouched(t *testing.T) {
	t.Parallel()
	d := testenv.Dovecot(t)
	d.Fill(t, 3, func(n int) []byte { return []byte(letter(n)) })
	a := accountAt(t, d, d.User())
	a.addTo(t, "INBOX")(4, 5)
	k := newKafka()
	b := run(t, a.cfg, k)
	k.waitIDs(t, 5, ids(1, 5)...)
	b.stop()
	if flags := a.flags(t, "INBOX"); !cmp.Equal(flags, map[imap.UID]string{1: "\\Recent", 2: "\\Recent", 3: "\\Recent", 4: "\\Recent", 5: "\\Recent"}) {
		t.Errorf("flags %v", flags)
	}
}

// flags gives the flags of a folder's mails.
func (a *account) flags(t testing.TB, folder string) map[imap.UID]string {
	t.Helper()
	if _, err := a.client.Select(folder, &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		t.Fatal(err)
	}
	mails, err := a.client.Fetch(imap.UIDSet{{Start: 1}}, &imap.FetchOptions{UID: true, Flags: true}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	flags := map[imap.UID]string{}
	for _, m := range mails {
		var all []string
		for _, f := range m.Flags {
			all = append(all, string(f))
		}
		slices.Sort(all)
		flags[m.UID] = strings.Join(all, " ")
	}
	return flags
}
