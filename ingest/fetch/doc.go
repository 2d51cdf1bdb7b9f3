// Package fetch makes contacts of notices: it asks a sender's API for the
// answers that a webhook has only announced.
//
// Every source has a consumer group of its own on lead.TopicNotices, in which
// it passes over what is another's: so a source whose token is refused, or
// whose API is away for a week, stops nobody else and loses nothing. A
// notice's offset is committed once its contact, or its dead letter, is in
// Kafka. Killed in between, it is fetched again, and counts once, as its id is
// the contact's. Notices that fail hold up nobody but those of the same object:
// the offset's metadata says which are still open.
//
// To add a sender: its webhook is a preset that makes notices (package
// webhook says how); here, NAME.go says how one is asked for and what the
// answer's fields mean, and a line in apis (api.go) names it. Put an answer as
// the sender documents it into testdata, and a line into answers
// (answer_test.go).
package fetch
