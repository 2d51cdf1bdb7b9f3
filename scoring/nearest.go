package scoring

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// misspelt reports whether word is another with one letter too many, too few
// or wrong, or with letters in another order.
func misspelt(word, other string) bool {
	if levenshtein.ComputeDistance(word, other) <= 1 {
		return true
	}
	a, b := []rune(word), []rune(other)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// Suggest gives "; did you mean X?" with the candidate nearest to word, or
// nothing where none is near: for messages about what people have written.
func Suggest(word string, candidates []string) string {
	best, bestDistance := "", len(word)/3+2 // a third of the letters may be wrong
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}
