package dashboard

import (
	"context"
	"time"

	"leadd/lead"
)

// Member is a person at a prospect.
type Member struct {
	lead.Person
	Authority bool      `json:"authority"` // has shown the criterion of that name
	Showed    []string  `json:"showed"`    // criteria that their words, title or answers are evidence for, by name
	Contacts  uint64    `json:"contacts"`
	Last      time.Time `json:"last_at"`
}

func (s store) people(ctx context.Context, key, product string, upto int64) ([]Member, error) {
	rows, err := selectRows[struct {
		Email     string    `ch:"newest_email"`
		Name      string    `ch:"newest_name"`
		Phone     string    `ch:"newest_phone"`
		Title     string    `ch:"newest_title"`
		Showed    []string  `ch:"showed"`
		Authority bool      `ch:"authority"`
		Contacts  uint64    `ch:"contacts"`
		Last      time.Time `ch:"last_at"`
	}](ctx, s, "people", peopleSQL, map[string]any{"key": key, "product": product, "upto": upto, "limit": maxPeople})
	if err != nil {
		return nil, err
	}
	people := make([]Member, len(rows))
	for i, r := range rows {
		people[i] = Member{
			Person:    lead.Person{Email: r.Email, Name: r.Name, Phone: r.Phone, Title: r.Title},
			Authority: r.Authority, Showed: r.Showed, Contacts: r.Contacts, Last: r.Last,
		}
	}
	return people, nil
}

// ShowedWords lists what a person showed beside authority, "" for nothing:
// "Showed need, budget and timeline".
func (m Member) ShowedWords() string {
	var names []string
	for _, name := range m.Showed {
		if name != "authority" {
			names = append(names, plain(name))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "Showed " + listed(names)
}
