// Package mailbox reads an IMAP folder to its end and stays there: every mail
// becomes a contact (or a dead letter), and the position moves on only after
// Kafka has it.
//
// The position is the folder's UIDVALIDITY and a UID, kept by [Cursors]; the
// unread flag plays no part and the server's mail is left as it is. What was
// fetched again after a crash, a cut connection or a new UIDVALIDITY is
// accepted again under the same contact id, and so counts once.
//
// How the parts hand over: [Mailbox].Run connects again and again; a session
// is one connection, which searches for UIDs beyond the position, fetches
// them in chunks, and then idles; the pipeline takes the mails from it, has
// many of them read and accepted at once, and moves the position in the order
// of their UIDs.
package mailbox
