package files

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// jsonLines is a file with one JSON object to a line.
type jsonLines struct {
	in   *bufio.Reader
	name string
	line int
}

func newJSONLines(in io.Reader, name string) *jsonLines {
	return &jsonLines{in: bufio.NewReaderSize(in, 64<<10), name: name}
}

func (j *jsonLines) next() (Item, error) {
	for {
		line, long, err := j.readLine()
		if err != nil {
			return Item{}, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		it := Item{Kind: JSON, Raw: line, Origin: fmt.Sprintf("%s:%d", j.name, j.line)}
		if long {
			it.Err = fmt.Errorf("the line has more than %d bytes; write one contact to a line", MaxRow)
		}
		return it, nil
	}
}

// readLine reads a line, of a long one only the beginning; io.EOF behind the
// last.
func (j *jsonLines) readLine() (line []byte, long bool, err error) {
	for {
		part, err := j.in.ReadSlice('\n')
		room := MaxRow - len(line)
		line = append(line, part[:min(len(part), room)]...)
		long = long || len(part) > room
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil, false, io.EOF
		case err == nil, errors.Is(err, io.EOF):
			j.line++
			return line, long, nil
		default:
			return nil, false, err
		}
	}
}
