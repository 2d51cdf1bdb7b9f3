package scoring

import "hash/maphash"

// Sizes of a filter. With a byte and a half for each key, one in a hundred of
// the keys that were never added is taken for one that was.
const (
	filterBlock = 64      // bytes: a line of the processor's cache, which is all that a look touches
	filterBits  = 12      // for each key
	filterFirst = 1 << 10 // blocks of the first part, each further one has twice as many
	filterLast  = 1 << 15 // blocks of the last part: all together stay below 4 MiB
)

// filter knows of a key that it was never added, without looking at the disk:
// nearly every contact is new. It is a Bloom filter that grows by parts. When
// the last part is full too (2.8 million keys), it goes on and is just wrong
// more often, which costs a look into the store.
type filter struct {
	seed  maphash.Seed
	parts [][][filterBlock / 8]uint64 // the last is the one that is added to
	room  int                         // keys that it still takes
}

func newFilter() *filter { return &filter{seed: maphash.MakeSeed()} }

// add notes a key.
func (f *filter) add(key []byte) {
	if f.room == 0 {
		blocks := filterFirst << len(f.parts)
		f.room = blocks * filterBlock * 8 / filterBits
		if blocks <= filterLast {
			f.parts = append(f.parts, make([][filterBlock / 8]uint64, blocks))
		}
	}
	f.room--
	h := maphash.Bytes(f.seed, key)
	part := f.parts[len(f.parts)-1]
	block, marks := &part[h%uint64(len(part))], marksOf(h)
	for i := range block {
		block[i] |= marks[i]
	}
}

// has reports whether the key may have been added; false is certain.
func (f *filter) has(key []byte) bool {
	h := maphash.Bytes(f.seed, key)
	marks := marksOf(h)
	for _, part := range f.parts {
		block, missing := &part[h%uint64(len(part))], uint64(0)
		for i := range block {
			missing |= marks[i] &^ block[i]
		}
		if missing == 0 {
			return true
		}
	}
	return false
}

// marksOf gives the bits of a block that stand for a key: one in each word,
// from those bits of the hash that do not choose the block.
func marksOf(h uint64) (marks [filterBlock / 8]uint64) {
	h >>= 16
	for i := range marks {
		marks[i] = 1 << (h >> (6 * i) & 63)
	}
	return marks
}
