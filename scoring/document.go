package scoring

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// document is a YAML file that gathers its mistakes with their places instead
// of stopping at the first.
type document struct {
	file     string
	lines    []string // with their line ends
	problems Problems
}

// entry is one key of a mapping and its value.
type entry struct {
	key   string
	at    *token.Token // of the key
	value ast.Node     // never nil
}

// parse reads the file's one mapping; false where it is no such file.
func (d *document) parse(src []byte) (ast.Node, bool) {
	d.lines = slices.Collect(strings.Lines(string(src)))
	file, err := parser.ParseBytes(src, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var syntax yaml.Error
		if errors.As(err, &syntax) && syntax.GetToken() != nil {
			d.problem(syntax.GetToken(), "this is not YAML: %s", syntax.GetMessage())
		} else {
			d.problemAt(1, 1, "this is not YAML: %s", err)
		}
		return nil, false
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		d.problemAt(1, 1, "the file is empty; see the default criteria for an example")
		return nil, false
	}
	if len(file.Docs) > 1 {
		d.problem(file.Docs[1].GetToken(), "a criteria file holds one document; remove what begins with ---")
	}
	return file.Docs[0].Body, true
}

func (d *document) problem(at *token.Token, format string, args ...any) {
	d.problemAt(at.Position.Line, at.Position.Column, format, args...)
}

func (d *document) problemAt(line, column int, format string, args ...any) {
	d.problems = append(d.problems, Problem{File: d.file, Line: line, Column: max(column, 1), Message: fmt.Sprintf(format, args...)})
}

// mapping gives the entries of n, which must be a mapping with some of the
// known keys. Unknown and repeated keys are problems.
func (d *document) mapping(n ast.Node, what string, known ...string) map[string]entry {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		d.problem(n.GetToken(), "%s must be a mapping with %s", what, strings.Join(known, ", "))
		return nil
	}
	entries := make(map[string]entry, len(values))
	for _, v := range values {
		e := entry{key: v.Key.GetToken().Value, at: v.Key.GetToken(), value: v.Value}
		if _, twice := entries[e.key]; twice {
			d.problem(e.at, "%s has %s twice", what, e.key)
		} else if !slices.Contains(known, e.key) {
			d.problem(e.at, "%s has no %s (it has %s)%s", what, e.key, strings.Join(known, ", "), Suggest(e.key, known))
		}
		entries[e.key] = e
	}
	return entries
}

// sequence gives the items of e's list.
func (d *document) sequence(e entry) []ast.Node {
	s, ok := e.value.(*ast.SequenceNode)
	if !ok {
		d.problem(e.at, "%s must be a list", e.key)
		return nil
	}
	return s.Values
}

// text gives the scalar of e as written; false, with a problem, where it is
// none or empty.
func (d *document) text(e entry) (string, bool) {
	switch n := e.value.(type) {
	case *ast.LiteralNode:
		if n.Value.Value != "" {
			return n.Value.Value, true
		}
	case *ast.TagNode:
		d.problem(n.GetToken(), "%s begins with !, which YAML reads as a tag: put it in quotes or write not", e.key)
		return "", false
	case *ast.StringNode:
		if n.Value != "" {
			return n.Value, true
		}
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	d.problem(e.at, "%s needs a value", e.key)
	return "", false
}

// integer gives e's whole number within [low, high].
func (d *document) integer(e entry, low, high int) (int, bool) {
	var v int
	n, ok := e.value.(*ast.IntegerNode)
	if ok {
		switch x := n.Value.(type) {
		case int64:
			v, ok = int(x), x >= int64(low) && x <= int64(high)
		case uint64:
			v, ok = int(min(x, 1<<53)), x <= uint64(max(high, 0)) && int(min(x, 1<<53)) >= low
		default:
			ok = false
		}
	}
	if !ok {
		d.problem(e.value.GetToken(), "%s must be a whole number from %d to %d", e.key, low, high)
	}
	return v, ok
}

// place finds where the character at offset (in characters) of a scalar's
// text stands in the file, however the scalar is quoted or folded: it walks
// through both, skipping what only the file has.
func (d *document) place(scalar ast.Node, text string, offset int) (line, column int) {
	pos := scalar.GetToken().Position
	line, column = pos.Line, max(pos.Column, 1)
	if _, block := scalar.(*ast.LiteralNode); block {
		line, column = line+1, 1 // the text begins below its | or >
	}
	c := cursor{lines: d.lines, line: line, column: column}
	for _, r := range text {
		c.seek(r)
		if offset == 0 {
			break
		}
		offset--
		c.next()
	}
	return c.line, c.column
}

// cursor is a place in the file's characters.
type cursor struct {
	lines        []string
	line, column int // from 1
}

func (c *cursor) peek() rune {
	if c.line > len(c.lines) {
		return utf8.RuneError
	}
	rest := c.lines[c.line-1]
	for range c.column - 1 {
		_, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
	}
	if rest == "" {
		return '\n' // the last line needs no line end
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return r
}

func (c *cursor) next() {
	if r := c.peek(); r == '\n' {
		c.line, c.column = c.line+1, 1
	} else {
		c.column++
	}
}

// seek moves on to r; any white space stands for any other.
func (c *cursor) seek(r rune) {
	blank := unicode.IsSpace(r)
	for c.line <= len(c.lines) {
		p := c.peek()
		if p == r || blank && unicode.IsSpace(p) {
			return
		}
		c.next()
	}
}
