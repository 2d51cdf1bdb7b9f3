package scoring

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/rs/zerolog"

	"leadd/lead"
)

// Prefixes of the keys of the changelog (lead.TopicProspects).
const (
	prospectPrefix = "p/"
	seenPrefix     = "c/"
)

// Keys of the store. A prospect's state stands under the changelog's key and
// is the changelog's value; a short key beside it tells that there is one.
// There are far more contact ids, so they are kept short: see seenRow.
const (
	hexIDPrefix = 'h' // and the 16 bytes that an id made by lead.ContactID stands for
	anyIDPrefix = 'i' // and any other id
	knownPrefix = 'k' // and the hash of the key of a prospect that has a state
	positionKey = "position"
)

// storeFormat is the first byte of the position's value.
const storeFormat = 2

// memTableBytes is what one partition's store gathers in memory before it
// writes a table. It is small so that a process can own many partitions.
const memTableBytes = 2 << 20

// closeTime is how long a store may take to close.
const closeTime = 2 * time.Second

// store is the local copy of one partition's state: a cache of the changelog,
// which can be rebuilt at any time. It has no log of its own: what was not in
// a table yet when the process was killed is read again from Kafka, as each
// table comes with the position that belongs to it.
type store struct {
	dir    string
	lock   *pebble.Lock
	db     *pebble.DB
	blocks *pebble.Cache
	keys   *filter      // all but those of states
	broken *atomic.Bool // damage was found, maybe in the background
	room   *room
	writes *sync.WaitGroup // commits under way
}

// position is how far a store has come.
type position struct {
	next      int64 // offset of the next contact to apply
	changelog int64 // offset of the changelog up to which it was read and written
}

// openStore opens the store in dir, or makes it. A store that cannot be read
// is deleted and begun anew. blocks is shared with other stores.
func openStore(dir string, blocks *pebble.Cache, log zerolog.Logger) (*store, error) {
	s, err := tryOpen(dir, blocks, log)
	if err == nil || errors.Is(err, errStoreInUse) {
		return s, err
	}
	log.Warn().Err(err).Str("dir", dir).Msg("local store cannot be opened; it is deleted and rebuilt from Kafka")
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("delete local store: %w", err)
	}
	return tryOpen(dir, blocks, log)
}

var (
	errStoreInUse  = errors.New("another process may be using it")
	errStoreBroken = errors.New("the local store is damaged")
)

func tryOpen(dir string, blocks *pebble.Cache, log zerolog.Logger) (*store, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make local store %s: %w", dir, err)
	}
	space := newRoom(dir, log)
	lock, err := pebble.LockDirectory(dir, vfs.Default)
	if err != nil {
		return nil, fmt.Errorf("lock local store %s: %w (%w)", dir, err, errStoreInUse)
	}
	options := &pebble.Options{
		FS:                          vfs.OnDiskFull(vfs.Default, space.wait),
		Cache:                       blocks,
		Lock:                        lock,
		DisableWAL:                  true,
		MemTableSize:                memTableBytes,
		MemTableStopWritesThreshold: 3,
		L0CompactionThreshold:       8, // reads are rare, thanks to the filter; so spare the writes
		L0StopWritesThreshold:       24,
		MaxOpenFiles:                100,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      pebbleLog{log},
	}
	broken := new(atomic.Bool)
	options.EventListener = &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) { broken.Store(true) }}
	for i := range options.Levels {
		options.Levels[i].FilterPolicy = bloom.FilterPolicy(10) // most ids asked for are not there
		options.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	}
	db, err := pebble.Open(dir, options)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open local store %s: %w", dir, err), lock.Close())
	}
	space.open.Store(true)
	s := &store{dir: dir, lock: lock, db: db, blocks: blocks, keys: newFilter(), broken: broken, room: space, writes: new(sync.WaitGroup)}
	if err := s.readKeys(); err != nil {
		return nil, errors.Join(fmt.Errorf("read local store %s: %w", dir, err), s.close())
	}
	return s, nil
}

// readKeys fills the filter: a second for some millions of keys.
func (s *store) readKeys() error {
	i, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{hexIDPrefix}, UpperBound: []byte{knownPrefix + 1}})
	if err != nil {
		return err
	}
	for i.First(); i.Valid(); i.Next() {
		s.keys.add(i.Key())
	}
	return i.Close()
}

// close writes what is in memory only and waits at most closeTime: what a full
// disk holds up ends when there is room again, and until then the store stays
// locked.
func (s *store) close() error {
	closed := make(chan error, 1)
	go func() {
		s.writes.Wait()
		var err error
		if !s.broken.Load() {
			err = s.db.Flush()
		}
		closed <- errors.Join(err, s.db.Close(), s.lock.Close())
	}()
	select {
	case err := <-closed:
		return err
	case <-time.After(closeTime):
		return fmt.Errorf("its disk is slow or full (free some space under %s)", s.dir)
	}
}

// reset empties the store.
func (s *store) reset(log zerolog.Logger) error {
	if err := s.close(); err != nil {
		log.Warn().Err(err).Msg("close the damaged local store")
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("delete local store: %w", err)
	}
	fresh, err := openStore(s.dir, s.blocks, log)
	if err != nil {
		return err
	}
	*s = *fresh
	return nil
}

// row is a key and its value as the store has them.
type row struct{ key, value []byte }

// stateRows adds to rows a record of the changelog that holds a prospect's
// state; fresh: the store has none of it yet.
func stateRows(rows []row, r lead.Record, fresh bool) []row {
	rows = append(rows, row{r.Key, r.Value})
	if fresh {
		rows = append(rows, row{key: knownKey(r.Key)})
	}
	return rows
}

func knownKey(stateKey []byte) []byte {
	h := fnv.New64a()
	_, _ = h.Write(stateKey) // it cannot fail
	return h.Sum([]byte{knownPrefix})
}

// seenRow is a contact's id and, in 16 bytes and the prospect's key, what is
// known of it. It is appended to b, which is empty, value behind key.
func seenRow(b []byte, id string, s lead.Seen) row {
	b = appendIDKey(b, id)
	n := len(b)
	b = binary.BigEndian.AppendUint64(b, uint64(s.Received)) //nolint:gosec // the same bits come back
	b = binary.BigEndian.AppendUint64(b, uint64(s.Offset))   //nolint:gosec // the same
	b = append(b, s.Prospect...)
	return row{b[:n], b[n:]}
}

func appendIDKey(b []byte, id string) []byte {
	b = append(b, hexIDPrefix)
	if n := len(b); len(id) == 32 {
		for i := 0; i < len(id); i += 2 {
			high, low := hexDigit(id[i]), hexDigit(id[i+1])
			if high|low > 15 {
				break
			}
			b = append(b, high<<4|low)
		}
		if len(b) == n+16 {
			return b
		}
		b = b[:n]
	}
	b[len(b)-1] = anyIDPrefix
	return append(b, id...)
}

// hexDigit gives the value of a digit as lead.ContactID writes them, 255 for
// any other character.
func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

// get gives a key's value, nil where there is none. It holds until done is
// called.
func (s *store) get(key []byte) (value []byte, done func(), err error) {
	value, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, func() {}, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read %q: %w: %w", key, errStoreBroken, err)
	}
	return value, func() { _ = closer.Close() }, nil
}

// state gives the record of a prospect's state, nil where there is none.
func (s *store) state(key string) ([]byte, error) {
	stateKey := append([]byte(prospectPrefix), key...)
	if !s.keys.has(knownKey(stateKey)) {
		return nil, nil
	}
	v, done, err := s.get(stateKey)
	if v == nil || err != nil {
		return nil, err
	}
	defer done()
	return bytes.Clone(v), nil
}

// prospect gives a prospect's state and its encoded size, nil where it has none.
func (s *store) prospect(key string) (*lead.Prospect, int, error) {
	v, err := s.state(key)
	if v == nil || err != nil {
		return nil, 0, err
	}
	p := new(lead.Prospect)
	if err := lead.Decode(v, p); err != nil {
		return nil, 0, fmt.Errorf("state of %q: %w: %w", key, errStoreBroken, err)
	}
	return p, len(v), nil
}

// seen gives what is known of a contact's id; false: nothing.
func (s *store) seen(id string) (lead.Seen, bool, error) {
	key := appendIDKey(make([]byte, 0, 1+MaxID), id)
	if !s.keys.has(key) {
		return lead.Seen{}, false, nil
	}
	v, done, err := s.get(key)
	if v == nil || err != nil {
		return lead.Seen{}, false, err
	}
	defer done()
	if len(v) < 16 {
		return lead.Seen{}, false, fmt.Errorf("contact %q: %w: its value has %d bytes", id, errStoreBroken, len(v))
	}
	return lead.Seen{
		Received: int64(binary.BigEndian.Uint64(v)),     //nolint:gosec // written by seenRow
		Offset:   int64(binary.BigEndian.Uint64(v[8:])), //nolint:gosec // written by seenRow
		Prospect: string(v[16:]),
	}, true, nil
}

// position gives how far the store has come: nowhere when it is new.
func (s *store) position() (position, error) {
	v, done, err := s.get([]byte(positionKey))
	if v == nil || err != nil {
		return position{}, err
	}
	defer done()
	if len(v) != 17 || v[0] != storeFormat {
		return position{}, errors.New("another version of leadd has written it")
	}
	return position{next: int64(binary.BigEndian.Uint64(v[1:])), changelog: int64(binary.BigEndian.Uint64(v[9:]))}, nil //nolint:gosec // written by commit
}

// write stores the rows and the position in one atomic batch. While the
// disk is full it waits, until ctx is done; the store is then only good to be
// closed.
func (s *store) write(ctx context.Context, rows []row, at position) error {
	for _, r := range rows {
		if r.key[0] >= hexIDPrefix && r.key[0] <= knownPrefix {
			s.keys.add(r.key)
		}
	}
	written := make(chan error, 1)
	s.writes.Go(func() { written <- s.commit(rows, at) })
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
		return fmt.Errorf("write to local store: %w", ctx.Err())
	}
}

func (s *store) commit(rows []row, at position) error {
	if s.broken.Load() {
		return errStoreBroken
	}
	s.room.need()
	size := 64
	for _, e := range rows {
		size += len(e.key) + len(e.value) + 8
	}
	b := s.db.NewBatchWithSize(size)
	value := append(make([]byte, 0, 17), storeFormat)
	value = binary.BigEndian.AppendUint64(value, uint64(at.next))      //nolint:gosec // never negative
	value = binary.BigEndian.AppendUint64(value, uint64(at.changelog)) //nolint:gosec // never negative
	err := b.Set([]byte(positionKey), value, nil)
	for i := 0; i < len(rows) && err == nil; i++ {
		err = b.Set(rows[i].key, rows[i].value, nil)
	}
	if err == nil {
		err = b.Commit(pebble.NoSync)
	}
	if err := errors.Join(err, b.Close()); err != nil {
		return fmt.Errorf("write to local store: %w", err)
	}
	return nil
}

// pebbleLog passes on what the store has to say: its daily work is of no
// interest.
type pebbleLog struct{ log zerolog.Logger }

func (l pebbleLog) Infof(string, ...any) {}

func (l pebbleLog) Errorf(format string, args ...any) {
	l.log.Warn().Str("store", strings.TrimSpace(fmt.Sprintf(format, args...))).Msg("local store")
}

// Fatalf must not return, says Pebble, as the store's memory no longer agrees
// with its files: so this is the one place that panics. The process ends, and
// the next one reads what is missing from Kafka.
func (l pebbleLog) Fatalf(format string, args ...any) {
	l.log.Panic().Str("store", strings.TrimSpace(fmt.Sprintf(format, args...))).Msg("local store has failed (is the disk full?); nothing is lost, start leadd again")
}
