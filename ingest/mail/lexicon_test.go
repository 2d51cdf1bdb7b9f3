package mail

import (
	"strings"
	"testing"
)

// TestWordLists: every section is one that the code asks for, and every line
// can be found, as a person may have added it.
func TestWordLists(t *testing.T) {
	known := map[string]string{
		"class": `auto.subject auto.text bounce.subject bounce.text form.notice form.maker form.meta form.end heads
			newsletter vendor_pitch vendor_pitch.subject job job.subject other other.subject inquiry`,
		"layout": `closing thanks attribution forwarded forwarded.end original label.from label.to label.date label.subject label.other
			subject.reply subject.forward device disclaimer banner postscript call.me robot mailer.daemon role company
			language.de language.fr language.es language.en proxy honorific company.head
			hint.ch hint.at hint.be hint.ca hint.mx hint.ar hint.cl hint.co hint.pe`,
		"title": "title department intro end",
	}
	for _, language := range []string{"en", "de", "fr", "es", "ru", "hy"} {
		for _, longitude := range []string{"west", "middle", "east"} {
			known["layout"] += " region." + language + "." + longitude
		}
	}
	for name, list := range map[string]string{"class": classWords, "layout": layoutWords, "title": titleWords} {
		l := parseLexicon(list)
		wanted, have := map[string]bool{}, map[string]bool{}
		for _, s := range strings.Fields(known[name]) {
			wanted[s] = true
		}
		section, lines := "", 0
		for line := range strings.Lines(list) {
			line = strings.TrimSpace(line)
			switch {
			case line == "" || line[0] == '#' || line[0] == '+':
			case line[0] == '[':
				section = strings.Trim(line, "[]")
				have[section] = true
				if !wanted[section] {
					t.Errorf("%s: nobody asks for section %q", name, section)
				}
			case line[0] == '*':
				if len(line) < 4 {
					t.Errorf("%s: %q is too short", name, line)
				}
			default:
				lines++
				if !l.has(normal(strings.TrimSuffix(line, "*")), section) {
					t.Errorf("%s: [%s] %q is never found: too short?", name, section, line)
				}
			}
		}
		if lines != len(l.phrases) {
			t.Errorf("%s: %d lines, %d phrases", name, lines, len(l.phrases))
		}
		for s := range wanted {
			if !have[s] {
				t.Errorf("%s: section %q is missing", name, s)
			}
		}
	}
}

func TestNormal(t *testing.T) {
	for in, want := range map[string]string{
		"On 5 May, Jo’s WROTE:":  "on 5 may jo's wrote ",
		"  -- ":                  "",
		"Größe Ёлка Ե՞րբ":        "größe ёлка երբ ",
		"a\xffb":                 "a b ",
		"'quoted' e-mail c'est ": "quoted' e mail c'est ",
	} {
		if got := normal(in); got != want {
			t.Errorf("normal(%q) = %q, want %q", in, got, want)
		}
	}
}
