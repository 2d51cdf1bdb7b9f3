package fetch

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/encoding/json"

	"leadd/ingest"
	"leadd/lead"
)

// hubSpotAPI asks HubSpot's CRM API for a contact, or for a deal and whom it
// is with: GET /crm/v3/objects/TYPE/ID, properties by name. Of the account's
// own properties those are asked for that the source's fields name.
func hubSpotAPI() api {
	return api{name: "HubSpot", url: "https://api.hubapi.com", fetch: fetchHubSpot, rest: restHubSpot}
}

// Properties that every account has.
var (
	hubSpotPerson  = []string{"email", "firstname", "lastname", "phone", "mobilephone", "jobtitle", "company", "website"}
	hubSpotContact = append(slices.Clip(hubSpotPerson), "industry", "numemployees", "country", "city", "message", "hs_analytics_first_url", "hs_analytics_first_referrer")
	hubSpotCompany = []string{"name", "domain", "industry", "country", "city", "phone", "numberofemployees"}
	hubSpotDeal    = []string{"dealname", "amount", "deal_currency_code", "closedate", "dealtype"}
)

type hubSpotObject struct {
	Properties   map[string]hubSpotValue `json:"properties"`
	Associations map[string]struct {
		Results []struct {
			ID string `json:"id"`
		} `json:"results"`
	} `json:"associations"`
}

// hubSpotValue is a property's value: a text as a rule; null is "".
type hubSpotValue string

// UnmarshalJSON reads a text, or any other plain value as it is written.
func (v *hubSpotValue) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case 'n', '{', '[':
		*v = ""
	case '"':
		return json.Unmarshal(b, (*string)(v))
	default:
		*v = hubSpotValue(b)
	}
	return nil
}

func fetchHubSpot(ctx context.Context, c *client, n *lead.Notice) (answer, error) {
	if n.What == "deal" {
		return fetchHubSpotDeal(ctx, c, n)
	}
	a := answer{
		keys:   ingest.FieldMap{"hs_analytics_first_url": "landing_page", "hs_analytics_first_referrer": "referrer"},
		person: n.Object,
	}
	own := slices.Sorted(maps.Keys(c.fields))
	contact, err := c.hubSpot(ctx, "contacts", n.Object, append(slices.Clip(hubSpotContact), own...), "")
	if err != nil {
		return answer{}, err
	}
	contact.addTo(&a, append(slices.Clip(hubSpotContact), own...))
	return a, nil
}

// fetchHubSpotDeal gives a deal and the first contact that it is with, or else
// the first company.
func fetchHubSpotDeal(ctx context.Context, c *client, n *lead.Notice) (answer, error) {
	own := slices.Sorted(maps.Keys(c.fields))
	deal, err := c.hubSpot(ctx, "deals", n.Object, append(slices.Clip(hubSpotDeal), own...), "contacts,companies")
	if err != nil {
		return answer{}, err
	}
	a := answer{keys: ingest.FieldMap{
		"dealname": "deal_name", "amount": "deal_amount", "deal_currency_code": "deal_currency", "closedate": "deal_close_date", "dealtype": "deal_type",
		"name": "company", "domain": "website", "numberofemployees": "employees",
	}}
	if people := deal.Associations["contacts"].Results; len(people) > 0 {
		contact, err := c.hubSpot(ctx, "contacts", people[0].ID, hubSpotPerson, "")
		if err != nil {
			return answer{}, err
		}
		contact.addTo(&a, hubSpotPerson)
		a.person = people[0].ID
	} else if companies := deal.Associations["companies"].Results; len(companies) > 0 {
		company, err := c.hubSpot(ctx, "companies", companies[0].ID, hubSpotCompany, "")
		if err != nil {
			return answer{}, err
		}
		company.addTo(&a, hubSpotCompany)
	} else {
		return answer{}, &failure{gone, "HubSpot has the deal with no contact or company, so that nobody knows whom it is about; associate one and replay", 0}
	}
	deal.addTo(&a, append(slices.Clip(hubSpotDeal), own...))
	return a, nil
}

func (c *client) hubSpot(ctx context.Context, kind, id string, properties []string, associations string) (o hubSpotObject, err error) {
	query := url.Values{"properties": {strings.Join(properties, ",")}}
	if associations != "" {
		query.Set("associations", associations)
	}
	err = c.get(ctx, "/crm/v3/objects/"+kind+"/"+url.PathEscape(id), query.Encode(), &o)
	return o, err
}

// addTo adds the properties that have a value, in the order given.
func (o *hubSpotObject) addTo(a *answer, properties []string) {
	for _, name := range properties {
		a.add(name, string(o.Properties[name]))
	}
}

// restHubSpot waits out the window, of ten seconds as a rule, in which no
// request is left: https://developers.hubspot.com/docs/api/usage-details.
func restHubSpot(header http.Header) time.Duration {
	if header.Get("X-HubSpot-RateLimit-Remaining") != "0" {
		return 0
	}
	ms, err := strconv.ParseInt(header.Get("X-HubSpot-RateLimit-Interval-Milliseconds"), 10, 32)
	if err != nil || ms <= 0 {
		return 10 * time.Second
	}
	return time.Duration(ms) * time.Millisecond
}
