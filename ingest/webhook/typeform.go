package webhook

// readTypeform reads a form_response of Typeform. The questions' titles stand
// in the form's definition, the answers refer to them. A partial response is
// passed over: the whole one follows, or nobody has pressed Send.
func readTypeform(d *delivery) (submission, error) {
	var body struct {
		Event    string `json:"event_type"`
		Response struct {
			Token      text            `json:"token"`
			Submitted  text            `json:"submitted_at"`
			Hidden     map[string]text `json:"hidden"`
			Calculated struct {
				Score text `json:"score"`
			} `json:"calculated"`
			Definition struct {
				Title  text            `json:"title"`
				Fields []typeformField `json:"fields"`
			} `json:"definition"`
			Answers []struct {
				Type    string         `json:"type"`
				Field   typeformField  `json:"field"`
				Text    text           `json:"text"`
				Email   text           `json:"email"`
				Phone   text           `json:"phone_number"`
				Number  text           `json:"number"`
				Boolean text           `json:"boolean"`
				Date    text           `json:"date"`
				URL     text           `json:"url"`
				FileURL text           `json:"file_url"`
				Choice  typeformChoice `json:"choice"`
				Choices typeformChoice `json:"choices"`
			} `json:"answers"`
		} `json:"form_response"`
	}
	if err := d.decode(&body, "Typeform"); err != nil {
		return submission{}, err
	}
	r := &body.Response
	switch {
	case body.Event == "form_response_partial":
		return submission{}, ignored("the response is not finished")
	case body.Event != "form_response" || r.Token == "":
		return submission{}, unlike("Typeform")
	}
	titles := make(map[string]string, len(r.Definition.Fields))
	for _, f := range r.Definition.Fields {
		titles[string(f.ID)] = string(f.Title)
	}
	s := submission{id: string(r.Token), at: r.Submitted.time()}
	for i := range r.Answers {
		a := &r.Answers[i]
		key := ""
		if a.Phone != "" {
			key = "phone"
		}
		name := firstOf(text(titles[string(a.Field.ID)]), a.Field.Title, a.Field.Ref, a.Field.ID)
		s.add(string(name), key, firstOf(
			a.Text, a.Email, a.Phone, a.Number, a.Boolean, a.Date, a.URL, a.FileURL, a.Choice.text(), a.Choices.text(),
		))
	}
	s.addSorted(r.Hidden)
	s.add("score", "", r.Calculated.Score)
	s.add("form", "", r.Definition.Title)
	return s, nil
}

type typeformField struct {
	ID    text `json:"id"`
	Title text `json:"title"`
	Ref   text `json:"ref"`
}

type typeformChoice struct {
	Label  text   `json:"label"`
	Labels []text `json:"labels"`
	Other  text   `json:"other"`
}

func (c *typeformChoice) text() text {
	return joinTexts(append(append([]text{c.Label}, c.Labels...), c.Other)...)
}
