// Package dashboard shows managers what leadd knows: read-only pages,
// rendered on the server, and the same numbers as JSON, both straight from
// ClickHouse. It keeps nothing and writes nothing.
package dashboard
