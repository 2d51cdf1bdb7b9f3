// Package mail reads one RFC 5322 message as a person would and makes a
// contact of it: what sort of mail it is, who is behind it, and the sender's
// own new words without quotes, signature and disclaimer. No network, no
// clock: the same bytes always give the same contact.
//
// A mail is read in four steps, one file or two each:
//
//	message.go, tolerant.go   bytes -> header, plain text, HTML, attachments
//	layout.go, signature.go   text -> own words, quoted words, signature
//	class.go, form.go         what sort of mail it is; a form's answers
//	reader.go                 the contact
//
// The words that tell these things apart, in six languages, are data: see
// the folder words.
package mail
