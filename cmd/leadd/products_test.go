package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"leadd/internal/clickhouse"
	"leadd/internal/testenv"
)

// criteriaFile is a criteria file in which need is worth so many points.
func criteriaFile(version, points int) string {
	return fmt.Sprintf("name: crm\nversion: %d\ncriteria:\n  - {name: need, points: %d, when: 'has(fields.product)'}\nstages:\n  lead: met(need)\n", version, points)
}

// The criteria of a running daemon change at SIGHUP, each prospect's at its
// next contact; what cannot be used changes nothing and is named.
func TestCriteriaChangeOnARunningDaemon(t *testing.T) {
	testenv.ClickHouse(t)
	config := writeConfig(t, oneForm+"criteria: criteria.yaml\n")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(filepath.Dir(config), "criteria.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(criteriaFile(1, 30))
	p := startLeadd(t, "serve", "-c", config)
	posts := 0
	// judged posts once more, and gives the criteria and points of every line
	// of the ledger.
	judged := func() string {
		t.Helper()
		posts++
		body := fmt.Sprintf("email=ada@acme.example&product=crm&message=%d", posts)
		if code, answer := p.post("/in/website", formType, body); code != 200 {
			t.Fatalf("%d %s", code, answer)
		}
		awaitStored(t, p.database(), posts)
		db, err := clickhouse.Open(p.database())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		var lines string
		if err := db.QueryRow(t.Context(), `SELECT arrayStringConcat(groupArray(concat(criteria, ' ', toString(points))), ', ')
			FROM (SELECT * FROM reasons ORDER BY kafka_offset, line)`).Scan(&lines); err != nil {
			t.Fatal(err)
		}
		return lines
	}
	reload := func(says string) {
		t.Helper()
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		await(t, "the log after SIGHUP", func() error {
			if log := p.log.tail(); !strings.Contains(log, says) {
				return fmt.Errorf("no %q in:\n%s", says, log)
			}
			return nil
		})
	}
	if got := judged(); got != "crm-1 30" {
		t.Fatal(got)
	}
	write(strings.Replace(criteriaFile(2, 40), "fields.product", "feilds.product", 1))
	reload("criteria.yaml:4:")
	write(criteriaFile(1, 40))
	reload("crm-1 has run and said something else: raise its version")
	if got := judged(); got != "crm-1 30" {
		t.Errorf("after criteria that cannot be used: %s", got)
	}
	write("# only a comment is new\n" + criteriaFile(1, 30))
	reload("the criteria are as before")
	write(criteriaFile(2, 40))
	reload(`"before":"crm-1","criteria":"crm-2"`)
	if got := judged(); got != "crm-1 30, crm-2 10" {
		t.Errorf("after new criteria: %s", got)
	}
	p.stop()

	write(criteriaFile(2, 50))
	if _, stderr, code := runLeadd(t, "", "serve", "-c", config); code == 0 || !strings.Contains(stderr, "crm-2 has run and said something else") {
		t.Errorf("started with criteria that were edited: %d %s", code, stderr)
	}
}
