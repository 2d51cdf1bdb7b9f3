// Package webhook is the front door for web forms and for programs: it takes
// POST /in/{source} as JSON, form or multipart, makes a contact of it, and
// answers once the contact is durable.
//
// # Limits
//
// Anybody may post to a form, so what a post can take is bounded: by rate,
// from each address and in all (limits.go); by what is under way at a time, in
// posts and in bytes (load.go); by the pace at which a body must come in
// (body.go); by its size, its nesting and its answers (post.go, and Flatten in
// package ingest); and by what is kept of it where it cannot be read. A sender
// that is refused for such a reason is told to come again: 408, 429 or 503,
// never what makes it give up.
//
// # Senders
//
// A source with a preset is one that a known sender posts to. How senders sign
// is data, a scheme, which one verifier reads (scheme.go); what they send is
// read by a small function, one file to a sender. To add a sender:
//
//  1. Write NAME.go with a function that makes a submission of a delivery:
//     the answers as fields, named as people named them, the sender's own id
//     and time. typeform.go is a good one to begin with.
//  2. Add a line to presets (preset.go) with the scheme and the function.
//  3. Put a delivery as the sender documents it into testdata/presets as
//     NAME.json or NAME.txt, and a line into senders (preset_test.go) that signs
//     it, without our verifier. go test -update writes the contact beside it;
//     look at it. The tests of forged deliveries and the fuzzer do the rest.
//
// A sender that only announces, so that the answers must be fetched, has a
// function that makes notices in place of the first (meta.go), and its golden
// delivery goes into testdata/notices and notice_test.go; package fetch says
// how its API is added. Where it first asks by GET whether it may post, a
// handshake answers.
package webhook
