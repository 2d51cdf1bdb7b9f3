// Package ingest turns what the front doors receive into contacts: it
// recognises form fields, normalises addresses and numbers, tells which
// prospect a contact is about, and hands the contact to Kafka. The doors
// themselves are in the packages below it.
package ingest
