package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"leadd/internal/clickhouse"
	"leadd/internal/testenv"
)

// writeFile writes a file to import.
func writeFile(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// query reads one value from the daemon's ClickHouse.
func (p *process) query(into any, query string) {
	p.t.Helper()
	db, err := clickhouse.Open(p.database())
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.QueryRow(p.t.Context(), query).Scan(into); err != nil {
		p.t.Fatal(err)
	}
}

// postKey posts JSON with an Idempotency-Key.
func (p *process) postKey(path, body, key string) (int, string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// flush waits until everything before it in every partition is in ClickHouse.
func (p *process) flush(before int) (stored int) {
	p.t.Helper()
	load := newCrowd(p.t, campaign{prospects: 40, each: 1}, patience, func(int) string { return p.base })
	load.finish()
	awaitStored(p.t, p.database(), before+40)
	var n uint64
	p.query(&n, "SELECT count() FROM contacts")
	return int(n)
}

// imported runs leadd import to its end and gives what it said.
func imported(t testing.TB, wantCode int, args ...string) string {
	t.Helper()
	stdout, stderr, code := runLeadd(t, "", append([]string{"import"}, args...)...)
	if code != wantCode {
		t.Errorf("import %q: exit code %d, not %d\n%s%s", args, code, wantCode, stdout, stderr)
	}
	return stdout + stderr
}

// TestImportIsTheSameAsTheDoors: what came through a front door and is
// imported, in whatever format, or the other way round, is one contact.
func TestImportIsTheSameAsTheDoors(t *testing.T) {
	t.Parallel()
	testenv.ClickHouse(t)
	dovecot := testenv.Dovecot(t)
	file := writeConfig(t, "webhooks:\n  website: {address_rate: 1000000, fields: {q1: budget}}\n  survey: {preset: gravity-forms, unsigned: true}\n"+inbox(dovecot))
	eml := func(b []byte) string { return strings.ReplaceAll(string(b), "\r\n", "\n") }
	mails := [][]byte{leadMail(0), leadMail(1), leadMail(2), leadMail(3)}
	if said := imported(t, 1, "-c", file, writeFile(t, "a.eml", eml(mails[0]))); !strings.Contains(said, "must be running") {
		t.Errorf("without a daemon: %s", said)
	}
	p := startLeadd(t, "serve", "-c", file)

	// Two mails come by IMAP first and are imported later; a third is imported
	// first; the fourth is only imported.
	for _, m := range mails[:2] {
		dovecot.Append(t, "INBOX", m)
	}
	awaitStored(t, p.database(), 2)
	mbox := ""
	for _, m := range mails[:3] {
		mbox += "From x@y.example Tue Mar  3 10:15:01 2026\n" + eml(m) + "\n"
	}
	imported(t, 0, "-c", file, writeFile(t, "old.mbox", mbox), writeFile(t, "one.eml", string(mails[1])),
		filepath.Dir(filepath.Dir(writeFile(t, "Sales/cur/1770000001.M1.host:2,S", eml(mails[3])))))
	awaitStored(t, p.database(), 4)
	dovecot.Append(t, "INBOX", mails[2])

	// Posts, one of them with the sender's key, one by a sender's preset.
	posts := []string{
		`{"email": "ada@post.example", "message": "We need 5 seats.", "q1": "5,000 EUR"}`,
		`{"event": "signed", "person": {"email": "eve@post.example"}, "at": "2026-03-02T09:15:00Z"}`,
		`{"name": "Bea", "email": "bea@post.example"}`,
	}
	for _, body := range posts[:2] {
		if code, said := p.post("/in/website", "application/json", body); code != 200 {
			t.Fatal(code, said)
		}
	}
	if code, said := p.postKey("/in/website", `{"name":"Cy","email":"cy@post.example"}`, "key-7"); code != 200 {
		t.Fatal(code, said)
	}
	if code, said := p.post("/in/survey", "application/x-www-form-urlencoded", "id=17&form_id=2&Email=di%40post.example&date_created=2026-03-02+09%3A15%3A00"); code != 200 {
		t.Fatal(code, said)
	}
	imported(t, 0, "-c", file, "--source", "website", writeFile(t, "posts.jsonl", strings.Join(posts, "\n")+"\n"),
		writeFile(t, "posts.csv", "email;message;q1\nada@post.example;We need 5 seats.;5,000 EUR\nfay@post.example;;6,000 EUR\n"),
		writeFile(t, "keys.csv", "Idempotency-Key,name,email,note\nkey-7,Cy,cy@post.example,was called\n"))
	imported(t, 0, "-c", file, "--source", "survey", writeFile(t, "survey.csv", "Submission ID,Email,Date\n17 2,di@post.example,2026-03-02\n"),
		writeFile(t, "survey.jsonl", `{"id": 17, "form_id": 2, "Email": "di@post.example"}`))
	// The third post comes by its door after the import.
	if code, said := p.post("/in/website", "application/json", posts[2]); code != 200 {
		t.Fatal(code, said)
	}
	if n := p.flush(4 + 4 + 1 + 1); n != 4+4+1+1+40 {
		t.Errorf("%d contacts", n)
	}
	var mapped uint64
	p.query(&mapped, "SELECT count() FROM contacts WHERE email = 'fay@post.example' AND source = 'website' AND has(field_keys, 'budget')")
	if mapped != 1 {
		t.Errorf("%d contacts whose fields are mapped", mapped)
	}
	p.exactlyOnce()
	p.stop()
}

// TestImportRows: times in the past are believed, rows that differ in their
// time only are two contacts, and the same file again, under another name, is
// nothing new. What cannot be read is a dead letter that says where it stood.
func TestImportRows(t *testing.T) {
	t.Parallel()
	testenv.ClickHouse(t)
	file := writeConfig(t, oneForm)
	p := startLeadd(t, "serve", "-c", file)
	const table = "Created,Name,E-Mail,Message\n" +
		"02.03.2021 09:15,Ada,ada@row.example,Please call me\n" +
		"2021-03-03 09:15,Ada,ada@row.example,Please call me\n" +
		"3/4/2021,Bea,bea@row.example,Please call me\n" +
		"2021-03-05,Cy,cy@row.example,\"never closed\n" +
		"2021-03-05,Di,di@row.example,Hi\n"
	said := imported(t, 1, "-c", file, writeFile(t, "leads.csv", table), writeFile(t, "picture.png", "\x89PNG\r\n\x1a\n\x00"))
	for _, want := range []string{"source import: 4 contacts", "1 refused", "1 with a time that cannot be read", "1 not read to their end", "neither a mail"} {
		if !strings.Contains(said, want) {
			t.Errorf("not said: %s\n%s", want, said)
		}
	}
	imported(t, 1, "-c", file, writeFile(t, "the same.csv", table))
	if n := p.flush(4); n != 44 {
		t.Errorf("%d contacts", n)
	}
	var days string
	p.query(&days, "SELECT arrayStringConcat(arraySort(groupArray(toString(toDate(at)))), ' ') FROM contacts WHERE source = 'import'")
	if want := "2021-03-02 2021-03-03 2021-03-05 " + time.Now().UTC().Format(time.DateOnly); days != want {
		t.Errorf("%s, not %s", days, want)
	}
	dead := letters(t, p.database())
	if len(dead) != 1 || dead[0].Origin != "leads.csv:5" && dead[0].Origin != "the same.csv:5" {
		t.Errorf("%+v", dead)
	}
	if said := imported(t, 1, "-c", file, "--source", "websit", "x.csv"); !strings.Contains(said, "website") {
		t.Error(said)
	}

	// A row is no post, also where it was imported as a web form's.
	imported(t, 1, "-c", file, "--source", "website", writeFile(t, "odd.csv", "Email,Message\neve@row.example,\"a=b\n"))
	await(t, "the odd row's dead letter", func() error {
		if n := len(letters(t, p.database())); n != 2 {
			return fmt.Errorf("%d dead letters", n)
		}
		return nil
	})
	if out, stderr, code := runLeadd(t, "", "replay", "-c", file); code != 0 || strings.Count(out, "mend the file and import it again") != 2 {
		t.Errorf("replay: exit code %d\n%s%s", code, out, stderr)
	}
	p.exactlyOnce()
	p.stop()
}

// TestImportSurvivesKills kills imports in the middle, and the daemon with
// them: each item is counted once in the end, and the last import begins
// behind what is known to be in Kafka.
func TestImportSurvivesKills(t *testing.T) {
	t.Parallel()
	testenv.ClickHouse(t)
	mails := scaled(4000, 30000)
	var mbox, rows, lines strings.Builder
	rows.WriteString("Submitted at,Email,Message\n")
	for n := range mails {
		mbox.WriteString("From x@y.example Tue Mar  3 10:15:01 2026\n" + strings.ReplaceAll(string(leadMail(n%500)), "<mail-", fmt.Sprintf("<mail-%d-", n)) + "\n")
	}
	for n := range 300 {
		fmt.Fprintf(&rows, "2026-03-02 09:%02d:%02d,p%d@row%d.example,\"We need, say,\n%d seats\"\n", n/60, n%60, n, n%50, n)
		fmt.Fprintf(&lines, "{\"email\": \"p%d@line.example\", \"n\": %d}\nno JSON %d\n", n, n, n)
	}
	paths := []string{writeFile(t, "rows.csv", rows.String()), writeFile(t, "lines.jsonl", lines.String()), writeFile(t, "large.mbox", mbox.String())}
	file := writeConfig(t, oneForm)
	p := startLeadd(t, "serve", "-c", file)
	args := append([]string{"import", "-c", file}, paths...)
	for _, until := range []int{200, 600 + 1300, 600 + 2300} {
		im := launchLeadd(t, args...)
		awaitStored(t, p.database(), until)
		im.kill()
	}
	p.kill()
	p = startLeadd(t, "serve", "-c", file)
	if said := imported(t, 1, args[1:]...); !strings.Contains(said, "going on behind the first") || !strings.Contains(said, "300 refused") {
		t.Error(said)
	}
	if n := p.flush(mails + 600); n != mails+640 {
		t.Errorf("%d contacts of %d", n, mails+640)
	}
	if n := len(letters(t, p.database())); n != 300 {
		t.Errorf("%d dead letters", n)
	}
	p.exactlyOnce()
	p.stop()
}
