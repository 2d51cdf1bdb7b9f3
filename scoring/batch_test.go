package scoring

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"leadd/lead"
)

// What a state is taken for bounds the changelog's appends, so it is not far
// from what the state takes, whatever was said.
func TestStateSize(t *testing.T) {
	engine := NewEngine(Default())
	for name, word := range map[string]string{"plain": "x", "long": strings.Repeat("long ", 50), "escaped": strings.Repeat(`\"`, 60), "other letters": strings.Repeat("Ж", 60)} {
		var p *lead.Prospect
		for i := range 300 {
			at := time.Date(2026, 1, 1, i, 0, 0, 123e6, time.UTC)
			p, _ = engine.Apply(p, &lead.Contact{
				ID: lead.ContactID(name, fmt.Sprint(i)), Prospect: word + ".example", Source: "website", Kind: lead.KindForm, Class: lead.ClassInquiry, At: at, Received: at,
				Person: lead.Person{Email: fmt.Sprint(i%30, word, "@acme.example"), Name: word, Title: "CTO " + word}, Company: lead.Company{Name: word},
				Fields: []lead.Field{{Name: "Budget", Key: "budget", Value: "50,000 USD"}, {Name: "Timeline", Key: "timeline", Value: "within 3 months"}, {Name: "Quantity", Key: "quantity", Value: "7"}},
			}, nil, int64(i))
			b, err := lead.Encode(p)
			if err != nil {
				t.Fatal(err)
			}
			if size := stateSize(p); size < len(b)/2 || size > 2*len(b) {
				t.Fatalf("%s, contact %d: taken for %d bytes, it has %d", name, i, size, len(b))
			}
		}
	}
}
