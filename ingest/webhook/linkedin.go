package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"regexp"
	"strings"

	"leadd/lead"
)

// linkedInScheme is that of
// https://learn.microsoft.com/en-us/linkedin/shared/api-guide/webhook-validation:
// the HMAC is over "hmacsha256=" and the body. The page says of the header
// only that the HMAC is its value; receivers disagree whether the same word
// stands before it, so both are read.
func linkedInScheme() *scheme {
	return &scheme{
		signature: "X-LI-Signature", signed: "hmacsha256={body}", hash: sha256.New,
		decode: func(s string) ([]byte, error) { return hex.DecodeString(strings.TrimPrefix(s, "hmacsha256=")) },
	}
}

// readLinkedIn reads the announcement of a lead of LinkedIn's Lead Sync API:
// the answers are fetched by the response's id. That a lead was deleted makes
// no contact, and takes none back; whoever must forget a person has to do so
// everywhere. Time and id are as the page of the Lead Sync API has them, which
// was read at second hand.
func readLinkedIn(d *delivery, _ *Config) ([]lead.Notice, error) {
	var body struct {
		Type     string `json:"type"`
		Response text   `json:"leadGenFormResponse"`
		Form     text   `json:"leadGenForm"`
		Kind     text   `json:"leadType"`
		Action   string `json:"leadAction"`
		Occurred text   `json:"occurredAt"`
	}
	if err := d.decode(&body, "LinkedIn"); err != nil {
		return nil, err
	}
	id := body.Response[strings.LastIndexByte(string(body.Response), ':')+1:]
	switch {
	case body.Type == "" || body.Type == "LEAD_ACTION" && !isID(id):
		return nil, unlike("LinkedIn")
	case body.Type != "LEAD_ACTION" || body.Action != "CREATED":
		return nil, nil
	}
	return []lead.Notice{{
		ID: string(body.Response), What: "lead", Object: string(id), At: body.Occurred.time(),
		Fields: said("form_id", body.Form, "lead_type", body.Kind),
	}}, nil
}

var challengePattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// shakeLinkedIn signs the challenge, which LinkedIn sends again every two
// hours. Only a UUID, as the page has it, is signed: whoever could have
// "hmacsha256={...}" signed here could forge any delivery.
func shakeLinkedIn(c *Config, query url.Values) (contentType string, answer []byte, p *problem) {
	code := query.Get("challengeCode")
	if !challengePattern.MatchString(code) {
		return "", nil, badHandshake("the challenge is missing, or none of LinkedIn's; this address takes posts")
	}
	mac := hmac.New(sha256.New, []byte(c.Secret))
	mac.Write([]byte(code))
	return "application/json", []byte(`{"challengeCode":"` + code + `","challengeResponse":"` + hex.EncodeToString(mac.Sum(nil)) + `"}`), nil
}
