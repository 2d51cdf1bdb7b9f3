package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// demoDomain is the domain of the company whose demo it is.
const demoDomain = "leadd-demo.example"

// sample is one sample contact: a mail in the inbox, or a form or event posted
// to a source.
type sample struct {
	at     time.Time
	source string
	body   []byte // JSON
	mail   []byte // RFC 5322
	broken bool   // is to end as a dead letter
}

// buyer is a company and the people who write for it.
type buyer struct {
	company, domain string
	first, last     string
	title           string
	product         string
	quantity        int
	budget          string
	language        string
}

func (b buyer) name() string  { return b.first + " " + b.last }
func (b buyer) email() string { return strings.ToLower(b.first) + "@" + b.domain }

// The material of the samples.
var (
	demoNames = [][2]string{
		{"Ada", "Marsh"}, {"Jonas", "Keller"}, {"Claire", "Moreau"}, {"Lucia", "Ortega"}, {"Tom", "Whitfield"},
		{"Mira", "Hansen"}, {"Paul", "Okafor"}, {"Nina", "Berger"}, {"Henri", "Lefort"}, {"Carlos", "Vidal"},
		{"Grace", "Nolan"}, {"Felix", "Brandt"}, {"Sofia", "Rinaldi"}, {"Omar", "Haddad"}, {"Ruth", "Ellery"},
		{"Anton", "Weiss"}, {"Julie", "Garnier"}, {"Elena", "Campos"}, {"Peter", "Lindqvist"}, {"Hana", "Dvorak"},
	}
	demoCompanies = []string{
		"Northwind Bakery", "Keller Logistik", "Atelier Moreau", "Ortega Viajes", "Whitfield Estates", "Hansen Marine",
		"Okafor Clinics", "Berger Optik", "Lefort Vins", "Vidal Textil", "Nolan Schools", "Brandt Werkzeuge",
		"Rinaldi Cafes", "Haddad Media", "Ellery Care", "Weiss Pumpen", "Garnier Fleurs", "Campos Solar",
		"Lindqvist Timber", "Dvorak Glass", "Bluebird Hotels", "Harbour Freight Lines", "Pine Street Dental",
		"Quarry Stone", "Redwood Gyms", "Silverline Taxis", "Tidewater Foods", "Upland Farms", "Valley Print", "Westgate Tools",
	}
	demoTitles   = []string{"CTO", "Head of Operations", "Office Manager", "Managing Director", "IT Administrator", "Purchasing Manager", "Owner", "Marketing Assistant"}
	demoProducts = []string{"scheduling licences", "field service tablets", "booking seats", "inventory scanners", "payroll seats"}
	demoBudgets  = []string{"12,000 EUR", "25,000 USD", "8,500 EUR", "60,000 USD", "40,000 GBP"}
	// Campaigns by source and medium; the empty one is a visitor of their own accord.
	demoCampaigns = [][2]string{{"", ""}, {"google", "cpc"}, {"newsletter", "email"}, {"linkedin", "social"}, {"google", "organic"}}
)

// demoWant are ways to say that something is needed, by language. %[1]d is a
// quantity, %[2]s a product, %[3]s an amount.
var demoWant = map[string][]string{
	"en": {
		"We are looking for %[1]d %[2]s. Our budget is %[3]s and we would like to start within two months. Could you send us a quote?",
		"We need to replace our present tool before our contract ends in ten weeks. It is about %[1]d %[2]s; %[3]s has been approved. Please show us a demo.",
	},
	"de": {"Wir suchen %[1]d %[2]s. Unser Budget liegt bei %[3]s, und wir möchten innerhalb von zwei Monaten starten. Bitte senden Sie uns ein Angebot."},
	"fr": {"Nous cherchons %[1]d %[2]s. Notre budget est de %[3]s et nous souhaitons commencer d'ici deux mois. Pouvez-vous nous envoyer un devis ?"},
	"es": {"Necesitamos %[1]d %[2]s. Nuestro presupuesto es de %[3]s y queremos empezar en dos meses. ¿Pueden enviarnos una oferta?"},
}

// demoAsk are first touches that show little.
var demoAsk = []string{
	"Hello, do you have an office in our region?", "I saw your talk and liked it. Where can I find the slides?",
	"Do you offer training material?", "Is there a newsletter I can subscribe to?", "Which browsers do you support?",
}

// demoSamples are some two hundred contacts of the eight weeks before now:
// companies that only asked something, and companies on their way to lead,
// opportunity, customer or loss. The same now gives the same samples.
func demoSamples(now time.Time) []sample {
	random := rand.New(rand.NewPCG(7, 11))
	var all []sample
	for i := range 90 {
		b := demoBuyer(random, i)
		begin := now.Add(-time.Duration(random.IntN(56*24*60)+90) * time.Minute)
		all = append(all, b.story(random, begin, now)...)
	}
	all = append(all,
		sample{at: now.Add(-50 * time.Hour), source: "website", body: []byte(`{"email": "tom@unclosed.example", "message": "We need`), broken: true},
		sample{at: now.Add(-20 * time.Hour), mail: []byte("\x00\x01\x02\x03 no mail, but what a scanner sent \xff\xfe"), broken: true},
	)
	slices.SortStableFunc(all, func(a, b sample) int { return a.at.Compare(b.at) })
	return all
}

func demoBuyer(random *rand.Rand, i int) buyer {
	name := demoNames[random.IntN(len(demoNames))]
	company := demoCompanies[i%len(demoCompanies)]
	if round := i / len(demoCompanies); round > 0 {
		company += []string{"", " North", " South"}[round]
	}
	return buyer{
		company: company, domain: strings.ToLower(strings.ReplaceAll(company, " ", "-")) + ".example",
		first: name[0], last: name[1], title: demoTitles[random.IntN(len(demoTitles))],
		product: demoProducts[random.IntN(len(demoProducts))], quantity: 5 * (1 + random.IntN(60)),
		budget: demoBudgets[random.IntN(len(demoBudgets))], language: []string{"en", "en", "en", "de", "fr", "es"}[random.IntN(6)],
	}
}

// story lets a buyer go as far as chance and the time until now allow.
func (b buyer) story(random *rand.Rand, at, now time.Time) []sample {
	var told []sample
	tell := func(s sample) bool {
		if !s.at.Before(now) {
			return false
		}
		told = append(told, s)
		return true
	}
	later := func(days int) {
		at = at.Add(time.Duration(days)*24*time.Hour + time.Duration(random.IntN(10*60))*time.Minute)
	}
	fate := random.IntN(100)
	if fate < 48 { // never more than a question
		if random.IntN(2) == 0 {
			tell(b.form(random, "website", at, map[string]string{"message": demoAsk[random.IntN(len(demoAsk))]}))
		} else {
			tell(b.form(random, "webinar", at, map[string]string{"message": "Registration for the webinar."}))
		}
		return told
	}

	wants := demoWant[b.language]
	want := fmt.Sprintf(wants[random.IntN(len(wants))], b.quantity, b.product, b.budget)
	if random.IntN(2) == 0 {
		tell(b.mail(at, "Quote for "+b.product, want, false))
	} else {
		tell(b.form(random, "pricing", at, map[string]string{
			"message": want, "budget": b.budget, "timeline": "within 2 months", "product": b.product,
		}))
	}
	if fate < 70 {
		return told
	}
	later(1 + random.IntN(4))
	tell(b.event("contacted", at))
	later(1 + random.IntN(5))
	tell(b.mail(at, "Re: Your questions", fmt.Sprintf(
		"Thank you for the call yesterday. As discussed we need %d %s at three sites, with single sign-on and an export to our accounting. "+
			"What discount can you offer, and could we pay in 60 days?", b.quantity, b.product), true))
	if fate < 80 {
		return told
	}
	later(3 + random.IntN(8))
	if fate < 86 {
		tell(b.mail(at, "Re: Your offer", "Thank you for your patience. We have decided to go with another supplier, so please close our request.", true))
		return told
	}
	tell(b.event("contract_out", at))
	if fate < 92 {
		return told
	}
	later(2 + random.IntN(6))
	tell(b.event("signed", at))
	return told
}

func (b buyer) form(random *rand.Rand, source string, at time.Time, answers map[string]string) sample {
	body := map[string]string{
		"name": b.name(), "email": b.email(), "company": b.company, "job_title": b.title,
		"submitted_at": at.Format(time.RFC3339),
	}
	if c := demoCampaigns[random.IntN(len(demoCampaigns))]; c[0] != "" {
		body["utm_source"], body["utm_medium"] = c[0], c[1]
	}
	for k, v := range answers {
		body[k] = v
	}
	return sample{at: at, source: source, body: marshal(body)}
}

// event is what a sales system reports about the buyer.
func (b buyer) event(name string, at time.Time) sample {
	return sample{at: at, source: "salesdesk", body: marshal(map[string]any{
		"event": name, "at": at.Format(time.RFC3339),
		"person": map[string]string{"name": b.name(), "email": b.email()},
	})}
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings
	}
	return b
}

func (b buyer) mail(at time.Time, subject, text string, reply bool) sample {
	greeting := map[string]string{"en": "Hello,", "de": "Guten Tag,", "fr": "Bonjour,", "es": "Hola:"}[b.language]
	if reply {
		greeting = "Hello,"
	}
	var m strings.Builder
	header := func(name, value string) { fmt.Fprintf(&m, "%s: %s\r\n", name, value) }
	header("From", fmt.Sprintf("%s <%s>", b.name(), b.email()))
	header("To", "Sales <sales@"+demoDomain+">")
	header("Subject", subject)
	header("Date", at.Format(time.RFC1123Z))
	header("Message-ID", fmt.Sprintf("<%d@%s>", at.Unix(), b.domain))
	if reply {
		header("In-Reply-To", fmt.Sprintf("<%d@%s>", at.Unix()-86400, demoDomain))
	}
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "8bit")
	fmt.Fprintf(&m, "\r\n%s\r\n\r\n%s\r\n\r\n-- \r\n%s\r\n%s, %s\r\n", greeting, text, b.name(), b.title, b.company)
	return sample{at: at, mail: []byte(m.String())}
}
