package mail

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	"github.com/gogs/chardet"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

// decodeText gives b as valid UTF-8. The charset named is believed unless it
// is missing, unknown, one that programs name without knowing, or plainly
// wrong; then it is guessed.
func decodeText(b []byte, name string) string {
	name = strings.ToLower(strings.Trim(name, " \"'"))
	if !believed(name) {
		return guessText(b)
	}
	if name == "utf-16" && zeros(b, 1) > zeros(b, 0) {
		name = "utf-16le"
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

// believed reports whether a charset that is named tells anything. Latin-1 is
// what many name whatever they send.
func believed(name string) bool {
	switch name {
	case "", "us-ascii", "ascii", "utf-8", "utf8", "unknown-8bit", "x-unknown", "default", "iso-8859-1", "latin1", "windows-1252", "cp1252":
		return false
	}
	return true
}

// charsetOf gives the charset that decodeText takes b for; nil: UTF-8.
func charsetOf(b []byte, name string) encoding.Encoding {
	name = strings.ToLower(strings.Trim(name, " \"'"))
	if !believed(name) {
		return GuessCharset(b)
	}
	if table, err := htmlindex.Get(name); err == nil && !strings.HasPrefix(name, "utf") {
		return table
	}
	return nil
}

// zeros counts the zero bytes among every other one, beginning at first.
func zeros(b []byte, first int) (n int) {
	for i := first; i < len(b) && i < 512; i += 2 {
		if b[i] == 0 {
			n++
		}
	}
	return n
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
// maybe with a few broken bytes. Chinese, Japanese and Korean show in their
// most frequent characters. Else, text with many 8-bit letters in a row is
// Cyrillic (windows-1251, or KOI8-R where it would shout in windows-1251), and
// the rest is Western.
func GuessCharset(b []byte) encoding.Encoding {
	if bytes.Contains(b, []byte("\x1b$")) {
		return japanese.ISO2022JP
	}
	if zeros(b, 0)+zeros(b, 1) > 4 {
		switch {
		case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
			return unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
		case zeros(b, 1)*4 > min(len(b), 512):
			return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
		}
	}
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
	eighth := 0
	for i, c := range b {
		if c >= 0x80 {
			eighth++
		}
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
	if eighth >= minEastern {
		if table := guessEastern(b); table != nil {
			return table
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

// minEastern is how many 8-bit bytes there must be to tell Chinese, Japanese
// and Korean, and sure how sure of it the detector must be, of 100.
const (
	minEastern = 16
	sure       = 80
)

// guessEastern tells the charset of Chinese, Japanese and Korean; nil where b
// is none of them.
func guessEastern(b []byte) encoding.Encoding {
	best, err := chardet.NewTextDetector().DetectBest(b[:min(len(b), 4096)])
	if err != nil || best.Confidence < sure {
		return nil
	}
	switch best.Charset {
	case "GB-18030", "GB18030":
		return simplifiedchinese.GB18030
	case "Big5":
		return traditionalchinese.Big5
	case "Shift_JIS":
		return japanese.ShiftJIS
	case "EUC-JP":
		return japanese.EUCJP
	case "EUC-KR":
		return korean.EUCKR
	}
	return nil
}
