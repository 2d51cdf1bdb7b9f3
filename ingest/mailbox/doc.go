// Package mailbox reads the folders of an IMAP account to their ends and stays
// there: every mail becomes a contact (or a dead letter), and the position
// moves on only after Kafka has it.
//
// The position is each folder's UIDVALIDITY and a UID, kept by [Cursors]; the
// unread flag plays no part and the server's mail is left as it is, unless the
// configuration asks to flag or move what Kafka has. What was fetched again
// after a crash, a cut connection or a new UIDVALIDITY, or is filed in two
// folders, is accepted again under the same contact id, and so counts once.
//
// How the parts hand over: [Mailbox].Run connects again and again; a session
// is one connection, which goes round the folders, searches each for UIDs
// beyond the position, fetches them in chunks, and then idles in the main
// folder until the next round; the pipeline takes the mails from it, has many
// of them read and accepted at once, and moves the position in the order of
// their UIDs. What to flag or move is taken from the saved position alone.
package mailbox
