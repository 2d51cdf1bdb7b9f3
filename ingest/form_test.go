package ingest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leadd/ingest"
	"leadd/lead"
)

// answers makes fields of names and values in turn.
func answers(pairs ...string) []lead.Field {
	var fields []lead.Field
	for i := 0; i+1 < len(pairs); i += 2 {
		fields = append(fields, lead.Field{Name: pairs[i], Value: pairs[i+1]})
	}
	return fields
}

func TestFieldNames(t *testing.T) {
	for key, names := range map[string][]string{
		"email":        {"Email", "E-Mail", "e_mail", "EMAIL", "your_email", "your-email", "yourEmail", "email_address", "E-Mail-Adresse", "fields[email]", "form_fields[email]", "contact.email", "q3_email", "email-123", "Email *", "Email (required)", "Your email address", "What is your e-mail?", "Adresse e-mail", "Courriel", "Correo", "Correo electrónico", "Электронная почта", "Эл. почта", "Էլ. փոստ", "person.email", "_replyto"},
		"name":         {"Name", "your-name", "yourName", "Full Name", "fullname", "contact[name]", "Nom", "Nombre completo", "Имя", "ФИО", "Անուն", "Ansprechpartner", "What is your full name?"},
		"first_name":   {"First name", "firstName", "fname", "first-name", "Vorname", "Prénom", "prenom", "q5_fullName[first]", "Given Name"},
		"last_name":    {"Last name", "lastName", "lname", "Nachname", "Nom de famille", "Apellidos", "Фамилия", "q5_fullName[last]", "Surname"},
		"phone":        {"Phone", "Tel", "Tel.", "Mobile", "phone_number", "Phone-2", "Telefonnummer", "Handy", "Téléphone", "Teléfono", "Телефон", "Հեռախոս", "What is your phone number?"},
		"company":      {"Company", "company_name", "Firma", "Organisation", "Organization", "Société", "Nom de l'entreprise", "Empresa", "Компания", "Ընկերություն", "person.company", "company.name", "Unternehmen"},
		"title":        {"Job title", "jobTitle", "Position", "Role", "Funktion", "Fonction", "Cargo", "Должность", "Պաշտոն", "What is your role?", "person.title"},
		"message":      {"Message", "your-message", "Comments", "Nachricht", "Ihre Nachricht", "Commentaire", "Mensaje", "Сообщение", "Հաղորդագրություն", "How can we help you?", "Wie können wir Ihnen helfen?", "Please describe the project"},
		"subject":      {"Subject", "your-subject", "Betreff", "Objet", "Asunto", "Тема"},
		"budget":       {"Budget", "Budget (USD)", "project_budget", "What is your budget?", "Presupuesto", "Бюджет проекта", "Welches Budget haben Sie?"},
		"timeline":     {"Timeline", "When do you need it?", "time-frame", "Deadline", "Wann brauchen Sie es?", "Délai", "Plazo", "Сроки", "Start date"},
		"product":      {"Product", "product_name", "Produkt", "Service", "Услуга", "Which product are you interested in?"},
		"quantity":     {"Quantity", "qty", "Number of licences", "Menge", "Quantité", "Cantidad", "Количество", "How many licenses do you need?"},
		"employees":    {"Employees", "Company size", "companySize", "Number of employees", "How many people work at your company?", "Mitarbeiterzahl", "Nombre de salariés", "Количество сотрудников"},
		"country":      {"Country", "Land", "Pays", "País", "Страна"},
		"website":      {"Website", "company_website", "URL", "Webseite", "Site web", "Сайт"},
		"industry":     {"Industry", "Branche", "Secteur", "Отрасль"},
		"consent":      {"consent", "I agree to receive e-mail", "Privacy policy", "Newsletter", "Ich stimme zu, per E-Mail kontaktiert zu werden"},
		"utm_source":   {"utm_source", "utmSource", "utm.source", "UTM Source"},
		"utm_campaign": {"utm_campaign"},
		"landing_page": {"landing page", "landingPage", "page_url"},
		"referrer":     {"referrer", "Referer", "HTTP_REFERER"},
		"gclid":        {"gclid", "GCLID"},
		// Japanese, as its form services label things, and site builders' own names
		"email ":      {"メールアドレス", "メールアドレス（必須）", "Eメール", "【必須】メールアドレス", "会社のメールアドレスをご入力ください", "field:email_ef7b", "et_pb_contact_email_0", "jform[contact_email]", "tx_powermail_pi1[field][email]", "submitted[email]", "Endereço de e-mail"},
		"name ":       {"お名前", "お名前 *", "氏名", "ご担当者名", "お名前（ふりがな）", "et_pb_contact_name_0", "jform[contact_name]"},
		"first_name ": {"名", "names[first_name]", "field:first_name_9a1b"},
		"last_name ":  {"姓", "names[last_name]", "Sobrenome"},
		"company ":    {"会社名", "貴社名", "御社名", "会社名・団体名", "会社名（任意）", "ご所属の会社名", "Nome da empresa"},
		"phone ":      {"電話番号", "お電話番号", "携帯電話", "電話番号（ハイフンなし）", "Telefone", "Numero di telefono"},
		"title ":      {"役職", "役職名", "お役職をお選びください"},
		"message ":    {"お問い合わせ内容", "お問合せ内容", "ご質問・ご要望", "ご相談内容", "具体的なお問い合わせ内容をご記入ください", "Mensagem", "et_pb_contact_message_0"},
		"subject ":    {"件名", "お問い合わせ種別", "Assunto"},
		"budget ":     {"予算", "ご予算", "ご予算はどのくらいですか？", "Orçamento"},
		"timeline ":   {"導入時期", "導入予定時期", "ご希望の納期", "いつ頃の導入をお考えですか", "Prazo"},
		"quantity ":   {"数量", "ライセンス数", "必要なライセンス数"},
		"employees ":  {"従業員数", "貴社の従業員数"},
		"product ":    {"製品名", "ご興味のあるサービス"},
		"industry ":   {"業種"},
		"consent ":    {"個人情報の取り扱いに同意する", "プライバシーポリシーに同意します"},
		"heard_from ": {"弊社を知ったきっかけ"},
		"at ":         {"time_submitted", "送信日時"},
		"recipient":   {"to", "_to", "recipient"},
		"form":        {"form_name", "Form Name", "formName"},
		"at":          {"at", "submitted_at", "timestamp"},
		// no known name: the name in snake case
		"favourite_colour": {"Favourite colour", "favouriteColour", "favourite-colour"},
		"event_name":       {"event.name"},
		"grosse":           {"Größe"},
		"любимый_цвет":     {"Любимый цвет"},
	} {
		key = strings.TrimSpace(key)
		for _, name := range names {
			c := ingest.FormContact(answers(name, "12345 a@b.example"), nil)
			if len(c.Fields) != 1 || c.Fields[0].Key != key {
				t.Errorf("%q: %+v, want key %q", name, c.Fields, key)
			}
		}
	}
}

// Every name in the file stands for the key it stands under, and for no other.
func TestFieldNamesFile(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("data", "fields.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		key, names, ok := strings.Cut(line, ":")
		if !ok || key == "wrapper" || key == "trailer" {
			continue
		}
		for name := range strings.SplitSeq(names, ",") {
			name = strings.TrimSpace(name)
			got := ingest.FormContact(answers(strings.TrimPrefix(name, "~"), "12345 a@b.example"), nil).Fields
			switch {
			case name == "" || strings.HasPrefix(name, "~"): // a whole name may go before
			case key == "secret":
				if len(got) != 0 {
					t.Errorf("%q is kept", name)
				}
			case len(got) != 1 || got[0].Key != key:
				t.Errorf("%q under %s: %+v", name, key, got)
			}
		}
	}
}

func TestSecretsAreDropped(t *testing.T) {
	for _, name := range []string{"password", "Password", "your-password", "user[password]", "Repeat password", "g-recaptcha-response", "h-captcha-response", "cf-turnstile-response", "_token", "csrf_token", "csrfmiddlewaretoken", "authenticity_token", "__RequestVerificationToken", "_wpnonce", "Passwort", "Credit card number", "CVV"} {
		c := ingest.FormContact(answers("email", "a@b.example", name, "s3cret-Value"), nil)
		if len(c.Fields) != 1 || strings.Contains(c.Text, "s3cret") {
			t.Errorf("%q kept: %+v", name, c)
		}
	}
}

func TestFormContact(t *testing.T) {
	for name, tc := range map[string]struct {
		fields []lead.Field
		m      ingest.FieldMap
		want   lead.Contact // without kind, class and fields
		keys   string
	}{
		"plain": {
			fields: answers("name", "Ada", "email", "Ada@acme.example", "phone", "030 123456", "company", "Acme", "job title", "CTO", "message", "We need it."),
			want: lead.Contact{
				Person:  lead.Person{Name: "Ada", Email: "Ada@acme.example", Phone: "030 123456", Title: "CTO"},
				Company: lead.Company{Name: "Acme"}, Text: "We need it.",
			},
			keys: "name email phone company title message",
		},
		"name in parts":   {fields: answers("first_name", "Ada", "last_name", "Lovelace"), want: lead.Contact{Person: lead.Person{Name: "Ada Lovelace"}}, keys: "first_name last_name"},
		"last name first": {fields: answers("Nachname", "Lovelace", "Vorname", "Ada"), want: lead.Contact{Person: lead.Person{Name: "Ada Lovelace"}}, keys: "last_name first_name"},
		"German Name":     {fields: answers("Name", "Lovelace", "Vorname", "Ada"), want: lead.Contact{Person: lead.Person{Name: "Ada Lovelace"}}, keys: "name first_name"},
		"Russian имя":     {fields: answers("Имя", "Ада", "Фамилия", "Лавлейс"), want: lead.Contact{Person: lead.Person{Name: "Ада Лавлейс"}}, keys: "name last_name"},
		"whole and parts": {fields: answers("name", "Ada Lovelace", "first_name", "Ada"), want: lead.Contact{Person: lead.Person{Name: "Ada Lovelace"}}, keys: "name first_name"},
		"blank is no answer": {
			fields: answers("email", "  ", "work email", "ada@acme.example", "message", ""),
			want:   lead.Contact{Person: lead.Person{Email: "ada@acme.example"}}, keys: "email",
		},
		"address under an unknown name": {
			fields: answers("x1", "hello", "reach", "ada@acme.example"),
			want:   lead.Contact{Person: lead.Person{Email: "ada@acme.example"}}, keys: "x1 email",
		},
		"e-mail without an address": {
			fields: answers("email", "on", "reach", "ada@acme.example"),
			want:   lead.Contact{Person: lead.Person{Email: "ada@acme.example"}}, keys: "email email",
		},
		"the recipient is not the sender": {
			fields: answers("_to", "sales@ours.example", "text", "see b@x.example and c@x.example"),
			want:   lead.Contact{Text: "see b@x.example and c@x.example"}, keys: "recipient message",
		},
		"yes is no phone number":      {fields: answers("May we phone you?", "yes"), keys: "phone"},
		"Mr is no job title":          {fields: answers("title", "Mr."), keys: "salutation"},
		"a form's title is no person": {fields: answers("form_name", "Contact us"), keys: "form"},
		"texts": {
			fields: answers("message", "One.", "colour", "blue", "Anything else?", "Two.", "comments", "One."),
			want:   lead.Contact{Text: "One.\n\nTwo."}, keys: "message colour message message",
		},
		"a long answer is text": {
			fields: answers("Where does it hurt", "Our present supplier is too slow and we have to change by June at the latest."),
			want:   lead.Contact{Text: "Our present supplier is too slow and we have to change by June at the latest."}, keys: "where_does_it_hurt",
		},
		"a story about the company": {
			fields: answers("Tell us about your company", "We are a small maker of engines in Cologne, forty people, and we export to three countries."),
			want:   lead.Contact{Text: "We are a small maker of engines in Cologne, forty people, and we export to three countries."}, keys: "message",
		},
		"the source's own map": {
			fields: answers("field_1", "ada@acme.example", "field_2", "5000", "email", "other@x.example", "name", "left out", "note", "gone"),
			m:      ingest.FieldMap{"field_1": "email", "field_2": "budget", "email": "colleague", "name": "-", "note": ""},
			want:   lead.Contact{Person: lead.Person{Email: "ada@acme.example"}}, keys: "email budget colleague",
		},
		"campaign": {
			fields: answers("utm_source", "google", "utm_medium", "cpc", "utm_campaign", "spring", "utm_term", "pumps", "utm_content", "a",
				"landing_page", "https://ours.example/?utm_source=x", "referrer", "https://search.example/"),
			want: lead.Contact{Campaign: lead.Campaign{Source: "google", Medium: "cpc", Name: "spring", Term: "pumps", Content: "a",
				Landing: "https://ours.example/?utm_source=x", Referrer: "https://search.example/"}},
			keys: "utm_source utm_medium utm_campaign utm_term utm_content landing_page referrer",
		},
		"campaign in the landing page": {
			fields: answers("landing_page", "https://ours.example/?utm_source=news&utm_campaign=may#top"),
			want:   lead.Contact{Campaign: lead.Campaign{Source: "news", Name: "may", Landing: "https://ours.example/?utm_source=news&utm_campaign=may#top"}},
			keys:   "landing_page",
		},
		"time": {
			fields: answers("submitted_at", "2026-03-02T10:15:00+01:00"),
			want:   lead.Contact{At: time.Date(2026, 3, 2, 9, 15, 0, 0, time.UTC)}, keys: "at",
		},
		"time in milliseconds": {
			fields: answers("timestamp", "1772442900123"),
			want:   lead.Contact{At: time.Date(2026, 3, 2, 9, 15, 0, 123e6, time.UTC)}, keys: "at",
		},
		"nothing": {},
	} {
		t.Run(name, func(t *testing.T) {
			got := ingest.FormContact(tc.fields, tc.m)
			var keys []string
			for _, f := range got.Fields {
				keys = append(keys, f.Key)
			}
			if k := strings.Join(keys, " "); k != tc.keys {
				t.Errorf("keys %q, want %q", k, tc.keys)
			}
			got.Fields = nil
			tc.want.Kind, tc.want.Class = lead.KindForm, lead.ClassInquiry
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestMarkEvent(t *testing.T) {
	for value, want := range map[string]string{
		"signed": "signed", "contract-out": "contract_out", "Declined": "declined", "invitee.created": "invitee.created",
		"form.submitted": "", "form_response": "", "Spring Fair 2026": "", "7": "",
	} {
		c := ingest.FormContact(answers("event", value, "person.email", "ada@acme.example"), nil)
		ingest.MarkEvent(&c)
		kind := lead.KindEvent
		if want == "" {
			kind = lead.KindForm
		}
		if c.Event != want || c.Kind != kind || c.Person.Email == "" {
			t.Errorf("%q: %+v", value, c)
		}
	}
}

func FuzzFormContact(f *testing.F) {
	f.Add("Your E-Mail", "ada@acme.example", "message", "We need 200 licences by June.")
	f.Add("q5_fullName[first]", "Ada", "landing page", "https://x.example/?utm_source=%zz&utm_term=a")
	f.Add("\xff[", "\x00", "Эл. почта", "İ@x.example")
	id := identity(f)
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2 string) {
		fields := answers(n1, v1, n2, v2, "email", "ada@acme.example")
		c := ingest.FormContact(fields, ingest.FieldMap{"x": "budget"})
		for _, field := range c.Fields {
			if strings.TrimSpace(field.Value) == "" || field.Key == "secret" {
				t.Errorf("kept %+v", field)
			}
			if len(field.Key) > 64 {
				t.Errorf("key of %d bytes", len(field.Key))
			}
		}
		if c.Person.Email == "" {
			t.Error("the address is lost")
		}
		if d := cmp.Diff(c, ingest.FormContact(fields, ingest.FieldMap{"x": "budget"})); d != "" {
			t.Errorf("not the same twice: %s", d)
		}
		c.ID = "1"
		id.Complete(&c)
		if _, err := lead.Encode(&c); err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkFormContact(b *testing.B) {
	fields := answers("name", "Ada Lovelace", "Your E-Mail", "ada@acme.example", "company", "Acme", "message", "We need 200 licences by June.", "What is your budget?", "50,000", "utm_source", "google")
	for b.Loop() {
		ingest.FormContact(fields, nil)
	}
}
