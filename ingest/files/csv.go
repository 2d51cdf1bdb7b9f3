package files

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"leadd/lead"
)

// table is a CSV file: a header row with the fields' names, then a row for
// each post. Cells are parted by a comma, semicolon or tab, whichever the
// header has most of, and may stand in double quotes. encoding/csv reads a row
// with a lone quote to the file's end, so rows are cut here.
type table struct {
	in     *bufio.Reader // holds a whole row
	name   string
	line   int // number of the line that comes next
	comma  byte
	header []string
	begun  bool
}

func newTable(in io.Reader, head []byte, name string) *table {
	return &table{in: bufio.NewReaderSize(decoded(in, head), MaxRow), name: name, line: 1}
}

func (t *table) next() (Item, error) {
	if !t.begun {
		if err := t.readHeader(); err != nil {
			return Item{}, err
		}
		t.begun = true
	}
	for {
		line := t.line
		cells, raw, err := t.row()
		if err == io.EOF { //nolint:errorlint // the file's own, not one of a row
			return Item{}, io.EOF
		}
		it := Item{Kind: Row, Origin: fmt.Sprintf("%s:%d", t.name, line), Raw: raw, Err: err}
		if err != nil {
			return it, errOf(err)
		}
		empty := true
		for i, cell := range cells {
			if strings.TrimSpace(cell) == "" {
				continue
			}
			empty = false
			if i >= len(t.header) {
				it.Err = fmt.Errorf("the row has %d cells, the header names %d; put cells that hold %q or a quote into double quotes", len(cells), len(t.header), t.comma)
				break
			}
			it.Fields = append(it.Fields, lead.Field{Name: t.header[i], Value: cell})
		}
		if !empty {
			return it, nil
		}
	}
}

// badRow is an error that only this row has.
type badRow string

func (b badRow) Error() string { return string(b) }

// errOf leaves out what is only a bad row's.
func errOf(err error) error {
	var bad badRow
	if errors.As(err, &bad) {
		return nil
	}
	return err
}

func (t *table) readHeader() error {
	head, err := t.in.Peek(MaxRow)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	// Excel's own first line.
	if len(head) > 5 && bytes.EqualFold(head[:4], []byte("sep=")) && (head[5] == '\r' || head[5] == '\n') {
		t.comma = head[4]
		if _, _, err := t.row(); err != nil {
			return err
		}
	}
	if t.comma == 0 {
		t.comma = ','
		most := 0
		for _, c := range []byte{',', ';', '\t'} {
			if cells, _, ok := cutRow(head, c, true); ok && len(cells) > most {
				t.comma, most = c, len(cells)
			}
		}
	}
	cells, _, err := t.row()
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	if err != nil {
		return fmt.Errorf("the header row: %w", err)
	}
	named := 0
	for i, name := range cells {
		if name = strings.TrimSpace(name); name == "" {
			name = fmt.Sprintf("column %d", i+1)
		} else {
			named++
		}
		t.header = append(t.header, name)
	}
	if named == 0 {
		return fmt.Errorf("%w: the first row names no fields", ErrFormat)
	}
	return nil
}

// row reads the next row that is not an empty line. A quote that nothing
// closes spoils its line only: that is given with an error, and the next line
// is the next row.
func (t *table) row() (cells []string, raw []byte, err error) {
	for size := max(t.in.Buffered(), 1); ; {
		b, err := t.in.Peek(size)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, nil, err
		}
		if len(b) == 0 {
			return nil, nil, io.EOF
		}
		cells, n, ok := cutRow(b, t.comma, err != nil)
		switch {
		case !ok && err == nil && size < MaxRow: // look further
			size = min(2*size, MaxRow)
			continue
		// A stray quote swallows the lines down to the next one.
		case !ok, t.begun && len(cells) != len(t.header) && countLines(b[:n]) > 1:
			return t.spoilt(b)
		}
		raw = bytes.TrimRight(b[:n], "\r\n")
		t.line += countLines(b[:n])
		raw = bytes.Clone(raw)
		if _, err := t.in.Discard(n); err != nil {
			return nil, nil, err
		}
		if len(raw) > 0 {
			return cells, raw, nil
		}
		size = max(t.in.Buffered(), 1)
	}
}

// spoilt passes over a line that begins no row.
func (t *table) spoilt(b []byte) (cells []string, raw []byte, err error) {
	n := bytes.IndexByte(b, '\n') + 1
	bad := badRow("a double quote is opened and never closed; close it, or write two for one that belongs to the text")
	if n == 0 { // no end of line in all that is looked at
		bad = badRow(fmt.Sprintf("the row has more than %d bytes; is this a table with line ends?", MaxRow))
		n = len(b)
	}
	raw = bytes.Clone(bytes.TrimRight(b[:n], "\r\n"))
	_, err = t.in.Discard(n)
	for err == nil && n == len(b) && b[n-1] != '\n' { // the rest of a line too long
		if b, err = t.in.Peek(64 << 10); len(b) > 0 {
			if n = bytes.IndexByte(b, '\n') + 1; n == 0 {
				n = len(b)
			}
			_, err = t.in.Discard(n)
		}
	}
	t.line++
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	return nil, raw, bad
}

// countLines counts the line ends in a row: LF, CRLF or CR.
func countLines(b []byte) (n int) {
	for i, c := range b {
		if c == '\n' || c == '\r' && (i+1 == len(b) || b[i+1] != '\n') {
			n++
		}
	}
	return n
}

// cutRow takes the row at the head of b: its cells, and the bytes up to
// behind its line end. ok is false where the row does not end in b; the end of
// b ends a row only where atEnd. A quote within a cell that is not quoted, and
// a lone one within one that is, belong to the text.
func cutRow(b []byte, comma byte, atEnd bool) (cells []string, n int, ok bool) {
	for i := 0; ; {
		var cell string
		if i < len(b) && b[i] == '"' {
			if cell, i, ok = cutQuoted(b, i+1, comma, atEnd); !ok {
				return nil, 0, false
			}
		} else {
			end := i
			for end < len(b) && b[end] != comma && b[end] != '\n' && b[end] != '\r' {
				end++
			}
			cell, i = string(b[i:end]), end
		}
		cells = append(cells, cell)
		switch {
		case i == len(b):
			return cells, i, atEnd
		case b[i] == comma:
			i++
		case b[i] == '\r' && i+1 == len(b):
			return cells, i + 1, atEnd
		case b[i] == '\r' && b[i+1] == '\n':
			return cells, i + 2, true
		default:
			return cells, i + 1, true
		}
	}
}

// cutQuoted takes a quoted cell whose opening quote is before i.
func cutQuoted(b []byte, i int, comma byte, atEnd bool) (cell string, end int, ok bool) {
	var text []byte
	for {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return "", 0, false
		}
		text = append(text, b[i:i+n]...)
		i += n + 1
		switch {
		case i == len(b):
			return string(text), i, atEnd
		case b[i] == '"':
			i++
		case b[i] == comma, b[i] == '\n', b[i] == '\r':
			return string(text), i, true
		}
		text = append(text, '"')
	}
}
