package config

import (
	"encoding"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// decoder fills structs from YAML and collects every mistake with its place,
// where the library's own decoder stops at the first.
type decoder struct {
	file     string
	env      func(string) (string, bool)
	problems Problems
	places   map[string]token.Position // "kafka.sasl.user" -> where it stands
}

func newDecoder(file string, env func(string) (string, bool)) *decoder {
	return &decoder{file: file, env: env, places: map[string]token.Position{}}
}

// decodeFile reads the YAML file into v, a pointer to a struct that holds the
// defaults.
func (d *decoder) decodeFile(v any) error {
	text, err := os.ReadFile(d.file)
	if err != nil {
		return fmt.Errorf("read configuration (-c FILE says which): %w", err)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) {
			message := syntax.Message
			if strings.Contains(lineOf(text, syntax.Token), "${") {
				message += "; a value with ${...} inside braces needs quotes: \"${NAME}\""
			}
			d.problem(syntax.Token, "%s", message)
		} else {
			d.problems = append(d.problems, Problem{File: d.file, Message: yaml.FormatError(err, false, false)})
		}
		return nil
	}
	for i, doc := range file.Docs {
		if i > 0 && doc.Body != nil {
			d.problem(doc.Body.GetToken(), "a second document (behind ---) is not read; put everything into one")
			break
		}
		if doc.Body != nil && doc.Body.Type() != ast.CommentType {
			d.value("", doc.Body, reflect.ValueOf(v).Elem())
		}
	}
	return nil
}

// lineOf gives the line of text that a token stands in.
func lineOf(text []byte, t *token.Token) string {
	lines := strings.Split(string(text), "\n")
	if t == nil || t.Position == nil || t.Position.Line < 1 || t.Position.Line > len(lines) {
		return ""
	}
	return lines[t.Position.Line-1]
}

func (d *decoder) problem(t *token.Token, format string, args ...any) {
	p := Problem{File: d.file, Message: fmt.Sprintf(format, args...)}
	if t != nil && t.Position != nil {
		p.Line, p.Column = t.Position.Line, t.Position.Column
	}
	d.problems = append(d.problems, p)
}

// value decodes node into v, whose place in the file is path.
func (d *decoder) value(path string, node ast.Node, v reflect.Value) {
	for {
		anchor, ok := node.(*ast.AnchorNode)
		if !ok {
			break
		}
		node = anchor.Value
	}
	if node.Type() == ast.NullType {
		return // "key:" with nothing behind it keeps the default
	}
	_, custom := v.Addr().Interface().(yaml.InterfaceUnmarshaler)
	switch {
	case custom:
		d.expandAll(node)
		d.leaf(path, node, v)
	case v.Type() == reflect.TypeFor[time.Time]():
		d.scalar(path, node, v)
	case v.Kind() == reflect.Pointer:
		// A part that may be left out, and is there by its key alone.
		v.Set(reflect.New(v.Type().Elem()))
		d.value(path, node, v.Elem())
	case v.Kind() == reflect.Struct:
		d.structure(path, node, v)
	case v.Kind() == reflect.Map:
		d.mapping(path, node, v)
	case v.Kind() == reflect.Slice:
		d.sequence(path, node, v)
	default:
		d.scalar(path, node, v)
	}
}

func (d *decoder) structure(path string, node ast.Node, v reflect.Value) {
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			fields[name] = v.Field(i)
		}
	}
	d.entries(path, node, func(path, key string, at *token.Token, value ast.Node) {
		field, ok := fields[key]
		if !ok {
			names := make([]string, 0, len(fields))
			for name := range fields {
				names = append(names, name)
			}
			d.problem(at, "unknown key %q%s", key, nearest(key, names))
			return
		}
		d.value(path, value, field)
	})
}

func (d *decoder) mapping(path string, node ast.Node, v reflect.Value) {
	m := reflect.MakeMap(v.Type())
	d.entries(path, node, func(path, key string, _ *token.Token, value ast.Node) {
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(path, value, element)
		m.SetMapIndex(reflect.ValueOf(key), element)
	})
	v.Set(m)
}

// entries calls f for each entry of a mapping.
func (d *decoder) entries(path string, node ast.Node, f func(path, key string, at *token.Token, value ast.Node)) {
	var values []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		d.problem(node.GetToken(), "%s takes a mapping (key: value lines), not %s", orFile(path), kind(node))
		return
	}
	for _, entry := range values {
		at := entry.Key.GetToken()
		key := at.Value
		sub := key
		if path != "" {
			sub = path + "." + key
		}
		if _, twice := d.places[sub]; twice {
			d.problem(at, "key %q stands here a second time", key)
			continue
		}
		d.places[sub] = *at.Position
		f(sub, key, at, entry.Value)
	}
}

func (d *decoder) sequence(path string, node ast.Node, v reflect.Value) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		d.problem(node.GetToken(), "%s takes a list ([one, two] or lines that begin with -), not %s", path, kind(node))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values)))
	for i, item := range list.Values {
		d.value(fmt.Sprintf("%s[%d]", path, i), item, v.Index(i))
	}
}

func (d *decoder) scalar(path string, node ast.Node, v reflect.Value) {
	text, isText := node.(*ast.StringNode)
	if isText && strings.Contains(text.Value, "${") {
		if !d.expand(text) {
			if v.Kind() == reflect.String {
				v.SetString(text.Value) // so that it is not missed as well
			}
			return
		}
		if _, byText := v.Addr().Interface().(encoding.TextUnmarshaler); v.Kind() != reflect.String && !byText {
			// ${PORT} for a number: what it stands for is read as if written here.
			if file, err := parser.ParseBytes([]byte(text.Value), 0); err == nil && len(file.Docs) == 1 && file.Docs[0].Body != nil {
				node = file.Docs[0].Body
			}
		}
	}
	if v.Kind() == reflect.String {
		switch n := node.(type) {
		case *ast.StringNode:
			v.SetString(n.Value)
			return
		case *ast.LiteralNode:
			v.SetString(n.Value.Value)
			return
		case ast.ScalarNode:
			v.SetString(n.GetToken().Value) // a password of digits is text all the same
			return
		}
	}
	d.leaf(path, node, v)
}

func (d *decoder) leaf(path string, node ast.Node, v reflect.Value) {
	err := yaml.NodeToValue(node, v.Addr().Interface(), yaml.Strict())
	if err == nil {
		return
	}
	var typed *yaml.TypeError
	if errors.As(err, &typed) || v.Type() == reflect.TypeFor[time.Duration]() {
		d.problem(node.GetToken(), "%s takes %s, not %s", path, wanted(v.Type()), kind(node))
		return
	}
	var unknown *yaml.UnknownFieldError
	if errors.As(err, &unknown) {
		d.problem(unknown.GetToken(), "%s", unknown.GetMessage())
		return
	}
	message := err.Error()
	if i := strings.IndexByte(message, '\n'); i >= 0 {
		message = message[:i] // the rest draws the source, and may show a secret
	}
	d.problem(node.GetToken(), "%s", strings.TrimPrefix(message, path+": "))
}

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

// expand puts in the environment's variables and reports whether all are set.
func (d *decoder) expand(node *ast.StringNode) bool {
	complete := true
	node.Value = variable.ReplaceAllStringFunc(node.Value, func(ref string) string {
		name := ref[2 : len(ref)-1]
		value, ok := d.env(name)
		if !ok {
			d.problem(node.GetToken(), "environment variable %s is not set; set it, or write the value here", name)
			complete = false
			return ref
		}
		return value
	})
	return complete
}

// expandAll expands every text below node.
func (d *decoder) expandAll(node ast.Node) {
	ast.Walk(visitor(func(n ast.Node) {
		if s, ok := n.(*ast.StringNode); ok && strings.Contains(s.Value, "${") {
			d.expand(s)
		}
	}), node)
}

type visitor func(ast.Node)

func (f visitor) Visit(n ast.Node) ast.Visitor {
	f(n)
	return f
}

// at gives the place of path in the file, or of what it stands in.
func (d *decoder) at(path string) (line, column int) {
	for path != "" {
		if p, ok := d.places[path]; ok {
			return p.Line, p.Column
		}
		i := strings.LastIndexAny(path, ".[")
		path = path[:max(i, 0)]
	}
	return 0, 0
}

// mistakes adds what a part's own validation says, one mistake or several
// joined. A message may begin with "key: ", relative to path, to say where.
func (d *decoder) mistakes(path string, err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			d.mistakes(path, err)
		}
		return
	}
	where := path
	key, _, ok := strings.Cut(err.Error(), ":")
	if ok && !strings.Contains(key, " ") {
		where = strings.TrimPrefix(path+"."+key, ".")
	}
	message := err.Error()
	switch {
	case path == "":
	case where == path:
		message = path + ": " + message
	default:
		message = path + "." + message
	}
	line, column := d.at(where)
	d.problems = append(d.problems, Problem{File: d.file, Line: line, Column: column, Message: message})
}

func (d *decoder) sorted() Problems {
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return d.problems
}

func orFile(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func kind(node ast.Node) string {
	switch node.Type() {
	case ast.MappingType, ast.MappingValueType:
		return "a mapping"
	case ast.SequenceType:
		return "a list"
	}
	return fmt.Sprintf("%q", node.GetToken().Value)
}

func wanted(t reflect.Type) string {
	switch {
	case t.String() == "time.Duration":
		return "a duration such as 30s or 5m"
	case t.String() == "time.Time":
		return "a date such as 2026-01-31"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64:
		return "a whole number"
	}
	return "a " + t.Kind().String()
}
