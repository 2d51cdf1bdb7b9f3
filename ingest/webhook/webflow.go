package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/segmentio/encoding/json"
)

func webflowScheme() *scheme {
	return &scheme{
		signature: "X-Webflow-Signature", time: "X-Webflow-Timestamp", unit: time.Millisecond, window: usualWindow,
		signed: "{time}:{body}", hash: sha256.New, decode: hex.DecodeString,
	}
}

// readWebflow reads a form_submission of Webflow's API version 2. Hooks made
// through its API are signed with the token's or app's secret; those made in
// its dashboard are not, and need unsigned: true.
func readWebflow(d *delivery) (submission, error) {
	var body struct {
		Trigger string `json:"triggerType"`
		Payload struct {
			ID        text            `json:"id"`
			Form      text            `json:"name"`
			Submitted text            `json:"submittedAt"`
			Data      json.RawMessage `json:"data"`
		} `json:"payload"`
	}
	if err := d.decode(&body, "Webflow"); err != nil {
		return submission{}, err
	}
	switch {
	case body.Trigger == "" || body.Trigger == "form_submission" && body.Payload.ID == "":
		return submission{}, unlike("Webflow")
	case body.Trigger != "form_submission":
		return submission{}, ignored("it is no form submission")
	}
	s := submission{id: string(body.Payload.ID), at: body.Payload.Submitted.time()}
	if err := s.addObject(body.Payload.Data, "Webflow"); err != nil {
		return submission{}, err
	}
	s.add("form", "", body.Payload.Form)
	return s, nil
}
