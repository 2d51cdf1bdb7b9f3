package sink

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

//go:embed migrations/*.sql
var migrations embed.FS

// A migration's file is named NNNN_what.sql; its statements end with a
// semicolon at a line's end and can be run again without harm.
var migrationName = regexp.MustCompile(`^migrations/(\d{4})_\w+\.sql$`)

// Migrate brings the database's tables to the state this build wants. It may
// run in several processes at once: what another has done already does no harm
// when it is done again.
func Migrate(ctx context.Context, db driver.Conn) error {
	err := db.Exec(ctx, `
		CREATE TABLE IF NOT EXISTS migrations
		(number UInt32, file String, applied DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'))
		ENGINE = MergeTree ORDER BY number
		SETTINGS non_replicated_deduplication_window = 10000`)
	if err != nil {
		return fmt.Errorf("create ClickHouse table migrations: %w", err)
	}
	var applied []uint32
	if err := db.QueryRow(ctx, "SELECT groupArray(number) FROM migrations").Scan(&applied); err != nil {
		return fmt.Errorf("read ClickHouse table migrations: %w", err)
	}
	done := map[int]bool{}
	for _, n := range applied {
		done[int(n)] = true
	}
	files, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		return fmt.Errorf("list migrations: %w", err)
	}
	for _, file := range files {
		m := migrationName.FindStringSubmatch(file)
		if m == nil {
			return fmt.Errorf("migration %s is not named NNNN_what.sql", file)
		}
		number, err := strconv.Atoi(m[1])
		if err != nil {
			return fmt.Errorf("number of migration %s: %w", file, err)
		}
		if done[number] {
			continue
		}
		if err := apply(ctx, db, number, file); err != nil {
			return fmt.Errorf("apply migration %s: %w", file, err)
		}
	}
	return nil
}

func apply(ctx context.Context, db driver.Conn, number int, file string) error {
	sql, err := migrations.ReadFile(file)
	if err != nil {
		return err
	}
	for statement := range strings.SplitSeq(string(sql), ";\n") {
		if statement = strings.TrimSpace(statement); statement == "" {
			continue
		}
		if err := db.Exec(ctx, statement); err != nil {
			return err
		}
	}
	// Two processes may both come here; the token makes it one row.
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"insert_deduplicate": 1, "insert_deduplication_token": file, "async_insert": 0,
	}))
	return db.Exec(ctx, "INSERT INTO migrations (number, file) VALUES (?, ?)", number, file)
}
