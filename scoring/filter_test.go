package scoring

import (
	"encoding/binary"
	"testing"
)

// A filter has every key that was added, over all its parts, and seldom
// another.
func TestFilter(t *testing.T) {
	f := newFilter()
	key := func(i uint64) []byte { return binary.BigEndian.AppendUint64(nil, i) }
	if f.has(key(1)) {
		t.Error("an empty filter has a key")
	}
	const n = 200_000
	for i := range uint64(n) {
		f.add(key(i))
	}
	wrong := 0
	for i := range uint64(n) {
		if !f.has(key(i)) {
			t.Fatalf("key %d is missing", i)
		}
		if f.has(key(n + i)) {
			wrong++
		}
	}
	if len(f.parts) < 3 || wrong > n*4/100 {
		t.Errorf("%d parts, wrong about %d of %d", len(f.parts), wrong, n)
	}
}

// A filter stays within its memory, whatever is added.
func TestFilterIsBounded(t *testing.T) {
	f := newFilter()
	var key [8]byte
	for i := range uint64(4_000_000) {
		binary.BigEndian.PutUint64(key[:], i)
		f.add(key[:])
	}
	size := 0
	for _, part := range f.parts {
		size += len(part) * filterBlock
	}
	if size > 4<<20 {
		t.Errorf("%d bytes", size)
	}
}
