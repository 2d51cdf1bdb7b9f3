package dashboard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/dashboard"
	"leadd/internal/testenv"
	"leadd/sink"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func connect(t testing.TB, addr, database string) driver.Conn {
	t.Helper()
	db, err := clickhouse.Open(&clickhouse.Options{Addr: []string{addr}, Auth: clickhouse.Auth{Database: database}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// server serves a dashboard over db, of which products are configured.
func server(t testing.TB, db driver.Conn, cfg dashboard.Config, products ...string) *httptest.Server {
	t.Helper()
	hint := dashboard.Hint{Forms: []string{"website", "webinar"}, ConfigFile: "leadd.yaml", Products: products}
	d, err := dashboard.New(db, cfg, hint, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(d.Routes())
	t.Cleanup(srv.Close)
	return srv
}

// get fetches a page; header pairs may follow.
func get(t testing.TB, url string, header ...string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func getJSON(t testing.TB, url string, v any) {
	t.Helper()
	code, _, body := get(t, url)
	if code != http.StatusOK {
		t.Fatalf("%s: %d %s", url, code, body)
	}
	if err := json.Unmarshal([]byte(body), v); err != nil {
		t.Fatalf("%s: %v\n%s", url, err, body)
	}
}

// tables is a migrated database that a test fills row by row; offsets rise
// in the order of the calls.
type tables struct {
	t      testing.TB
	db     driver.Conn
	offset int64
}

func newTables(t testing.TB) *tables {
	t.Helper()
	addr, name := testenv.ClickHouseDB(t)
	db := connect(t, addr, name)
	if err := sink.Migrate(context.Background(), db); err != nil {
		t.Fatal(err)
	}
	return &tables{t: t, db: db}
}

type row map[string]any

// insert writes one row; columns not named have their defaults.
func (f *tables) insert(table string, r row) {
	f.t.Helper()
	f.insertAll(table, []row{r})
}

// insertAll writes rows that all have the first one's columns.
func (f *tables) insertAll(table string, rows []row) {
	f.t.Helper()
	var columns string
	var names []string
	for name := range rows[0] {
		names = append(names, name)
		if columns != "" {
			columns += ", "
		}
		columns += name
	}
	batch, err := f.db.PrepareBatch(context.Background(), fmt.Sprintf("INSERT INTO %s (%s)", table, columns))
	if err != nil {
		f.t.Fatal(err)
	}
	for _, r := range rows {
		values := make([]any, len(names))
		for i, name := range names {
			values[i] = r[name]
		}
		if err := batch.Append(values...); err != nil {
			f.t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		f.t.Fatal(err)
	}
}

// contact adds a contact of interest; more columns may be given. It returns
// the contact's id.
func (f *tables) contact(prospect, source, at string, more ...row) string {
	f.t.Helper()
	f.offset++
	id := fmt.Sprintf("%032x", f.offset)
	r := row{
		"id": id, "prospect": prospect, "source": source, "kind": "form", "class": "inquiry", "interest": true,
		"at": moment(f.t, at), "received": moment(f.t, at), "kafka_offset": f.offset,
	}
	score := row{"prospect": prospect, "contact": id, "as_of": moment(f.t, at), "stage": "contact", "criteria": "test-1", "kafka_offset": f.offset}
	for _, m := range more {
		for k, v := range m {
			switch k {
			case "stage", "score", "falls_at", "falls_to":
				score[k] = v
			default:
				r[k] = v
			}
		}
	}
	f.insert("contacts", r)
	f.insert("scores", score)
	return id
}

// change adds a stage change brought about by the contact added last.
func (f *tables) change(prospect, from, to, at string) {
	f.t.Helper()
	f.insert("stage_changes", row{
		"prospect": prospect, "contact": fmt.Sprintf("%032x", f.offset), "source": "website", "from_stage": from, "to_stage": to,
		"at": moment(f.t, at), "rule": "met(" + to + ")", "evidence": to + " rule met", "kafka_offset": f.offset,
	})
}

// moment reads "2026-10-01" or "2026-10-01T10:00:00.000".
func moment(t testing.TB, s string) time.Time {
	t.Helper()
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at
		}
	}
	t.Fatalf("time %q", s)
	return time.Time{}
}

// ask sends a query string as it is, without the client's checks.
func ask(t testing.TB, h http.Handler, path, query string) (int, string) {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, path, nil)
	req.URL.RawQuery = query
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w.Code, w.Body.String()
}
