// Package embedded runs the servers leadd needs where none are given: Kafka
// inside the process, ClickHouse in a child process of the same binary. Both
// keep their data in a directory and listen on loopback only.
package embedded
