package ingest

import (
	"net/url"
	"slices"
	"strings"

	"leadd/lead"
)

// FieldMap is a source's own mapping: the field's name exactly as sent, and
// the key it stands for ("your_thing": "budget"). An empty key or "-" leaves
// the field out.
type FieldMap map[string]string

// FormContact makes a contact of a form's answers, given as names and values
// in the order sent. It knows what fields are called in several languages
// (data/fields.txt), m goes before; where no name says e-mail, a value that
// is an address does. Every field with an answer is kept under its key,
// except passwords, tokens and the like.
//
// The contact has kind, class, person, company name, campaign, subject, text
// and fields as sent; Identity.Complete normalises them. At is set where the
// form says when it was sent.
func FormContact(fields []lead.Field, m FieldMap) lead.Contact {
	c := lead.Contact{Kind: lead.KindForm, Class: lead.ClassInquiry, Fields: make([]lead.Field, 0, min(len(fields), MaxFields))}
	names := knownNames()
	var name, first, last string
	var texts []string
	var nameless []int // fields whose name says nothing
	for _, f := range fields {
		value := strings.TrimSpace(f.Value)
		if value == "" || len(c.Fields) == MaxFields {
			continue
		}
		key, how := m[f.Name], byName
		if _, mapped := m[f.Name]; !mapped {
			key, how = names.key(f.Name)
			key = checked(key, how, value)
		}
		if key == "" || key == "-" || key == keySecret {
			continue
		}
		if how == unknown {
			nameless = append(nameless, len(c.Fields))
		}
		c.Fields = append(c.Fields, lead.Field{Name: f.Name, Key: key, Value: value})
		switch key {
		case "email":
			if isAddress(value) {
				setFirst(&c.Person.Email, value)
			}
		case "name":
			setFirst(&name, value)
		case "first_name":
			setFirst(&first, value)
		case "last_name":
			setFirst(&last, value)
		case "phone":
			if isNumber(value) {
				setFirst(&c.Person.Phone, value)
			}
		case "title":
			setFirst(&c.Person.Title, value)
		case "company":
			setFirst(&c.Company.Name, value)
		case "subject":
			setFirst(&c.Subject, value)
		case "message":
			texts = append(texts, value)
		case "at":
			if at, ok := ParseTime(value); ok && c.At.IsZero() {
				c.At = at
			}
		default:
			if how == unknown && isProse(value) {
				texts = append(texts, value)
			}
			setCampaign(&c.Campaign, key, value)
		}
	}
	if c.Person.Email == "" {
		for _, i := range nameless {
			if f := &c.Fields[i]; isAddress(f.Value) && !strings.ContainsAny(f.Value, " ,;\n") {
				f.Key, c.Person.Email = "email", f.Value
				break
			}
		}
	}
	c.Person.Name = fullName(name, first, last)
	c.Text = joinTexts(texts)
	setCampaignFromLanding(&c.Campaign)
	return c
}

// checked corrects what a name says where the value cannot be that: "Mr" is
// no job title, and whoever asks "Tell us about your company" gets no name.
func checked(key string, how how, value string) string {
	switch {
	case key == "title" && isSalutation(value):
		return "salutation"
	case how == byPhrase && len(value) > 80 && (key == "company" || key == "name" || key == "title"):
		return "message"
	}
	return key
}

func isSalutation(value string) bool {
	switch strings.ToLower(strings.TrimSuffix(value, ".")) {
	case "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "prof. dr", "herr", "frau", "m", "mme", "mlle", "monsieur", "madame", "sr", "sra", "señor", "señora", "г-н", "г-жа":
		return true
	}
	return false
}

func isAddress(value string) bool {
	_, ok := cleanAddress(value)
	return ok
}

// isNumber reports whether value can be a phone number: "yes" to "May we
// phone you?" is none.
func isNumber(value string) bool {
	digits := 0
	for i := range len(value) {
		if value[i] >= '0' && value[i] <= '9' {
			digits++
		}
	}
	return digits >= 5 && len(value) <= 60
}

// isProse reports whether an answer is long enough to be read as a text.
func isProse(value string) bool {
	return len(value) >= 60 && strings.Count(value, " ") >= 6 && value[0] != '{' && value[0] != '['
}

func setFirst(to *string, value string) {
	if *to == "" {
		*to = value
	}
}

// fullName puts a name together. Where a form has "name" and one part, "name"
// may be the whole or the other part (German "Vorname, Name").
func fullName(name, first, last string) string {
	switch {
	case name == "":
		return strings.TrimSpace(first + " " + last)
	case first != "" && last == "" && !containsFold(name, first):
		return first + " " + name
	case last != "" && first == "" && !containsFold(name, last):
		return name + " " + last
	}
	return name
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

// joinTexts joins texts by blank lines; what a form sends twice stands once.
func joinTexts(texts []string) string {
	if len(texts) < 2 {
		return strings.Join(texts, "")
	}
	var kept []string
	for _, t := range texts {
		if !slices.Contains(kept, t) {
			kept = append(kept, t)
		}
	}
	return strings.Join(kept, "\n\n")
}

func setCampaign(c *lead.Campaign, key, value string) {
	switch key {
	case "utm_source":
		setFirst(&c.Source, value)
	case "utm_medium":
		setFirst(&c.Medium, value)
	case "utm_campaign":
		setFirst(&c.Name, value)
	case "utm_term":
		setFirst(&c.Term, value)
	case "utm_content":
		setFirst(&c.Content, value)
	case "landing_page":
		setFirst(&c.Landing, value)
	case "referrer":
		setFirst(&c.Referrer, value)
	}
}

// LandedOn says that the form of c stands on a page of ours. Where the form has
// not said on which page the visitor came in, this one is the best guess.
func LandedOn(c *lead.Contact, page string) {
	if c.Campaign.Landing == "" && (strings.HasPrefix(page, "https://") || strings.HasPrefix(page, "http://")) {
		c.Campaign.Landing = page
		setCampaignFromLanding(&c.Campaign)
	}
}

// setCampaignFromLanding takes from the landing page's address what the form
// has not said in fields of its own.
func setCampaignFromLanding(c *lead.Campaign) {
	_, query, ok := strings.Cut(c.Landing, "?")
	if !ok || !strings.Contains(query, "utm_") {
		return
	}
	query, _, _ = strings.Cut(query, "#")
	values, _ := url.ParseQuery(query) // what could be read is good enough
	for key := range values {
		setCampaign(c, key, values.Get(key))
	}
}
