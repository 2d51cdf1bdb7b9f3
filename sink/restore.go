package sink

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"leadd/lead"
)

// Restore stores one scored contact that a Stage had to leave out, and whose
// dead letter somebody wants stored after all: a Stage would drop it, having
// stored what came behind it. partition is the contact's. Tables that hold its
// rows are left alone; where all do, it reports false.
func Restore(ctx context.Context, connect Connect, partition int, s *lead.Scored) (stored bool, err error) {
	if err := checkScored(s); err != nil {
		return false, err
	}
	db := database{connect: connect, memory: new(sync.Pool)}
	defer db.close()
	b := newBlocks(lead.TopicScored)
	b.addScored(partition, s)
	for _, t := range b.tables {
		if t.rows() == 0 {
			continue
		}
		there, err := db.has(ctx, t.name(), partition, s.Offset)
		if err != nil {
			return false, err
		}
		if there {
			continue
		}
		// The token is of the place, not of the try.
		if err := db.insert(ctx, t, "restore-"+strconv.Itoa(partition)+"@"+strconv.FormatInt(s.Offset, 10)); err != nil {
			return false, err
		}
		stored = true
	}
	return stored, nil
}

// has reports whether a table has rows of the contact at that place.
func (d *database) has(ctx context.Context, table string, partition int, offset int64) (bool, error) {
	var n proto.ColUInt64
	err := d.do(ctx, ch.Query{
		Body:   fmt.Sprintf("SELECT count() AS n FROM %s WHERE kafka_partition = %d AND kafka_offset = %d", table, partition, offset),
		Result: proto.Results{{Name: "n", Data: &n}},
	})
	if err == nil && n.Rows() != 1 {
		err = errors.New("the server gave no count")
	}
	if err != nil {
		return false, fmt.Errorf("look in %s for the contact at offset %d: %w", table, offset, err)
	}
	return n.Row(0) > 0, nil
}
