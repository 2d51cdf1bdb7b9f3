package webhook

import (
	"strings"

	"github.com/segmentio/encoding/json"
)

// readHubSpotWorkflow reads what a HubSpot workflow's webhook action sends:
// the CRM object as the API gives it, its properties with ({"value": ...}) or
// without their history. HubSpot's own analytics are left out, but for where
// the visitor came from.
//
// A workflow can sign, but with the secret of a HubSpot app, which most do
// not have; here it carries the secret instead, as the API key of the action:
// in the address under the name secret. Its page says that the data are those
// of the object API and no more, so whichever id and time are found are taken.
func readHubSpotWorkflow(d *delivery) (submission, error) {
	var body struct {
		Vid        text                       `json:"vid"`
		ID         text                       `json:"id"`
		Object     text                       `json:"objectId"`
		Updated    text                       `json:"updatedAt"`
		Properties map[string]hubSpotProperty `json:"properties"`
	}
	if err := d.decode(&body, "a HubSpot workflow"); err != nil {
		return submission{}, err
	}
	id := firstOf(body.Vid, body.ID, body.Object, text(body.Properties["hs_object_id"]))
	if id == "" || len(body.Properties) == 0 {
		return submission{}, unlike("a HubSpot workflow")
	}
	changed := firstOf(text(body.Properties["lastmodifieddate"]), text(body.Properties["hs_lastmodifieddate"]), body.Updated)
	s := submission{at: changed.time()}
	if changed != "" {
		s.id = string(id + " " + changed)
	}
	answers := make(map[string]text, len(body.Properties))
	for name, value := range body.Properties {
		if known, ok := hubSpotProperties[name]; ok {
			name = known
		} else if strings.HasPrefix(name, "hs_") || strings.HasPrefix(name, "hubspot_") {
			continue
		}
		answers[name] = text(value)
	}
	s.addSorted(answers)
	return s, nil
}

// hubSpotProperties are those that have another name here.
var hubSpotProperties = map[string]string{
	"firstname":                   "first_name",
	"lastname":                    "last_name",
	"jobtitle":                    "job_title",
	"numemployees":                "employees",
	"hs_analytics_first_url":      "landing_page",
	"hs_analytics_first_referrer": "referrer",
}

// hubSpotProperty is a property's value, with or without its history.
type hubSpotProperty text

// UnmarshalJSON reads "value" as well as {"value": "value", "versions": [...]}.
func (p *hubSpotProperty) UnmarshalJSON(b []byte) error {
	if b[0] != '{' {
		return (*text)(p).UnmarshalJSON(b)
	}
	var history struct {
		Value text `json:"value"`
	}
	if err := json.Unmarshal(b, &history); err != nil {
		return err
	}
	*p = hubSpotProperty(history.Value)
	return nil
}
