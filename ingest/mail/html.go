package mail

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// htmlText writes HTML as the plain text that a person sees: paragraphs with
// an empty line between them, list items behind "- ", cells of a table's row
// with a tab between them, quoted blocks behind "> ". A marked signature
// begins with a line "--".
func htmlText(source string) string {
	w := textWriter{}
	z := html.NewTokenizer(strings.NewReader(source))
	z.SetMaxBuf(maxText)
	for {
		switch z.Next() {
		case html.ErrorToken: // the end, or a token too big to read on
			return strings.TrimRight(w.out.String(), " \t\n") + "\n"
		case html.TextToken:
			w.text(string(z.Text()))
		case html.StartTagToken:
			w.open(z, false)
		case html.SelfClosingTagToken:
			w.open(z, true)
		case html.EndTagToken:
			name, _ := z.TagName()
			w.close(atom.Lookup(name))
		}
		if w.out.Len() > maxText {
			return w.out.String()
		}
	}
}

// textWriter turns a run of tags and text into lines. Breaks are asked for
// and written only when text follows.
type textWriter struct {
	out     strings.Builder
	quote   int       // depth of blockquotes
	pending string    // blanks or breaks to write before the next text
	skip    atom.Atom // an element whose content nobody sees
	depth   int       // how many elements of that name are open
	pre     int
	started bool // something has been written
	cell    bool // a table's cell has been opened and is still empty
	quoted  int  // depth at which the last text was written
}

func (w *textWriter) open(z *html.Tokenizer, selfClosing bool) {
	name, more := z.TagName()
	tag := atom.Lookup(name)
	if w.skip != 0 {
		if tag == w.skip && !selfClosing {
			w.depth++
		}
		return
	}
	hidden, signature := false, false
	for more {
		var k, v []byte
		k, v, more = z.TagAttr()
		switch string(k) {
		case "style":
			style := strings.ToLower(strings.Join(strings.Fields(string(v)), ""))
			hidden = strings.Contains(style, "display:none") || strings.Contains(style, "mso-hide:all")
		case "hidden":
			hidden = true
		case "class", "id":
			for c := range strings.FieldsSeq(string(v)) {
				switch strings.ToLower(c) {
				case "gmail_signature", "moz-signature", "signature", "ms-outlook-mobile-signature", "protonmail_signature_block", "zmail_signature":
					signature = true
				}
			}
		}
	}
	switch tag {
	case atom.Script, atom.Style, atom.Head, atom.Title, atom.Template, atom.Noscript, atom.Svg, atom.Select, atom.Textarea:
		hidden = true
	}
	if hidden && !selfClosing && !void(tag) {
		w.skip, w.depth = tag, 1
		return
	}
	if signature {
		w.breaks("\n")
		w.text("--")
		w.breaks("\n")
	}
	switch tag {
	case atom.Br:
		w.lineBreak()
	case atom.Hr:
		w.breaks("\n\n")
	case atom.Td, atom.Th:
		if w.started && !strings.Contains(w.pending, "\n") {
			w.pending = "\t"
		}
		w.cell = true
	case atom.Li:
		w.breaks("\n")
		w.text("- ")
	case atom.Pre:
		w.breaks("\n")
		w.pre++
	case atom.Blockquote:
		w.breaks("\n")
		w.quote++
	default:
		w.breaks(blockBreak(tag))
	}
}

func (w *textWriter) close(tag atom.Atom) {
	if w.skip != 0 {
		if tag == w.skip {
			if w.depth--; w.depth == 0 {
				w.skip = 0
			}
		}
		return
	}
	switch tag {
	case atom.Blockquote:
		w.breaks("\n")
		w.quote = max(w.quote-1, 0)
	case atom.Pre:
		w.breaks("\n")
		w.pre = max(w.pre-1, 0)
	case atom.Td, atom.Th:
		w.cell = false
	default:
		w.breaks(blockBreak(tag))
	}
}

// blockBreak gives the break before and behind an element.
func blockBreak(tag atom.Atom) string {
	switch tag {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Table, atom.Ul, atom.Ol, atom.Dl:
		return "\n\n"
	case atom.Div, atom.Tr, atom.Li, atom.Dt, atom.Dd, atom.Section, atom.Article, atom.Header, atom.Footer,
		atom.Address, atom.Center, atom.Body, atom.Figure, atom.Fieldset, atom.Form, atom.Main, atom.Option:
		return "\n"
	}
	return ""
}

func void(tag atom.Atom) bool {
	switch tag {
	case atom.Br, atom.Hr, atom.Img, atom.Input, atom.Meta, atom.Link, atom.Area, atom.Base, atom.Col, atom.Wbr, atom.Source:
		return true
	}
	return false
}

// breaks asks for a break of one or two line ends. At the beginning of a
// table's cell it does not break the row.
func (w *textWriter) breaks(b string) {
	if w.cell || strings.Count(b, "\n") <= strings.Count(w.pending, "\n") {
		return
	}
	w.pending = b
}

// lineBreak is <br>: each counts, up to an empty line.
func (w *textWriter) lineBreak() {
	n := strings.Count(w.pending, "\n")
	w.pending = strings.Repeat("\n", min(n+1, 2))
}

func (w *textWriter) text(s string) {
	if w.skip != 0 {
		return
	}
	if w.pre > 0 {
		for i, line := range strings.Split(html.UnescapeString(s), "\n") {
			if i > 0 {
				w.lineBreak()
			}
			w.write(strings.TrimRight(line, "\r"))
		}
		return
	}
	s = html.UnescapeString(s)
	s = strings.ReplaceAll(s, "\u00a0", " ")
	words := strings.Fields(s)
	if len(words) == 0 {
		if s != "" && w.pending == "" && w.started {
			w.pending = " "
		}
		return
	}
	if first := s[0]; (first == ' ' || first == '\n' || first == '\t' || first == '\r') && w.pending == "" && w.started {
		w.pending = " "
	}
	w.write(strings.Join(words, " "))
	if last := s[len(s)-1]; last == ' ' || last == '\n' || last == '\t' || last == '\r' {
		w.pending = " "
	}
}

func (w *textWriter) write(s string) {
	if s == "" {
		return
	}
	if strings.Contains(w.pending, "\n") && w.out.Len() == 0 {
		w.pending = ""
	}
	if w.out.Len() == 0 || strings.Contains(w.pending, "\n") {
		quote := strings.Repeat("> ", min(w.quote, 5))
		for range strings.Count(w.pending, "\n") - 1 {
			w.out.WriteString("\n" + strings.Repeat(">", min(w.quote, w.quoted, 5)))
		}
		if w.out.Len() > 0 {
			w.out.WriteByte('\n')
		}
		w.out.WriteString(quote)
	} else {
		w.out.WriteString(w.pending)
	}
	w.out.WriteString(s)
	w.pending, w.started, w.cell, w.quoted = "", true, false, w.quote
}
