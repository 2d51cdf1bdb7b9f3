package mailbox

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// Cursor is a position in a folder: all mails up to it are in Kafka. The zero
// Cursor is the beginning.
type Cursor struct {
	UIDValidity uint32 `json:"uid_validity"` // of the folder; another one makes UID worthless
	UID         uint32 `json:"uid"`          // of the last mail accepted, refused or gone
}

// Position is how far a mailbox has been read: a cursor for each folder by
// its name. The zero Position is the beginning.
type Position struct {
	Account string            `json:"account"` // user and server it is about; elsewhere, equal numbers mean nothing
	Folders map[string]Cursor `json:"folders"`
}

// UnmarshalJSON reads a position, also as it was written when a mailbox was
// one folder: {"inbox": "INBOX of USER at SERVER", "uid_validity": 1, "uid": 1}.
func (p *Position) UnmarshalJSON(b []byte) error {
	type plain Position
	var v struct {
		plain
		Cursor
		Inbox string `json:"inbox"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("read a position: %w", err)
	}
	*p = Position(v.plain)
	if i := strings.LastIndex(v.Inbox, " of "); i > 0 {
		*p = Position{Account: v.Inbox[i+len(" of "):], Folders: map[string]Cursor{v.Inbox[:i]: v.Cursor}}
	}
	return nil
}

// clone gives a copy that shares nothing with p.
func (p Position) clone() Position {
	return Position{Account: p.Account, Folders: maps.Clone(p.Folders)}
}

// Cursors keeps positions by the mailbox's configured name.
type Cursors interface {
	// Load gives the position last saved, and the zero Position where there is none.
	Load(ctx context.Context, mailbox string) (Position, error)
	// Save returns once the position is durable.
	Save(ctx context.Context, mailbox string, p Position) error
}
