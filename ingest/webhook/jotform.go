package webhook

import (
	"regexp"
	"strings"
	"unicode"

	"leadd/ingest"
	"leadd/lead"
)

// readJotform reads a submission of Jotform: a form whose field rawRequest
// holds the answers as JSON, each under q, the question's number and a short
// name ("q8_whatIs8"), and whose field pretty has the whole questions. Of the
// rest of rawRequest nothing is an answer. No time is given.
//
// Jotform documents neither the shape nor a signature; the shape is that of
// deliveries which receivers have recorded. The secret is carried in the
// webhook's address.
func readJotform(d *delivery) (submission, error) {
	id, raw := d.field("submissionID"), d.field("rawRequest")
	if id == "" || raw == "" {
		return submission{}, unlike("Jotform")
	}
	fields, err := ingest.Flatten([]byte(raw))
	if err != nil {
		return submission{}, unlike("Jotform")
	}
	s := submission{id: id, files: d.post.files}
	pretty := d.field("pretty")
	pretty = pretty[:min(len(pretty), ingest.MaxAnswers)]
	for len(fields) > 0 {
		question, _, _ := strings.Cut(fields[0].Name, ".")
		n := 1
		for n < len(fields) && strings.HasPrefix(fields[n].Name, question+".") {
			n++
		}
		if m := jotformQuestion.FindStringSubmatch(question); m != nil {
			var label string
			label, pretty = jotformLabel(pretty, m[1], fields[:n])
			s.addJotform(string(firstOf(text(label), text(m[1]))), fields[:n])
		}
		fields = fields[n:]
	}
	s.add("form", "", text(d.field("formTitle")))
	return s, nil
}

// jotformQuestion finds the short name in "q3_fullName3" and "q3_q3_fullname1".
var jotformQuestion = regexp.MustCompile(`^(?:q\d+_)+(.*?)\d*$`)

// addJotform adds the parts of one answer: those of a name each by itself,
// those of a phone number, an address or a date as one.
func (s *submission) addJotform(name string, parts []lead.Field) {
	var phone []string
	for _, f := range parts {
		switch _, part, _ := strings.Cut(f.Name, "."); part {
		case "first", "last":
			s.add(name+"."+part, part+"_name", text(f.Value))
		case "area", "phone":
			phone = append(phone, f.Value)
		default:
			s.add(name, "", text(f.Value))
		}
	}
	s.add(name, "phone", text(strings.TrimSpace(strings.Join(phone, " "))))
}

// jotformLabel finds the question that an answer belongs to in what is left of
// pretty, "Question:answer, Question:answer", and gives what is left then.
// Both can hold commas and colons, so the answer is looked for, and before it
// the question that begins like its short name. "" where the answer is not
// written there as it is sent.
func jotformLabel(pretty, short string, parts []lead.Field) (label, rest string) {
	var said []string
	for _, f := range parts {
		if f.Value != "" {
			said = append(said, f.Value)
		}
	}
	if len(said) == 0 {
		return "", pretty
	}
	begin, _, _ := strings.Cut(said[0], ", ") // several choices stand there with blanks between
	label, _, found := strings.Cut(pretty, ":"+begin)
	if !found {
		return "", pretty
	}
	rest = pretty[len(label)+1:]
	for _, whole := range []string{said[0], strings.ReplaceAll(said[0], ", ", " "), strings.Join(said, " "), begin} {
		if after, ok := strings.CutPrefix(rest, whole); ok && (after == "" || strings.HasPrefix(after, ", ")) {
			rest = strings.TrimPrefix(after, ", ")
			break
		}
	}
	begins := letters(short)
	for tail := label; ; {
		if begins != "" && strings.HasPrefix(letters(tail[:min(len(tail), ingest.MaxLine)]), begins) {
			return tail, rest
		}
		_, after, more := strings.Cut(tail, ", ")
		if !more {
			break
		}
		tail = after
	}
	if colon := strings.IndexByte(label, ':'); colon >= 0 {
		if comma := strings.LastIndex(label[colon:], ", "); comma >= 0 {
			label = label[colon+comma+2:] // behind an answer that is not here
		}
	}
	return label, rest
}

// letters gives the letters and digits of s in lower case.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}
