package evidence

import "math/bits"

// Most words of a text have few letters, all of them plain Latin. Eight bytes
// at once tell where such a word ends, and are the key to find it by, which
// takes less than the walk through the trie.

const (
	shortBytes = 8
	everyByte  = 0x0101010101010101
	highBits   = 0x80 * everyByte
)

// shortWord reads a word of up to seven plain letters: its length and key, 0
// where it is no such word or the text does not go on.
func shortWord(text string, i int) (n int, key uint64) {
	if i+shortBytes > len(text) {
		return 0, 0
	}
	s := text[i : i+shortBytes]
	v := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	small := v | 0x20*everyByte
	ascii := small &^ highBits
	letters := (ascii + (0x80-'a')*everyByte) &^ (ascii + (0x80-'z'-1)*everyByte) &^ v & highBits
	n = bits.TrailingZeros64(letters^highBits) / 8
	if n == 0 || n == shortBytes {
		return 0, 0
	}
	if next := s[n]; next == '\'' || next >= 0x80 {
		return 0, 0 // the word may go on
	}
	return n, small & (1<<(8*n) - 1)
}

// shortWords finds the lexicons' short words by their keys: a table with open
// addressing, at most half full.
type shortWords struct {
	cells []shortCell
	shift uint8
}

type shortCell struct {
	key   uint64 // 0: free
	known int32
}

func newShortWords(n int) shortWords {
	size := bits.Len(uint(2*n + 1))
	return shortWords{cells: make([]shortCell, 1<<size), shift: uint8(64 - size)}
}

// cell is that of a key, or the free one for it.
func (w *shortWords) cell(key uint64) *shortCell {
	const golden = 0x9e3779b97f4a7c15
	for i := key * golden >> w.shift; ; i++ {
		c := &w.cells[i&uint64(len(w.cells)-1)]
		if c.key == key || c.key == 0 {
			return c
		}
	}
}
