package evidence

import (
	"strings"
	"unicode/utf8"
)

// hear counts the words of a text that tell its language, for each lexicon. It
// cuts words as tokenize does, and no more than that.
func (g *grammar) hear(text string, counts *[maxLanguages]int) {
	behind := -1 // where the last token ended
	for i := 0; i < len(text); {
		b := text[i]
		if b == '\n' {
			i = len(text) - len(strings.TrimLeft(text[i+1:], " \t\r"))
			i += bulletLen(text[i:])
			continue
		}
		first, size := g.fold.first[b&(utf8.RuneSelf-1)], 1
		if b >= utf8.RuneSelf {
			var r rune
			r, size = utf8.DecodeRuneInString(text[i:])
			first, _ = g.fold.rune(r)
		}
		start := i
		switch {
		case first == 0 || isSign(first):
			i += size
			if first == 0 {
				continue
			}
		case isDigit(first):
			i = numberEnd(text, i)
		default:
			var known []knowledge
			i, known = g.word(text, i)
			if start != behind {
				if n := linkLen(text[start:], i-start); n > 0 {
					i = start + n
					break
				}
			}
			for k := range known {
				if known[k].tells {
					counts[known[k].lang]++
				}
				if !known[k].more {
					break
				}
			}
		}
		behind = i
	}
}
