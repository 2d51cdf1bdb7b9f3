package webhook

import (
	"strings"

	"github.com/segmentio/encoding/json"
)

// readTally reads a FORM_RESPONSE of Tally. Choices come as the ids of their
// options, and ticked boxes a second time, each under "Question (Option)" with
// true or false, which is passed over.
//
// Tally documents only that the signature is a SHA-256 over the body; that it
// is the HMAC in base64, without a prefix, is what many receivers do.
func readTally(d *delivery) (submission, error) {
	var body struct {
		Event   string `json:"eventType"`
		Created text   `json:"createdAt"`
		Data    struct {
			ID      text `json:"responseId"`
			Created text `json:"createdAt"`
			Form    text `json:"formName"`
			Fields  []struct {
				Key     text            `json:"key"`
				Label   text            `json:"label"`
				Type    string          `json:"type"`
				Value   json.RawMessage `json:"value"`
				Options []tallyOption   `json:"options"`
			} `json:"fields"`
		} `json:"data"`
	}
	if err := d.decode(&body, "Tally"); err != nil {
		return submission{}, err
	}
	if body.Event != "FORM_RESPONSE" || body.Data.ID == "" {
		return submission{}, unlike("Tally")
	}
	s := submission{id: string(body.Data.ID), at: firstOf(body.Data.Created, body.Created).time()}
	ticked := "" // key of the question that the boxes behind it repeat
	for i := range body.Data.Fields {
		f := &body.Data.Fields[i]
		if f.Type == "CHECKBOXES" {
			if ticked != "" && strings.HasPrefix(string(f.Key), ticked+"_") {
				continue
			}
			ticked = string(f.Key)
		}
		key := ""
		if f.Type == "INPUT_PHONE_NUMBER" {
			key = "phone"
		}
		s.add(string(firstOf(f.Label, f.Key)), key, tallyValue(f.Value, f.Options))
	}
	s.add("form", "", body.Data.Form)
	return s, nil
}

type tallyOption struct {
	ID   text `json:"id"`
	Text text `json:"text"`
}

// tallyValue gives an answer with the text of options in place of their ids,
// and the addresses of uploaded files alone.
func tallyValue(value json.RawMessage, options []tallyOption) text {
	if len(value) == 0 {
		return ""
	}
	var files []struct {
		URL text `json:"url"`
	}
	if json.Unmarshal(value, &files) == nil && len(files) > 0 {
		urls := make([]text, len(files))
		for i := range files {
			urls[i] = files[i].URL
		}
		return joinTexts(urls...)
	}
	var ids []text
	if len(options) == 0 || value[0] == '{' {
		ids = make([]text, 1)
		if json.Unmarshal(value, &ids[0]) != nil {
			return ""
		}
		return ids[0]
	}
	if value[0] != '[' {
		value = append(append([]byte{'['}, value...), ']')
	}
	if json.Unmarshal(value, &ids) != nil {
		return ""
	}
	names := make(map[text]text, len(options))
	for _, o := range options {
		names[o.ID] = o.Text
	}
	for i, id := range ids {
		ids[i] = firstOf(names[id], id)
	}
	return joinTexts(ids...)
}
