package mail

import (
	"strings"

	"leadd/lead"
)

// readCards fills what is not known yet from the sender's own visiting card.
// A card with another address is somebody else's.
func (r *Reader) readCards(c *lead.Contact, cards []string) {
	for _, card := range cards {
		values := map[string]string{}
		for _, line := range textLines(card) {
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				continue
			}
			name, _, _ = strings.Cut(strings.ToUpper(name), ";")
			if _, group, ok := strings.Cut(name, "."); ok { // item1.TEL
				name = group
			}
			if values[name] == "" {
				values[name] = strings.TrimSpace(cut(cardText.Replace(value), 200))
			}
		}
		if email, ok := r.id.Email(values["EMAIL"]); !ok || email != c.Person.Email {
			continue
		}
		set := func(to *string, value string) {
			if *to == "" {
				*to = value
			}
		}
		set(&c.Person.Name, values["FN"])
		set(&c.Person.Title, values["TITLE"])
		organisation, _, _ := strings.Cut(values["ORG"], ";")
		set(&c.Company.Name, organisation)
		set(&c.Person.Phone, r.id.Phone(strings.TrimPrefix(values["TEL"], "tel:")))
	}
}

var cardText = strings.NewReplacer(`\,`, ",", `\;`, ";", `\n`, " ", `\N`, " ", `\\`, `\`)
