package files_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"leadd/ingest/files"
)

var update = flag.Bool("update", false, "write the golden files anew")

// shown is an item as the golden files have it.
type shown struct {
	Kind    files.Kind
	Raw     string
	Fields  []string `json:",omitempty"`
	Origin  string
	Arrived *time.Time `json:",omitempty"`
	Err     string     `json:",omitempty"`
}

// read reads a file to its end.
func read(t testing.TB, path string) (all []shown) {
	t.Helper()
	f, err := files.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	for {
		it, err := f.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, show(it))
	}
	if f.Done() != f.Size() {
		t.Errorf("%d of %d read", f.Done(), f.Size())
	}
	return all
}

func show(it files.Item) shown {
	s := shown{Kind: it.Kind, Raw: string(it.Raw), Origin: it.Origin}
	for _, f := range it.Fields {
		s.Fields = append(s.Fields, f.Name+"="+f.Value)
	}
	if !it.Arrived.IsZero() {
		s.Arrived = &it.Arrived
	}
	if it.Err != nil {
		s.Err = it.Err.Error()
	}
	return s
}

func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGolden(t *testing.T) {
	for _, name := range []string{"old.mbox", "leads.csv", "posts.jsonl"} {
		t.Run(name, func(t *testing.T) {
			got, err := json.MarshalIndent(read(t, filepath.Join("testdata", name)), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(string(sample(t, name+".json")), string(got)+"\n"); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestPacked: gzip changes nothing but the bytes.
func TestPacked(t *testing.T) {
	for _, name := range []string{"old.mbox", "leads.csv", "posts.jsonl"} {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := w.Write(sample(t, name)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(read(t, filepath.Join("testdata", name)), read(t, write(t, name+".gz", packed.Bytes()))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestEncodings(t *testing.T) {
	const table = "Name;Nachricht\nJörg Müßig;Wir suchen für fünf Büros\n"
	const russian = "Имя;Сообщение\nОльга;Нам нужна программа учёта на сорок человек\n"
	for name, tc := range map[string]struct {
		table encoding.Encoding
		bom   string
		text  string
	}{
		"utf-8":            {encoding.Nop, "", table},
		"utf-8, marked":    {encoding.Nop, "\xef\xbb\xbf", table},
		"latin-1":          {charmap.Windows1252, "", table},
		"windows-1251":     {charmap.Windows1251, "", russian},
		"utf-16le":         {unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "", table},
		"utf-16be":         {unicode.UTF16(unicode.BigEndian, unicode.UseBOM), "", table},
		"utf-16le, no bom": {unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "", table},
		"utf-16be, no bom": {unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "", table},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := tc.table.NewEncoder().String(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			got := read(t, write(t, "leads.csv", []byte(tc.bom+b)))
			lines := strings.Split(tc.text, "\n")
			names, cells := strings.Split(lines[0], ";"), strings.Split(lines[1], ";")
			if len(got) != 1 || len(got[0].Fields) != 2 || got[0].Fields[0] != names[0]+"="+cells[0] || got[0].Fields[1] != names[1]+"="+cells[1] {
				t.Errorf("%+v", got)
			}
		})
	}
	marked := append([]byte("\xff\xfe"), []byte("{\x00\"\x00a\x00\"\x00:\x001\x00}\x00\n\x00")...)
	if got := read(t, write(t, "x.json", marked)); len(got) != 1 || got[0].Raw != `{"a":1}` {
		t.Errorf("JSON in UTF-16: %+v", got)
	}
}

func TestTables(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want []string // fields of the first row
	}{
		"tabs":                {"name\temail\nAda\ta@b.example\n", []string{"name=Ada", "email=a@b.example"}},
		"semicolons, commas":  {"name;message\nAda;one, two, three\n", []string{"name=Ada", "message=one, two, three"}},
		"Excel says it":       {"sep=|\r\nname|message\r\nAda|a;b,c\r\n", []string{"name=Ada", "message=a;b,c"}},
		"CR only":             {"name,email\rAda,a@b.example\rBea,b@b.example", []string{"name=Ada", "email=a@b.example"}},
		"a column, no name":   {"name,,email\nAda,x,a@b.example\n", []string{"name=Ada", "column 2=x", "email=a@b.example"}},
		"quoted header":       {"\"name, first\",email\nAda,a@b.example\n", []string{"name, first=Ada", "email=a@b.example"}},
		"fewer cells":         {"name,email,phone\nAda,a@b.example\n", []string{"name=Ada", "email=a@b.example"}},
		"empty lines between": {"\n\nname,email\n\n\nAda,a@b.example\n", []string{"name=Ada", "email=a@b.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := read(t, write(t, "leads.csv", []byte(tc.text)))
			if len(got) == 0 || got[0].Err != "" {
				t.Fatalf("%+v", got)
			}
			if d := cmp.Diff(tc.want, got[0].Fields); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestMaildir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "Sales")
	for name, text := range map[string]string{
		"new/1770000002.M2.host":        "From: b@b.example\n\ntwo\n",
		"cur/1770000001.M1.host:2,S":    "From: a@b.example\n\none\n",
		"cur/.hidden":                   "x",
		"tmp/1770000000.M0.host":        "half",
		".Sent/cur/1770000001.M9.host:": "another folder",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := files.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// Somebody reads the second mail after the list was made.
	if err := os.Rename(filepath.Join(dir, "new/1770000002.M2.host"), filepath.Join(dir, "cur/1770000002.M2.host:2,S")); err != nil {
		t.Fatal(err)
	}
	first, err1 := f.Next()
	second, err2 := f.Next()
	if _, err := f.Next(); !errors.Is(err, io.EOF) || err1 != nil || err2 != nil {
		t.Fatal(err1, err2, err)
	}
	if !bytes.Contains(first.Raw, []byte("one")) || first.Origin != "Sales/cur/1770000001.M1.host:2,S" || first.Arrived.Unix() != 1770000001 ||
		!bytes.Contains(second.Raw, []byte("two")) || f.Size() != 2 || f.Done() != 2 {
		t.Errorf("%+v %+v, %d of %d", show(first), show(second), f.Done(), f.Size())
	}
}

func TestWhatItIs(t *testing.T) {
	for name, tc := range map[string]struct {
		file, content, says string
	}{
		"array":     {"a.json", " [{\"a\": 1}]", "one object to a line"},
		"outlook":   {"a.msg", "\xd0\xcf\x11\xe0\xa1\xb1", "Outlook"},
		"xlsx":      {"a.xlsx", "PK\x03\x04", "CSV"},
		"picture":   {"a.png", "\x89PNG\r\n\x1a\n", "neither"},
		"no header": {"a.csv", ",,\n1,2,3\n", "names no fields"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := files.Open(write(t, tc.file, []byte(tc.content)))
			if err == nil {
				defer f.Close()
				_, err = f.Next()
			}
			if !errors.Is(err, files.ErrFormat) || !strings.Contains(err.Error(), tc.says) {
				t.Error(err)
			}
		})
	}
	if _, err := files.Open(t.TempDir()); !errors.Is(err, files.ErrFormat) {
		t.Error(err)
	}
	if _, err := files.Open(filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	for file, content := range map[string]string{
		"saved.eml":    "From x@y.example Tue Mar  3 10:15:01 2026\nFrom: a@b.example\n\nhi\n",
		"without-name": "Received: by mx\nFrom: a@b.example\n\nhi\n",
	} {
		if got := read(t, write(t, file, []byte(content))); len(got) != 1 || got[0].Kind != files.Mail || got[0].Raw != content {
			t.Errorf("%s: %+v", file, got)
		}
	}
	if got := read(t, write(t, "empty.csv", nil)); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// TestLongLines: what is too long is refused, and the next is read.
func TestLongLines(t *testing.T) {
	long := strings.Repeat("x", 3*files.MaxRow)
	got := read(t, write(t, "a.jsonl", []byte("{\"a\": \""+long+"\"}\n{\"b\": 1}\n")))
	if len(got) != 2 || got[0].Err == "" || len(got[0].Raw) > files.MaxRow || got[1].Err != "" || got[1].Origin != "a.jsonl:2" {
		t.Errorf("JSON: %d items", len(got))
	}
	for _, quote := range []string{"", `"`} {
		got = read(t, write(t, "a.csv", []byte("a,b\n"+quote+long+",1\nx,2\n")))
		if len(got) != 2 || got[0].Err == "" || len(got[0].Raw) > files.MaxRow || got[1].Err != "" || got[1].Origin != "a.csv:3" {
			t.Errorf("CSV %s: %d items, %+v", quote, len(got), got[len(got)-1])
		}
	}
}

// repeated is a stream of n times the same, so that nothing large is on disk
// or in memory.
func repeated(what string, n int) io.Reader {
	readers := make([]io.Reader, n)
	for i := range readers {
		readers[i] = strings.NewReader(what)
	}
	return io.MultiReader(readers...)
}

// TestMemory reads an mbox of 100 MB, with a mail of 20 MB in it, and looks at
// what is on the heap meanwhile.
func TestMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.mbox")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	mail := "From a@b.example Tue Mar  3 10:15:01 2026\nFrom: a@b.example\nSubject: x\n\n" + strings.Repeat("We need seats, and a quote for them.\n", 150) + "\n"
	n := (80 << 20) / len(mail)
	for _, r := range []io.Reader{repeated(mail, n), strings.NewReader("From a@b.example Tue Mar  3 10:15:01 2026\nSubject: large\n\n"), repeated(strings.Repeat("x", 1<<20), 20), strings.NewReader("\n\n" + mail)} {
		if _, err := io.Copy(out, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := files.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var peak uint64
	items := 0
	for ; ; items++ {
		_, err := f.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if items%2000 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
	}
	if items != n+2 {
		t.Errorf("%d items of %d", items, n+2)
	}
	if peak > 16<<20 {
		t.Errorf("%d MiB on the heap", peak>>20)
	}
}

// TestMboxBack takes many mails out of an mbox as they were put in, wherever
// they lie in what is buffered.
func TestMboxBack(t *testing.T) {
	var mbox strings.Builder
	var want []shown
	lines := 1
	for i := range 4000 {
		mail := fmt.Sprintf("From: a%d@b.example\nSubject: x\n\n%s\n\nFrom 10:30 on we are there, %d of us.\n\n", i, strings.Repeat("word ", i%97), i)
		at := time.Unix(1772532901+int64(i), 0).UTC()
		mbox.WriteString("From a@b.example " + at.Format(time.ANSIC) + "\n" + mail)
		want = append(want, shown{Raw: mail, Origin: fmt.Sprintf("x.mbox:%d", lines), Arrived: &at})
		lines += 1 + strings.Count(mail, "\n")
	}
	if d := cmp.Diff(want, read(t, write(t, "x.mbox", []byte(mbox.String())))); d != "" {
		t.Error(d[:min(len(d), 2000)])
	}
}

// fuzz reads content and holds what every format promises: an end, items with
// an origin, and the same twice.
func fuzz(t *testing.T, name string, content []byte) []shown {
	var runs [2][]shown
	for i := range runs {
		f, err := files.Read(bytes.NewReader(content), name)
		if err != nil {
			return nil
		}
		for {
			it, err := f.Next()
			if err != nil {
				break
			}
			if it.Origin == "" {
				t.Error("no origin")
			}
			if it.Kind == files.Row && it.Err == nil && len(it.Fields) == 0 || len(it.Raw) > files.MaxMail {
				t.Errorf("%+v", it)
			}
			runs[i] = append(runs[i], show(it))
			if len(runs[i]) > len(content) {
				t.Fatal("more items than bytes")
			}
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if d := cmp.Diff(runs[0], runs[1]); d != "" {
		t.Error(d)
	}
	return runs[0]
}

func FuzzMbox(f *testing.F) {
	f.Add(sample(f, "old.mbox"))
	f.Add([]byte("From a 10:00\n\nFrom b 10:00\nX: y\n\n>From\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		content := append([]byte("From a@b.example Tue Mar  3 10:15:01 2026\n"), b...)
		size := 0
		for _, s := range fuzz(t, "x.mbox", content) {
			size += len(s.Raw)
		}
		if size > len(content) {
			t.Errorf("%d bytes of mails in %d", size, len(content))
		}
	})
}

// FuzzMboxBack puts a mail into an mbox and takes it out again.
func FuzzMboxBack(f *testing.F) {
	f.Add("From: a@b.example\n\n>From here\nFrom there 10:00\n")
	f.Fuzz(func(t *testing.T, mail string) {
		var quoted strings.Builder
		for line := range strings.Lines(mail) {
			if strings.HasPrefix(strings.TrimLeft(line, ">"), "From ") {
				line = ">" + line
			}
			quoted.WriteString(line)
		}
		const separator = "From a@b.example Tue Mar  3 10:15:01 2026\n"
		got := fuzz(t, "x.mbox", []byte(separator+quoted.String()+"\n\n"+separator+"X: y\n\nz"))
		if len(got) != 2 || got[0].Raw != mail+"\n\n" {
			t.Errorf("%q became %+v", mail, got)
		}
	})
}

func FuzzJSONLines(f *testing.F) {
	f.Add(sample(f, "posts.jsonl"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got := fuzz(t, "x.jsonl", append([]byte("{\"a\": 1}\n"), b...))
		if len(got) > bytes.Count(b, []byte("\n"))+2 {
			t.Errorf("%d items", len(got))
		}
	})
}

// FuzzCSV compares with encoding/csv wherever that finds nothing wrong.
func FuzzCSV(f *testing.F) {
	f.Add(sample(f, "leads.csv"))
	f.Add([]byte("1,\"a\nb\"\n2,\"\"\"\"\n\n3,x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		content := append([]byte("one,two\n"), b...)
		got := fuzz(t, "x.csv", content)
		want := csv.NewReader(bytes.NewReader(content))
		want.FieldsPerRecord = 2
		rows, err := want.ReadAll()
		// encoding/csv takes CR for text.
		if err != nil || bytes.ContainsAny(content, "\r;\t\x00") || !json.Valid(fmt.Appendf(nil, "%q", content)) || strings.ContainsRune(string(content), '\ufffd') {
			return
		}
		var expected [][]string
		for _, row := range rows[1:] {
			var fields []string
			for i, name := range []string{"one", "two"} {
				if strings.TrimSpace(row[i]) != "" {
					fields = append(fields, name+"="+row[i])
				}
			}
			if fields != nil {
				expected = append(expected, fields)
			}
		}
		var found [][]string
		for _, s := range got {
			found = append(found, s.Fields)
		}
		if d := cmp.Diff(expected, found); d != "" {
			t.Errorf("%q: %s", content, d)
		}
	})
}
