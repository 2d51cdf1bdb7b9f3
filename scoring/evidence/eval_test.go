package evidence_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"leadd/ingest"
	"leadd/ingest/mail"
	"leadd/lead"
	"leadd/scoring/evidence"
	"leadd/scoring/evidence/measure"
)

// item is one line of a labelled file.
type item struct {
	measure.Label
	At    time.Time       `json:"at"`
	Mail  string          `json:"mail"`
	Form  json.RawMessage `json:"form"`
	Class lead.Class      `json:"class"`
}

func readItems(t testing.TB, file string) []item {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var items []item
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var it item
		if err := json.Unmarshal(s.Bytes(), &it); err != nil {
			t.Fatalf("%s, item %d: %v", file, len(items)+1, err)
		}
		items = append(items, it)
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	return items
}

// reader reads the items as the daemon would; "kadenza.example" is ours in all
// of them.
type reader struct {
	id   *ingest.Identity
	mail *mail.Reader
}

func newReader(t testing.TB) reader {
	t.Helper()
	id, err := ingest.NewIdentity(ingest.IdentityConfig{OwnDomains: []string{"kadenza.example"}})
	if err != nil {
		t.Fatal(err)
	}
	return reader{id, mail.NewReader(id)}
}

// contact reads an item. Its class is the label's, so that only the extraction
// is measured; asRead leaves the reader's.
func (r reader) contact(t testing.TB, it *item, asRead bool) *lead.Contact {
	t.Helper()
	var c lead.Contact
	if len(it.Form) > 0 {
		c = ingest.FormContact(formFields(t, it.Form), nil)
	} else {
		var err error
		if c, err = r.mail.Contact([]byte(it.Mail), it.At); err != nil {
			t.Fatalf("%s: %v", it.ID, err)
		}
	}
	c.At = it.At
	r.id.Complete(&c)
	if !asRead {
		c.Class = it.Class
	}
	return &c
}

func formFields(t testing.TB, raw json.RawMessage) []lead.Field {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	var out []lead.Field
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		if v == nil {
			v = ""
		}
		out = append(out, lead.Field{Name: fmt.Sprint(name), Value: fmt.Sprint(v)})
	}
	return out
}

func extractor(t testing.TB) *evidence.Extractor {
	t.Helper()
	e, err := evidence.New()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestEvalFile measures a labelled file and shows the figures, as make eval
// does: the project's own samples, or the file that LEADD_EVAL names (with its
// whole path). LEADD_EVAL_PART=1 takes the
// first half of it and shows the mistakes, 2 the second half, only its figures.
func TestEvalFile(t *testing.T) {
	file := os.Getenv("LEADD_EVAL")
	if file == "" {
		file = filepath.Join("testdata", "samples.jsonl")
	}
	items := readItems(t, file)
	show := true
	switch os.Getenv("LEADD_EVAL_PART") {
	case "1":
		items = items[:len(items)/2]
	case "2":
		items = items[len(items)/2:]
		show = false
	}
	e, r := extractor(t), newReader(t)
	var tally measure.Tally
	for i := range items {
		tally.Add(items[i].Label, e.Extract(r.contact(t, &items[i], os.Getenv("LEADD_EVAL_READ") != "")))
	}
	var b strings.Builder
	if err := tally.Report(&b, evidence.Criteria()); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + b.String())
	if show {
		for _, m := range tally.Mistakes {
			t.Logf("%s %s %s missed=%v %q", m.ID, m.Lang, m.Criterion, m.Missed, m.Words)
		}
	}
}
