package fetch

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/encoding/json"

	"leadd/ingest"
	"leadd/lead"
)

// linkedInFields asks for the form's questions beside the answers, which know
// their questions by number only.
const linkedInFields = "fields=owner,leadType,leadMetadata,versionedLeadGenFormUrn,id,submittedAt,testLead,formResponse,form:(hiddenFields,creationLocale,name,id,content)"

// linkedInAPI asks LinkedIn's Lead Sync API for a form's answers:
// GET /rest/leadFormResponses/ID, as
// https://learn.microsoft.com/en-us/linkedin/marketing/lead-sync/leadsync has
// it. Where the form does not come with the answers, which the page leaves
// open for single responses, they are kept under their questions' numbers; an
// address is known by its looks.
func linkedInAPI() api {
	return api{
		name: "LinkedIn", url: "https://api.linkedin.com", version: "202609", fetch: fetchLinkedIn,
		header: func(h http.Header, version string) {
			h.Set("LinkedIn-Version", version)
			h.Set("X-Restli-Protocol-Version", "2.0.0")
		},
	}
}

func fetchLinkedIn(ctx context.Context, c *client, n *lead.Notice) (answer, error) {
	var body linkedInResponse
	if err := c.get(ctx, "/rest/leadFormResponses/"+url.PathEscape(n.Object), linkedInFields, &body); err != nil {
		return answer{}, err
	}
	return body.answer(), nil
}

type linkedInResponse struct {
	Submitted int64 `json:"submittedAt"` // Unix milliseconds
	Test      bool  `json:"testLead"`
	Response  struct {
		Answers []struct {
			Question json.Number `json:"questionId"`
			Details  struct {
				Text struct {
					Answer string `json:"answer"`
				} `json:"textQuestionAnswer"`
				Choice struct {
					Options []json.Number `json:"options"`
				} `json:"multipleChoiceAnswer"`
			} `json:"answerDetails"`
		} `json:"answers"`
	} `json:"formResponse"`
	Metadata struct {
		Sponsored struct {
			Campaign string `json:"campaign"`
		} `json:"sponsoredLeadMetadata"`
	} `json:"leadMetadata"`
	Form struct {
		Name    string       `json:"name"`
		Hidden  []lead.Field `json:"hiddenFields"` // name and value
		Content struct {
			Questions []linkedInQuestion `json:"questions"`
		} `json:"content"`
	} `json:"form"`
}

type linkedInQuestion struct {
	ID         json.Number   `json:"questionId"`
	Name       string        `json:"name"`
	Question   localizedText `json:"question"`
	Predefined string        `json:"predefinedField"` // FIRST_NAME, WORK_EMAIL, ...; "": of the advertiser's own
	Details    struct {
		Choice struct {
			Options []struct {
				ID   json.Number   `json:"id"`
				Text localizedText `json:"text"`
			} `json:"options"`
		} `json:"multipleChoiceQuestionDetails"`
	} `json:"questionDetails"`
}

// localizedText is a text in the form's languages, of which there is one.
type localizedText struct {
	Localized map[string]string `json:"localized"`
}

func (t localizedText) text() string {
	for _, locale := range slices.Sorted(maps.Keys(t.Localized)) {
		if t.Localized[locale] != "" {
			return t.Localized[locale]
		}
	}
	return ""
}

func (r *linkedInResponse) answer() answer {
	a := answer{keys: ingest.FieldMap{"WORK_EMAIL": "email", "WORK_PHONE_NUMBER": "phone", "SENIORITY": "seniority"}}
	if r.Submitted > 0 {
		a.at = time.UnixMilli(r.Submitted)
	}
	if r.Test {
		a.class = lead.ClassOther
	}
	questions := make(map[json.Number]*linkedInQuestion, len(r.Form.Content.Questions))
	for i := range r.Form.Content.Questions {
		questions[r.Form.Content.Questions[i].ID] = &r.Form.Content.Questions[i]
	}
	// The address at work tells the company, so it goes before another.
	for _, atWork := range []bool{true, false} {
		for i := range r.Response.Answers {
			given := &r.Response.Answers[i]
			q := questions[given.Question]
			if q == nil {
				q = &linkedInQuestion{Name: "linkedin_" + given.Question.String()}
			}
			if strings.HasPrefix(q.Predefined, "WORK_") != atWork {
				continue
			}
			value := given.Details.Text.Answer
			if value == "" {
				value = q.chosen(given.Details.Choice.Options)
			}
			a.add(q.title(), value)
		}
	}
	for _, f := range r.Form.Hidden {
		a.add(f.Name, f.Value)
	}
	if len(a.fields) > 0 {
		a.add("form", r.Form.Name)
		a.add("campaign", r.Metadata.Sponsored.Campaign)
	}
	return a
}

// title names a question: LinkedIn's own by their constant, which is the same
// in every language.
func (q *linkedInQuestion) title() string {
	switch {
	case q.Predefined != "":
		return q.Predefined
	case q.Question.text() != "":
		return q.Question.text()
	}
	return q.Name
}

// chosen gives the texts of options, or their numbers where they have none.
func (q *linkedInQuestion) chosen(options []json.Number) string {
	texts := make([]string, len(options))
	for i, id := range options {
		texts[i] = id.String()
		for _, o := range q.Details.Choice.Options {
			if o.ID == id && o.Text.text() != "" {
				texts[i] = o.Text.text()
			}
		}
	}
	return strings.Join(texts, ", ")
}
