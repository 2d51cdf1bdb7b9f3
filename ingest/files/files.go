package files

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"leadd/lead"
)

// Limits of one item, in bytes.
const (
	// MaxMail is how much of a mail is read, as much as a mailbox reads unless
	// configured otherwise. The rest is passed over.
	MaxMail = 50 << 20
	// MaxRow is how long a row or a line of JSON may be.
	MaxRow = 1 << 20
)

// Kind is what an item is.
type Kind uint8

// The kinds.
const (
	Mail Kind = iota // Raw is an RFC 5322 message
	JSON             // Raw is one line of JSON
	Row              // Fields are a row's cells under the header's names
)

// Item is one mail or form post.
type Item struct {
	Kind    Kind
	Raw     []byte       // as in the file, but for the quoting of mbox; of a row: the row
	Fields  []lead.Field // Row: the cells that are not empty
	Origin  string       // where it stands: "leads.csv:17", "old.mbox:4711", the name of a file
	Arrived time.Time    // when it came, as far as the file's format tells; zero: it does not
	Err     error        // why it cannot be read, in words for people; Raw shows what is there
}

// ErrFormat marks a file of which no item can be read.
var ErrFormat = errors.New("not a file of mails or form posts")

// format gives a file's items; io.EOF behind the last.
type format interface {
	next() (Item, error)
}

// File is an open file or Maildir. It is for one goroutine.
type File struct {
	format
	path     string
	size     int64
	modified time.Time
	source   *counter // nil: a Maildir counts for itself
	closers  []io.Closer
}

// Open opens a file and tells its format by its content, where that says too
// little by its name. The error says what the file is instead; ErrFormat where
// it can be opened, but not read.
func Open(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	f := &File{path: path, size: info.Size(), modified: info.ModTime()}
	if info.IsDir() {
		m, err := openMaildir(path)
		if err != nil {
			return nil, err
		}
		f.format, f.size, f.modified = m, int64(len(m.names)), m.modified
		return f, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	f.closers = append(f.closers, file)
	if f.format, err = f.open(file); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// open finds out what there is to read.
func (f *File) open(file io.Reader) (format, error) {
	f.source = &counter{r: file}
	in := bufio.NewReaderSize(f.source, 64<<10)
	name := filepath.Base(f.path)
	if head, err := in.Peek(2); err == nil && bytes.Equal(head, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("unpack %s: %w", f.path, err)
		}
		f.closers = append(f.closers, unpacked)
		in = bufio.NewReaderSize(unpacked, 64<<10)
		name = strings.TrimSuffix(name, ".gz")
	}
	head, err := in.Peek(64 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", f.path, err)
	}
	ext := strings.ToLower(filepath.Ext(name))
	start, err := io.ReadAll(decoded(bytes.NewReader(head), head))
	if err != nil {
		start = head
	}
	start = bytes.TrimLeft(start, " \t\r\n")
	switch {
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		return nil, fmt.Errorf("%s: %w: it is an Outlook or Office file; save it as .eml, mbox or CSV", f.path, ErrFormat)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return nil, fmt.Errorf("%s: %w: it is a ZIP archive or spreadsheet; unpack it, or save it as CSV", f.path, ErrFormat)
	case ext == ".eml":
		return &single{in: in, origin: name}, nil
	case bytes.HasPrefix(head, []byte("From ")):
		return newMbox(in, name), nil
	case bytes.HasPrefix(start, []byte("{")):
		return newJSONLines(decoded(in, head), name), nil
	case bytes.HasPrefix(start, []byte("[")):
		return nil, fmt.Errorf("%s: %w: it is a JSON array; write one object to a line", f.path, ErrFormat)
	case ext == ".csv", ext == ".tsv", ext == ".txt", ext == ".tab":
		return newTable(in, head, name), nil
	case len(start) == 0:
		return &nothing{}, nil
	case looksLikeHeader(head):
		return &single{in: in, origin: name}, nil
	case bytes.ContainsAny(firstLine(start), ",;\t"):
		return newTable(in, head, name), nil
	}
	return nil, fmt.Errorf("%s: %w: neither a mail, an mbox, a table with a header row, nor lines of JSON", f.path, ErrFormat)
}

// looksLikeHeader reports whether a mail's header begins here.
func looksLikeHeader(b []byte) bool {
	name, _, ok := bytes.Cut(firstLine(b), []byte(":"))
	if !ok || len(name) == 0 || len(name) > 80 {
		return false
	}
	for _, c := range name {
		if c <= ' ' || c > '~' || c == ',' || c == ';' {
			return false
		}
	}
	return true
}

func firstLine(b []byte) []byte {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return bytes.TrimRight(line, "\r")
}

// Next gives the next item; io.EOF behind the last. After any other error
// there is no going on; an item that cannot be read has Item.Err instead.
func (f *File) Next() (Item, error) {
	it, err := f.next()
	if err != nil && !errors.Is(err, io.EOF) {
		return it, fmt.Errorf("read %s: %w", f.path, err)
	}
	return it, err
}

// Size is how much there is to read: the file's bytes, or a Maildir's mails.
func (f *File) Size() int64 { return f.size }

// Done is how much of Size has been read.
func (f *File) Done() int64 {
	if m, ok := f.format.(*maildir); ok {
		return int64(m.at)
	}
	return f.source.n
}

// Modified is when the file, or the Maildir's list of mails, was last changed.
func (f *File) Modified() time.Time { return f.modified }

// Close closes what Open has opened.
func (f *File) Close() error {
	var errs []error
	for i := len(f.closers) - 1; i >= 0; i-- {
		errs = append(errs, f.closers[i].Close())
	}
	return errors.Join(errs...)
}

// counter counts the bytes read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// nothing is an empty file.
type nothing struct{}

func (nothing) next() (Item, error) { return Item{}, io.EOF }

// single is a file that is one mail.
type single struct {
	in     io.Reader
	origin string
}

func (s *single) next() (Item, error) {
	if s.in == nil {
		return Item{}, io.EOF
	}
	raw, err := readMail(s.in)
	s.in = nil
	return Item{Kind: Mail, Raw: raw, Origin: s.origin}, err
}

// readMail reads a mail as far as it is read at all.
func readMail(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, MaxMail)) }
