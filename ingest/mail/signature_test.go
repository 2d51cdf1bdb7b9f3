package mail_test

import "testing"

// TestSignature: who wrote it, by the lines below their words.
func TestSignature(t *testing.T) {
	r := newReader(t)
	for name, c := range map[string]struct{ from, body, name, title, phone, company string }{
		"signed for somebody else": {
			from: "Sekretariat <office@klinik.example>", body: "ein Angebot bitte.\n\nMit freundlichen Grüßen\ni. A. Vera Lorenz\nSekretariat der Klinikleitung\n",
			name: "Vera Lorenz", title: "Sekretariat der Klinikleitung",
		},
		"on behalf of the mayor": {
			from: "Service technique <technique@ville.example>", body: "un devis svp.\n\nPour le Maire et par délégation,\nLuc Besnard\nDirecteur des services\n",
			name: "Luc Besnard", title: "Directeur des services",
		},
		"degrees about the name": {
			from: `"Dr. Ann Poe" <ann@vets.example>`, body: "please quote.\n\nAnn Poe DVM\nOwner\n+1 603 555 0142\n",
			name: "Dr. Ann Poe", title: "Owner", phone: "+16035550142",
		},
		"legal form behind the title": {
			from: "Пётр Ким <kim@stal.example>", body: "Пришлите прайс.\n\nС уважением,\nПётр Ким\nкоммерческий директор ООО \"Сталь\"\n",
			name: "Пётр Ким", title: "коммерческий директор", company: "ООО \"Сталь\"",
		},
		"Swiss words, no country code": {
			from: "Reto Kägi <reto@kaegi.example>", body: "Grüezi\n\nbitte um eine Offerte, max. 900 Franken.\n\nFreundliche Grüsse\nReto Kägi\n041 370 22 11\n",
			name: "Reto Kägi", phone: "+41413702211",
		},
	} {
		got, err := r.Contact([]byte("From: "+c.from+"\nTo: sales@ours.example\nSubject: x\nContent-Type: text/plain; charset=utf-8\n\n"+c.body), received)
		if err != nil {
			t.Fatal(err)
		}
		if p := got.Person; p.Name != c.name || p.Title != c.title || p.Phone != c.phone || c.company != "" && got.Company.Name != c.company {
			t.Errorf("%s: %+v at %q", name, p, got.Company.Name)
		}
	}
}
