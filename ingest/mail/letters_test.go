package mail_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"leadd/lead"
)

// A letter is one mail of testdata/letters.txt with what is expected of it.
type letter struct {
	name string
	want map[string][]string
	raw  []byte
}

// letters reads testdata/letters.txt; the file itself says how it is written.
func letters(t testing.TB) (all []letter) {
	t.Helper()
	b, err := os.ReadFile("testdata/letters.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(b), "\n=== ")[1:] {
		head, raw, ok := strings.Cut(part, "\n---\n")
		name, head, named := strings.Cut(head, "\n")
		if !ok || !named {
			t.Fatalf("letter %q has no expectations or no mail", name)
		}
		l := letter{name: name, want: map[string][]string{}, raw: []byte(raw)}
		for line := range strings.Lines(head) {
			key, value, ok := strings.Cut(line, ":")
			if !ok {
				t.Fatalf("letter %q: %q is no expectation", name, line)
			}
			l.want[key] = append(l.want[key], strings.TrimSpace(value))
		}
		all = append(all, l)
	}
	return all
}

// differs says what a contact lacks of the expectations.
func (l letter) differs(c *lead.Contact) (wrong []string) {
	miss := func(what, want, got string) {
		if want != got {
			wrong = append(wrong, what+": "+got+", not "+want)
		}
	}
	for key, values := range l.want {
		for _, want := range values {
			switch key {
			case "misread": // is so, and why
			case "class":
				miss(key, want, string(c.Class))
			case "person":
				p := strings.Join([]string{c.Person.Email, c.Person.Name, c.Person.Phone, c.Person.Title}, " | ")
				if c.Person == (lead.Person{}) {
					p = "none"
				}
				miss(key, want, strings.TrimSpace(strings.ReplaceAll(p, "  ", " ")))
			case "company":
				if want == "none" {
					want = ""
				}
				miss(key, want, c.Company.Domain)
			case "text":
				if !strings.Contains(strings.Join(strings.Fields(c.Text), " "), want) {
					wrong = append(wrong, "the text lacks "+want+": "+c.Text)
				}
			case "not":
				if strings.Contains(c.Text, want) {
					wrong = append(wrong, "the text holds "+want+": "+c.Text)
				}
			case "field":
				if !slices.ContainsFunc(c.Fields, func(f lead.Field) bool { return f.Key+"="+f.Value == want }) {
					wrong = append(wrong, "no field "+want)
				}
			case "attachment":
				if !slices.Contains(c.Attachments, want) {
					wrong = append(wrong, "no attachment "+want)
				}
			default:
				wrong = append(wrong, "nothing is called "+key)
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

// TestLetters reads mails as a person would, and does not share the samples
// of TestGolden, on which the word lists were made.
func TestLetters(t *testing.T) {
	r := newReader(t)
	for _, l := range letters(t) {
		t.Run(l.name, func(t *testing.T) {
			c, err := r.Contact(l.raw, received)
			if err != nil {
				t.Fatal(err)
			}
			wrong := l.differs(&c)
			if l.want["misread"] != nil && len(wrong) == 0 {
				t.Error("it is read well: take off its \"misread\"")
			}
			for _, w := range wrong {
				if l.want["misread"] == nil {
					t.Error(w)
				}
			}
		})
	}
}
