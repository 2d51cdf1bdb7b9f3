package dashboard_test

import (
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"leadd/dashboard"
	"leadd/lead"
	"leadd/scoring"
)

// scoredRows are the rows of what scoring has made of contacts, by table, as the
// sink writes them.
type scoredRows map[string][]row

func (rows scoredRows) add(s *lead.Scored) {
	insert := func(table string, r row) { rows[table] = append(rows[table], r) }
	c := &s.Contact
	insert("contacts", row{
		"id": c.ID, "prospect": c.Prospect, "source": c.Source, "kind": string(c.Kind), "class": string(c.Class), "interest": c.Class.Interest(),
		"at": c.At, "received": c.At, "email": c.Person.Email, "name": c.Person.Name, "title": c.Person.Title, "kafka_offset": s.Offset,
	})
	for i := range s.Verdicts {
		v := &s.Verdicts[i]
		whose := func(more row) row {
			r := row{"prospect": c.Prospect, "product": v.Product, "criteria": v.Criteria, "contact": c.ID, "kafka_offset": s.Offset}
			for k, x := range more {
				r[k] = x
			}
			return r
		}
		at, to := []time.Time{}, []string{}
		for _, fall := range v.Falls {
			at, to = append(at, fall.At), append(to, fall.To.String())
		}
		insert("scores", whose(row{"as_of": s.AsOf, "stage": v.Stage.String(), "score": int32(v.Score), "falls_at": at, "falls_to": to}))
		for j, r := range v.Reasons {
			decay := lead.Decay{From: r.At}
			if r.Decay != nil {
				decay = *r.Decay
			}
			insert("reasons", whose(row{
				"line": uint16(j), "criterion": r.Criterion, "points": int32(r.Points), "half_life": uint64(decay.HalfLife), "decays_from": decay.From,
				"evidence": r.Evidence, "person": r.Person, "at": r.At,
			}))
		}
		for j, change := range v.Changes {
			insert("stage_changes", whose(row{
				"line": uint16(j), "source": c.Source, "from_stage": change.From.String(), "to_stage": change.To.String(),
				"at": change.At, "rule": change.Rule, "evidence": change.Evidence,
			}))
		}
	}
}

func criteria(t testing.TB, text string) *scoring.Criteria {
	t.Helper()
	c, err := scoring.Parse("criteria.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The page of a prospect, its JSON, the lists and the funnel say of every
// product what scoring says: the same stage, falls by silence included, and
// the same score, to which the lines shown add up. old is a product that is no
// longer configured.
func TestEverythingAgreesWithScoring(t *testing.T) {
	f := newTables(t)
	const crm = `name: crm
version: 1
criteria:
  - {name: need, points: 30, when: 'text.says("need")'}
  - {name: authority, points: 15, when: 'text.says("authority")'}
  - {name: declined, points: -50, when: 'text.says("declined")'}
  - {name: signed, points: 50, when: 'text.says("signed")'}
engagement:
  - {on: mail, points: 13, at_most: 39, half_life: 9d}
stages: {lead: met(need), opportunity: met(need) && met(authority), customer: met(signed), lost: met(declined)}
silence:
  opportunity: {after: 20d, to: lead}
  lead: {after: 40d, to: %s}
`
	training := criteria(t, strings.Replace(fmt.Sprintf(crm, "contact"), "name: crm", "name: training", 1))
	old := criteria(t, strings.Replace(fmt.Sprintf(crm, "contact"), "name: crm", "name: old", 1))
	lost := criteria(t, fmt.Sprintf(crm, "lost"))
	before, after := scoring.NewEngine(lost, old), scoring.NewEngine(training, lost)
	now := time.Now().UTC().Truncate(time.Millisecond)
	random := rand.New(rand.NewPCG(1, 2))
	states, rows := map[string]*lead.Prospect{}, scoredRows{}
	for n := range int64(60) {
		i := random.IntN(6)
		key := fmt.Sprintf("p%d.example", i)
		until := now.AddDate(0, 0, -70*(i%2)) // every other one is silent since
		at := until.Add(-time.Duration(1+random.Int64N(100*24*3600)) * time.Second)
		if n%3 > 0 && states[key] != nil { // most come in order
			at = states[key].Last.Add(time.Duration(random.Int64N(int64(until.Sub(states[key].Last)))) / 2).Truncate(time.Millisecond)
		}
		c := lead.Contact{
			ID: fmt.Sprintf("%032x", n), Prospect: key, Source: "inbox", Kind: lead.KindMail, Class: lead.ClassInquiry, At: at, Received: now,
			Person: lead.Person{Email: fmt.Sprintf("m%d@%s", random.IntN(3), key)},
		}
		if random.IntN(5) == 0 {
			c.Class = lead.ClassNewsletter
		}
		var findings []lead.Finding
		for _, criterion := range []string{"need", "authority", "declined", "signed"} {
			if random.IntN(4+4*len(findings)) == 0 && (criterion != "signed" || random.IntN(5) == 0) {
				findings = append(findings, lead.Finding{Criterion: criterion, Words: criterion})
			}
		}
		engine := after
		if n < 30 {
			engine = before
		}
		state, scored := engine.Apply(states[key], &c, findings, n)
		states[key] = state
		rows.add(&scored)
	}
	for table := range rows {
		f.insertAll(table, rows[table])
	}
	srv := server(t, f.db, dashboard.Config{}, "training", "crm")
	lines := regexp.MustCompile(`<b data-worth>([^<]*)</b>`)
	listed := regexp.MustCompile(`(?s)<td><a href="/prospects/([^"?]+)[^"]*">.*?<span class="badge s-(\w+)">.*?<td class="n">([^<]*)</td>`)
	fell, faded, silent := 0, 0, 0
	for _, product := range []string{"training", "crm", "old"} {
		query := "product=" + product
		_, _, list := get(t, srv.URL+"/prospects?period=all&"+query)
		shown := map[string]string{}
		for _, m := range listed.FindAllStringSubmatch(list, -1) {
			shown[m[1]] = m[2] + " " + m[3]
		}
		isLost := uint64(0)
		for key, state := range states {
			for _, at := range []time.Time{now, state.Last, now.AddDate(0, 0, 25)} {
				stage, score := lead.StageContact, 0
				want, fallen, ok := state.StandingAt(product, at)
				if ok {
					stage, score = want.Stage, want.Score
				}
				fell += len(fallen)
				if ok && score != state.Standing(product).Score {
					faded++
				}
				asked := query
				if at != now { // at now, what "now" says is told: nothing changes within a test's minute
					asked += "&at=" + url.QueryEscape(at.Format("2006-01-02T15:04:05.000Z07:00"))
				}
				var p dashboard.Prospect
				getJSON(t, srv.URL+"/api/v1/prospects/"+key+"?"+asked, &p)
				if p.Stage != stage || p.Score != int64(score) || ok && len(p.Falls) != len(want.Falls) {
					t.Errorf("%s %s at %v: %v with %d points, want %v with %d", key, product, at, p.Stage, p.Score, stage, score)
				}
				for _, s := range p.Standings {
					if of, _, ok := state.StandingAt(s.Product, at); ok && (s.Stage != of.Stage || s.Score != int64(of.Score)) {
						t.Errorf("%s at %v: %+v, want %v with %d points", key, at, s, of.Stage, of.Score)
					}
				}
				if at == now && stage == lead.StageLost && !state.Heard.IsZero() {
					isLost++
					if len(fallen) > 0 {
						silent++
					}
				}
				if at == now && !state.Heard.IsZero() && shown[key] != fmt.Sprintf("%v %s", stage, strings.Replace(strconv.Itoa(score), "-", "−", 1)) {
					t.Errorf("%s %s: the list has %q, want %v with %d points", key, product, shown[key], stage, score)
				}
				_, _, page := get(t, srv.URL+"/prospects/"+key+"?"+asked)
				sum := 0
				for _, m := range lines.FindAllStringSubmatch(page, -1) {
					n, err := strconv.Atoi(strings.NewReplacer("−", "-", "+", "", "&#43;", "").Replace(html.UnescapeString(m[1])))
					if err != nil {
						t.Fatal(err)
					}
					sum += n
				}
				if says := strings.Replace(strconv.Itoa(score), "-", "−", 1); sum != score || !strings.Contains(page, "<strong data-score>"+says+"<") {
					t.Errorf("%s %s at %v: the lines add up to %d, the score is %d; shown on the page: %v", key, product, at, sum, score, strings.Contains(page, "data-score>"+says+"<"))
				}
			}
		}
		var funnel dashboard.Funnel
		getJSON(t, srv.URL+"/api/v1/funnel?"+query, &funnel)
		if funnel.Lost != isLost {
			t.Errorf("%s: the funnel has %d lost, want %d", product, funnel.Lost, isLost)
		}
	}
	if fell < 10 || faded < 10 || silent == 0 {
		t.Errorf("too little happened: %d falls due, %d scores faded, %d lost by silence", fell, faded, silent)
	}
}
