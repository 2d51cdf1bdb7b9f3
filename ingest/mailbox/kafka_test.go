package mailbox_test

import (
	"bytes"
	"context"
	"errors"
	"net/mail"
	"slices"
	"sync"
	"testing"
	"time"

	"leadd/ingest/mailbox"
	"leadd/lead"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// reader makes contacts of mails that have a From; the id is the Message-ID,
// and the text is the mail.
type reader struct{}

func (reader) Contact(raw []byte, _ time.Time) (lead.Contact, error) {
	if bytes.Contains(raw, []byte("panic!")) {
		panic("asked to")
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return lead.Contact{}, err
	}
	if m.Header.Get("From") == "" {
		return lead.Contact{}, errors.New("no sender")
	}
	return lead.Contact{ID: m.Header.Get("Message-ID"), Prospect: m.Header.Get("From"), Text: string(raw)}, nil
}

// kafka keeps what was accepted, refused and saved.
type kafka struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced with every change

	contacts []lead.Contact
	dead     []lead.DeadLetter
	position mailbox.Position
	folder   string         // of which cursor is; INBOX unless said
	cursor   mailbox.Cursor // of the position, in folder
	saves    int

	onAccept func(ctx context.Context, c *lead.Contact) error // asked first; nil: yes
	onSave   func(mailbox.Position) error
}

func newKafka() *kafka { return &kafka{changed: make(chan struct{}), folder: "INBOX"} }

// change makes a change and tells those who wait.
func (k *kafka) change(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
	close(k.changed)
	k.changed = make(chan struct{})
}

func (k *kafka) Accept(ctx context.Context, c *lead.Contact) error {
	if k.onAccept != nil {
		if err := k.onAccept(ctx, c); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	k.change(func() { k.contacts = append(k.contacts, *c) })
	return nil
}

func (k *kafka) Refuse(_ context.Context, d lead.DeadLetter) error {
	k.change(func() { k.dead = append(k.dead, d) })
	return nil
}

func (k *kafka) Load(context.Context, string) (mailbox.Position, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.position, nil
}

func (k *kafka) Save(_ context.Context, _ string, p mailbox.Position) error {
	if k.onSave != nil {
		if err := k.onSave(p); err != nil {
			return err
		}
	}
	k.change(func() { k.position, k.cursor = p, p.Folders[k.folder]; k.saves++ })
	return nil
}

// wait returns once what holds; every change is looked at.
func (k *kafka) wait(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for {
		k.mu.Lock()
		ok, changed := holds(), k.changed
		k.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			k.mu.Lock()
			defer k.mu.Unlock()
			t.Fatalf("%s: not so after %s; %d contacts %v, %d dead letters, position %+v",
				what, patience, len(k.contacts), k.first(), len(k.dead), k.position)
		}
	}
}

// first gives the ids of the contacts, each where it came first.
func (k *kafka) first() []string {
	var ids []string
	seen := make(map[string]bool)
	for _, c := range k.contacts {
		if !seen[c.ID] {
			seen[c.ID] = true
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// waitIDs waits until the contacts are those of ids, counted by id, and the
// position is saved at uid.
func (k *kafka) waitIDs(t testing.TB, uid uint32, ids ...string) {
	t.Helper()
	want := slices.Sorted(slices.Values(ids))
	k.wait(t, "contacts", func() bool {
		return k.cursor.UID == uid && slices.Equal(slices.Sorted(slices.Values(k.first())), want)
	})
}
