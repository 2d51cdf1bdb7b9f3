package scoring

import (
	"fmt"
	"strings"
)

// Problem is one mistake in a criteria file.
type Problem struct {
	File    string // as given to Load; "default.yaml" for the built-in criteria
	Line    int    // from 1
	Column  int    // from 1, in characters
	Message string // what is wrong and what to do
}

// String gives "file:line:column: message".
func (p Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// problem gives a problem at the place of p.
func (p Problem) problem(format string, args ...any) Problem {
	p.Message = fmt.Sprintf(format, args...)
	return p
}

// Problems is every mistake found in a criteria file, in the order of the
// file. It is the error that Load and Parse return where the file could be
// read but not accepted.
type Problems []Problem

// Error lists the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}
