package ingest_test

import (
	"strings"
	"testing"

	stdjson "encoding/json"

	"github.com/google/go-cmp/cmp"

	"leadd/ingest"
)

func TestFlatten(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want []string // names and values in turn
	}{
		"flat":             {`{"name":"Ada","email":"ada@acme.example"}`, []string{"name", "Ada", "email", "ada@acme.example"}},
		"order stays":      {`{"z":"1","a":"2","m":"3"}`, []string{"z", "1", "a", "2", "m", "3"}},
		"nested":           {`{"person":{"email":"x","company":{"name":"Acme"}}}`, []string{"person.email", "x", "person.company.name", "Acme"}},
		"scalars":          {`{"a":true,"b":false,"c":null,"d":""}`, []string{"a", "true", "b", "false", "d", ""}},
		"numbers exactly":  {`{"id":9007199254740993,"x":1e400,"y":-0.10}`, []string{"id", "9007199254740993", "x", "1e400", "y", "-0.10"}},
		"list of plain":    {`{"tags":["a",2,null," ",true]}`, []string{"tags", "a, 2, true"}},
		"empty list":       {`{"tags":[],"o":{}}`, nil},
		"questions":        {`{"answers":[{"label":"Your budget","value":5000},{"title":"Products","answer":["A","B"]},{"key":"k","value":null}]}`, []string{"Your budget", "5000", "Products", "A, B"}},
		"list of objects":  {`{"people":[{"email":"a"},{"email":"b"}]}`, []string{"people.email", "a", "people.email", "b"}},
		"pairs at the top": {`[{"name":"email","value":"a"},{"name":"message","value":"b"}]`, []string{"email", "a", "message", "b"}},
		"one pair":         {`[{"name":"email","value":"a"}]`, []string{"email", "a"}},
		"one in a list":    {`[{"email":"a"}]`, []string{"email", "a"}},
		"escapes":          {`{"a\"b":"\u00e4\ud83d\ude00\n\u0000"}`, []string{`a"b`, "ä😀\n\x00"}},
		"value with key":   {`{"key":"k","value":"v"}`, []string{"key", "k", "value", "v"}},
		"same name twice":  {`{"a":"1","a":"2"}`, []string{"a", "1", "a", "2"}},
		"blanks around":    {" \n{\"a\" : [ 1 , 2 ] } \n", []string{"a", "1, 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ingest.Flatten([]byte(tc.in))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(answers(tc.want...), got, cmp.Transformer("", func(s []string) int { return len(s) })); d != "" && len(got)+len(tc.want) > 0 {
				t.Error(d)
			}
		})
	}
}

func TestFlattenRefuses(t *testing.T) {
	for in, want := range map[string]string{
		``:                          "the body is no valid JSON",
		`{"a":1`:                    "the body is no valid JSON",
		`{"a":1}{}`:                 "the body is no valid JSON: something stands behind its end, at byte 7",
		"{\"a\":\"x\ny\"}":          "the body is no valid JSON",
		`17`:                        `the body is a lone value; send a JSON object like {"email": "..."}`,
		`"x"`:                       `the body is a lone value; send a JSON object like {"email": "..."}`,
		`[{"email":1},{"email":2}]`: "the body is an array of 2; send one JSON object for each contact",
		`[]`:                        "the body is an array of 0; send one JSON object for each contact",
		strings.Repeat(`[`, 1<<20):  "the JSON is nested more than 32 deep; send it flatter",
		`{"a":[` + strings.Repeat(`1,`, 6000) + `1]}`: "the JSON has more than 5000 values; send one contact only",
	} {
		_, err := ingest.Flatten([]byte(in))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", in, err, want)
		}
	}
}

func FuzzFlatten(f *testing.F) {
	f.Add([]byte(`{"person":{"email":"x"},"tags":["a",2,null],"q":[{"label":"L","value":{"x":1}}]}`))
	f.Add([]byte(`[{"name":"email","value":"a"}]`))
	f.Add([]byte(`{"a\u0000\ud800":"\uDC00\\","b":-1.5e300}`))
	f.Add([]byte(`[[[[{"a":[]}]]]]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, err := ingest.Flatten(body)
		if err != nil {
			return
		}
		if !stdjson.Valid(body) {
			t.Errorf("invalid JSON taken: %q", body)
		}
		again, err := ingest.Flatten(body)
		if d := cmp.Diff(fields, again); d != "" || err != nil {
			t.Errorf("not the same twice: %v %s", err, d)
		}
	})
}
