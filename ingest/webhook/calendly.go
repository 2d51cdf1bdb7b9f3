package webhook

import "strings"

// readCalendly reads what Calendly reports of its invitees and routing forms:
// a booked meeting is the event contacted, one that the invitee has cancelled
// is declined, one that our side has cancelled is canceled, which by itself
// says nothing about them. A meeting moved comes as a cancellation and a
// booking; of these only the booking counts. A routing form is a form.
//
// Calendly's page names a tolerance of three minutes for the signature's time;
// five do no harm, as a repeated delivery has the same id.
func readCalendly(d *delivery) (submission, error) {
	var body struct {
		Event   string `json:"event"`
		Created text   `json:"created_at"`
		Payload struct {
			URI         text               `json:"uri"`
			Email       text               `json:"email"`
			Name        text               `json:"name"`
			First       text               `json:"first_name"`
			Last        text               `json:"last_name"`
			Phone       text               `json:"text_reminder_number"`
			Answers     []calendlyAnswer   `json:"questions_and_answers"`
			Tracking    map[string]text    `json:"tracking"`
			Rescheduled bool               `json:"rescheduled"`
			Cancel      calendlyCancelling `json:"cancellation"`
			Meeting     struct {
				Name  text `json:"name"`
				Start text `json:"start_time"`
			} `json:"scheduled_event"`
		} `json:"payload"`
	}
	if err := d.decode(&body, "Calendly"); err != nil {
		return submission{}, err
	}
	p := &body.Payload
	if body.Event == "" || p.URI == "" {
		return submission{}, unlike("Calendly")
	}
	s := submission{id: string(p.URI) + " " + body.Event, at: body.Created.time()}
	switch body.Event {
	case "invitee.created":
		s.event = "contacted"
	case "invitee.canceled":
		if p.Rescheduled {
			return submission{}, ignored("the meeting is moved; its booking comes by itself")
		}
		s.event = "declined"
		if p.Cancel.By == "host" {
			s.event = "canceled"
		}
	case "routing_form_submission.created":
	default:
		return submission{}, ignored("this event says nothing about a prospect")
	}
	s.add("email", "", p.Email)
	s.add("name", "", firstOf(p.Name, text(strings.TrimSpace(string(p.First+" "+p.Last)))))
	s.add("phone", "", p.Phone)
	for _, a := range p.Answers {
		s.add(string(a.Question), "", a.Answer)
	}
	s.add("cancellation_reason", "", p.Cancel.Reason)
	s.add("meeting", "", p.Meeting.Name)
	s.add("meeting_time", "", p.Meeting.Start)
	s.addSorted(p.Tracking)
	return s, nil
}

type calendlyAnswer struct {
	Question text `json:"question"`
	Answer   text `json:"answer"`
}

type calendlyCancelling struct {
	By     string `json:"canceler_type"`
	Reason text   `json:"reason"`
}
