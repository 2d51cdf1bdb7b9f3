package mailbox

import "context"

// Cursor is a position in a folder: all mails up to it are in Kafka. The zero
// Cursor is the beginning.
type Cursor struct {
	Inbox       string `json:"inbox"`        // folder, user and server it is about; elsewhere, equal numbers mean nothing
	UIDValidity uint32 `json:"uid_validity"` // of the folder; another one makes UID worthless
	UID         uint32 `json:"uid"`          // of the last mail accepted, refused or gone
}

// Cursors keeps positions by the mailbox's configured name.
type Cursors interface {
	// Load gives the position last saved, and the zero Cursor where there is none.
	Load(ctx context.Context, mailbox string) (Cursor, error)
	// Save returns once the position is durable.
	Save(ctx context.Context, mailbox string, c Cursor) error
}
