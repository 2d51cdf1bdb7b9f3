package evidence_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFindings keeps every finding in the samples as it is, to its last letter:
// making the extraction faster must not change any. -update writes them anew,
// where rules or lexicons have changed.
func TestFindings(t *testing.T) {
	const golden = "testdata/findings.txt"
	e, r := extractor(t), newReader(t)
	items := readItems(t, "testdata/samples.jsonl")
	var b bytes.Buffer
	for i := range items {
		for _, f := range e.Extract(r.contact(t, &items[i], false)) {
			line, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %s\n", items[i].ID, line)
		}
	}
	if *update {
		if err := os.WriteFile(golden, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("findings differ from %s (-want +got):\n%s", golden, d)
	}
}
