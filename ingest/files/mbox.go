package files

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// mbox is a file of mails, each behind a line "From SENDER DATE". It takes off
// the quoting of such lines within mails (mboxrd: one ">" of ">From ",
// ">>From ", ...).
type mbox struct {
	in      *bufio.Reader
	name    string
	line    int    // number of the line read last
	from    string // the separator before the next mail
	started bool
}

func newMbox(in *bufio.Reader, name string) *mbox { return &mbox{in: in, name: name} }

// clockTime is what a separator's date has in all its forms, and a sentence
// that begins with "From" seldom.
var clockTime = regexp.MustCompile(`\d\d?:\d\d`)

func (m *mbox) next() (Item, error) {
	if !m.started {
		m.started = true
		line, err := m.in.ReadString('\n')
		m.line++
		if err != nil && (!errors.Is(err, io.EOF) || line == "") {
			return Item{}, err
		}
		m.from = line
	}
	if m.from == "" {
		return Item{}, io.EOF
	}
	it := Item{Kind: Mail, Origin: fmt.Sprintf("%s:%d", m.name, m.line), Arrived: separatorTime(m.from)}
	m.from = ""
	empty, fresh, last := true, true, byte('\n') // the line before is empty; a line begins here
	for {
		part, err := m.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) && !errors.Is(err, io.EOF) {
			return Item{}, err
		}
		if fresh && len(part) > 0 {
			m.line++
			if empty && bytes.HasPrefix(part, []byte("From ")) {
				part = bytes.Clone(part) // looking further moves what is buffered
				if m.separates(part) {
					m.from = string(part)
					break
				}
			}
			empty = len(bytes.TrimRight(part, "\r\n")) == 0
		}
		if fresh && len(part) > 0 && part[0] == '>' && bytes.HasPrefix(bytes.TrimLeft(part, ">"), []byte("From ")) {
			part = part[1:]
		}
		it.Raw = append(it.Raw, part[:min(len(part), MaxMail-len(it.Raw))]...)
		if len(part) > 0 {
			last = part[len(part)-1]
		}
		fresh = last == '\n'
		if errors.Is(err, io.EOF) {
			break
		}
	}
	if len(bytes.TrimSpace(it.Raw)) == 0 {
		it.Err = errors.New("there is no mail between two lines that begin with From")
	}
	return it, nil
}

// separates reports whether a line "From ...", behind an empty one, begins a
// new mail: it has a time of day, and a header follows.
func (m *mbox) separates(line []byte) bool {
	if len(line) > 500 || !clockTime.Match(line) {
		return false
	}
	below, _ := m.in.Peek(200) // shorter at the end of the file
	return len(below) == 0 || looksLikeHeader(below) || bytes.HasPrefix(below, []byte(">From "))
}

// separatorTime reads the date of a separator, in whatever form and zone it
// is; the zero time where it has none, or one that stands for none.
func separatorTime(line string) time.Time {
	_, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "From "), " ")
	rest = strings.Join(strings.Fields(rest), " ")
	for _, layout := range []string{
		"Mon Jan 2 15:04:05 2006", "Mon Jan 2 15:04:05 -0700 2006", "Mon Jan 2 15:04:05 MST 2006", "Mon Jan 2 15:04:05 2006 -0700",
		"Mon, 2 Jan 2006 15:04:05 -0700", "Mon Jan 2 15:04 2006", time.RFC3339,
	} {
		if t, err := time.Parse(layout, rest); err == nil && t.Unix() > 0 {
			return t.UTC()
		}
	}
	return time.Time{}
}
