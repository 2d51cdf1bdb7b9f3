package evidence_test

import (
	"strings"
	"testing"
	"time"

	"leadd/lead"
	"leadd/scoring/evidence"
)

// speedContact is a contact whose extraction is timed.
type speedContact struct {
	name    string
	contact *lead.Contact
	goal    float64 // ns at most; 0: none is set
}

// speedContacts are a mail of 5 KB in English, shorter ones in other languages,
// made of the samples, and the first form among them.
func speedContacts(b *testing.B) []speedContact {
	b.Helper()
	const size = 5120
	r := newReader(b)
	items := readItems(b, "testdata/samples.jsonl")
	long := map[string]string{}
	var form *lead.Contact
	for i := range items {
		c := r.contact(b, &items[i], false)
		if c.Kind == lead.KindForm && form == nil {
			form = c
		}
		if c.Class.Interest() && len(long[items[i].Lang]) < size {
			long[items[i].Lang] += c.Text + "\n\n"
		}
	}
	var out []speedContact
	for _, lang := range []string{"en", "de", "ru", "hy"} {
		s := speedContact{name: "mail-" + lang, contact: text(strings.ToValidUTF8(long[lang][:min(size, len(long[lang]))], ""))}
		if lang == "en" {
			s.goal = 100_000
		}
		out = append(out, s)
	}
	return append(out, speedContact{name: "form", contact: form})
}

// BenchmarkSpeedEvidence measures the extraction from a contact: the fastest of
// many short runs, which the machine's other work has disturbed least.
func BenchmarkSpeedEvidence(b *testing.B) {
	const (
		runs  = 500
		times = 10
	)
	e := extractor(b)
	for _, s := range speedContacts(b) {
		b.Run(s.name, func(b *testing.B) {
			least := time.Hour
			for b.Loop() {
				for range runs {
					began := time.Now()
					for range times {
						e.Extract(s.contact)
					}
					least = min(least, time.Since(began))
				}
			}
			b.ReportMetric(float64(least.Nanoseconds())/times, "ns/contact")
			if s.goal > 0 {
				b.ReportMetric(s.goal, "ns/contact-at-most")
			}
			b.ReportMetric(testing.AllocsPerRun(100, func() { e.Extract(s.contact) }), "allocs/contact")
			b.ReportMetric(float64(len(s.contact.Text)), "bytes")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkExtract is the same for go test's own tools: profiles, allocations.
func BenchmarkExtract(b *testing.B) {
	e := extractor(b)
	for _, s := range speedContacts(b) {
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e.Extract(s.contact)
			}
		})
	}
}

// BenchmarkNew measures the compilation of the lexicons.
func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := evidence.New(); err != nil {
			b.Fatal(err)
		}
	}
}
