package ingest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// TestQuickPhone compares the quick reading with the library's, on numbers of
// all lengths under each plain code.
func TestQuickPhone(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	read := 0
	compare := func(written string) {
		quick, known := quickPhone(written)
		if !known {
			return
		}
		read++
		slow := ""
		if n, err := phonenumbers.Parse(written, ""); err == nil && phonenumbers.IsPossibleNumber(n) {
			slow = phonenumbers.Format(n, phonenumbers.E164)
		}
		if quick != slow {
			t.Errorf("%q is read as %q, by the library as %q", written, quick, slow)
		}
	}
	codes := make([]string, 0, len(plainCodes))
	for code := range plainCodes {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		if strconv.Itoa(int(plainCodes[code])) != code {
			t.Errorf("code %s is kept as %d", code, plainCodes[code])
		}
		for range 100 {
			written := "+" + code + " "
			for range 3 + random.IntN(12) {
				written += fmt.Sprint(random.IntN(10)) + [...]string{"", "", "", " ", "-", "."}[random.IntN(6)]
			}
			compare(written)
		}
	}
	for _, odd := range []string{"+", "+49", "+49 30", "+4930 -", "+ 49 30 123456", "+1 - 650 253 0000", "+-49 30 123456", "+49 30 123456 ", "+44 20 7946 0958", "+39 347 1234567"} {
		compare(odd)
	}
	if read < 1000 {
		t.Errorf("only %d numbers were read quickly", read)
	}
}
