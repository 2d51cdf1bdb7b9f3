package files

import (
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"leadd/ingest/mail"
)

// decoded gives a text file as UTF-8. head is its beginning: a byte order mark
// says what it is, or the zeros that UTF-16 puts beside plain letters; what is
// not UTF-8 then is guessed by its letters.
func decoded(in io.Reader, head []byte) io.Reader {
	var table encoding.Encoding
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")), bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return transform.NewReader(in, unicode.BOMOverride(transform.Nop))
	case zerosAt(head, 1):
		table = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case zerosAt(head, 0):
		table = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	default:
		if table = mail.GuessCharset(whole(head)); table == nil {
			return in
		}
	}
	return table.NewDecoder().Reader(in)
}

// zerosAt reports whether every other byte, beginning at first, is mostly 0.
func zerosAt(head []byte, first int) bool {
	zeros, n := 0, 0
	for i := first; i < len(head) && i < 512; i += 2 {
		n++
		if head[i] == 0 {
			zeros++
		}
	}
	return n > 4 && zeros*2 > n
}

// whole leaves off a character that is cut in two at the end.
func whole(head []byte) []byte {
	for n := 1; n <= 3 && n <= len(head); n++ {
		if b := head[len(head)-n:]; utf8.RuneStart(b[0]) {
			if !utf8.FullRune(b) {
				return head[:len(head)-n]
			}
			break
		}
	}
	return head
}
