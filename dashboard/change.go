package dashboard

import (
	"strings"
	"time"

	"leadd/lead"
)

// Change is a change of stage, by a contact or by silence.
type Change struct {
	lead.StageChange        // a fall by silence that no contact has shown yet has no rule
	Person           string `json:"person,omitempty"`  // whose contact brought it about: name, or address
	Silence          bool   `json:"silence,omitempty"` // nobody was heard of for as long as the criteria say

	heard time.Time // of a fall that no contact has shown yet: since when there is silence
}

// Why is the reason as it reads on the page.
func (c *Change) Why() string {
	if c.heard.IsZero() {
		return capital(c.Evidence)
	}
	return "Nothing heard since " + date(c.heard)
}

type changeRow struct {
	From     string    `ch:"from"`
	To       string    `ch:"to"`
	At       time.Time `ch:"at"`
	Rule     string    `ch:"rule"`
	Evidence string    `ch:"evidence"`
	Contact  string    `ch:"contact"`
	Who      string    `ch:"who"`
}

// bySilence begins the rules of falls by silence, see package scoring.
const bySilence = "silence:"

func (r *changeRow) change() Change {
	c := Change{StageChange: lead.StageChange{From: readStage(r.From), To: readStage(r.To), At: r.At, Rule: r.Rule, Evidence: r.Evidence}}
	// The contact after a fall has only shown it.
	if c.Silence = strings.HasPrefix(r.Rule, bySilence); !c.Silence {
		c.Person = r.Who
	}
	return c
}

// fallWords foretells what silence will bring: "Falls back to lead on 3 Jul
// 2026 if nothing is heard, then to contact on 3 Jul 2027". It is "" for nothing.
func fallWords(falls []lead.Fall) string {
	var b strings.Builder
	for i, f := range falls {
		to := "to " + f.To.String()
		switch {
		case i > 0:
			b.WriteString(", then ")
		case f.To == lead.StageLost:
			b.WriteString("Counts as ")
		default:
			b.WriteString("Falls back ")
		}
		if f.To == lead.StageLost {
			to = "lost"
		}
		b.WriteString(to + " on " + date(f.At))
		if i == 0 {
			b.WriteString(" if nothing is heard")
		}
	}
	return b.String()
}
