package sink_test

import (
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"leadd/internal/clickhouse"
	"leadd/sink"
)

func TestMigrateTogetherAndAgain(t *testing.T) {
	cfg, root := freshDatabase(t)
	other := cfg
	other.Database += "_other"
	var g errgroup.Group
	for range 6 { // replicas that start at once
		g.Go(func() error {
			if err := clickhouse.CreateDatabase(t.Context(), other); err != nil {
				return err
			}
			db, err := clickhouse.Open(other)
			if err != nil {
				return err
			}
			defer db.Close()
			return sink.Migrate(t.Context(), db)
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	db, err := clickhouse.Open(other)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = db.Close()
		mustExec(t, root, "DROP DATABASE "+other.Database)
	})
	if err := sink.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if got := query[[]string](t, db, "SELECT groupArray(file) FROM (SELECT file FROM migrations ORDER BY number)"); len(got) != 1 || got[0] != "migrations/0001_tables.sql" {
		t.Errorf("migrations %q", got)
	}
	tables := query[[]string](t, db, "SELECT arraySort(groupArray(name)) FROM system.tables WHERE database = currentDatabase()")
	if got := strings.Join(tables, " "); got != "contacts dead_letters migrations prospects reasons scores stage_changes" {
		t.Errorf("tables %s", got)
	}
}
