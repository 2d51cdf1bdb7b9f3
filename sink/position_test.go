package sink

import "testing"

func FuzzParsePosition(f *testing.F) {
	f.Add("")
	f.Add(position{Seen: 17}.String())
	f.Add(position{Seen: -1, To: 9, Word: "x7", Step: &step{Table: "reasons", From: 3, To: 5}}.String())
	f.Fuzz(func(t *testing.T, metadata string) {
		p, err := parsePosition(metadata)
		if err != nil {
			return
		}
		again, err := parsePosition(p.String())
		if err != nil || again.String() != p.String() {
			t.Errorf("%q is read as %v, and that as %v (%v)", metadata, p, again, err)
		}
	})
}
