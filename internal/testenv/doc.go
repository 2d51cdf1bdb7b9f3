// Package testenv gives tests the real servers they run against: the embedded
// Kafka and ClickHouse, Apache Kafka, Dovecot and Chromium. Where one is not
// installed (install.sh does that) the test is skipped with the reason; in CI,
// where the variable CI is not empty, that is a failure.
package testenv
