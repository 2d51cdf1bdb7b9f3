package notify

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"leadd/lead"
)

// move is one promotion or fall.
type move struct {
	scored  *lead.Scored
	verdict *lead.Verdict
	change  *lead.StageChange
}

// moves lists what a contact brought about, in order.
func moves(s *lead.Scored) (all []move) {
	for i := range s.Verdicts {
		v := &s.Verdicts[i]
		for j := range v.Changes {
			all = append(all, move{s, v, &v.Changes[j]})
		}
	}
	return all
}

// id is the same whenever the same move is sent.
func (m move) id() string {
	return "msg_" + lead.ContactID("move", m.scored.Contact.ID, m.verdict.Product, m.change.From.String(), m.change.To.String())
}

// event is the body of a webhook.
type event struct {
	Type      string    `json:"type"` // "prospect.promoted" or "prospect.fell"
	Timestamp time.Time `json:"timestamp"`
	Data      data      `json:"data"`
}

type data struct {
	Prospect string        `json:"prospect"` // its key
	Company  lead.Company  `json:"company"`
	Person   lead.Person   `json:"person"` // whose contact it was
	Product  string        `json:"product"`
	Criteria string        `json:"criteria"` // version that judged: "default-1"
	From     lead.Stage    `json:"from"`
	To       lead.Stage    `json:"to"`
	Score    int           `json:"score"`
	Rule     string        `json:"rule"`
	Evidence string        `json:"evidence"`
	Reasons  []lead.Reason `json:"reasons"` // what this contact added to the ledger
	Contact  contact       `json:"contact"`
	Page     string        `json:"page,omitempty"`
}

type contact struct {
	ID      string        `json:"id"`
	Source  string        `json:"source"`
	Kind    lead.Kind     `json:"kind"`
	At      time.Time     `json:"at"`
	Subject string        `json:"subject,omitempty"`
	From    lead.Campaign `json:"campaign"`
}

func (m move) promoted() bool { return m.change.To != lead.StageLost && m.change.To > m.change.From }

// webhook is the move as the body of a webhook.
func (m move) webhook(page string) ([]byte, error) {
	c := &m.scored.Contact
	e := event{Type: "prospect.fell", Timestamp: m.change.At, Data: data{
		Prospect: c.Prospect, Company: c.Company, Person: c.Person,
		Product: m.verdict.Product, Criteria: m.verdict.Criteria,
		From: m.change.From, To: m.change.To, Score: m.verdict.Score, Rule: m.change.Rule, Evidence: m.change.Evidence,
		Reasons: append([]lead.Reason{}, m.verdict.Reasons...),
		Contact: contact{ID: c.ID, Source: c.Source, Kind: c.Kind, At: c.At, Subject: c.Subject, From: c.Campaign},
		Page:    m.link(page),
	}}
	if m.promoted() {
		e.Type = "prospect.promoted"
	}
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode the webhook: %w", err)
	}
	return b, nil
}

// chatText escapes what chats read as their own marks; see Slack's "Formatting
// text for app surfaces".
var chatText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// chat is the move as a line for a chat.
func (m move) chat(page string) ([]byte, error) {
	c := &m.scored.Contact
	name := c.Prospect
	if c.Company.Name != "" {
		name = c.Company.Name + " (" + c.Prospect + ")"
	}
	verb := "fell back to"
	switch {
	case m.change.To == lead.StageLost:
		verb = "is"
	case m.change.To == lead.StageCustomer:
		verb = "became a"
	case m.promoted():
		verb = "became"
	}
	article := map[lead.Stage]string{lead.StageLead: "a ", lead.StageOpportunity: "an "}[m.change.To]
	if !m.promoted() {
		article = ""
	}
	if len(m.scored.Verdicts) > 1 {
		name = m.verdict.Product + ": " + name
	}
	text := fmt.Sprintf("%s %s %s%s, from %s. %s.", name, verb, article, m.change.To, m.change.From, strings.TrimSuffix(m.change.Evidence, "."))
	for _, r := range m.verdict.Reasons {
		if r.Points > 0 && r.Evidence != "" {
			text += fmt.Sprintf("\n• %s (%+d): %s", strings.ReplaceAll(r.Criterion, "_", " "), r.Points, r.Evidence)
			if r.Person != "" {
				text += " — " + r.Person
			}
		}
	}
	text = chatText.Replace(text)
	if to := m.link(page); to != "" {
		text += "\n" + to
	}
	b, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		return nil, fmt.Errorf("encode the message: %w", err)
	}
	return b, nil
}

// link leads to the prospect's page, and there to the product; "" where it is
// not known where that is.
func (m move) link(page string) string {
	if page == "" {
		return ""
	}
	to := strings.TrimSuffix(page, "/") + "/prospects/" + url.PathEscape(m.scored.Contact.Prospect)
	if len(m.scored.Verdicts) > 1 {
		to += "?product=" + url.QueryEscape(m.verdict.Product)
	}
	return to
}
