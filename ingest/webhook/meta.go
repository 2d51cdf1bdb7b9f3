package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/url"

	"leadd/lead"
)

// readMeta reads the leads that Meta's Lead Ads announce, of Facebook and
// Instagram: the answers are fetched by the lead's id. Several leads, of
// several pages, can come at once, up to 1,000. Changes of other fields than
// leadgen are passed over. Meta tries again for 36 hours, and signs with the
// app's secret.
//
// The Test button of Meta's dashboard announces a lead that does not exist,
// which becomes a dead letter when it is fetched; its Lead Ads Testing Tool
// makes real ones.
func readMeta(d *delivery, _ *Config) (notices []lead.Notice, err error) {
	var body struct {
		Object string `json:"object"`
		Entry  []struct {
			Changes []struct {
				Field string `json:"field"`
				Value struct {
					ID      text `json:"leadgen_id"`
					Page    text `json:"page_id"`
					Form    text `json:"form_id"`
					Ad      text `json:"ad_id"`
					AdGroup text `json:"adgroup_id"`
					Created text `json:"created_time"`
				} `json:"value"`
			} `json:"changes"`
		} `json:"entry"`
	}
	if err := d.decode(&body, "Meta"); err != nil {
		return nil, err
	}
	if body.Object == "" || len(body.Entry) == 0 {
		return nil, unlike("Meta")
	}
	for _, entry := range body.Entry {
		for _, change := range entry.Changes {
			v := change.Value
			switch {
			case change.Field != "leadgen":
			case !isID(v.ID):
				err = unlike("Meta")
			default:
				notices = append(notices, lead.Notice{
					ID: string(v.ID), What: "lead", Object: string(v.ID), At: v.Created.time(),
					Fields: said("page_id", v.Page, "form_id", v.Form, "ad_id", v.Ad, "adgroup_id", v.AdGroup),
				})
			}
		}
	}
	return notices, err
}

// said makes fields of names and values in turn, leaving out what says
// nothing.
func said(pairs ...text) (fields []lead.Field) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fields = append(fields, lead.Field{Name: string(pairs[i]), Value: string(pairs[i+1])})
		}
	}
	return fields
}

// shakeMeta echoes the challenge to whoever knows the verify token:
// https://developers.facebook.com/docs/graph-api/webhooks/getting-started.
func shakeMeta(c *Config, query url.Values) (contentType string, answer []byte, p *problem) {
	given, want := sha256.Sum256([]byte(query.Get("hub.verify_token"))), sha256.Sum256([]byte(c.VerifyToken))
	known := subtle.ConstantTimeCompare(given[:], want[:]) == 1
	switch challenge := query.Get("hub.challenge"); {
	case !known || query.Get("hub.mode") != "subscribe":
		return "", nil, badHandshake("the verify token is wrong; write the same into Meta's webhook settings and into verify_token")
	case !isID(text(challenge)):
		return "", nil, badHandshake("the challenge is missing, or none of Meta's")
	default:
		return "text/plain; charset=utf-8", []byte(challenge), nil
	}
}
