package scoring_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leadd/lead"
	"leadd/scoring"
)

func TestExplainDefaultCriteria(t *testing.T) {
	const golden = "testdata/explain/default.txt"
	got := scoring.Default().Explain()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Error(d)
	}
}

// explainCriteria has a criterion of this condition, and a lead of this rule.
func explainCriteria(t *testing.T, when, rule string) *scoring.Criteria {
	t.Helper()
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	c, err := scoring.Parse("x.yaml", []byte(fmt.Sprintf(`
name: x
version: 1
criteria:
  - {name: asked, points: 1, when: %s}
  - {name: second_thing, points: 0, when: 'true'}
  - {name: third, points: -1200, when: 'true'}
stages: {lead: %s}
`, quote(when), quote(rule))))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every construct that a condition can have, and what it says.
func TestExplainCondition(t *testing.T) {
	for when, want := range map[string]string{
		// what a contact has
		`text.says("need")`:                          `their words speak of a need`,
		`not text.says("budget")`:                    `their words do not speak of a budget`,
		`has(fields.product)`:                        `the form's product is filled`,
		`!has(fields.product)`:                       `the form's product is empty`,
		`fields["product_name"] == ""`:               `the form's product name is empty`,
		`fields.product != ''`:                       `the form's product is filled`,
		`has(person.phone)`:                          `their phone number is known`,
		`not has(company.domain)`:                    `their company's domain is not known`,
		`has(subject)`:                               `the subject is filled`,
		`number(fields.budget) > 0`:                  `the form's budget names a number above 0`,
		`number(fields.budget) >= 5000`:              `the form's budget names a number of at least 5,000`,
		`number(fields.budget) < 5000`:               `the form's budget names no number of at least 5,000`,
		`number(fields.budget) <= 5000`:              `the form's budget names no number above 5,000`,
		`number(fields.seats) == 12`:                 `the form's seats names a number of exactly 12`,
		`number(fields.seats) != 12`:                 `the form's seats names no number of exactly 12`,
		`number(fields.seats) >= 0`:                  `the number in the form's seats is at least 0`,
		`text.money(USD) >= 5000`:                    `their words name a budget of at least 5,000 in USD`,
		`text.money("EUR") > 0`:                      `their words name a budget in EUR`,
		`text.money() < 2500.5`:                      `their words name no budget of at least 2500.5 in any currency`,
		`1000 < text.money(USD)`:                     `their words name a budget above 1,000 in USD`,
		`text.money(USD) > number(fields.budget)`:    `the largest budget that their words name in USD is above the number in the form's budget`,
		`text.deadline <= days(90)`:                  `their words name a time within 90 days`,
		`text.deadline < days(1)`:                    `their words name a time in less than 1 day`,
		`text.deadline > 90`:                         `their words name no time within 90 days`,
		`text.deadline >= days(90)`:                  `their words name no time in less than 90 days`,
		`not (len(subject) < 5)`:                     `the length of the subject is at least 5`,
		`not (len(subject) >= 5)`:                    `the length of the subject is below 5`,
		`not (5 > len(subject))`:                     `the length of the subject is at least 5`,
		`not (len(subject) != 5)`:                    `the length of the subject is 5`,
		`not (text.deadline <= days(90))`:            `their words name no time within 90 days`,
		`due(fields.timeline) <= days(183)`:          `the form's timeline names a time within 183 days`,
		`due(fields.timeline) == days(7)`:            `the form's timeline names a time in exactly 7 days`,
		`days(90) >= due(fields.timeline)`:           `the form's timeline names a time within 90 days`,
		`person.seniority >= head`:                   `their job title is that of a head of department or higher`,
		`person.seniority < manager`:                 `their job title is below that of a manager, or unknown`,
		`person.seniority == c_level`:                `their job title is that of a C-level manager`,
		`person.seniority != vp`:                     `their job title is not that of a VP`,
		`head < person.seniority`:                    `their job title is higher than that of a head of department`,
		`person.seniority <= senior`:                 `their job title is at most that of a senior, or unknown`,
		`kind == "form"`:                             `it is a form`,
		`kind != "event"`:                            `it is not an event`,
		`kind in ["form", "mail"]`:                   `it is a form or a mail`,
		`class == "form_notification"`:               `it is a form notification`,
		`class not in ["reply", "forward"]`:          `it is not a reply or a forward`,
		`source == "website"`:                        `it comes through "website"`,
		`source not in ["a", "b", "c"]`:              `it does not come through "a", "b" or "c"`,
		`event == "signed"`:                          `the event "signed" is reported`,
		`event in ["signed", "purchase_order"]`:      `the event "signed" or "purchase_order" is reported`,
		`"signed" != event`:                          `the event "signed" is not reported`,
		`person.title in ["CTO", "CIO"]`:             `their job title is "CTO" or "CIO"`,
		`fields.country == "DE"`:                     `the form's country is "DE"`,
		`person.name == company.name`:                `their name is their company's name`,
		`subject contains "offer"`:                   `the subject contains "offer"`,
		`subject not contains "offer"`:               `the subject does not contain "offer"`,
		`person.email startsWith "info@"`:            `their address begins with "info@"`,
		`person.email endsWith ".edu"`:               `their address ends with ".edu"`,
		`not (person.email endsWith ".edu")`:         `their address does not end with ".edu"`,
		`subject matches "^(?i)offer"`:               `the subject matches the pattern "^(?i)offer"`,
		`hasPrefix(subject, "Re:")`:                  `the subject begins with "Re:"`,
		`not hasSuffix(subject, "?")`:                `the subject does not end with "?"`,
		`lower(person.title) contains "buyer"`:       `their job title in small letters contains "buyer"`,
		`fields.code | trim() | upper() == "X"`:      `the form's code without blanks around it in capital letters is "X"`,
		`len(fields.message) > 20`:                   `the length of the form's message is above 20`,
		`len(fields.message) not in 1..5`:            `the length of the form's message is not from 1 to 5`,
		`indexOf(subject, "!") != -1`:                `the place of "!" in the subject is not minus 1`,
		`abs(-3) == +3`:                              `minus 3 without its sign is 3`,
		`min(1, 2) < max(number(fields.a), 4)`:       `the smallest of 1 and 2 is below the largest of the number in the form's a and 4`,
		`number(fields.a) * 2 + 1 <= 12500`:          `(the number in the form's a times 2) plus 1 is at most 12,500`,
		`number(fields.a) - 1 > 2`:                   `the number in the form's a minus 1 is above 2`,
		`number(fields.a) / 2 > 1.5`:                 `the number in the form's a divided by 2 is above 1.5`,
		`7 % 2 == 1`:                                 `the remainder of 7 divided by 2 is 1`,
		`2 ** 3 == 2 ^ 3`:                            `2 to the power of 3 is 2 to the power of 3`,
		`subject + "!" == "x!"`:                      `the subject followed by "!" is "x!"`,
		`(fields.a ?? "x") == "x"`:                   `the form's a or else "x" is "x"`,
		`any(["a", "b"], {subject contains #})`:      `for at least one of "a" and "b": the subject contains it`,
		`all(["a", "b"], subject contains #)`:        `for each of "a" and "b": the subject contains it`,
		`none(["a"], # == subject)`:                  `for none of "a": it is the subject`,
		`one(["a", "b"], # in [subject, source])`:    `for exactly one of "a" and "b": it is the subject or the source`,
		`not any(["a"], {subject contains #})`:       "`any([\"a\"], subject contains #)` does not hold",
		`has(subject) ? kind == "mail" : has(event)`: `where the subject is filled, it is a mail, and otherwise the event is filled`,
		`true`:                   `this always holds`,
		`false`:                  `this never holds`,
		`event == nil`:           `the event is nothing`,
		`has(subject) == true`:   "`has(subject)` is true",
		`subject[0:2] == "Re"`:   "`subject[0:2]` is \"Re\"",
		`{"a": 1}["a"] == 1`:     "`{a: 1}.a` is 1",
		`subject in {"a": true}`: "the subject is in `{a: true}`",

		// what came before
		`history.count("form") >= 3`:                       `at least 3 forms have come so far`,
		`history.count("form") > 0`:                        `at least 1 form has come so far`,
		`3 > history.count("mail")`:                        `at most 2 mails have come so far`,
		`history.count("mail") <= 1_000`:                   `at most 1,000 mails have come so far`,
		`history.count("mail") == 0`:                       `no mails have come so far`,
		`history.count("mail") < 1`:                        `no mails have come so far`,
		`history.count("mail") < 0`:                        `the number of mails so far is below 0`,
		`history.count("event") != 2`:                      `not just 2 events have come so far`,
		`not (history.count("event") == 2)`:                `not just 2 events have come so far`,
		`history.count("call") == 1`:                       `exactly 1 event "call" has been reported so far`,
		`history.count("call") >= 2`:                       `at least 2 events "call" have been reported so far`,
		`history.count("call") == 0`:                       `no events "call" have been reported so far`,
		`history.count("form") in [1, 2]`:                  `the number of forms so far is 1 or 2`,
		`history.count("form") > history.count("call")`:    `the number of forms so far is above the number of times that the event "call" was reported so far`,
		`history.first("form") <= days(30)`:                `the first form came at most 30 days ago`,
		`history.first("form") < 30`:                       `the first form came less than 30 days ago`,
		`history.first("form") == 0`:                       `the first form came exactly 0 days ago`,
		`days(1) < history.first("call")`:                  `the event "call" was first reported more than 1 day ago, or never`,
		`history.since("mail") >= days(60)`:                `before this contact, the latest mail came at least 60 days ago, or never`,
		`not (history.since("mail") >= days(60))`:          `before this contact, the latest mail came less than 60 days ago`,
		`history.since("call") != 2`:                       `before this contact, the event "call" was last reported not exactly 2 days ago, or never`,
		`history.since("call") > history.since("mail")`:    `the number of days since the event "call" was last reported before this contact is above the number of days since the latest mail before this contact`,
		`history.first("form") == history.first("call")`:   `the number of days since the first form is the number of days since the event "call" was first reported`,
		`history.first("form") < days(7 * 2)`:              `the number of days since the first form is below 7 times 2 days`,
		`history.contacts >= 5`:                            `at least 5 contacts have come so far`,
		`history.contacts < 2 and history.people == 1`:     `at most 1 contact has come so far and exactly 1 person has been heard of so far`,
		`history.people > 1`:                               `at least 2 people have been heard of so far`,
		`history.people * 2 <= history.contacts`:           `the number of people so far times 2 is at most the number of contacts so far`,
		`person.provider == "academic"`:                    `their address is that of a university`,
		`person.provider != "disposable"`:                  `their address is not that of a throw-away provider`,
		`"free" == person.provider`:                        `their address is that of a free-mail provider`,
		`person.provider in ["free", "disposable"]`:        `their address is that of a free-mail provider or a throw-away provider`,
		`not (person.provider in ["free", ""])`:            `their address is not that of a free-mail provider or their company, or unknown`,
		`person.provider == ""`:                            `their address is none of a free-mail provider, a throw-away provider or a university`,
		`has(person.provider)`:                             `their address is that of a free-mail provider, a throw-away provider or a university`,
		`person.provider == "rented"`:                      `their address is that of the sort "rented"`,
		`person.provider startsWith "f"`:                   `the sort of their address begins with "f"`,
		`company.domain in ["rival.example", "r.example"]`: `their company's domain is "rival.example" or "r.example"`,

		// conditions together
		`has(subject) or has(event)`:                               `the subject is filled, or the event is filled`,
		`has(subject) and has(event) and has(source)`:              `the subject is filled and the event is filled and the source is filled`,
		`has(subject) || has(event) && has(source)`:                `the subject is filled, or the event is filled and the source is filled together`,
		`has(subject) && (has(event) || has(source) || has(kind))`: `the subject is filled and either the event is filled or the source is filled or the kind is filled`,
		`!(has(subject) && has(event))`:                            `it is not so that the subject is filled and the event is filled together`,
		`!(has(subject) || has(event))`:                            `it is not so that either the subject is filled or the event is filled`,
		`!!has(subject)`:                                           `the subject is filled`,
		`not (has(subject) ? true : false)`:                        `it is not so that where the subject is filled, this always holds, and otherwise this never holds`,
	} {
		t.Run(when, func(t *testing.T) {
			got := explainCriteria(t, when, "met(asked)").ExplainCriterion("asked")
			if d := cmp.Diff("Asked (1 point) is met when "+want+".", got); d != "" {
				t.Error(d)
			}
		})
	}
}

// Every construct that only a stage's rule has.
func TestExplainRule(t *testing.T) {
	for rule, want := range map[string]string{
		`met(asked)`:                                   `asked is met`,
		`not met(second_thing)`:                        `second thing is not met`,
		`count(asked, second_thing, third) >= 1`:       `at least one of asked, second thing and third is met`,
		`count(asked, second_thing, third) > 1`:        `at least two of asked, second thing and third are met`,
		`count(asked, second_thing, third) == 3`:       `asked, second thing and third are all met`,
		`3 <= count(asked, second_thing, third)`:       `asked, second thing and third are all met`,
		`count(asked, second_thing) == 1`:              `exactly one of asked and second thing is met`,
		`count(asked, second_thing) != 1`:              `not just one of asked and second thing is met`,
		`count(asked, second_thing) == 0`:              `none of asked and second thing is met`,
		`count(asked, second_thing) < 1`:               `none of asked and second thing is met`,
		`count(asked, second_thing, third) <= 2`:       `at most two of asked, second thing and third are met`,
		`not (count(asked, third) >= 1)`:               `none of asked and third is met`,
		`count(asked, third) * 10 > score`:             `how many of asked and third are met times 10 is above the score`,
		`score >= 50`:                                  `the score is at least 50`,
		`50 > score`:                                   `the score is below 50`,
		`not (score > 50)`:                             `the score is at most 50`,
		`score in 50..100`:                             `the score is from 50 to 100`,
		`stage == lead`:                                `the prospect is a lead`,
		`stage != lost`:                                `the prospect is not lost`,
		`stage >= opportunity`:                         `the prospect is an opportunity or further`,
		`stage > contact`:                              `the prospect is further than a contact`,
		`stage < customer`:                             `the prospect is not yet a customer`,
		`stage <= lead`:                                `the prospect is no further than a lead`,
		`lead <= stage`:                                `the prospect is a lead or further`,
		`stage in [lead, lost]`:                        `the stage is lead or lost`,
		`met(asked) && (met(third) || score >= 1_000)`: `asked is met and either third is met or the score is at least 1,000`,
	} {
		t.Run(rule, func(t *testing.T) {
			got := explainCriteria(t, "true", rule).ExplainStage(lead.StageLead)
			if d := cmp.Diff("A prospect becomes a lead when "+want+".", got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestExplainTheRest(t *testing.T) {
	c, err := scoring.Parse("x.yaml", []byte(`
name: ours
version: 2
criteria: [{name: third, points: -1200, when: 'true'}, {name: nought, points: 0, when: 'true'}]
engagement:
  - {on: form, points: 1, at_most: 2}
  - {on: mail, points: 50, at_most: 1000, half_life: 36h}
  - {on: event, points: 5, at_most: 10, half_life: 1d}
stages: {lost: met(third), opportunity: met(nought)}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := `Criteria ours-2

A criterion is met by one contact: by what it says or shows, or by what has come so far, itself included. It stays met, and its points count once.
- Third (-1,200 points) is met when this always holds.
- Nought (no points) is met when this always holds.

Touching us earns points too; where there are too many, the newest contacts count.
- Each form earns 1 point, at most 2 at once.
- Each mail earns 50 points, at most 1,000 at once; they are worth half after every 36 hours, in whole points.
- Each event earns 5 points, at most 10 at once; they are worth half after every day, in whole points.

At every contact that shows interest, a prospect rises to the highest stage whose rule holds; these rules take nobody down, but to lost, from any stage before customer. Who is lost comes back when what they say after that meets a rule on its own; what they said before is taken back then.
- A prospect becomes an opportunity when nought is met.
- A prospect is lost when third is met.
`
	if d := cmp.Diff(want, c.Explain()); d != "" {
		t.Error(d)
	}
	if got := c.ExplainStage(lead.StageCustomer); got != "No rule says when a prospect becomes a customer." {
		t.Error(got)
	}
	if got := c.ExplainCriterion("nothing"); got != "" {
		t.Error(got)
	}
}

func TestExplainSilence(t *testing.T) {
	head := "name: x\nversion: 1\ncriteria: []\nstages: {lead: 'true'}\n"
	c := parse(t, head+"silence: {customer: {after: 1h, to: opportunity}, opportunity: {after: 1d, to: lead}, lead: {after: 9999h, to: contact}, contact: {after: 53w, to: lost}}")
	_, got, _ := strings.Cut(c.Explain(), "At every")
	want := ` contact that shows interest, a prospect rises to the highest stage whose rule holds; these rules take nobody down. Who is lost comes back when what they say after that meets a rule on its own; what they said before is taken back then.
- A prospect becomes a lead when this always holds.

Silence takes a prospect down. It counts from the latest contact that showed interest, whoever of them it came from; at the next one the rules above apply again.
- A mere contact of whom nothing is heard for 371 days is lost.
- A lead of whom nothing is heard for 9,999 hours becomes a contact.
- An opportunity of whom nothing is heard for 1 day becomes a lead.
- A customer of whom nothing is heard for 1 hour becomes an opportunity.
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if c := parse(t, head); strings.Contains(c.Explain(), "ilence") || strings.Contains(c.Explain(), "lost") || c.ExplainFall(lead.StageLead) != "" || c.ExplainFall(lead.StageLost) != "" {
		t.Error(c.Explain())
	}
}

// Whatever is accepted can be said.
func FuzzExplain(f *testing.F) {
	for _, s := range []string{
		`text.says("need") || has(fields.product) && number(fields.budget) > 0`, `not (person.seniority >= head ? true : kind in ["mail"])`,
		`any(["a"], {subject contains #}) and text.money(USD) >= 5_000`, `text.deadline <= days(90) == (len(fields.x[1:]) > 2 ** 3)`, `{"a": [1..3]}?.a`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, when string) {
		quoted := "'" + strings.ReplaceAll(when, "'", "''") + "'"
		c, err := scoring.Parse("x.yaml", []byte("name: x\nversion: 1\ncriteria: [{name: asked, points: 1, when: "+quoted+"}]\nstages: {lead: met(asked)}\n"))
		if err != nil {
			return
		}
		if got := c.ExplainCriterion("asked"); len(got) < len("Asked (1 point) is met when x.") {
			t.Errorf("%s: %q", when, got)
		}
	})
}
