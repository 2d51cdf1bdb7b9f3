package scoring

import (
	_ "embed"
	"slices"
	"strings"
	"unicode"
)

//go:embed seniority.txt
var seniorityTable string

// titles reads a job title's seniority from the table in seniority.txt.
type titles struct {
	levels  []string // names, lowest first; level n is levels[n-1]
	phrases map[string][]phrase
	open    []phrase // those whose first word is a prefix
}

type phrase struct {
	words []string // a last "*" on a word: any word that begins so
	level int
}

func newTitles(table string) *titles {
	t := &titles{phrases: make(map[string][]phrase)}
	for line := range strings.Lines(table) {
		name, words, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		t.levels = append(t.levels, name)
		for entry := range strings.SplitSeq(words, ",") {
			p := phrase{words: strings.Fields(entry), level: len(t.levels)}
			if first := p.words[0]; strings.HasSuffix(first, "*") {
				t.open = append(t.open, p)
			} else {
				t.phrases[first] = append(t.phrases[first], p)
			}
		}
	}
	return t
}

// level gives a title's seniority, 0 where the table knows none of its words.
func (t *titles) level(title string) int {
	if title == "" {
		return 0
	}
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '\''
	})
	highest := 0
	assistant := slices.Index(t.levels, "assistant") + 1
	for i := 0; i < len(words); {
		best := t.longest(words[i:])
		if best.level > 0 && best.level <= assistant {
			return best.level
		}
		highest = max(highest, best.level)
		i += max(1, len(best.words))
	}
	return highest
}

func (t *titles) longest(words []string) phrase {
	var best phrase
	for _, ps := range [2][]phrase{t.phrases[words[0]], t.open} {
		for _, p := range ps {
			if len(p.words) > len(best.words) && p.begins(words) {
				best = p
			}
		}
	}
	return best
}

func (p phrase) begins(words []string) bool {
	if len(p.words) > len(words) {
		return false
	}
	for i, w := range p.words {
		prefix, open := strings.CutSuffix(w, "*")
		if open && !strings.HasPrefix(words[i], prefix) || !open && words[i] != w {
			return false
		}
	}
	return true
}
