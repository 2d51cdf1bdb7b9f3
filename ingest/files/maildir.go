package files

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maildir is a directory with the mails of one folder as files in cur and new.
// Folders within it are directories of their own.
type maildir struct {
	dir      string
	names    []string // "cur/NAME" and "new/NAME", in the order of their arrival
	at       int
	modified time.Time
}

func openMaildir(dir string) (*maildir, error) {
	m := &maildir{dir: dir}
	found := false
	for _, sub := range []string{"cur", "new"} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("open Maildir %s: %w", dir, err)
		}
		found = true
		if info, err := os.Stat(filepath.Join(dir, sub)); err == nil && info.ModTime().After(m.modified) {
			m.modified = info.ModTime()
		}
		for _, e := range entries {
			if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
				m.names = append(m.names, filepath.Join(sub, e.Name()))
			}
		}
	}
	if !found {
		return nil, fmt.Errorf("%s: %w: a directory without cur and new is no Maildir; name the files in it", dir, ErrFormat)
	}
	slices.SortFunc(m.names, func(a, b string) int {
		return cmp.Or(arrival(a).Compare(arrival(b)), strings.Compare(filepath.Base(a), filepath.Base(b)))
	})
	return m, nil
}

// arrival reads the time with which a Maildir's file name begins, in seconds
// since 1970.
func arrival(name string) time.Time {
	digits, _, _ := strings.Cut(filepath.Base(name), ".")
	seconds, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || seconds <= 0 || seconds > 1<<40 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

func (m *maildir) next() (it Item, err error) {
	if m.at == len(m.names) {
		return Item{}, io.EOF
	}
	name := m.names[m.at]
	m.at++
	it = Item{Kind: Mail, Origin: filepath.Join(filepath.Base(m.dir), name), Arrived: arrival(name)}
	f, err := os.Open(filepath.Join(m.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		f, name, err = m.moved(name)
	}
	if err != nil {
		it.Err = fmt.Errorf("the mail was taken away, or cannot be opened: %w", err)
		return it, nil
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if it.Raw, err = readMail(f); err != nil {
		return it, fmt.Errorf("%s: %w", name, err)
	}
	return it, nil
}

// moved opens a mail that somebody has read since the list was made: it is in
// cur now, or has other flags behind its ":2,".
func (m *maildir) moved(name string) (f *os.File, now string, err error) {
	unique, _, _ := strings.Cut(filepath.Base(name), ":")
	for _, pattern := range []string{unique, unique + ":*"} {
		found, err := filepath.Glob(filepath.Join(m.dir, "cur", pattern))
		if err == nil && len(found) > 0 {
			f, err = os.Open(found[0])
			return f, found[0], err
		}
	}
	return nil, name, fs.ErrNotExist
}
