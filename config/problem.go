package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Problem is one mistake in a configuration file.
type Problem struct {
	File    string
	Line    int // from 1; 0 where the mistake is that something is missing
	Column  int // from 1
	Message string
}

// String gives "file:line:column: message".
func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Problems are all mistakes of a file, in the order of its lines.
type Problems []Problem

// Error gives one line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// nearest gives the known word that name was probably meant to be, as the end
// of a sentence, or nothing.
func nearest(name string, known []string) string {
	best, distance := "", 1+len(name)/3
	for _, k := range slices.Sorted(slices.Values(known)) {
		if strings.HasPrefix(name, k) || strings.HasPrefix(k, name) {
			best = k
			break
		}
		if d := levenshtein.ComputeDistance(strings.ToLower(name), k); d <= distance {
			best, distance = k, d-1
		}
	}
	if best == "" {
		return "; known here: " + strings.Join(slices.Sorted(slices.Values(known)), ", ")
	}
	return fmt.Sprintf("; did you mean %q?", best)
}
