package sink

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
)

// insertTimeout is when the server is taken for dead, and the insert tried
// again.
const insertTimeout = time.Minute

// Connect opens a connection to the database for inserts, which encodes what
// it sends in the buffer.
type Connect func(context.Context, *proto.Buffer) (*ch.Client, error)

// A database is one connection to ClickHouse, made when it is needed. It is
// not for concurrent use.
type database struct {
	connect Connect
	client  *ch.Client
	buffer  proto.Buffer // in which the client encodes what it sends
	memory  *sync.Pool   // *[]byte, for buffer: a block's worth is not kept by a connection that rests
}

func (d *database) do(ctx context.Context, q ch.Query) error {
	ctx, cancel := context.WithTimeout(ctx, insertTimeout)
	defer cancel()
	if d.client == nil {
		d.buffer.Reset()
		client, err := d.connect(ctx, &d.buffer)
		if err != nil {
			return err
		}
		d.client = client
	}
	if spare, ok := d.memory.Get().(*[]byte); ok {
		d.buffer.Buf = (*spare)[:0]
	}
	// Where ctx ends between the query and its rows, the client and the server
	// would wait for each other until the client's read times out.
	client := d.client
	hangUp := context.AfterFunc(ctx, func() { _ = client.Close() })
	err := client.Do(ctx, q)
	if !hangUp() && err == nil {
		err = ctx.Err() // it is closed, or about to be
	}
	d.memory.Put(new(d.buffer.Buf))
	d.buffer.Buf = nil
	if err != nil {
		// What the connection still carries is not known.
		d.close()
		return err
	}
	return nil
}

func (d *database) close() {
	if d.client != nil {
		_ = d.client.Close() // every answer that mattered has been read
		d.client = nil
	}
}

// insert stores a block, unless one was stored with the same token. The block
// is stored as a whole or not at all; after an error other than a refusal (see
// refusal) it may be either.
func (d *database) insert(ctx context.Context, t table, token string) error {
	err := d.do(ctx, ch.Query{
		Body:  t.columns().Into(t.name()),
		Input: t.columns(),
		Settings: []ch.Setting{
			{Key: "insert_deduplication_token", Value: token, Important: true},
			ch.SettingInt("insert_deduplicate", 1),
			ch.SettingInt("async_insert", 0), // an answer must mean stored
		},
	})
	if err != nil {
		return fmt.Errorf("insert %d rows into %s: %w", t.rows(), t.name(), err)
	}
	return nil
}

// storedLetters gives those of the ids that table dead_letters holds.
func (d *database) storedLetters(ctx context.Context, ids *proto.ColStr) (map[string]struct{}, error) {
	stored := map[string]struct{}{}
	var found proto.ColStr
	err := d.do(ctx, ch.Query{
		Body:          "SELECT id FROM dead_letters WHERE id IN (SELECT id FROM asked)",
		ExternalTable: "asked",
		ExternalData:  []proto.InputColumn{{Name: "id", Data: ids}},
		Result:        proto.Results{{Name: "id", Data: &found}},
		OnResult: func(context.Context, proto.Block) error {
			for i := range found.Rows() {
				stored[found.Row(i)] = struct{}{}
			}
			return nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("ask dead_letters for %d ids: %w", ids.Rows(), err)
	}
	return stored, nil
}

// dataErrors are the server's answers that blame the rows. Everything else
// (no memory, too many parts, a table gone, no connection) may pass, and is
// tried again.
var dataErrors = []proto.Error{
	proto.ErrViolatedConstraint,
	proto.ErrValueIsOutOfRangeOfDataType,
	proto.ErrArgumentOutOfBound,
	proto.ErrDecimalOverflow,
	proto.ErrIllegalDivision,
	proto.ErrFunctionThrowIfValueIsNonZero,
	proto.ErrIncorrectData,
	proto.ErrTooLargeStringSize,
	proto.ErrTooLargeArraySize,
	proto.ErrCannotInsertNullInOrdinaryColumn,
	proto.ErrUnknownElementOfEnum,
	// Of expressions that an operator has added to a table.
	proto.ErrCannotParseText,
	proto.ErrCannotParseInputAssertionFailed,
	proto.ErrCannotParseDate,
	proto.ErrCannotParseDatetime,
	proto.ErrCannotParseNumber,
	proto.ErrCannotParseUUID,
	proto.ErrCannotParseBool,
	proto.ErrCannotParseIpv4,
	proto.ErrCannotParseIpv6,
}

// refusal tells whether the database refused the rows for what is in them. The
// block is not stored then, and never will be as it is.
func refusal(err error) (*ch.Exception, bool) {
	e, ok := ch.AsException(err)
	if !ok || !slices.Contains(dataErrors, e.Code) {
		return nil, false
	}
	return e, true
}
