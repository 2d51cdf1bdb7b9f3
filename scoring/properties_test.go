package scoring_test

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/lead"
	"leadd/scoring"
)

// falling gives criteria whose stages fall soon and whose points fade fast.
func falling(t testing.TB) *scoring.Criteria {
	return parse(t, `
name: falling
version: 1
criteria:
  - {name: need, points: 30, when: text.says("need")}
  - {name: again, points: 9, when: history.count("form") >= 3 && history.since("mail") > days(2)}
  - {name: signed, points: 5, when: event == "signed"}
  - {name: declined, points: -20, when: text.says("declined")}
engagement:
  - {on: form, points: 13, at_most: 39, half_life: 12h}
  - {on: mail, points: 7, at_most: 21, half_life: 9d}
stages: {lead: met(need) || score > 20, opportunity: score > 50, customer: met(signed), lost: met(declined)}
silence:
  customer: {after: 9d, to: opportunity}
  opportunity: {after: 3d, to: lead}
  lead: {after: 5d, to: contact}
  contact: {after: 20d, to: lost}
`)
}

// Seen from any time, a prospect stands where a contact of that time that
// shows no interest would find it; and no fall is left over that is due.
func TestStandingAtIsWhatTheNextContactFinds(t *testing.T) {
	engine := scoring.NewEngine(falling(t), scoring.Default())
	fell, late := 0, 0
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		states := map[string]*lead.Prospect{}
		for n := range 300 {
			c, findings := randomContact(r, n)
			before := states[c.Prospect]
			if before != nil && c.At.Before(before.Last) {
				late++
			}
			p, _ := engine.Apply(before, &c, findings, int64(n))
			states[c.Prospect] = p
			at := p.Last.Add(time.Duration(r.Int64N(int64(40 * 24 * time.Hour)))).Truncate(time.Millisecond)
			news := lead.Contact{ID: "news", Prospect: c.Prospect, Kind: lead.KindMail, Class: lead.ClassNewsletter, At: at, Received: at}
			found, scored := engine.Apply(p, &news, nil, int64(n+1))
			for i, standing := range p.Standings {
				if len(standing.Falls) > 0 && !standing.Falls[0].At.After(p.Last) {
					t.Fatalf("seed %d, contact %d: %+v was due by %v", seed, n, standing.Falls[0], p.Last)
				}
				seen, fallen, ok := p.StandingAt(standing.Product, at)
				fell += len(fallen)
				v := scored.Verdicts[i]
				if !ok || seen.Stage != v.Stage || seen.Score != v.Score || !cmp.Equal(fallen, v.Changes) || !seen.Since.Equal(found.Standings[i].Since) || fmt.Sprint(seen.Falls) != fmt.Sprint(v.Falls) {
					t.Fatalf("seed %d, contact %d, at %v: seen %+v %+v, found %+v", seed, n, at, seen, fallen, v)
				}
			}
		}
	}
	if fell < 100 || late < 100 {
		t.Fatalf("%d falls, %d late contacts: the test tries too little", fell, late)
	}
}

// What comes late is judged as of the prospect's time, by its own.
func TestLateContacts(t *testing.T) {
	day := 24 * time.Hour
	engine := scoring.NewEngine(falling(t))
	var p *lead.Prospect
	var got string
	for i, step := range []struct {
		after time.Duration
		kind  lead.Kind
		class lead.Class
		find  string
		want  string
	}{
		{0, lead.KindForm, lead.ClassInquiry, "need", "contact→lead at 0d | 43 lead since 0d"},
		// Two falls come due on the way, the second after the first.
		{26 * day, lead.KindMail, lead.ClassNewsletter, "", "lead→contact at 5d contact→lost at 20d | 30 lost since 20d"},
		// Older than the loss: met, but no reason to come back; of three half-lives its points keep an eighth.
		{-1 * day, lead.KindMail, lead.ClassInquiry, "need", "| 30 lost since 20d"},
		// Newer than the loss, though not the newest: comes back at its own time, and falls at once, as 5 days have passed.
		{20*day + time.Hour, lead.KindMail, lead.ClassInquiry, "need", "lost→lead at 20d lead→contact at 26d | 37 contact since 26d"},
		// Late, and older than what the silence counts from: rises at its time, silent for as long as before.
		{3 * day, lead.KindForm, lead.ClassInquiry, "", "contact→lead at 3d lead→contact at 26d | 37 contact since 26d"},
		{27 * day, lead.KindMail, lead.ClassInquiry, "", "contact→lead at 27d | 44 lead since 27d"},
	} {
		c := lead.Contact{ID: fmt.Sprint(i), Prospect: "p", Source: "x", Kind: step.kind, Class: step.class, At: start.Add(step.after), Received: start.Add(50 * day)}
		var findings []lead.Finding
		if step.find != "" {
			findings = []lead.Finding{{Criterion: step.find, Words: "w"}}
		}
		next, s := engine.Apply(p, &c, findings, int64(i))
		p = next
		in := func(at time.Time) int { return int(at.Sub(start) / day) }
		got = ""
		for _, ch := range s.Verdicts[0].Changes {
			got += fmt.Sprintf("%v→%v at %dd ", ch.From, ch.To, in(ch.At))
		}
		standing := p.Standings[0]
		got += fmt.Sprintf("| %d %v since %dd", standing.Score, standing.Stage, in(standing.Since))
		if got != step.want {
			t.Errorf("step %d: %s, want %s", i+1, got, step.want)
		}
	}
}

// The same contacts give the same results on any number of partitions, and
// delivered any number of times.
func TestPartitionsAndSecondDeliveries(t *testing.T) {
	engine := scoring.NewEngine(scoring.Default(), falling(t))
	r := rand.New(rand.NewPCG(8, 1))
	contacts := make([]lead.Contact, 200)
	for i := range contacts {
		contacts[i], _ = randomContact(r, i)
		contacts[i].Prospect = fmt.Sprintf("company%d.example", r.IntN(9))
		if i%3 == 0 {
			contacts[i].Text = "we need it"
		}
	}
	var want map[string][]byte
	for _, partitions := range []int{1, 2, 5} {
		for _, twice := range []bool{false, true} {
			got := map[string][]byte{}
			for part := range partitions {
				l := newMemLog()
				var mine []lead.Contact
				for _, c := range contacts {
					h := fnv.New32()
					_, _ = h.Write([]byte(c.Prospect))
					if int(h.Sum32())%partitions != part {
						continue
					}
					mine = append(mine, c)
					l.add(t, c)
					for twice && r.IntN(2) == 0 {
						l.add(t, mine[r.IntN(len(mine))])
					}
				}
				stage := scoring.NewStage(scoring.Config{BatchContacts: 11, CacheBytes: 1 << 20}, engine, findNeed, l,
					filepath.Join(t.TempDir(), "store"), zerolog.Nop(), prometheus.NewRegistry())
				if err := runStage(t, l, stage); err != nil {
					t.Fatal(err)
				}
				scored, _ := l.scored(t)
				for i := range scored {
					scored[i].Offset = 0 // differs, as it is a place
					got["c/"+scored[i].Contact.ID] = encode(t, &scored[i])
				}
				for key, value := range l.states(t) {
					var p lead.Prospect
					if key[0] != 'p' {
						continue
					}
					if err := lead.Decode(value, &p); err != nil {
						t.Fatal(err)
					}
					p.Offset = 0
					got[key] = encode(t, &p)
				}
			}
			if want == nil {
				want = got
				if len(want) < 200 || !bytes.Contains(bytes.Join([][]byte{want["p/company1.example"], want["p/company2.example"]}, nil), []byte(`"falling"`)) {
					t.Fatalf("%d results: the test tries too little", len(want))
				}
			}
			same(t, fmt.Sprintf("%d partitions, twice %v", partitions, twice), want, got)
		}
	}
}
