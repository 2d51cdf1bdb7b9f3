package dashboard

import (
	"context"
	_ "embed" // for the queries
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

//go:embed queries/population.sql
var populationSQL string

//go:embed queries/funnel.sql
var funnelSQL string

//go:embed queries/list.sql
var listSQL string

//go:embed queries/names.sql
var namesSQL string

//go:embed queries/products.sql
var productsSQL string

//go:embed queries/promotions.sql
var promotionsSQL string

//go:embed queries/any.sql
var anySQL string

//go:embed queries/prospect.sql
var prospectSQL string

//go:embed queries/standings.sql
var standingsSQL string

//go:embed queries/people.sql
var peopleSQL string

//go:embed queries/timeline.sql
var timelineSQL string

//go:embed queries/worth.sql
var worthSQL string

//go:embed queries/reasons.sql
var reasonsSQL string

//go:embed queries/reasons_older.sql
var olderReasonsSQL string

//go:embed queries/changes.sql
var changesSQL string

//go:embed queries/dead.sql
var deadSQL string

// settings end every query. The database itself gives a query up after ten
// seconds.
const settings = `
SETTINGS max_execution_time = 10, join_use_nulls = 1, enable_extended_results_for_datetime_functions = 1`

// queryTimeout is how long a visitor waits for a database that has stopped
// to answer. It is longer than the limit in settings: a query that is given
// up from this side costs its connection, and the embedded engine does not
// always survive a connection that breaks off while it is being made.
const queryTimeout = 15 * time.Second

// queryContext is the context for a request's queries. It does not end when
// the visitor leaves, for the same reason.
func queryContext(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), queryTimeout)
}

// errDatabase marks everything that keeps the database from answering: it is
// away, too slow, or has no tables yet.
var errDatabase = errors.New("the database is not answering")

// errNotFound marks a prospect that nobody has heard of.
var errNotFound = errors.New("not found")

// store asks the database. Each of its methods is one or a few queries.
type store struct{ db driver.Conn }

// selectRows runs a query with the parameters given by name and returns its
// rows. what is what is being read, for the error message.
func selectRows[T any](ctx context.Context, s store, what, query string, params map[string]any) ([]T, error) {
	args := make([]any, 0, len(params))
	for name, value := range params {
		if t, ok := value.(time.Time); ok {
			value = t.UTC().Format("2006-01-02 15:04:05.000")
		}
		args = append(args, clickhouse.Named(name, value))
	}
	var rows []T
	if err := s.db.Select(ctx, &rows, query+settings, args...); err != nil {
		return nil, fmt.Errorf("read %s: %w: %w", what, errDatabase, err)
	}
	return rows, nil
}
