package evidence

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

//go:embed lexicon/*.txt
var builtin embed.FS

// source is the text of one lexicon: the built-in file, a user's of the same
// name, or both.
type source struct {
	name  string // of the file
	files []sourceFile
}

type sourceFile struct {
	name, text string // name as an error shows it
}

// replace at the top of a user's file says that it stands instead of the
// built-in one of its name, not beside it.
const replace = "[replace]"

// sources lists the built-in lexicons in the order of their names, extended or
// replaced by the files *.txt of dir, then those that are only in dir.
func sources(dir string) ([]source, error) {
	var all []source
	names, err := fs.Glob(builtin, "lexicon/*.txt")
	if err != nil {
		return nil, fmt.Errorf("list the built-in lexicons: %w", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(builtin, name)
		if err != nil {
			return nil, fmt.Errorf("read a built-in lexicon: %w", err)
		}
		all = append(all, source{path.Base(name), []sourceFile{{"built-in " + name, string(text)}}})
	}
	if dir == "" {
		return all, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list lexicons: %w", err)
	}
	found := false
	var errs []error
	for _, entry := range entries { // in the order of their names
		if filepath.Ext(entry.Name()) != ".txt" {
			continue
		}
		found = true
		name := filepath.Join(dir, entry.Name())
		text, err := os.ReadFile(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("read lexicon: %w", err))
			continue
		}
		if !utf8.Valid(text) {
			errs = append(errs, fmt.Errorf("%s:%d: this is no UTF-8: save the file in that encoding", name, 1+strings.Count(validStart(text), "\n")))
			continue
		}
		file := sourceFile{name, strings.TrimPrefix(string(text), "\ufeff")} // some editors mark UTF-8 so
		i := slices.IndexFunc(all, func(s source) bool { return s.name == entry.Name() })
		switch {
		case i < 0 && file.replaces():
			errs = append(errs, fmt.Errorf("%s:1: there is no built-in lexicon %s to replace: give the file the name of one, or take %s out", name, entry.Name(), replace))
		case i < 0:
			all = append(all, source{entry.Name(), []sourceFile{file}})
		case file.replaces():
			all[i].files = []sourceFile{file}
		default:
			all[i].files = append(all[i].files, file)
		}
	}
	if !found {
		errs = append(errs, fmt.Errorf("there is no lexicon (*.txt) in %s: put one there, such as de.txt with more German phrases", dir))
	}
	return all, errors.Join(errs...)
}

// validStart is the text before its first invalid byte.
func validStart(text []byte) string {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return string(text[:i])
		}
		i += size
	}
	return string(text)
}

// replaces reports whether the file's first line with anything in it says that
// it replaces the built-in one.
func (f *sourceFile) replaces() bool {
	for line := range strings.SplitSeq(f.text, "\n") {
		if line = withoutComment(line); line != "" {
			return line == replace
		}
	}
	return false
}

func withoutComment(line string) string {
	line, _, _ = strings.Cut(line+" ", "# ")
	return strings.TrimSpace(line)
}

// version is a name for the lexicons' text that differs where any of it does.
func version(all []source) string {
	h := sha256.New()
	for _, s := range all {
		for _, f := range s.files {
			_, _ = fmt.Fprintf(h, "%s %d\n%s", s.name, len(f.text), f.text) // a hash takes all
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:4])
}
