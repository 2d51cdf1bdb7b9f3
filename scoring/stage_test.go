package scoring_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"leadd/lead"
	"leadd/scoring"
)

// findNeed stands for the extractor of evidence.
func findNeed(c *lead.Contact) []lead.Finding {
	if strings.Contains(c.Text, "panic") {
		panic("a text nobody thought of")
	}
	if i := strings.Index(c.Text, "need"); i >= 0 {
		return []lead.Finding{{Criterion: "need", Words: c.Text[i : i+4], Place: "text", Start: i}}
	}
	return nil
}

func newStage(t testing.TB, log scoring.Log, dir string, batch int) (*scoring.Stage, *prometheus.Registry) {
	t.Helper()
	cfg := scoring.DefaultConfig()
	cfg.BatchContacts, cfg.CacheBytes = batch, 2000
	reg := prometheus.NewRegistry()
	return scoring.NewStage(cfg, scoring.NewEngine(scoring.Default()), findNeed, log, dir, zerolog.New(zerolog.NewTestWriter(t)), reg), reg
}

// runToEnd runs a stage until it has committed the end of the contacts, or
// fails.
func runToEnd(t testing.TB, l *memLog, dir string) error {
	t.Helper()
	stage, _ := newStage(t, l, dir, 7)
	return runStage(t, l, stage)
}

func runStage(t testing.TB, l *memLog, stage *scoring.Stage) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	l.mu.Lock()
	end := int64(len(l.topics[lead.TopicContacts]))
	l.onCommit = func(offset int64) {
		if offset >= end {
			cancel()
		}
	}
	l.mu.Unlock()
	err := stage.Run(ctx, l)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Fatal("the stage did not come to the end")
	}
	return err
}

// traffic is random contacts of a few prospects: some delivered twice, some
// repeated later, some garbage.
func traffic(t testing.TB, n int) *memLog {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(n), 3))
	l := newMemLog()
	var earlier []lead.Contact
	for i := range n {
		c, _ := randomContact(r, i)
		if r.IntN(3) == 0 {
			c.Text = "we need it"
		}
		switch {
		case i%9 == 8: // again, as it was
			c = earlier[r.IntN(len(earlier))]
		case i%10 == 7: // the same content, much later
			c = earlier[r.IntN(len(earlier))]
			c.RepeatAfter, c.Received = 60, c.Received.AddDate(0, 1, 0)
		case i%13 == 12:
			l.addRaw("garbage.example", []byte("\x00garbage"))
			continue
		}
		earlier = append(earlier, c)
		l.add(t, c)
	}
	return l
}

func TestStage(t *testing.T) {
	l := traffic(t, 60)
	dir := t.TempDir()
	if err := runToEnd(t, l, dir); err != nil {
		t.Fatal(err)
	}
	scored, raw := l.scored(t)
	if len(raw) != len(l.topics[lead.TopicScored]) {
		t.Error("an undisturbed run wrote a record twice")
	}
	ids, ledgers := map[string]bool{}, map[string][]lead.Reason{}
	for _, s := range scored {
		if ids[s.Contact.ID] {
			t.Errorf("contact %s counted twice", s.Contact.ID)
		}
		ids[s.Contact.ID] = true
		ledgers[s.Contact.Prospect] = append(ledgers[s.Contact.Prospect], s.Verdicts[0].Reasons...)
	}
	states := l.states(t)
	for key, ledger := range ledgers {
		var p lead.Prospect
		if err := lead.Decode(states["p/"+key], &p); err != nil || p.Standings[0].Score != worth(ledger, p.Last) {
			t.Errorf("%s: standings %+v, reasons %+v, %v", key, p.Standings, ledger, err)
		}
	}
	if len(l.topics[lead.TopicDead]) == 0 || len(scored) < 40 || len(scored) >= 60 {
		t.Errorf("%d scored, %d dead: the traffic is not what it should be", len(scored), len(l.topics[lead.TopicDead]))
	}

	// Started again, nothing is scored anew.
	before := len(l.topics[lead.TopicScored])
	l.add(t, lead.Contact{ID: "last", Prospect: "late.example", Kind: lead.KindMail, Class: lead.ClassInquiry, At: start})
	if err := runToEnd(t, l, dir); err != nil {
		t.Fatal(err)
	}
	if got := len(l.topics[lead.TopicScored]); got != before+1 {
		t.Errorf("%d records more after a restart, want 1", got-before)
	}
}

// A stage that is killed at any step, and then goes on with its local store
// or without, ends up with the same states and the same scored records as one
// that was never disturbed: byte for byte.
func TestKilledAtEveryStep(t *testing.T) {
	const contacts = 28
	undisturbed := traffic(t, contacts)
	if err := runToEnd(t, undisturbed, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	_, wantScored := undisturbed.scored(t)
	wantStates := undisturbed.states(t)
	for step := range undisturbed.steps {
		for _, late := range []bool{false, true} {
			for _, deleted := range []bool{false, true} {
				name := fmt.Sprintf("step %d, after its effect %v, store deleted %v", step, late, deleted)
				l, dir := traffic(t, contacts), t.TempDir()
				l.failAt, l.late = step, late
				if err := runToEnd(t, l, dir); !errors.Is(err, errKilled) {
					t.Fatalf("%s: %v", name, err)
				}
				if deleted {
					dir = t.TempDir()
				}
				l.add(t, lead.Contact{ID: "end", Prospect: "end.example", Kind: lead.KindMail, Class: lead.ClassNewsletter}) // so that there is an end to commit
				if err := runToEnd(t, l, dir); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				_, gotScored := l.scored(t)
				gotStates := l.states(t)
				delete(gotStates, "p/end.example")
				delete(gotStates, "c/end")
				delete(gotScored, fmt.Sprint("offset ", contacts))
				same(t, name+": scored records", wantScored, gotScored)
				same(t, name+": states", wantStates, gotStates)
			}
		}
	}
}

// An append whose answer was lost is written twice; nothing counts twice.
func TestAppendWrittenTwice(t *testing.T) {
	undisturbed := traffic(t, 28)
	if err := runToEnd(t, undisturbed, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	_, want := undisturbed.scored(t)
	for step := range undisturbed.steps {
		l := traffic(t, 28)
		l.twice = step
		if err := runToEnd(t, l, t.TempDir()); err != nil {
			t.Fatal(err)
		}
		_, got := l.scored(t)
		same(t, fmt.Sprint("scored, step ", step), want, got)
		same(t, fmt.Sprint("states, step ", step), undisturbed.states(t), l.states(t))
	}
}

// zombie is a log that stops before a write to one topic until it is woken,
// and whose commits are fenced from then on.
type zombie struct {
	*memLog
	topic  string
	frozen chan struct{} // closed when it stands still
	wake   chan struct{}
	once   sync.Once
}

func (z *zombie) Append(ctx context.Context, topic string, partition int, records []lead.Record) (int64, error) {
	if topic == z.topic {
		z.once.Do(func() {
			close(z.frozen)
			<-z.wake
		})
	}
	return z.memLog.Append(ctx, topic, partition, records)
}

func (z *zombie) Commit(ctx context.Context, offset int64, metadata string) error {
	select {
	case <-z.frozen:
		return errFenced
	default:
		return z.memLog.Commit(ctx, offset, metadata)
	}
}

// A process is frozen in the middle of a batch, another takes its partition
// over and goes on, and the first wakes up and writes what it had in hand:
// that changes nothing.
func TestZombieChangesNothing(t *testing.T) {
	undisturbed := traffic(t, 60)
	if err := runToEnd(t, undisturbed, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	_, wantScored := undisturbed.scored(t)
	for _, topic := range []string{lead.TopicScored, lead.TopicProspects} {
		for _, restarted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s restarted %v", topic, restarted), func(t *testing.T) {
				l := traffic(t, 60)
				all := l.topics[lead.TopicContacts]
				l.topics[lead.TopicContacts] = all[:50]
				z := &zombie{memLog: l, topic: topic, frozen: make(chan struct{}), wake: make(chan struct{})}
				stage, _ := newStage(t, z, t.TempDir(), 7)
				ended := make(chan error)
				go func() { ended <- stage.Run(t.Context(), z) }()
				<-z.frozen

				dir := t.TempDir()
				if err := runToEnd(t, l, dir); err != nil {
					t.Fatal(err)
				}
				close(z.wake)
				if err := <-ended; !errors.Is(err, errFenced) {
					t.Fatalf("the zombie ended with %v", err)
				}
				l.topics[lead.TopicContacts] = all
				if restarted { // the owner too is new and has nothing but the changelog
					dir = t.TempDir()
				}
				if err := runToEnd(t, l, dir); err != nil {
					t.Fatal(err)
				}
				_, gotScored := l.scored(t)
				same(t, "scored records", wantScored, gotScored)
				same(t, "states", undisturbed.states(t), l.states(t))
			})
		}
	}
}

// until waits for the commit of an offset.
func until(commits <-chan int64, offset int64) {
	for committed := range commits {
		if committed == offset {
			return
		}
	}
}

// What a former owner writes late is written over by an owner that is at work,
// with its next batch, also where that is about other prospects.
func TestLateWriteIsHealedAtWork(t *testing.T) {
	l := traffic(t, 40)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	commits := make(chan int64, 100)
	l.onCommit = func(offset int64) { commits <- offset }
	stage, reg := newStage(t, l, t.TempDir(), 7)
	ended := make(chan error)
	go func() { ended <- stage.Run(ctx, l) }()
	until(commits, 40)
	l.mu.Lock()
	l.write(lead.TopicProspects, l.topics[lead.TopicProspects][:5]) // the oldest states
	l.mu.Unlock()
	l.add(t, lead.Contact{ID: "new", Prospect: "new.example", Kind: lead.KindMail, Class: lead.ClassInquiry})
	until(commits, 41)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	l.states(t)
	if counter(t, reg, "leadd_scoring_rivals_total") == 0 {
		t.Error("nothing was healed: the test tries nothing")
	}
}

// What a former owner writes late is also written over while nothing comes in.
func TestLateWriteIsHealedWhileIdle(t *testing.T) {
	l := traffic(t, 40)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	commits := make(chan int64, 100)
	l.onCommit = func(offset int64) { commits <- offset }
	stage, reg := newStage(t, l, t.TempDir(), 7)
	stage.SetIdle(0)
	ended := make(chan error)
	go func() { ended <- stage.Run(ctx, l) }()
	until(commits, 40)
	l.mu.Lock()
	end := l.write(lead.TopicProspects, l.topics[lead.TopicProspects][:5]) + 5 // the oldest states
	l.mu.Unlock()
	for healed := false; !healed; {
		l.mu.Lock()
		changed := l.changed
		healed = len(l.topics[lead.TopicProspects]) > int(end)
		l.mu.Unlock()
		if healed {
			break
		}
		select {
		case <-changed:
		case err := <-ended:
			t.Fatal("nothing was healed: ", err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	l.states(t)
	if counter(t, reg, "leadd_scoring_rivals_total") == 0 {
		t.Error("what was healed is not counted")
	}
}

// Other criteria take over between two batches while the stage runs: each
// contact is judged by the ones or by the others, every prospect ends up as in
// a pure run with the same change, and the log tells of it once.
func TestUse(t *testing.T) {
	l := traffic(t, 60)
	all := l.topics[lead.TopicContacts]
	l.topics[lead.TopicContacts] = all[:30]
	other, err := scoring.Parse("other.yaml", []byte("name: other\nversion: 7\ncriteria:\n  - {name: need, points: 99, when: 'text.says(\"need\")'}\nstages: {}\n"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	commits := make(chan int64, 100)
	l.onCommit = func(offset int64) { commits <- offset }
	said := new(strings.Builder) // read when the stage has ended
	stage := scoring.NewStage(scoring.Config{BatchContacts: 7, CacheBytes: 2000}, scoring.NewEngine(scoring.Default()), findNeed, l, t.TempDir(),
		zerolog.New(said), prometheus.NewRegistry())
	ended := make(chan error)
	go func() { ended <- stage.Run(ctx, l) }()
	until(commits, 30)
	stage.Use(scoring.NewEngine(other))
	for _, r := range all[30:] {
		l.addRaw(string(r.Key), r.Value)
	}
	until(commits, 60)
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	scored, _ := l.scored(t)
	want, judged := map[string]*lead.Prospect{}, map[string]int{}
	for i, s := range scored {
		criteria := scoring.Default()
		if s.Offset >= 30 {
			criteria = other
		}
		judged[s.Verdicts[0].Criteria]++
		p, record := scoring.NewEngine(criteria).Apply(want[s.Contact.Prospect], &s.Contact, s.Findings, s.Offset)
		want[s.Contact.Prospect] = p
		if d := cmp.Diff(string(encode(t, &record)), string(encode(t, &s))); d != "" {
			t.Errorf("record %d: %s", i, d)
		}
	}
	states := l.states(t)
	for key, p := range want {
		if d := cmp.Diff(string(encode(t, p)), string(states["p/"+key])); d != "" {
			t.Error(key, d)
		}
	}
	if judged["default-1"] < 20 || judged["other-7"] < 20 {
		t.Errorf("judged by %v", judged)
	}
	if log := said.String(); strings.Count(log, "judging by other criteria") != 1 || !strings.Contains(log, `"from":["default-1"],"to":["other-7"],"offset":30`) {
		t.Error(log)
	}
}

// The same content counts again when it comes RepeatAfter later than the last
// time it counted, under an id of its own.
func TestRepeatedContent(t *testing.T) {
	l := newMemLog()
	c := lead.Contact{ID: "abc", Prospect: "acme.example", Source: "website", Kind: lead.KindForm, Class: lead.ClassInquiry, RepeatAfter: 3600}
	for _, minutes := range []int{0, 59, 60, 119, 30, 120} {
		c.At = start.Add(time.Duration(minutes) * time.Minute)
		c.Received = c.At
		l.add(t, c)
	}
	c.RepeatAfter = 0
	c.Received = start.AddDate(1, 0, 0)
	l.add(t, c)
	if err := runToEnd(t, l, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	scored, _ := l.scored(t)
	var got []string
	for _, s := range scored {
		got = append(got, s.Contact.ID)
	}
	want := []string{"abc", lead.ContactID("abc", "2026-01-01T10:00:00.000Z"), lead.ContactID("abc", "2026-01-01T11:00:00.000Z")}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// What cannot be understood becomes a dead letter, and the next is scored.
func TestDeadLetters(t *testing.T) {
	good := lead.Contact{ID: "good", Prospect: "acme.example", Kind: lead.KindMail, Class: lead.ClassInquiry, At: start, Received: start}
	bad := func(change func(*lead.Contact)) []byte {
		c := good
		change(&c)
		return encode(t, &c)
	}
	huge := strings.Repeat("x", 4<<20-256<<10)
	for name, tc := range map[string]struct {
		value  []byte
		reason string
	}{
		"garbage":      {[]byte("\x00\x01"), "not a leadd record"},
		"tombstone":    {nil, "not a leadd record"},
		"newer format": {[]byte(`{"v":2,"id":"x"}`), "run the newer version"},
		"no id":        {bad(func(c *lead.Contact) { c.ID = "" }), "id has 0 bytes"},
		"long id":      {bad(func(c *lead.Contact) { c.ID = strings.Repeat("x", 65) }), "id has 65 bytes"},
		"no prospect":  {bad(func(c *lead.Contact) { c.Prospect = "" }), "key has 0 bytes"},
		"wrong key":    {bad(func(c *lead.Contact) { c.Prospect = "other.example" }), "stands under the key"},
		"extractor":    {bad(func(c *lead.Contact) { c.Text = "panic" }), "finding evidence failed"},
		"too large":    {bad(func(c *lead.Contact) { c.ID = "h"; c.Text = huge }), "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newMemLog()
			l.addRaw("acme.example", tc.value)
			l.add(t, good)
			stage, reg := newStage(t, l, t.TempDir(), 7)
			if err := runStage(t, l, stage); err != nil {
				t.Fatal(err)
			}
			scored, _ := l.scored(t)
			if len(scored) != 1 || scored[0].Contact.ID != "good" || len(l.topics[lead.TopicDead]) != 1 {
				t.Fatalf("%d scored, %d dead", len(scored), len(l.topics[lead.TopicDead]))
			}
			var letter lead.DeadLetter
			if err := lead.Decode(l.topics[lead.TopicDead][0].Value, &letter); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(letter.Reason, tc.reason) || letter.Stage != "scoring" || letter.Origin != "leadd.contacts/0@0" || letter.Source != "leadd.contacts" {
				t.Errorf("%+v", letter)
			}
			if want := tc.value[:min(len(tc.value), lead.MaxRaw)]; string(letter.Raw) != string(want) || letter.Truncated != (len(tc.value) > lead.MaxRaw) {
				t.Errorf("%d bytes kept of %d", len(letter.Raw), len(tc.value))
			}
			if got := counter(t, reg, "leadd_scoring_dead_total"); got != 1 {
				t.Errorf("%v counted", got)
			}
		})
	}
}

func counter(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// A garbage record in the changelog does not stop the line either.
func TestGarbageInChangelog(t *testing.T) {
	l := newMemLog()
	l.write(lead.TopicProspects, []lead.Record{{Key: []byte("x"), Value: []byte("{}")}, {Key: []byte("p/a"), Value: []byte(`{"v":9}`)}})
	l.add(t, lead.Contact{ID: "good", Prospect: "a", Kind: lead.KindMail, Class: lead.ClassInquiry, At: start})
	if err := runToEnd(t, l, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if scored, _ := l.scored(t); len(scored) != 1 || len(l.topics[lead.TopicDead]) != 2 {
		t.Errorf("%d scored, %d dead", len(scored), len(l.topics[lead.TopicDead]))
	}
}

// Large contacts are split over several appends, each within what Kafka takes.
func TestLargeContacts(t *testing.T) {
	l := newMemLog()
	text := strings.Repeat("long words ", 300<<10/11)
	for i := range 20 {
		c := lead.Contact{ID: fmt.Sprint(i), Prospect: "acme.example", Kind: lead.KindMail, Class: lead.ClassInquiry, At: start, Text: text}
		if i == 9 {
			c.Text = strings.Repeat(text, 4)
		}
		l.add(t, c)
	}
	stage, _ := newStage(t, l, t.TempDir(), 1000)
	if err := runStage(t, l, stage); err != nil {
		t.Fatal(err)
	}
	if scored, _ := l.scored(t); len(scored) != 20 {
		t.Errorf("%d scored", len(scored))
	}
}

// A local store that is damaged, or knows more than Kafka does, is rebuilt.
func TestStoreIsRebuilt(t *testing.T) {
	damage := map[string]func(t *testing.T, l *memLog, dir string){
		"no manifest": func(t *testing.T, _ *memLog, dir string) { overwrite(t, dir, "MANIFEST-*") },
		"no tables": func(t *testing.T, l *memLog, dir string) {
			l.add(t, lead.Contact{ID: "again", Prospect: "a", Kind: lead.KindMail}) // opening it once more writes tables
			if err := runToEnd(t, l, filepath.Dir(dir)); err != nil {
				t.Fatal(err)
			}
			overwrite(t, dir, "*.sst")
		},
		"older format": func(t *testing.T, _ *memLog, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			db, err := pebble.Open(dir, &pebble.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Set([]byte("position"), make([]byte, 16), nil); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		},
		"wiped Kafka": func(_ *testing.T, l *memLog, _ string) {
			l.topics = map[string][]lead.Record{lead.TopicContacts: l.topics[lead.TopicContacts][:20]}
			l.committed = -1
		},
		"wiped changelog": func(_ *testing.T, l *memLog, _ string) {
			delete(l.topics, lead.TopicProspects)
			delete(l.topics, lead.TopicScored)
		},
	}
	for name, harm := range damage {
		t.Run(name, func(t *testing.T) {
			l, dir := traffic(t, 40), t.TempDir()
			if err := runToEnd(t, l, dir); err != nil {
				t.Fatal(err)
			}
			harm(t, l, filepath.Join(dir, "0"))
			more := traffic(t, 50)
			for _, r := range more.topics[lead.TopicContacts][len(l.topics[lead.TopicContacts]):] {
				l.addRaw(string(r.Key), r.Value)
			}
			fresh := newMemLog()
			for _, r := range l.topics[lead.TopicContacts] {
				fresh.addRaw(string(r.Key), r.Value)
			}
			if err := runToEnd(t, l, dir); err != nil {
				t.Fatal(err)
			}
			if err := runToEnd(t, fresh, t.TempDir()); err != nil {
				t.Fatal(err)
			}
			same(t, "states", fresh.states(t), l.states(t))
		})
	}
}

// A process is killed, and its store was not closed: what was not on the disk
// yet is read from the changelog, from there on, and nothing else.
func TestStoreThatWasNotClosed(t *testing.T) {
	undisturbed := traffic(t, 60)
	if err := runToEnd(t, undisturbed, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	_, wantScored := undisturbed.scored(t)
	l, dir, image := traffic(t, 60), t.TempDir(), t.TempDir()
	all := l.topics[lead.TopicContacts]
	l.topics[lead.TopicContacts] = all[:30]
	if err := runToEnd(t, l, dir); err != nil {
		t.Fatal(err)
	}
	closed := len(l.topics[lead.TopicProspects])
	l.topics[lead.TopicContacts] = all[:50]
	ctx, cancel := context.WithCancel(t.Context())
	l.onCommit = func(offset int64) {
		if offset == 50 { // the disk as a kill leaves it
			if err := os.CopyFS(image, os.DirFS(dir)); err != nil {
				t.Error(err)
			}
			cancel()
		}
	}
	stage, _ := newStage(t, l, dir, 7)
	if err := stage.Run(ctx, l); err != nil {
		t.Fatal(err)
	}
	killed := len(l.topics[lead.TopicProspects])

	l.topics[lead.TopicContacts] = all
	stage, reg := newStage(t, l, image, 7)
	if err := runStage(t, l, stage); err != nil {
		t.Fatal(err)
	}
	if got := counter(t, reg, "leadd_scoring_restored_records_total"); got != float64(killed-closed) || got == 0 {
		t.Errorf("%v records restored of %d, the last %d were not on the disk", got, killed, killed-closed)
	}
	_, gotScored := l.scored(t)
	same(t, "scored records", wantScored, gotScored)
	same(t, "states", undisturbed.states(t), l.states(t))
}

// overwrite fills the files that match with garbage.
func overwrite(t *testing.T, dir, pattern string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s in %s: %v", pattern, dir, err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, make([]byte, info.Size()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A topic of contacts that was made anew under existing states is refused:
// going on would give wrong scores.
func TestContactsMadeAnew(t *testing.T) {
	l := traffic(t, 40)
	if err := runToEnd(t, l, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	l.topics[lead.TopicContacts] = l.topics[lead.TopicContacts][:3]
	if err := runToEnd(t, l, t.TempDir()); err == nil || !strings.Contains(err.Error(), "made anew") {
		t.Errorf("%v", err)
	}
}

// BenchmarkStage is contacts through the whole stage, with its durable store:
// decoded, judged, encoded, stored. A quarter of them are of new prospects.
func BenchmarkStage(b *testing.B) {
	l := newMemLog()
	l.fetch = 2000
	for i := range b.N {
		l.add(b, lead.Contact{
			ID: lead.ContactID("bench", fmt.Sprint(i)), Prospect: fmt.Sprintf("company%d.example", i%max(1, b.N/4)), Source: "website",
			Kind: lead.KindForm, Class: lead.ClassInquiry, At: start, Received: start,
			Person: lead.Person{Email: "ada@acme.example", Name: "Ada Lovelace", Title: "CTO"}, Company: lead.Company{Name: "Acme", Domain: "acme.example"},
			Text:   "We need 200 licences of your product for our three sites.",
			Fields: []lead.Field{{Name: "Budget (USD)", Key: "budget", Value: "50,000 USD"}, {Name: "Timeline", Key: "timeline", Value: "within 3 months"}},
		})
	}
	ctx, cancel := context.WithCancel(b.Context())
	l.onCommit = func(offset int64) {
		if offset >= int64(b.N) {
			cancel()
		}
	}
	cfg := scoring.DefaultConfig()
	stage := scoring.NewStage(cfg, scoring.NewEngine(scoring.Default()), findNeed, l, b.TempDir(), zerolog.Nop(), prometheus.NewRegistry())
	b.ReportAllocs()
	b.ResetTimer()
	if err := stage.Run(ctx, l); err != nil {
		b.Fatal(err)
	}
}
