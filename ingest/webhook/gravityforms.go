package webhook

import "strings"

// readGravityForms reads what the Webhooks add-on of Gravity Forms sends: the
// entry as it is stored, its answers under the fields' numbers ("1", and "1.3"
// for a part), or under the names chosen there, as JSON or as a form. What a
// number means only the form knows, so the source's fields say it: {"4":
// message}. A name's parts and an address are recognised without.
//
// The add-on documents no signature; it can send headers of one's own choice,
// such as Authorization: Bearer SECRET.
func readGravityForms(d *delivery) (submission, error) {
	s := submission{id: d.field("id"), at: text(d.field("date_created")).time(), files: d.post.files}
	if s.id != "" {
		s.id += " " + d.field("form_id")
	}
	given := make(map[string]bool, len(d.post.fields))
	for _, f := range d.post.fields {
		given[f.Name] = true
	}
	for _, f := range d.post.fields {
		if gravityMeta[f.Name] {
			continue
		}
		key := ""
		if field, part, ok := strings.Cut(f.Name, "."); ok && !given[field+".1"] && !given[field+".5"] && given[field+".3"] && given[field+".6"] {
			key = map[string]string{"3": "first_name", "6": "last_name"}[part]
		}
		s.add(f.Name, key, text(f.Value))
	}
	return s, nil
}

// gravityMeta are what an entry says about itself and not about the visitor.
var gravityMeta = map[string]bool{
	"id": true, "form_id": true, "post_id": true, "date_created": true, "date_updated": true, "is_starred": true, "is_read": true, "ip": true,
	"user_agent": true, "currency": true, "payment_status": true, "payment_date": true, "payment_amount": true, "payment_method": true,
	"transaction_id": true, "is_fulfilled": true, "created_by": true, "transaction_type": true, "status": true, "source_id": true,
}
