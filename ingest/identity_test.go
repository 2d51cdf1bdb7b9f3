package ingest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"leadd/ingest"
	"leadd/lead"
)

func identity(t testing.TB) *ingest.Identity {
	t.Helper()
	id, err := ingest.NewIdentity(ingest.IdentityConfig{
		OwnDomains: []string{"ours.example"}, PhoneRegion: "de", FreeMail: []string{"club.example"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestEmail(t *testing.T) {
	id := identity(t)
	for in, want := range map[string]string{
		"ada@acme.example":                      "ada@acme.example",
		"  Ada.L+x@ACME.Example. ":              "ada.l+x@acme.example",
		`"Ada, Countess" <Ada@acme.example>`:    "ada@acme.example",
		"<ada@acme.example>":                    "ada@acme.example",
		"mailto:ada@acme.example?subject=Hello": "ada@acme.example",
		"ada@acme.example, bob@acme.example":    "ada@acme.example",
		"ada@acme.example\u200b":                "ada@acme.example",
		"ada@bücher.example":                    "ada@xn--bcher-kva.example",
		"ADA@BÜCHER.EXAMPLE":                    "ada@xn--bcher-kva.example",
		"иван@почта.рф":                         "иван@xn--80a1acny.xn--p1ai",
		"root@localhost":                        "root@localhost",
		"ada@[192.0.2.1]":                       "ada@[192.0.2.1]",
		"o'hara@acme.example":                   "o'hara@acme.example",
		"":                                      "",
		"n/a":                                   "",
		"ada@":                                  "",
		"@acme.example":                         "",
		"ada lovelace@acme.example":             "",
		"ada@acme..example":                     "",
		"ada@-acme.example":                     "",
		"ada@acme_x.example":                    "",
		"ada@a@acme.example":                    "",
		"a\x00da@acme.example":                  "",
		"ada@" + strings.Repeat("x", 64) + ".example": "",
		strings.Repeat("x", 65) + "@acme.example":     "",
	} {
		got, ok := id.Email(in)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q %v, want %q", in, got, ok, want)
		}
	}
}

// TestTheSamePerson: the address is kept as written, the prospect is the
// mailbox behind it.
func TestTheSamePerson(t *testing.T) {
	for _, tc := range []struct {
		email, tags, dots, want string
	}{
		{"Jane.Doe+trial@gmail.com", "", "", "janedoe@gmail.com"},
		{"jane.doe+trial@GoogleMail.com", "strip", "strip", "janedoe@gmail.com"},
		{"jane.doe+trial@gmail.com", "keep", "", "janedoe+trial@gmail.com"},
		{"jane.doe+trial@gmail.com", "", "keep", "jane.doe@gmail.com"},
		{"jane.doe+trial@gmail.com", "keep", "keep", "jane.doe+trial@gmail.com"},
		{"jane.doe+trial@gmx.de", "", "", "jane.doe@gmx.de"},
		{"+tag@gmx.de", "", "", "+tag@gmx.de"},
		{"jane.doe+trial@club.example", "", "", "jane.doe@club.example"},
		{"jane.doe+trial@acme.example", "", "", "acme.example"},
	} {
		id, err := ingest.NewIdentity(ingest.IdentityConfig{FreeMail: []string{"club.example"}, PlusTags: tc.tags, GmailDots: tc.dots})
		if err != nil {
			t.Fatal(err)
		}
		c := lead.Contact{ID: "1", Person: lead.Person{Email: tc.email}}
		id.Complete(&c)
		if c.Prospect != tc.want || c.Person.Email != strings.ToLower(tc.email) {
			t.Errorf("%+v: prospect %s, address %s", tc, c.Prospect, c.Person.Email)
		}
	}
	_, err := ingest.NewIdentity(ingest.IdentityConfig{PlusTags: "yes", GmailDots: "no"})
	if err == nil || !strings.Contains(err.Error(), `plus_tags: "yes" is neither strip nor keep`) || !strings.Contains(err.Error(), "gmail_dots") {
		t.Error(err)
	}
}

func TestPhone(t *testing.T) {
	id := identity(t)
	for in, want := range map[string]string{
		"+49 30 123456":         "+4930123456",
		"0049 (0)30 123456":     "+4930123456",
		"030/123456":            "+4930123456",
		"+1 (415) 555-2671":     "+14155552671",
		"tel: +44 20 7946 0958": "+442079460958",
		"+49 30 123456 ext. 7":  "+4930123456",
		"":                      "",
		"none":                  "",
		"12":                    "",
		"call me":               "",
		"+999999999999999999":   "",
	} {
		if got := id.Phone(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	nowhere, err := ingest.NewIdentity(ingest.IdentityConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if got := nowhere.Phone("030 123456"); got != "" {
		t.Errorf("without a region: %q", got)
	}
	if got := nowhere.Phone("0049 30 123456"); got != "+4930123456" {
		t.Errorf("without a region: %q", got)
	}
}

func TestCompanyDomain(t *testing.T) {
	id := identity(t)
	for in, want := range map[string]string{
		"a@acme.example":             "acme.example",
		"a@mail.acme.de":             "acme.de",
		"a@acme.co.uk":               "acme.co.uk",
		"a@x.y.acme.co.jp":           "acme.co.jp",
		"a@mailer.test":              "mailer.test",
		"a@xn--80a1acny.xn--p1ai":    "xn--80a1acny.xn--p1ai",
		"a@gmail.com":                "",
		"a@yahoo.co.uk":              "",
		"a@mail.yahoo.fr":            "",
		"a@gmx.de":                   "",
		"a@web.de":                   "",
		"a@mail.ru":                  "",
		"a@yandex.kz":                "",
		"a@proton.me":                "",
		"a@icloud.com":               "",
		"a@privaterelay.appleid.com": "",
		"a@orange.fr":                "",
		"a@laposte.net":              "",
		"a@qq.com":                   "",
		"a@163.com":                  "",
		"a@mailinator.com":           "",
		"a@box.mailinator.com":       "",
		"a@club.example":             "",
		"a@localhost":                "",
		"a@[192.0.2.1]":              "",
		"a@192.0.2.1":                "",
		"a@co.uk":                    "",
		"":                           "",
		"a@yahoo-inc.com":            "yahoo-inc.com",
		"a@notgmail.com":             "notgmail.com",
		"a@gmail.com.acme.example":   "acme.example",
	} {
		if got := id.CompanyDomain(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestOwn(t *testing.T) {
	id := identity(t)
	for in, want := range map[string]bool{
		"a@ours.example": true, "a@mail.ours.example": true,
		"a@yours.example": false, "a@ours.example.com": false, "": false,
	} {
		if got := id.Own(in); got != want {
			t.Errorf("%q: %v", in, got)
		}
	}
}

func TestNewIdentityNamesEveryMistake(t *testing.T) {
	_, err := ingest.NewIdentity(ingest.IdentityConfig{
		OwnDomains: []string{"ours.example", "no domain"}, FreeMail: []string{"x"}, PhoneRegion: "Germany",
	})
	want := `own_domains: "no domain" is no domain; write it like ours.example
free_mail: "x" is no domain; write it like ours.example
phone_region: "Germany" is no country; write its two letters, like DE`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

func TestProspectKey(t *testing.T) {
	id := identity(t)
	website := func(url string) []lead.Field { return []lead.Field{{Name: "Website", Key: "website", Value: url}} }
	for name, tc := range map[string]struct {
		contact lead.Contact
		want    string
		domain  string
	}{
		"company by address":          {lead.Contact{Person: lead.Person{Email: "Ada@Mail.Acme.Example", Phone: "030 123456"}}, "acme.example", "acme.example"},
		"address before website":      {lead.Contact{Person: lead.Person{Email: "a@acme.example"}, Fields: website("other.example")}, "acme.example", "acme.example"},
		"company by website":          {lead.Contact{Person: lead.Person{Email: "a@gmail.com"}, Fields: website("https://www.Acme.example:8080/about?x#y")}, "acme.example", "acme.example"},
		"website is a shared site":    {lead.Contact{Person: lead.Person{Email: "a@gmail.com"}, Fields: website("https://www.facebook.com/acme")}, "a@gmail.com", ""},
		"website is ours":             {lead.Contact{Person: lead.Person{Email: "a@gmail.com"}, Fields: website("www.ours.example")}, "a@gmail.com", ""},
		"website is no site":          {lead.Contact{Person: lead.Person{Email: "a@gmail.com"}, Fields: website("we have none yet. sorry")}, "a@gmail.com", ""},
		"website is free mail":        {lead.Contact{Person: lead.Person{Email: "a@gmail.com"}, Fields: website("gmail.com")}, "a@gmail.com", ""},
		"website is none":             {lead.Contact{Person: lead.Person{Email: "a@gmail.com"}, Fields: website("n.a")}, "a@gmail.com", ""},
		"company with a dot":          {lead.Contact{Company: lead.Company{Name: "Dr.Oetker"}}, "anonymous:0123", ""},
		"company named like a site":   {lead.Contact{Company: lead.Company{Name: "Acme.example"}}, "acme.example", "acme.example"},
		"company with a name":         {lead.Contact{Company: lead.Company{Name: "Acme Inc."}, Person: lead.Person{Phone: "030 123456"}}, "+4930123456", ""},
		"person by address":           {lead.Contact{Person: lead.Person{Email: "A@Gmail.com", Phone: "030 123456"}}, "a@gmail.com", ""},
		"person by phone":             {lead.Contact{Prospect: "id:meta:1", Person: lead.Person{Phone: "030 123456"}}, "+4930123456", ""},
		"person by the provider's id": {lead.Contact{Prospect: "id:meta:1", Person: lead.Person{Phone: "ask"}}, "id:meta:1", ""},
		"nobody":                      {lead.Contact{Prospect: "something", Person: lead.Person{Email: "n/a"}}, "anonymous:0123", ""},
	} {
		c := tc.contact
		c.ID = "0123"
		id.Complete(&c)
		if c.Prospect != tc.want || c.Company.Domain != tc.domain {
			t.Errorf("%s: %q %q, want %q %q", name, c.Prospect, c.Company.Domain, tc.want, tc.domain)
		}
	}
}

func TestCompleteNormalises(t *testing.T) {
	received := time.Date(2026, 3, 2, 10, 15, 0, 123456789, time.FixedZone("", 3600))
	c := lead.Contact{
		ID: "1", Source: "website", Received: received, At: received.Add(-time.Hour),
		Person:  lead.Person{Email: " Ada@ACME.example", Name: "Ada\r\n  Love\x00lace\xff", Phone: " 030 - 123456 "},
		Subject: "Bcc: x\r\nHello", Text: "\n one\x00\ntwo\xff ",
		Fields: []lead.Field{{Name: "a\nb", Key: "a_b", Value: "x\x00\n\xffy"}},
	}
	identity(t).Complete(&c)
	want := lead.Contact{
		ID: "1", Source: "website", Prospect: "acme.example",
		Received: time.Date(2026, 3, 2, 9, 15, 0, 123e6, time.UTC), At: time.Date(2026, 3, 2, 8, 15, 0, 123e6, time.UTC),
		Person:  lead.Person{Email: "ada@acme.example", Name: "Ada Lovelace\ufffd", Phone: "+4930123456"},
		Company: lead.Company{Domain: "acme.example"},
		Subject: "Bcc: x Hello", Text: "one\ntwo\ufffd",
		Fields: []lead.Field{{Name: "a b", Key: "a_b", Value: "x\n\ufffdy"}},
	}
	if d := cmp.Diff(want, c); d != "" {
		t.Error(d)
	}
}

func TestCompleteTimes(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct{ at, received, want time.Time }{
		"none":            {time.Time{}, now, now},
		"ahead":           {now.Add(time.Hour), now, now},
		"years ago":       {now.AddDate(-9, 0, 0), now, now.AddDate(-9, 0, 0)},
		"before 1970":     {time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC), now, now},
		"year 12000":      {time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC), now, now},
		"nothing is said": {},
		"unknown receipt": {now, time.Time{}, now},
	} {
		c := lead.Contact{ID: "1", At: tc.at, Received: tc.received}
		identity(t).Complete(&c)
		if !c.At.Equal(tc.want) {
			t.Errorf("%s: %v, want %v", name, c.At, tc.want)
		}
	}
}

func TestCompleteLimits(t *testing.T) {
	c := lead.Contact{ID: "1", Text: strings.Repeat("ä", ingest.MaxText), Person: lead.Person{Name: strings.Repeat("ä", ingest.MaxLine)}}
	for range 20 {
		c.Fields = append(c.Fields, lead.Field{Name: "f", Key: "f", Value: "x" + strings.Repeat("ä", ingest.MaxValue)})
	}
	for range ingest.MaxAttachments + 5 {
		c.Attachments = append(c.Attachments, "a")
	}
	identity(t).Complete(&c)
	if len(c.Text) != ingest.MaxText || len(c.Person.Name) != ingest.MaxLine || len(c.Attachments) != ingest.MaxAttachments {
		t.Errorf("text %d, name %d, attachments %d", len(c.Text), len(c.Person.Name), len(c.Attachments))
	}
	bytesOfFields := 0
	for _, f := range c.Fields {
		bytesOfFields += len(f.Name) + len(f.Value)
	}
	if bytesOfFields > ingest.MaxAnswers || bytesOfFields < ingest.MaxAnswers-ingest.MaxValue {
		t.Errorf("%d bytes of fields", bytesOfFields)
	}
	if v := c.Fields[0].Value; len(v) != ingest.MaxValue-1 || !utf8.ValidString(v) {
		t.Errorf("value of %d bytes, valid %v", len(v), utf8.ValidString(v))
	}
}

func TestCompleteKeepsSoManyFields(t *testing.T) {
	c := lead.Contact{ID: "1"}
	for range ingest.MaxFields + 5 {
		c.Fields = append(c.Fields, lead.Field{Name: "f", Key: "f", Value: "x"})
	}
	if identity(t).Complete(&c); len(c.Fields) != ingest.MaxFields {
		t.Errorf("%d fields", len(c.Fields))
	}
}

// What Complete has made stays as it is, is what Kafka can carry, and has a key.
func FuzzComplete(f *testing.F) {
	f.Add("ada@acme.example", "Ada", "030 123456", "Acme", "www.acme.example", "Hello", int64(1772442900123))
	f.Add("Ada <ada@bücher.example>", "A\x00\xff", "+1", "acme.example", "https://x", "\xff\xfe", int64(-1))
	f.Add("a@[1.2.3.4]", "", "", "", "co.uk", "", int64(1)<<60)
	id := identity(f)
	f.Fuzz(func(t *testing.T, email, name, phone, company, website, text string, at int64) {
		c := lead.Contact{
			ID: "1", Source: "s", Received: time.UnixMilli(1772442900123), At: time.UnixMilli(at),
			Person: lead.Person{Email: email, Name: name, Phone: phone}, Company: lead.Company{Name: company, Domain: website},
			Text: text, Fields: []lead.Field{{Name: name, Key: "website", Value: website}},
		}
		id.Complete(&c)
		if c.Prospect == "" {
			t.Error("no key")
		}
		if _, err := lead.Encode(&c); err != nil {
			t.Error(err)
		}
		again := c
		again.Fields = append([]lead.Field(nil), c.Fields...)
		id.Complete(&again)
		if d := cmp.Diff(c, again); d != "" {
			t.Errorf("completed again differs: %s", d)
		}
	})
}

func TestProvider(t *testing.T) {
	id, err := ingest.NewIdentity(ingest.IdentityConfig{FreeMail: []string{"city-mail.example"}})
	if err != nil {
		t.Fatal(err)
	}
	for email, want := range map[string]string{
		"jane@gmail.com": "free ", "jane@city-mail.example": "free ", "jane@mailinator.com": "disposable ",
		"jane@cs.stanford.edu": "academic stanford.edu", "jane@ox.ac.uk": "academic ox.ac.uk", "jane@anu.edu.au": "academic anu.edu.au",
		"ada@acme.example": " acme.example", "ada@education.com": " education.com", "ada@network.ac": " network.ac", "": " ", "jane@[192.0.2.1]": " ",
	} {
		c := lead.Contact{ID: "x", Person: lead.Person{Email: email}, Provider: "forged"}
		id.Complete(&c)
		if got := string(c.Provider) + " " + c.Company.Domain; got != want {
			t.Errorf("%s: %q, want %q", email, got, want)
		}
	}
}

// The lists say of every domain in them what they are there for.
func TestFreeMailLists(t *testing.T) {
	id := identity(t)
	for _, list := range []string{"freemail.txt", "disposable.txt"} {
		b, err := os.ReadFile(filepath.Join("data", list))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range strings.Lines(string(b)) {
			line, _, _ = strings.Cut(line, "#")
			for domain := range strings.FieldsSeq(line) {
				n++
				email, ok := id.Email("a@" + strings.Replace(domain, "*", "com", 1))
				if got := id.CompanyDomain(email); !ok || got != "" {
					t.Errorf("%s: %q is a company's domain %q, address %v", list, domain, got, ok)
				}
			}
		}
		if n < 300 {
			t.Errorf("%s: only %d domains", list, n)
		}
	}
}
