package sink_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"leadd/internal/clickhouse"
	"leadd/lead"
	"leadd/sink"
)

// storeAll runs a stage on a partition until everything in it is settled.
func storeAll(t testing.TB, cfg sink.Config, db clickhouse.Config, kafka *memoryKafka, topic string) {
	t.Helper()
	s, _ := newStage(t, cfg, db, kafka)
	stop := start(t, s, topic, kafka.claim(topic, 0))
	kafka.settle(t, topic, 0)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func TestRefusedRowsBecomeDeadLettersAndTheRestGoesOn(t *testing.T) {
	cfg, db := freshDatabase(t)
	// Contacts 0, 41, 42 and 99: an edge, neighbours, an edge.
	mustExec(t, db, "ALTER TABLE contacts ADD CONSTRAINT fussy CHECK kafka_offset NOT IN (10, 92, 94, 208)")
	kafka := newMemoryKafka()
	kafka.append(lead.TopicScored, 0, scoredRecords(t, 100)...)
	storeAll(t, smallBatches(1000), cfg, kafka, lead.TopicScored)
	checkStored(t, db, 100, 0, 41, 42, 99)

	storeAll(t, smallBatches(1000), cfg, kafka, lead.TopicDead)
	letters := query[[]string](t, db, "SELECT groupArray(concat(origin, ' ', stage, ' ', source, ' ', reason)) FROM (SELECT * FROM dead_letters ORDER BY kafka_offset)")
	if len(letters) != 4 {
		t.Fatalf("dead letters: %q", letters)
	}
	for i, origin := range []string{"leadd.scored/0@0 ", "leadd.scored/0@41 ", "leadd.scored/0@42 ", "leadd.scored/0@99 "} {
		if !strings.HasPrefix(letters[i], origin+"sink leadd.scored table contacts refuses it: ") || !strings.Contains(letters[i], "fussy") {
			t.Errorf("dead letter %q", letters[i])
		}
	}
	raw := query[string](t, db, "SELECT raw FROM dead_letters WHERE origin LIKE '%@41'")
	if want := string(kafka.logs[topicPartition{lead.TopicScored, 0}][41].Value); raw != want {
		t.Errorf("raw: %s", raw)
	}
}

func TestTableThatRefusesEverything(t *testing.T) {
	cfg, db := freshDatabase(t)
	mustExec(t, db, "ALTER TABLE stage_changes ADD CONSTRAINT never CHECK throwIf(score > -1000000, 'not here') = 0")
	kafka := newMemoryKafka()
	kafka.append(lead.TopicScored, 0, scoredRecords(t, 30)...)
	storeAll(t, smallBatches(1000), cfg, kafka, lead.TopicScored)
	if n := query[uint64](t, db, "SELECT count() FROM contacts"); n != 30 {
		t.Errorf("%d contacts", n)
	}
	if ids := deadIDs(t, kafka); len(ids) != 7 {
		t.Errorf("dead letters: %q", ids)
	}
}

func TestDeadLetterThatItsTableRefuses(t *testing.T) {
	cfg, db := freshDatabase(t)
	mustExec(t, db, "ALTER TABLE dead_letters ADD CONSTRAINT not_3 CHECK kafka_offset != 3")
	kafka := newMemoryKafka()
	kafka.append(lead.TopicDead, 0, deadRecords(t, 0, 6)...)
	s, reg := newStage(t, smallBatches(1000), cfg, kafka)
	stop := start(t, s, lead.TopicDead, kafka.claim(lead.TopicDead, 0))
	kafka.settle(t, lead.TopicDead, 0)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := query[uint64](t, db, "SELECT count() FROM dead_letters"); n != 5 {
		t.Errorf("%d dead letters", n)
	}
	if n := value(t, reg, "leadd_sink_dead_total"); n != 1 {
		t.Errorf("%v letters counted as lost", n)
	}
}

func TestUnreadableRecords(t *testing.T) {
	cfg, db := freshDatabase(t)
	good := scoredRecords(t, 3)
	spoil := func(change func(*lead.Scored)) []byte {
		s := scoredRecord(50, map[string]int{})
		change(&s)
		return encode(t, s)
	}
	far := 1 << 40
	bad := []struct {
		value  []byte
		reason string
	}{
		{nil, "not a leadd record"},
		{[]byte("\x00\xffgarbage"), "not a leadd record"},
		{[]byte(`{"v":1,"contact":{"id":`), "decode"},
		{[]byte(`{"v":99,"contact":{}}`), "newer version"},
		{spoil(func(s *lead.Scored) { s.Verdicts[0].Score = 1 << 40; s.Offset = 11 }), "score is 1099511627776"},
		{spoil(func(s *lead.Scored) { s.Contact.At = time.Time{}; s.Offset = 11 }), "contact.at is 0001-01-01T00:00:00Z"},
		{spoil(func(s *lead.Scored) { s.Offset = 11; s.Findings[0].Days = &far }), "days is 1099511627776"},
	}
	// A record whose values do not fit counts as seen: give each its own place.
	values := [][]byte{good[0]}
	for i, b := range bad {
		value := b.value
		if i >= 4 {
			var s lead.Scored
			if err := lead.Decode(slices.Clone(value), &s); err != nil {
				t.Fatal(err)
			}
			s.Offset = int64(100 + i)
			value = encode(t, s)
		}
		values = append(values, value)
		bad[i].value = value
	}
	for i, v := range good[1:] {
		var s lead.Scored
		if err := lead.Decode(slices.Clone(v), &s); err != nil {
			t.Fatal(err)
		}
		s.Offset = int64(200 + i)
		values = append(values, encode(t, s))
	}
	kafka := newMemoryKafka()
	kafka.append(lead.TopicScored, 0, values...)
	storeAll(t, smallBatches(1000), cfg, kafka, lead.TopicScored)
	if n := query[uint64](t, db, "SELECT count() FROM contacts"); n != 3 {
		t.Errorf("%d contacts", n)
	}

	// On the dead letters' own topic: a letter twice, garbage, one without a time.
	timeless := deadRecord(1)
	timeless.At = time.Time{}
	kafka.append(lead.TopicDead, 0, encode(t, deadRecord(0)), encode(t, deadRecord(0)), []byte("junk"), encode(t, timeless))
	storeAll(t, smallBatches(2), cfg, kafka, lead.TopicDead)
	reasons := query[[]string](t, db, "SELECT groupArray(reason) FROM (SELECT reason FROM dead_letters ORDER BY kafka_offset)")
	want := []string{}
	for _, b := range bad {
		want = append(want, b.reason)
	}
	want = append(want, "no address", "not a leadd record", "at is 0001-01-01T00:00:00Z")
	if len(reasons) != len(want) {
		t.Fatalf("%d dead letters: %q", len(reasons), reasons)
	}
	for i := range want {
		if !strings.Contains(reasons[i], want[i]) {
			t.Errorf("reason %q, want %q in it", reasons[i], want[i])
		}
	}
	raws := query[[]string](t, db, "SELECT groupArray(raw) FROM (SELECT raw FROM dead_letters WHERE origin LIKE 'leadd.scored%' ORDER BY kafka_offset)")
	for i, b := range bad {
		if raws[i] != string(b.value) {
			t.Errorf("raw of %d: %q", i, raws[i])
		}
	}
	// None of it loops: nothing was added to the topic by storing it.
	if n := len(kafka.logs[topicPartition{lead.TopicDead, 0}]); n != len(bad)+4 {
		t.Errorf("%d records on the topic", n)
	}
	letter := query[string](t, db, fmt.Sprintf("SELECT hex(raw) FROM dead_letters WHERE id = '%s'", deadRecord(0).ID))
	if letter != "0001FF00" {
		t.Errorf("raw bytes %s", letter)
	}
}

func TestRivalsAreDropped(t *testing.T) {
	cfg, db := freshDatabase(t)
	v := scoredRecords(t, 40)
	var values [][]byte
	values = append(values, v[:20]...)
	values = append(values, v[5:20]...) // a successor that restored an older state
	values = append(values, v[20:30]...)
	values = append(values, v[18:25]...) // a zombie
	values = append(values, v[30:]...)
	values = append(values, v[39])
	kafka := newMemoryKafka()
	for some := range slices.Chunk(values, 5) { // a fresh process takes over again and again
		kafka.append(lead.TopicScored, 0, some...)
		storeAll(t, smallBatches(4), cfg, kafka, lead.TopicScored)
	}
	checkStored(t, db, 40)
}
