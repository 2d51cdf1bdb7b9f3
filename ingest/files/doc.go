// Package files takes mails and form posts out of files, one after another:
// .eml, mbox, Maildir, CSV and JSON lines, packed with gzip or not. It knows
// formats only; what a mail or a post means is for others to say. However
// large a file is, one item at a time is in memory.
//
//	files.go      what a file is, and its items one by one
//	encoding.go   bytes -> UTF-8
//	mbox.go, maildir.go, csv.go, jsonl.go   where an item begins and ends
package files
