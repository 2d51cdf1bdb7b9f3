package main

import (
	"net"
	"testing"

	"leadd/internal/clickhouse"
)

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return addr
}

// database connects to the daemon's own ClickHouse.
func (p *process) database() clickhouse.Config {
	cfg := clickhouse.DefaultConfig()
	cfg.Addr = []string{p.engineAddr()}
	return cfg
}

func (p *process) exactlyOnce() {
	p.t.Helper()
	exactlyOnce(p.t, p.database())
}

// exactlyOnce fails the test where a table holds a second row for anything,
// without FINAL, or where reasons do not add up to the score.
func exactlyOnce(t testing.TB, cfg clickhouse.Config) {
	t.Helper()
	db, err := clickhouse.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for what, query := range map[string]string{
		"contacts":      "SELECT count() - uniqExact(id) FROM contacts",
		"reasons":       "SELECT count() - uniqExact(product, contact, line) FROM reasons",
		"stage_changes": "SELECT count() - uniqExact(product, contact, line) FROM stage_changes",
		"scores of":     "SELECT count() - uniqExact(product, contact) FROM scores",
		"dead_letters":  "SELECT count() - uniqExact(id) FROM dead_letters",
		"prospects":     "SELECT count() - uniqExact(key, product) FROM prospects",
		"scores": `SELECT count() FROM prospects p LEFT JOIN (SELECT prospect, product, sum(points) AS points FROM reasons GROUP BY prospect, product) r
			ON r.prospect = p.key AND r.product = p.product WHERE p.score != r.points`,
	} {
		var surplus int64
		if err := db.QueryRow(t.Context(), "SELECT toInt64(("+query+"))").Scan(&surplus); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if surplus != 0 {
			t.Errorf("%s: %d rows too many or wrong", what, surplus)
		}
	}
}
