package scoring

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/rs/zerolog"

	"leadd/lead"
)

// Prefixes of the keys of the changelog (lead.TopicProspects) and the store,
// which are the same, and the store's own key.
const (
	prospectPrefix = "p/"
	seenPrefix     = "c/"
	positionKey    = "position"
)

// Sizes of one partition's store. They are small so that a process can own
// many partitions.
const (
	memTableBytes   = 4 << 20
	blockCacheBytes = 4 << 20
)

// closeTime is how long a store may take to close.
const closeTime = 2 * time.Second

// store is the local copy of one partition's state: a cache of the changelog,
// which can be rebuilt at any time. Writes are not synced: what a crash of the
// machine takes away is read again from Kafka.
type store struct {
	dir    string
	lock   *pebble.Lock
	db     *pebble.DB
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
// is deleted and begun anew.
func openStore(dir string, log zerolog.Logger) (*store, error) {
	s, err := tryOpen(dir, log)
	if err == nil || errors.Is(err, errStoreInUse) {
		return s, err
	}
	log.Warn().Err(err).Str("dir", dir).Msg("local store cannot be opened; it is deleted and rebuilt from Kafka")
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("delete local store: %w", err)
	}
	return tryOpen(dir, log)
}

var (
	errStoreInUse  = errors.New("another process may be using it")
	errStoreBroken = errors.New("the local store is damaged")
)

func tryOpen(dir string, log zerolog.Logger) (*store, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make local store %s: %w", dir, err)
	}
	space := newRoom(dir, log)
	lock, err := pebble.LockDirectory(dir, vfs.Default)
	if err != nil {
		return nil, fmt.Errorf("lock local store %s: %w (%w)", dir, err, errStoreInUse)
	}
	blocks := pebble.NewCache(blockCacheBytes)
	defer blocks.Unref() // the store holds it from here
	options := &pebble.Options{
		FS:                          vfs.OnDiskFull(vfs.Default, space.wait),
		Cache:                       blocks,
		Lock:                        lock,
		MemTableSize:                memTableBytes,
		MemTableStopWritesThreshold: 3,
		MaxOpenFiles:                100,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      pebbleLog{log},
	}
	broken := new(atomic.Bool)
	options.EventListener = &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) { broken.Store(true) }}
	for i := range options.Levels {
		options.Levels[i].FilterPolicy = bloom.FilterPolicy(10) // most ids asked for are not there
	}
	db, err := pebble.Open(dir, options)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open local store %s: %w", dir, err), lock.Close())
	}
	space.open.Store(true)
	return &store{dir: dir, lock: lock, db: db, broken: broken, room: space, writes: new(sync.WaitGroup)}, nil
}

// close waits at most closeTime: what a full disk holds up ends when there is
// room again, and until then the store stays locked.
func (s *store) close() error {
	closed := make(chan error, 1)
	go func() {
		s.writes.Wait()
		closed <- errors.Join(s.db.Close(), s.lock.Close())
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
	fresh, err := openStore(s.dir, log)
	if err != nil {
		return err
	}
	*s = *fresh
	return nil
}

// get gives a copy of a key's value, nil where there is none.
func (s *store) get(key string) ([]byte, error) {
	v, closer, err := s.db.Get([]byte(key))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %q: %w: %w", key, errStoreBroken, err)
	}
	value := append([]byte(nil), v...)
	return value, closer.Close()
}

// prospect gives a prospect's state and its encoded size, nil where it has none.
func (s *store) prospect(key string) (*lead.Prospect, int, error) {
	v, err := s.get(prospectPrefix + key)
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
	var seen lead.Seen
	v, err := s.get(seenPrefix + id)
	if v == nil || err != nil {
		return seen, false, err
	}
	if err := lead.Decode(v, &seen); err != nil {
		return seen, false, fmt.Errorf("contact %q: %w: %w", id, errStoreBroken, err)
	}
	return seen, true, nil
}

func (s *store) position() (position, error) {
	v, err := s.get(positionKey)
	if err != nil || len(v) != 16 {
		return position{}, err
	}
	return position{next: int64(binary.BigEndian.Uint64(v)), changelog: int64(binary.BigEndian.Uint64(v[8:]))}, nil //nolint:gosec // written by write
}

// write stores the records and the position in one atomic batch. While the
// disk is full it waits, until ctx is done; the store is then only good to be
// closed.
func (s *store) write(ctx context.Context, records []lead.Record, at position) error {
	written := make(chan error, 1)
	s.writes.Go(func() { written <- s.commit(records, at) })
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
		return fmt.Errorf("write to local store: %w", ctx.Err())
	}
}

func (s *store) commit(records []lead.Record, at position) error {
	if s.broken.Load() {
		return errStoreBroken
	}
	b := s.db.NewBatch()
	var value [16]byte
	binary.BigEndian.PutUint64(value[:], uint64(at.next))       //nolint:gosec // never negative
	binary.BigEndian.PutUint64(value[8:], uint64(at.changelog)) //nolint:gosec // never negative
	err := b.Set([]byte(positionKey), value[:], nil)
	for i := 0; i < len(records) && err == nil; i++ {
		err = b.Set(records[i].Key, records[i].Value, nil)
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
