package sink

import (
	"fmt"
	"math"
	"time"

	"github.com/ClickHouse/ch-go/proto"
)

// A table is a block of rows for one of the database's tables, column by
// column.
type table interface {
	name() string
	rows() int
	columns() proto.Input // the same columns after every reset
	reset()
}

func lowCardinality() *proto.ColLowCardinality[string] {
	return new(proto.ColStr).LowCardinality()
}

func lowCardinalityArray() *proto.ColArr[string] { return lowCardinality().Array() }

func milliseconds() *proto.ColDateTime64 {
	return new(proto.ColDateTime64).WithPrecision(proto.PrecisionMilli).WithLocation(time.UTC)
}

// The times that a DateTime64 column holds: years 1900 to 2299.
var (
	firstTime = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	endTime   = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)
)

// A misfit collects the first value that its column cannot hold. Such a value
// is never bent to fit.
type misfit struct{ err error }

func (m *misfit) time(what string, t time.Time) {
	if m.err == nil && (t.Before(firstTime) || !t.Before(endTime)) {
		m.err = fmt.Errorf("%s is %s: a time from 1900 to 2299 is needed", what, t.Format(time.RFC3339))
	}
}

func (m *misfit) between(what string, n, low, high int64) {
	if m.err == nil && (n < low || n > high) {
		m.err = fmt.Errorf("%s is %d: a number from %d to %d is needed", what, n, low, high)
	}
}

func (m *misfit) int32(what string, n int) { m.between(what, int64(n), math.MinInt32, math.MaxInt32) }
