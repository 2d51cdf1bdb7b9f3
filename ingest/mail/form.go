package mail

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"leadd/ingest"
	"leadd/lead"
)

// maxFormLines is how many lines of a mail are searched for a form's answers.
const maxFormLines = 1000

// formFields reads the answers of a form that a site has mailed: "Label:
// value" lines, a table, labels between dashes, or label and value in turn.
// nil where there are none.
func (r *Reader) formFields(lines []string) []lead.Field {
	lines = lines[:min(len(lines), maxFormLines)]
	fields := r.labelledFields(lines)
	if !identified(fields) {
		if turns := r.fieldsInTurn(lines); identified(turns) {
			fields = turns
		}
	}
	if len(fields) < 2 || !identified(fields) {
		return nil
	}
	return splitSenders(fields)
}

// identified: one answer says whom to write to or to call.
func identified(fields []lead.Field) bool {
	for _, f := range fields {
		if isEmail(f.Value) || hasEmail(f.Value) || digits(f.Value) >= 7 && len(f.Value) <= 25 && digitRun(f.Value) != "" {
			return true
		}
	}
	return false
}

func isEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && strings.Contains(domain, ".") && !strings.ContainsAny(s, " \n,;<>")
}

// hasEmail: a name and an address, as in "Jo Doe <jo@acme.example>".
func hasEmail(s string) bool {
	return len(s) <= 120 && !strings.Contains(s, "\n") && isEmail(parseAddress(s).email)
}

// labelledFields reads fields whose labels can be told by their form.
func (r *Reader) labelledFields(lines []string) []lead.Field {
	var out []lead.Field
	var value []string // of the last field
	open, message, aligned := false, false, false
	finish := func() {
		if len(out) > 0 && len(value) > 0 {
			out[len(out)-1].Value = joinLines(value)
		}
		value = nil
	}
	for _, line := range lines {
		text := strings.TrimSpace(line)
		if text == "" {
			if open && len(value) > 0 {
				value = append(value, "")
				open = message
			}
			continue
		}
		if r.endsForm(text, line) {
			finish()
			open, message = false, false
			continue
		}
		label, rest, wide := fieldLabel(line)
		if label != "" && message && !wide {
			switch key := fieldKey(label); {
			case r.class.is(normal(label), "form.meta"), canonical[key] && key != "message":
			default:
				label = ""
			}
		}
		if label == "" {
			if open {
				value = append(value, text)
			}
			continue
		}
		if aligned && line[0] == ' ' { // an indented line goes on with the value
			value = append(value, text)
			continue
		}
		finish()
		out = append(out, lead.Field{Name: label})
		if rest != "" {
			value = append(value, rest)
			aligned = aligned || strings.Contains(line, ":  ") || strings.Contains(line, ":\t")
		}
		open, message = true, fieldKey(label) == "message"
	}
	finish()
	kept := out[:0]
	for _, f := range out {
		if f.Value != "" && f.Value != "-" {
			kept = append(kept, f)
		}
	}
	return kept
}

// fieldLabel reads a line's label and the value behind it. wide: label and
// value stand in columns, so that it is no sentence of a text.
func fieldLabel(line string) (label, value string, wide bool) {
	text := strings.TrimSpace(line)
	// --- Label ---
	for _, rule := range []string{"---", "===", "***", "##"} {
		if inner, ok := strings.CutPrefix(text, rule); ok && strings.HasSuffix(inner, rule) {
			if inner = strings.Trim(inner, "-=*# :"); plausibleLabel(inner) {
				return inner, "", true
			}
			return "", "", false
		}
	}
	// * *What do you need?*
	if bullet := strings.TrimLeft(text, "-•· *"); strings.HasSuffix(bullet, "*") && strings.Count(text, "*") >= 2 {
		if inner := strings.Trim(bullet, "* :"); !strings.Contains(inner, "*") && plausibleLabel(inner) {
			return inner, "", true
		}
	}
	text = strings.TrimLeft(text, "-•·*▪ ")
	if head, tail, ok := strings.Cut(text, "\t"); ok {
		head = strings.Trim(head, "*: ")
		if plausibleLabel(head) {
			return head, strings.TrimSpace(tail), true
		}
	}
	for _, sep := range []string{":", "：", "՝", " => ", " = ", " | "} {
		head, tail, ok := strings.Cut(text, sep)
		if !ok {
			continue
		}
		head = strings.Trim(head, "*_ .[]'\"")
		tail = strings.TrimLeft(tail, "*_")
		if tail != "" && tail[0] != ' ' && tail[0] != '\t' && sep == ":" || !plausibleLabel(head) {
			continue
		}
		return head, strings.TrimSpace(tail), strings.HasPrefix(tail, "  ") || strings.HasPrefix(tail, "\t")
	}
	return "", "", false
}

// plausibleLabel: short, begins with a letter, and no address.
func plausibleLabel(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return len(s) > 0 && len(s) <= 120 && unicode.IsLetter(first) && strings.Count(s, " ") <= 10 &&
		!strings.Contains(s, "@") && !strings.HasPrefix(s, "http") && !strings.ContainsAny(s, "<>;")
}

// endsForm: what follows is the site's own words.
func (r *Reader) endsForm(text, line string) bool {
	if line == "-- " || text == "--" || text == "---" {
		return true
	}
	label, value, _ := fieldLabel(line)
	if label != "" && value != "" && len(label) < 40 {
		return false // "Powered by: Elementor"
	}
	return r.class.prefix(normal(cut(text, 120)), "form.end") > 0
}

// fieldsInTurn reads label and value on lines in turn, found by the pair of
// "E-mail" and an address.
func (r *Reader) fieldsInTurn(lines []string) []lead.Field {
	var units []string
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			units = append(units, strings.TrimSuffix(line, ":"))
		}
	}
	at := -1
	for i := 1; i < len(units); i++ {
		if isEmail(units[i]) && fieldKey(units[i-1]) == "email" {
			at = i - 1
			break
		}
	}
	if at < 0 {
		return nil
	}
	first := at
	for first >= 2 && plausibleLabel(units[first-2]) && len(units[first-2]) <= 60 && r.class.prefix(normal(units[first-2]), "form.notice") == 0 &&
		!r.class.has(normal(units[first-2]), "form.notice") {
		first -= 2
	}
	var out []lead.Field
	for i := first; i+1 < len(units); i += 2 {
		if r.endsForm(units[i], units[i]) || !plausibleLabel(units[i]) {
			break
		}
		f := lead.Field{Name: units[i], Value: units[i+1]}
		if fieldKey(f.Name) == "message" {
			for i+2 < len(units) && !canonical[fieldKey(units[i+2])] && !r.class.is(normal(units[i+2]), "form.meta") && !r.endsForm(units[i+2], units[i+2]) {
				f.Value += "\n" + units[i+2]
				i++
			}
		}
		if r.endsForm(f.Value, f.Value) {
			break
		}
		if f.Value != "-" {
			out = append(out, f)
		}
	}
	return out
}

// splitSenders parts a value such as "Jo Doe <jo@acme.example>" into a name
// and an address.
func splitSenders(fields []lead.Field) []lead.Field {
	out := make([]lead.Field, 0, len(fields)+1)
	for _, f := range fields {
		if a := parseAddress(f.Value); !isEmail(f.Value) && hasEmail(f.Value) && a.name != "" && fieldKey(f.Name) != "message" {
			out = append(out, lead.Field{Name: "Name", Value: a.name}, lead.Field{Name: "Email", Value: a.email})
			continue
		}
		out = append(out, f)
	}
	return out
}

// fieldKey asks what a label means.
func fieldKey(label string) string {
	c := ingest.FormContact([]lead.Field{{Name: label, Value: "1"}}, nil)
	if len(c.Fields) == 0 {
		return ""
	}
	return c.Fields[0].Key
}

// canonical are the keys that have a meaning of their own.
var canonical = map[string]bool{
	"email": true, "name": true, "first_name": true, "last_name": true, "phone": true, "title": true, "company": true,
	"website": true, "message": true, "subject": true, "budget": true, "timeline": true, "product": true, "quantity": true,
	"employees": true, "country": true, "industry": true, "consent": true, "landing_page": true, "referrer": true,
	"utm_source": true, "utm_medium": true, "utm_campaign": true, "utm_term": true, "utm_content": true,
}
