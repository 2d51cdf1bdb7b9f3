package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"github.com/segmentio/encoding/json"

	"leadd/lead"
)

// What a JSON body holds at most.
const (
	maxDepth = 32   // objects and arrays within each other
	maxNodes = 5000 // values, of whatever sort
)

// Flatten gives a JSON object's values as fields, in the order written:
// {"person": {"email": "x"}} is the field "person.email". An array's plain
// values are joined by ", "; an array of question and answer pairs
// ({"label": ..., "value": ...}) gives a field for each. Numbers stay as they
// are written, whatever their size. null is left out.
//
// The body may also be an array of pairs, or of the one object. The error
// says what is wrong in words for the sender. The fields refer to the body's
// bytes, which must not change afterwards.
func Flatten(body []byte) ([]lead.Field, error) {
	if err := CheckJSON(body); err != nil {
		return nil, err
	}
	var p parser
	p.tokens.Reset(body)
	p.tokens.Next()
	if p.tokens.Delim == '{' {
		p.fields = make([]lead.Field, 0, min(bytes.Count(body, []byte{','})+1, 32))
		err := p.object("")
		return p.fields, err
	}
	root, err := p.node()
	if err != nil {
		return nil, err
	}
	if root.kind == listNode && len(root.kids) == 1 && root.kids[0].kind == objectNode {
		root = root.kids[0]
		if label, value := root.pair(); value != nil {
			return value.fields(nil, label), nil
		}
	}
	switch {
	case root.kind == scalarNode:
		return nil, errors.New("the body is a lone value; send a JSON object like {\"email\": \"...\"}")
	case root.kind == listNode && !root.isPairs():
		return nil, fmt.Errorf("the body is an array of %d; send one JSON object for each contact", len(root.kids))
	}
	return root.fields(nil, ""), nil
}

// CheckJSON says, in words for the sender, why body cannot be read as JSON; nil
// where it can be given to any decoder: valid, and not too deep for it.
func CheckJSON(body []byte) error {
	if err := checkDepth(body); err != nil {
		return err
	}
	if !json.Valid(body) {
		return fmt.Errorf("the body is no valid JSON%s", whereInvalid(body))
	}
	return nil
}

// checkDepth keeps parsers that call themselves from running out of stack.
func checkDepth(body []byte) error {
	if bytes.Count(body, []byte("{"))+bytes.Count(body, []byte("[")) <= maxDepth {
		return nil
	}
	depth, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return fmt.Errorf("the JSON is nested more than %d deep; send it flatter", maxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// whereInvalid says what the parser did not like, without showing the body.
func whereInvalid(body []byte) string {
	var v json.RawMessage
	rest, err := json.Parse(body, &v, 0)
	if err == nil {
		return fmt.Sprintf(": something stands behind its end, at byte %d", len(body)-len(rest))
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && syntax.Offset > 0 {
		return fmt.Sprintf(" (near byte %d)", syntax.Offset)
	}
	return ""
}

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	objectNode
	listNode
)

// node is a JSON value; name is its key where it stands in an object.
type node struct {
	kind nodeKind
	null bool
	name string
	text string // of a scalar
	kids []node
}

type parser struct {
	tokens json.Tokenizer
	nodes  int
	fields []lead.Field
}

// count counts one more value.
func (p *parser) count() error {
	if p.nodes++; p.nodes > maxNodes {
		return fmt.Errorf("the JSON has more than %d values; send one contact only", maxNodes)
	}
	return nil
}

// object reads the object on which the tokenizer stands, which has a name,
// into fields. Most bodies are nothing else; only lists have to be read as a
// whole before it is clear what they are.
func (p *parser) object(path string) error {
	if err := p.count(); err != nil {
		return err
	}
	path = cutPath(path)
	t, name := &p.tokens, ""
	for t.Next() && t.Delim != '}' {
		var err error
		switch {
		case t.Delim == ',' || t.Delim == ':':
		case t.IsKey:
			name = text(t.String())
		case t.Delim == '{':
			err = p.object(join(path, name))
		case t.Delim == '[':
			var list node
			if list, err = p.node(); err == nil {
				p.fields = list.fields(p.fields, join(path, name))
			}
		default:
			if err = p.count(); err == nil {
				if value, null := p.scalar(); !null {
					p.fields = append(p.fields, lead.Field{Name: join(path, name), Value: value})
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return t.Err
}

// scalar reads the value on which the tokenizer stands.
func (p *parser) scalar() (value string, null bool) {
	t := &p.tokens
	if t.Value.String() {
		return text(t.String()), false
	}
	return text(t.Value), t.Value.Null()
}

// node reads the value on which the tokenizer stands, and leaves it standing
// on its last token. The JSON has been found valid before.
func (p *parser) node() (node, error) {
	if err := p.count(); err != nil {
		return node{}, err
	}
	t := &p.tokens
	switch t.Delim {
	case '{', '[':
		n := node{kind: objectNode}
		closing := json.Delim('}')
		if t.Delim == '[' {
			n.kind, closing = listNode, ']'
		}
		name := ""
		for t.Next() && t.Delim != closing {
			switch {
			case t.Delim == ',' || t.Delim == ':':
			case t.IsKey:
				name = text(t.String())
			default:
				kid, err := p.node()
				if err != nil {
					return node{}, err
				}
				kid.name = name
				if n.kids == nil {
					n.kids = make([]node, 0, 8)
				}
				n.kids = append(n.kids, kid)
			}
		}
		return n, t.Err
	}
	value, null := p.scalar()
	return node{null: null, text: value}, nil
}

// text gives bytes of the body, which nobody changes, as a string without
// copying them.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// fields appends what n says under name.
func (n *node) fields(to []lead.Field, name string) []lead.Field {
	switch n.kind {
	case scalarNode:
		if !n.null {
			to = append(to, lead.Field{Name: name, Value: n.text})
		}
	case objectNode:
		name = cutPath(name)
		for i := range n.kids {
			to = n.kids[i].fields(to, join(name, n.kids[i].name))
		}
	case listNode:
		var plain []string
		for i := range n.kids {
			kid := &n.kids[i]
			switch label, value := kid.pair(); {
			case value != nil:
				to = value.fields(to, label)
			case kid.kind != scalarNode:
				to = kid.fields(to, name)
			case !kid.null && strings.TrimSpace(kid.text) != "":
				plain = append(plain, kid.text)
			}
		}
		if plain != nil {
			to = append(to, lead.Field{Name: name, Value: strings.Join(plain, ", ")})
		}
	}
	return to
}

// cutPath shortens the name of an object, once and not for each of the many
// values in it, whose names begin with it.
func cutPath(path string) string {
	if len(path) <= MaxLine {
		return path
	}
	return cleanText(path, MaxLine)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// isPairs reports whether n is a list of question and answer pairs only.
func (n *node) isPairs() bool {
	for i := range n.kids {
		if _, value := n.kids[i].pair(); value == nil {
			return false
		}
	}
	return len(n.kids) > 0
}

// pair takes an object for a question and its answer; value is nil where it
// is none.
func (n *node) pair() (label string, value *node) {
	if n.kind != objectNode {
		return "", nil
	}
	for _, name := range [...]string{"label", "title", "question", "name", "column_name", "key"} {
		if kid := n.kid(name); kid != nil && kid.kind == scalarNode && !kid.null && kid.text != "" {
			label = kid.text
			break
		}
	}
	if label == "" {
		return "", nil
	}
	for _, name := range [...]string{"value", "answer", "values", "string_value"} {
		if kid := n.kid(name); kid != nil {
			return label, kid
		}
	}
	return "", nil
}

func (n *node) kid(name string) *node {
	for i := range n.kids {
		if n.kids[i].name == name {
			return &n.kids[i]
		}
	}
	return nil
}
