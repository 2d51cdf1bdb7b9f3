package evidence_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leadd/lead"
	"leadd/scoring/evidence"
	"leadd/scoring/evidence/measure"
)

var update = flag.Bool("update", false, "write the golden figures anew")

// TestFigures keeps the figures on the project's own samples from sliding.
func TestFigures(t *testing.T) {
	e, r := extractor(t), newReader(t)
	items := readItems(t, "testdata/samples.jsonl")
	var tally measure.Tally
	for i := range items {
		tally.Add(items[i].Label, e.Extract(r.contact(t, &items[i], false)))
	}
	var b bytes.Buffer
	if err := tally.Report(&b, evidence.Criteria()); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/figures.txt"
	if *update {
		if err := os.WriteFile(golden, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("figures differ from %s (-want +got), -update after a look at the mistakes:\n%s", golden, d)
		for _, m := range tally.Mistakes {
			t.Logf("%s %s %s missed=%v %q", m.ID, m.Lang, m.Criterion, m.Missed, m.Words)
		}
	}
	if tally.All.F1() < 0.9 {
		t.Errorf("overall F1 is %.3f", tally.All.F1())
	}
	for name, c := range tally.Criteria {
		if c.F1() < 0.75 {
			t.Errorf("F1 of %s is %.3f", name, c.F1())
		}
	}
}

func text(s string) *lead.Contact {
	return &lead.Contact{Kind: lead.KindMail, Class: lead.ClassInquiry, Text: s, At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
}

func find(fs []lead.Finding, criterion string) *lead.Finding {
	for i := range fs {
		if fs[i].Criterion == criterion {
			return &fs[i]
		}
	}
	return nil
}

func TestAmounts(t *testing.T) {
	e := extractor(t)
	for _, c := range []struct {
		text     string
		amount   float64 // 0: no budget
		currency string
	}{
		{"Our budget is 25k-50k EUR.", 50000, "EUR"},
		{"Our budget is €25,000.", 25000, "EUR"},
		{"Our budget is 1.2m USD.", 1200000, "USD"},
		{"Our budget is A$9,500.", 9500, "AUD"},
		{"We can spend up to 300 dollars a month.", 300, "USD"},
		{"Wir haben ein Budget von 12.500,50 Euro.", 12500.5, "EUR"},
		{"Dafür sind 20 bis 30 Tsd. Euro eingeplant.", 30000, "EUR"},
		{"Notre budget est de 15 000 €.", 15000, "EUR"},
		{"Contamos con un presupuesto de 8.000 euros.", 8000, "EUR"},
		{"Наш бюджет 150 тыс. руб.", 150000, "RUB"},
		{"Бюджет от 1 до 2 млн рублей.", 2000000, "RUB"},
		{"Մեր բյուջեն 3 մլն դրամ է։", 3000000, "AMD"},
		{"We can spend twenty five thousand dollars.", 25000, "USD"},
		{"Our budget is N27m, released by Finance.", 27000000, "NGN"},
		{"The budget is 2 million euros not, but 480,000 euros yes.", 480000, "EUR"},
		{"Our budget is between 5 and 8 thousand euros.", 8000, "EUR"},
		{"Our budget is not 50k euros, but 30k euros.", 30000, "EUR"},
		{"Das Budget sind 2,5 Mio nicht, aber 480.000 Euro.", 480000, "EUR"},
		{"Unser Budget: 7.500,-- EUR.", 7500, "EUR"},
		{"Budget zwischen 20 und 25 TEUR.", 25000, "EUR"},
		{"Budget entre 20 et 25 k€.", 25000, "EUR"},
		{"Presupuesto máximo 60 millones de pesos colombianos.", 60000000, "COP"},
		{"Mehr als 45 Euro im Monat pro Platz ist nicht drin.", 45, "EUR"},
		{"Наш бюджет двадцать тысяч рублей.", 20000, "RUB"},
		{"The budget was cut and we have one R32 unit.", 0, ""},
		{"Our turnover is 12 million euros.", 0, ""},
		{"Please refund the 300 EUR of invoice 12.", 0, ""},
		{"We have no budget this year.", 0, ""},
		{"Wir haben leider kein Budget.", 0, ""},
		{"Today we pay 400 EUR to our supplier.", 0, ""},
	} {
		f := find(e.Extract(text("We need a new tool. "+c.text)), "budget")
		switch {
		case f == nil && c.amount != 0:
			t.Errorf("%q: no budget found", c.text)
		case f != nil && (f.Amount != c.amount || f.Currency != c.currency):
			t.Errorf("%q: %v %s, want %v %s", c.text, f.Amount, f.Currency, c.amount, c.currency)
		}
	}
}

func TestDeadlines(t *testing.T) {
	e := extractor(t)
	const none, bare = -1, -2
	for _, c := range []struct {
		text string
		days int // from Monday, 2 March 2026
	}{
		{"We need it within 3 months.", 90},
		{"We need it by 1 April.", 30},
		{"We need it by the end of the quarter.", 29},
		{"We need it in Q2.", 120},
		{"It must be live before June 15th.", 105},
		{"We need it by Easter.", 34},
		{"It has to be ready by the 15th.", 13},
		{"We want to go live in the first week of May.", 66},
		{"Delivery is needed in week 20.", 74},
		{"We need it by the end of next month.", 59},
		{"By May, please.", 90},
		{"We want to start in summer 2026.", 182},
		{"We will start in spring 2027.", none},
		{"Нужно запустить до Пасхи.", 41},
		{"Нужно запустить до 15 числа.", 13},
		{"Wir brauchen die Software bis Ostern.", 34},
		{"Wir brauchen die Anlage ab Beginn Q3.", 121},
		{"Wir brauchen das bis zum 15. des Monats.", 13},
		{"Il nous faut le logiciel avant Pâques.", 34},
		{"Il nous faut le logiciel pour la première semaine de mai.", 66},
		{"Necesitamos el programa antes de Semana Santa.", 34},
		{"We are still using the old tool today.", none},
		{"Your year-end discount is useless to us.", none},
		{"We need it asap.", bare},
		{"Not before September, please send the brochure.", none},
		{"Maybe next year we need a tool.", none},
		{"Can we have a call on Thursday?", none},
		{"Please send your quote by Friday.", none},
		{"Wir brauchen die Software bis Ende Mai.", 90},
		{"Wir brauchen das innerhalb von sechs Wochen.", 42},
		{"Die Einführung soll zum 1.6. stehen.", 91},
		{"Il nous faut la solution d'ici fin avril.", 59},
		{"Nous souhaitons démarrer dans deux mois.", 60},
		{"Lo necesitamos antes del 20 de abril.", 49},
		{"Debe estar instalado en un plazo de 4 semanas.", 28},
		{"Система нужна до 1 мая.", 60},
		{"Хотим запустить через 2 месяца.", 60},
		{"Մեզ պետք է մինչև ապրիլի 10-ը։", 39},
	} {
		f := find(e.Extract(text(c.text)), "timeline")
		got := none
		if f != nil {
			if got = bare; f.Days != nil {
				got = *f.Days
			}
		}
		if got != c.days {
			t.Errorf("%q: %d days, want %d", c.text, got, c.days)
		}
	}
}

// TestASecondDocument: a signed contract is no longer out, another may be.
func TestASecondDocument(t *testing.T) {
	e := extractor(t)
	for _, c := range []struct {
		text string
		out  bool
	}{
		{"We received the contract. The signed contract is attached.", false},
		{"The signed contract is attached. The data processing agreement is still with our lawyer.", true},
		{"Договор подписали, скан во вложении. Допсоглашение пока у юристов.", true},
		{"Der Vertrag ist unterschrieben. Den AVV prüft noch unsere Rechtsabteilung.", true},
		{"Le contrat est signé. L'avenant est encore chez notre juriste.", true},
		{"El contrato ya está firmado. El anexo sigue en legal.", true},
		{"Den Vertrag habe ich unterschrieben zurückgeschickt, ist er da?", false},
	} {
		found := e.Extract(text(c.text))
		if f := find(found, "contract_out"); (f != nil) != c.out {
			t.Errorf("%q: contract out %v, want %v", c.text, f != nil, c.out)
		}
		if find(found, "signed") == nil || find(found, "contacted") == nil {
			t.Errorf("%q: not signed or not contacted: %v", c.text, found)
		}
	}
}

func TestThingsCounted(t *testing.T) {
	e := extractor(t)
	for text0, want := range map[string]bool{
		"We need help. Two offices, 35 laptops, one server room.": true,
		"We need help. Call us on +1 505 555 0114, extension 12.": false,
		"We need help. We have 35 employees.":                     false,
	} {
		if f := find(e.Extract(text(text0)), "needs_identified"); (f != nil) != want {
			t.Errorf("%q: needs identified %v, want %v", text0, f != nil, want)
		}
	}
}

func TestWhoseWordsAndNot(t *testing.T) {
	e := extractor(t)
	for _, c := range []struct{ text, criterion string }{
		{"We have not cancelled our contract with the old supplier.", "supplier_left"},
		{"If we cancelled our contract with the supplier, could you help?", "supplier_left"},
		{"The contract still has to be signed.", "signed"},
		{"We have signed the NDA.", "signed"},
		{"As soon as it is signed I will tell you.", "signed"},
		{"I do not decide this myself.", "authority"},
		{"The decision is with our board.", "authority"},
		{"Wir haben den Vertrag noch nicht unterschrieben.", "signed"},
		{"Мы ещё не подписали договор.", "signed"},
		{"Nous n'avons pas encore signé le contrat.", "signed"},
		{"Todavía no hemos firmado el contrato.", "signed"},
		{"Դեռ չենք ստորագրել պայմանագիրը։", "signed"},
		{"I called three times and nobody picked up.", "contacted"},
		{"Thanks in advance for your reply.", "contacted"},
		{"We are negotiating with our landlord.", "negotiating"},
		{"Thank you for the discount, but we have what we need.", "negotiating"},
		{"Wir verhandeln gerade mit der Bank.", "negotiating"},
		{"Estamos negociando con el banco.", "negotiating"},
		{"Менять прямо сейчас не собираемся.", "timeline"},
	} {
		if f := find(e.Extract(text(c.text)), c.criterion); f != nil {
			t.Errorf("%q: found %s in %q", c.text, c.criterion, f.Words)
		}
	}
}

func TestFields(t *testing.T) {
	e := extractor(t)
	c := &lead.Contact{Kind: lead.KindForm, Class: lead.ClassInquiry, At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Fields: []lead.Field{
		{Name: "Budget", Key: "budget", Value: "25k-50k EUR"},
		{Name: "Timeline", Key: "timeline", Value: "within 3 months"},
		{Name: "Title", Key: "title", Value: "CTO"},
		{Name: "Product", Key: "product", Value: "Pro"},
		{Name: "Quantity", Key: "quantity", Value: "40"},
		{Name: "Annual revenue", Key: "annual_revenue", Value: "$25M"},
	}}
	days := 90
	want := []lead.Finding{
		{Criterion: "need", Words: "Pro", Place: "field:product"},
		{Criterion: "budget", Words: "25k-50k EUR", Place: "field:budget", Amount: 50000, Currency: "EUR"},
		{Criterion: "timeline", Words: "within 3 months", Place: "field:timeline", Days: &days},
		{Criterion: "authority", Words: "CTO", Place: "field:title"},
		{Criterion: "needs_identified", Words: "40", Place: "field:quantity"},
	}
	if d := cmp.Diff(want, e.Extract(c)); d != "" {
		t.Error(d)
	}
}

func TestEvent(t *testing.T) {
	e := extractor(t)
	want := []lead.Finding{{Criterion: "contract_out", Words: "contract_out", Place: "event"}}
	if d := cmp.Diff(want, e.Extract(&lead.Contact{Kind: lead.KindEvent, Event: "contract_out"})); d != "" {
		t.Error(d)
	}
	if fs := e.Extract(&lead.Contact{Kind: lead.KindEvent, Event: "birthday"}); fs != nil {
		t.Errorf("an event that is no criterion gives %v", fs)
	}
}

func TestNoInterestNoFindings(t *testing.T) {
	e := extractor(t)
	c := text("We need 40 licences, our budget is 5000 EUR.")
	if len(e.Extract(c)) == 0 {
		t.Fatal("nothing found")
	}
	c.Class = lead.ClassNewsletter
	if fs := e.Extract(c); fs != nil {
		t.Errorf("a newsletter gives %v", fs)
	}
}

// lexiconDir makes a directory of lexicons.
func lexiconDir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLexiconMistakes(t *testing.T) {
	for _, c := range []struct {
		file, text string
		want       []string
	}{
		{"xx.txt", "word\n[neeed]\n[need]\nwe (need\nwe @want\n#mont\n[month]\njanuary = first\n[when]\n#day #month = month ends\n[currency]\nthaler = Thaler\n[replace]\n", []string{
			"xx.txt:1: a pattern stands before the first [section]",
			`xx.txt:2: no section is named "neeed": did you mean need?`,
			"xx.txt:4: a bracket is not closed",
			"xx.txt:5: no list is named @want",
			"xx.txt:6: no value is named #mont: did you mean #month?",
			`xx.txt:8: "first" is no whole number`,
			`xx.txt:10: no date is counted by "month ends": did you mean month end?`,
			`xx.txt:12: no currency has the code "Thaler"`,
			"xx.txt:13: [replace] stands once, before all else",
		}},
		{"de.txt", "[need]\ngut\nm\xe4ßig", []string{"de.txt:3: this is no UTF-8"}},
		{"xx.txt", "# ours\n[replace]\n[need]\nwant\n", []string{"there is no built-in lexicon xx.txt to replace"}},
		{"README.md", "none", []string{"there is no lexicon (*.txt) in "}},
	} {
		dir := lexiconDir(t, map[string]string{c.file: c.text})
		_, err := evidence.NewFrom(dir)
		if err == nil {
			t.Errorf("%q is accepted", c.text)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("not said: %q; but:\n%v", want, err)
			}
		}
	}
	if _, err := evidence.NewFrom(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a directory that is not there is accepted")
	}
}

func TestOwnLexicons(t *testing.T) {
	const (
		native   = "We need a new tool."
		jargon   = "Kindly frobnicate the tool."
		polish   = "Potrzebujemy nowej maszyny i tej oferty."
		replaced = "We frobnicate."
	)
	for _, c := range []struct {
		name  string
		files map[string]string
		need  []string
		none  []string
	}{
		{"built-in", nil, []string{native}, []string{jargon, polish, replaced}},
		{"extended, by a list of the built-in file", map[string]string{"en.txt": "\ufeff[need]\r\nfrobnicate .. @thing\r\n"}, []string{native, jargon}, []string{polish, replaced}},
		{"a gap on both sides of what may be left out", map[string]string{"en.txt": "[need]\nkindly .. (old)? .. tool\n"}, []string{native, jargon}, []string{polish, replaced}},
		{"replaced", map[string]string{"en.txt": "# ours\n\n[replace]\n[language]\nwe the\n[need]\nfrobnicate\n"}, []string{jargon, replaced}, []string{native, polish}},
		{"another language", map[string]string{"pl.txt": "[language]\ni tej\n[need]\npotrzebujemy\n"}, []string{native, polish}, []string{jargon, replaced}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := evidence.New()
			if err != nil {
				t.Fatal(err)
			}
			if c.files != nil {
				before := e.Version()
				if e, err = evidence.NewFrom(lexiconDir(t, c.files)); err != nil {
					t.Fatal(err)
				}
				if e.Version() == before {
					t.Error("the version is as before")
				}
			}
			for _, s := range c.need {
				if find(e.Extract(text(s)), "need") == nil {
					t.Errorf("no need in %q", s)
				}
			}
			for _, s := range c.none {
				if f := find(e.Extract(text(s)), "need"); f != nil {
					t.Errorf("need in %q: %q", s, f.Words)
				}
			}
		})
	}
}

// check reports findings whose words are not where they say.
func check(t *testing.T, c *lead.Contact, fs []lead.Finding) {
	t.Helper()
	last := -1
	for _, f := range fs {
		at := slices.Index(evidence.Criteria(), f.Criterion)
		if at <= last {
			t.Errorf("%s is out of order or twice", f.Criterion)
		}
		last = at
		places := map[string][]string{"subject": {c.Subject}, "text": {c.Text}, "title": {c.Person.Title}}
		for _, field := range c.Fields {
			p := "field:" + field.Key
			places[p] = append(places[p], field.Value)
		}
		ok := slices.ContainsFunc(places[f.Place], func(s string) bool {
			return f.Start >= 0 && f.Start+len(f.Words) <= len(s) && s[f.Start:f.Start+len(f.Words)] == f.Words
		})
		if !ok || f.Words == "" {
			t.Errorf("%s: %q is not at %d of %s", f.Criterion, f.Words, f.Start, f.Place)
		}
		if f.Days != nil && (*f.Days < 0 || *f.Days > 190) {
			t.Errorf("deadline in %d days", *f.Days)
		}
	}
}

func TestWordsAreWhereTheySay(t *testing.T) {
	e, r := extractor(t), newReader(t)
	items := readItems(t, "testdata/samples.jsonl")
	for i := range items {
		c := r.contact(t, &items[i], false)
		check(t, c, e.Extract(c))
	}
}

func FuzzExtract(f *testing.F) {
	e, err := evidence.New()
	if err != nil {
		f.Fatal(err)
	}
	other, err := evidence.New()
	if err != nil {
		f.Fatal(err)
	}
	r := newReader(f)
	items := readItems(f, "testdata/samples.jsonl")
	for i := range items {
		c := r.contact(f, &items[i], false)
		f.Add(c.Subject, c.Text, c.Person.Title, "budget", "25k - 50k €", int64(1770000000))
	}
	f.Add("RE: ՞", "1.2.3.4 10.-€ 5-6-7/8 «\n- \n1) x\n", "head", "timeline", "Q9 31.02. 99/99", int64(0))
	f.Fuzz(func(t *testing.T, subject, body, title, key, value string, at int64) {
		c := &lead.Contact{
			Kind: lead.KindMail, Class: lead.ClassReply, Subject: subject, Text: body, Person: lead.Person{Title: title},
			Fields: []lead.Field{{Name: key, Key: key, Value: value}}, At: time.Unix(at%4e9, 0).UTC(),
		}
		fs := e.Extract(c)
		check(t, c, fs)
		if d := cmp.Diff(fs, other.Extract(c)); d != "" {
			t.Errorf("a second time differs: %s", d)
		}
	})
}

// TestTimeGrowsWithLength: no text takes more than in proportion to its length,
// even one without a full stop. The bound is loose, a square would be far
// beyond it.
func TestTimeGrowsWithLength(t *testing.T) {
	e := extractor(t)
	for _, piece := range []string{"we need a quote by 1 May ", "5 € ", "signed ", "a, ", "5-", "we ", "not if will by need ", "a-", "a."} {
		start := time.Now()
		e.Extract(text(strings.Repeat(piece, (256<<10)/len(piece))))
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("256 KiB of %q take %v", piece, took)
		}
	}
}
