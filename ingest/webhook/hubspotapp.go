package webhook

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"leadd/lead"
)

// hubSpotScheme is version 3 of HubSpot's signatures:
// https://developers.hubspot.com/docs/api/webhooks/validating-requests.
func hubSpotScheme() *scheme {
	return &scheme{
		signature: "X-HubSpot-Signature-v3", time: "X-HubSpot-Request-Timestamp", unit: time.Millisecond, window: usualWindow,
		signed: "{method}{uri}{body}{time}", hash: sha256.New, decode: base64.StdEncoding.DecodeString,
	}
}

// hubSpotURI undoes those escapes that HubSpot undoes in the address before it
// signs it.
var hubSpotURI = strings.NewReplacer("%3A", ":", "%2F", "/", "%3F", "?", "%40", "@", "%21", "!", "%24", "$",
	"%27", "'", "%28", "(", "%29", ")", "%2A", "*", "%2C", ",", "%3B", ";")

// signedURI is the address that HubSpot has called, which it signs. A proxy
// before us may have changed it; the host it passes on is right as a rule, and
// HubSpot calls nothing but https. Where it is not, public_url says the
// address. That a stranger can choose the host does not matter: without the
// secret nothing fits any address.
func (s *source) signedURI(r *http.Request) string {
	uri := s.PublicURL
	if uri == "" {
		uri = "https://" + r.Host + r.URL.EscapedPath()
	}
	if r.URL.RawQuery != "" {
		uri += "?" + r.URL.RawQuery
	}
	return hubSpotURI.Replace(uri)
}

// dealStages are the events that the stages of HubSpot's own sales pipeline
// stand for. "Contract sent" and the like are ids there, which stay when a
// stage is renamed; stages that people add have numbers for ids, which
// deal_stages names.
func dealStages(own map[string]string) map[string]string {
	events := map[string]string{
		"appointmentscheduled":  "contacted",
		"presentationscheduled": "contacted",
		"decisionmakerboughtin": "negotiating",
		"contractsent":          "contract_out",
		"closedwon":             "signed",
		"closedlost":            "declined",
	}
	maps.Copy(events, own)
	return events
}

var eventPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

func checkDealStages(own map[string]string) error {
	var errs []error
	for _, stage := range slices.Sorted(maps.Keys(own)) {
		if event := own[stage]; event != "-" && !eventPattern.MatchString(event) {
			errs = append(errs, fmt.Errorf("deal_stages: %q -> %q: write an event like signed, or \"-\" for a stage that means none", stage, event))
		}
	}
	return errors.Join(errs...)
}

// readHubSpot reads what a HubSpot app's subscriptions report, up to 100 at
// once, in the older form (contact.creation) and the generic one
// (object.creation with objectTypeId 0-1):
//
//   - a contact was created: it is fetched, and is an inquiry, unless it was
//     imported, which is kept but counts for nothing;
//   - a deal's property dealstage changed to a stage that stands for an event:
//     the deal is fetched and whom it is with, of whom it is then an event;
//   - everything else is passed over. A contact deleted, or to be forgotten,
//     makes no contact, and takes none back.
//
// HubSpot says of eventId that it is not unique, so a contact's id is made of
// what has happened: the object, and for a deal its stage and the time.
func readHubSpot(d *delivery, c *Config) (notices []lead.Notice, err error) {
	var body []struct {
		Portal   text   `json:"portalId"`
		Type     string `json:"subscriptionType"`
		Kind     string `json:"objectTypeId"` // 0-1: contacts, 0-3: deals
		Object   text   `json:"objectId"`
		Property string `json:"propertyName"`
		Value    text   `json:"propertyValue"`
		Occurred text   `json:"occurredAt"`
		Source   string `json:"changeSource"`
	}
	if err := d.decode(&body, "a HubSpot app"); err != nil {
		return nil, err
	}
	events := dealStages(c.DealStages)
	for i := range body {
		b := &body[i]
		event := ""
		if b.Property == "dealstage" {
			event = events[string(b.Value)]
		}
		n := lead.Notice{Object: string(b.Object), At: b.Occurred.time()}
		switch {
		case b.Type == "":
			err = unlike("a HubSpot app")
			continue
		case b.Type == "contact.creation", b.Type == "object.creation" && b.Kind == "0-1":
			n.What, n.ID = "contact", string("contact "+b.Portal+" "+b.Object)
			if b.Source == "IMPORT" {
				n.Class = lead.ClassOther
			}
		case (b.Type == "deal.propertyChange" || b.Type == "object.propertyChange" && b.Kind == "0-3") && event != "" && event != "-":
			n.What, n.ID, n.Event = "deal", string("deal "+b.Portal+" "+b.Object+" "+b.Value+" "+b.Occurred), event
			n.Fields = said("deal_stage", b.Value)
		default:
			continue
		}
		if !isID(b.Object) {
			err = unlike("a HubSpot app")
			continue
		}
		notices = append(notices, n)
	}
	return notices, err
}
