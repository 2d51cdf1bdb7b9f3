package fetch

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/segmentio/encoding/json"

	"leadd/ingest"
	"leadd/lead"
)

// metaAPI asks Meta's Graph API for the answers of a lead form:
// GET /VERSION/LEADGEN_ID gives field_data, [{name, values[]}], with names
// like full_name, or the question in snake case.
//
// Only what every token with leads_retrieval may read is asked for; the names
// of ad and campaign need ads_management, so their ids come from the notice.
// An app that is set to require appsecret_proof is not served.
func metaAPI() api {
	return api{name: "Meta", url: "https://graph.facebook.com", version: "v25.0", fetch: fetchMeta, judge: judgeMeta, rest: restMeta}
}

func fetchMeta(ctx context.Context, c *client, n *lead.Notice) (answer, error) {
	var body struct {
		Created string `json:"created_time"`
		Data    []struct {
			Name   string   `json:"name"`
			Values []string `json:"values"`
		} `json:"field_data"`
	}
	if err := c.get(ctx, "/"+c.cfg.Version+"/"+url.PathEscape(n.Object), "fields=created_time,id,form_id,field_data", &body); err != nil {
		return answer{}, err
	}
	a := answer{keys: ingest.FieldMap{"work_email": "email", "work_phone_number": "phone"}}
	// "2026-02-28T08:49:14+0000" is not quite RFC 3339.
	if at, err := time.Parse("2006-01-02T15:04:05-0700", body.Created); err == nil {
		a.at = at
	}
	// The address at work tells the company, so it goes before another.
	for _, atWork := range []bool{true, false} {
		for _, f := range body.Data {
			if strings.HasPrefix(f.Name, "work_") != atWork {
				continue
			}
			value := strings.Join(f.Values, ", ")
			a.add(f.Name, value)
			if strings.HasPrefix(value, "<test lead: dummy data") { // of Meta's Lead Ads Testing Tool
				a.class = lead.ClassOther
			}
		}
	}
	return a, nil
}

// judgeMeta reads an error's code, as Meta says most with status 400:
// https://developers.facebook.com/docs/graph-api/guides/error-handling and
// .../overview/rate-limiting. An error 200-299 or 10 lacks a permission; that
// is the token's in general, and of a single page now and then: the latter is
// given up after a day in which others came through.
func judgeMeta(_ int, header http.Header, body []byte) *failure {
	var answer struct {
		Error struct {
			Code      int  `json:"code"`
			Transient bool `json:"is_transient"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &answer) // what is no error of Meta's has no code
	switch code := answer.Error.Code; {
	case code == 190, code == 102:
		return &failure{refused, "Meta refuses the token (code 190): it has run out or was withdrawn; renew api.token and start leadd again", 0}
	case code == 3, code == 10, code >= 200 && code <= 299:
		return &failure{refused, "Meta says that the token lacks a permission: it needs leads_retrieval, and access to the page's leads; then start leadd again", 0}
	case code == 4, code == 17, code == 32, code == 341, code == 368, code == 613, code >= 80000 && code <= 80014:
		return &failure{throttled, "Meta's limit is reached", max(usageOf(header).regain, retryAfter(header))}
	case code == 1, code == 2, answer.Error.Transient:
		return &failure{failed, "Meta has a passing fault", 0}
	}
	return nil
}

// nearLimit is the share of a limit, in percent, from which on we go slower:
// beyond 100 Meta answers nothing for up to an hour.
const nearLimit = 90

// restMeta waits a while where the limit's use comes near its end.
func restMeta(header http.Header) time.Duration {
	u := usageOf(header)
	if u.percent >= nearLimit {
		return max(u.regain, time.Minute)
	}
	return u.regain
}

type usage struct {
	percent float64       // the fullest of all limits
	regain  time.Duration // until calls are taken again
}

// usageOf reads X-App-Usage, {"call_count": 28, ...} in percent, and
// X-Business-Use-Case-Usage, {"ID": [{"call_count": ...,
// "estimated_time_to_regain_access": MINUTES}]}.
func usageOf(header http.Header) (all usage) {
	type limit struct {
		Calls  float64 `json:"call_count"`
		CPU    float64 `json:"total_cputime"`
		Time   float64 `json:"total_time"`
		Regain int32   `json:"estimated_time_to_regain_access"`
	}
	var limits []limit
	var app limit
	if said := header.Get("X-App-Usage"); json.Valid([]byte(said)) && json.Unmarshal([]byte(said), &app) == nil {
		limits = append(limits, app)
	}
	var business map[string][]limit
	if said := header.Get("X-Business-Use-Case-Usage"); json.Valid([]byte(said)) && json.Unmarshal([]byte(said), &business) == nil {
		for _, of := range business {
			limits = append(limits, of...)
		}
	}
	for _, l := range limits {
		all.percent = max(all.percent, l.Calls, l.CPU, l.Time)
		all.regain = max(all.regain, time.Duration(l.Regain)*time.Minute)
	}
	all.regain = min(all.regain, longestRest)
	return all
}
