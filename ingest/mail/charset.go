package mail

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
)

// decodeText gives b as valid UTF-8. The charset named is believed unless it
// is missing, unknown or plainly wrong; then it is guessed.
func decodeText(b []byte, name string) string {
	name = strings.ToLower(strings.Trim(name, " \"'"))
	switch name {
	case "", "us-ascii", "ascii", "utf-8", "utf8", "unknown-8bit", "x-unknown", "default":
		return guessText(b)
	}
	r, err := charset.Reader(name, bytes.NewReader(b))
	if err != nil {
		return guessText(b)
	}
	out, err := io.ReadAll(r)
	if err != nil || !utf8.Valid(out) {
		return guessText(b)
	}
	return string(out)
}

// guessText reads b as UTF-8 where it is that, else in the charset that its
// letters show.
func guessText(b []byte) string {
	table := GuessCharset(b)
	if table == nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	out, err := table.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

// GuessCharset tells the charset of a text that does not say it; nil: UTF-8,
// maybe with a few broken bytes. Text with many 8-bit letters in a row is
// Cyrillic (windows-1251, or KOI8-R where it would shout in windows-1251), and
// the rest is Western.
func GuessCharset(b []byte) encoding.Encoding {
	if utf8.Valid(b) {
		return nil
	}
	// UTF-8 with a few broken bytes, say cut in the middle of a character, is
	// still UTF-8.
	var good, bad int
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			bad++
		case n > 1:
			good++
		}
		i += n
	}
	if good > 4*bad {
		return nil
	}
	var pairs, high, lower, upper int
	for i, c := range b {
		if c < 0xC0 {
			continue
		}
		high++
		if i > 0 && b[i-1] >= 0xC0 {
			pairs++
		}
		if c >= 0xE0 {
			lower++ // lower case in windows-1251, upper case in KOI8-R
		} else {
			upper++
		}
	}
	switch {
	case pairs*2 <= high:
		return charmap.Windows1252
	case upper > lower:
		return charmap.KOI8R
	}
	return charmap.Windows1251
}
