package webhook

import "leadd/lead"

// readGoogleAds reads a lead of a Google Ads lead form. The column's id says
// what an answer means; questions of the advertiser's own have their words
// beside it. A test lead, which the form's settings can send, is kept as a
// contact, but counts for nothing.
//
// The lead carries google_key in its body, which is compared as the secret.
// Google gives up a lead that is answered with 4xx, and sends it again after
// 5xx; the bodies of the answers are as its page describes them.
func readGoogleAds(d *delivery) (submission, error) {
	var body struct {
		ID        text `json:"lead_id"`
		Submitted text `json:"lead_submit_time"`
		Test      bool `json:"is_test"`
		Form      text `json:"form_id"`
		Campaign  text `json:"campaign_id"`
		AdGroup   text `json:"adgroup_id"`
		Creative  text `json:"creative_id"`
		Click     text `json:"gcl_id"`
		Columns   []struct {
			ID    text `json:"column_id"`
			Name  text `json:"column_name"`
			Value text `json:"string_value"`
		} `json:"user_column_data"`
	}
	if err := d.decode(&body, "Google Ads"); err != nil {
		return submission{}, err
	}
	if body.ID == "" {
		return submission{}, unlike("Google Ads")
	}
	s := submission{id: string(body.ID), at: body.Submitted.time()}
	for _, c := range body.Columns {
		s.add(string(firstOf(c.ID, c.Name)), googleColumns[string(c.ID)], c.Value)
	}
	s.add("form_id", "", body.Form)
	s.add("campaign_id", "", body.Campaign)
	s.add("adgroup_id", "", body.AdGroup)
	s.add("creative_id", "", body.Creative)
	s.add("gclid", "", body.Click)
	if body.Test {
		s.class = lead.ClassOther
		s.add("is_test", "", "true")
	}
	return s, nil
}

// googleColumns are the column ids whose names do not tell what they mean.
var googleColumns = map[string]string{
	"WORK_EMAIL": "email",
	"WORK_PHONE": "phone",
}
