package webhook

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"leadd/lead"
)

// plain is the preset of sources that anybody may post to.
const plain = "plain"

// maxMail is how large a delivery with a mail may be where the source does
// not say: the senders take mails of up to 35 MB, and base64 makes them
// longer.
const maxMail = 50 << 20

// preset is what is known of a sender.
type preset struct {
	sender   string  // for people
	scheme   *scheme // how it signs
	unsigned bool    // it also sends without a signature or secret
	events   bool    // JSON with "event" is an event, as the README has it
	form     bool    // the body is taken apart first: the signature is in it, or it is no JSON
	maxBody  int64   // 0: defaultMaxBody
	bare     bool    // the sender wants {} for success and {"message": ...} else
	// gives4xxUp: what is answered with 4xx is not sent again, not even 429.
	gives4xxUp bool
	read       func(d *delivery) (submission, error)

	// notices is in place of read where a delivery only announces what is to
	// be fetched from the sender's API. A notice's ID is the sender's own; what
	// could be understood is given beside an error.
	notices   func(d *delivery, c *Config) ([]lead.Notice, error)
	handshake handshake // nil: the sender posts without asking first
}

// presets are what a source's preset can name, but for plain.
func presets() map[string]preset {
	return map[string]preset{
		"typeform":         {sender: "Typeform", scheme: bodyScheme("Typeform-Signature", "sha256=", base64.StdEncoding.DecodeString), read: readTypeform},
		"tally":            {sender: "Tally", scheme: bodyScheme("Tally-Signature", "", base64.StdEncoding.DecodeString), read: readTally},
		"webflow":          {sender: "Webflow", scheme: webflowScheme(), unsigned: true, read: readWebflow},
		"calendly":         {sender: "Calendly", scheme: timedScheme("Calendly-Webhook-Signature", usualWindow), read: readCalendly},
		"google-ads":       {sender: "Google Ads", scheme: &scheme{place: inBody, signature: "google_key"}, form: true, bare: true, gives4xxUp: true, read: readGoogleAds},
		"hubspot-workflow": {sender: "a HubSpot workflow", scheme: carriedSecret(), unsigned: true, read: readHubSpotWorkflow},
		"meta":             {sender: "Meta", scheme: bodyScheme("X-Hub-Signature-256", "sha256=", hex.DecodeString), notices: readMeta, handshake: shakeMeta},
		"linkedin":         {sender: "LinkedIn", scheme: linkedInScheme(), notices: readLinkedIn, handshake: shakeLinkedIn},
		"hubspot":          {sender: "a HubSpot app", scheme: hubSpotScheme(), notices: readHubSpot},
		"jotform":          {sender: "Jotform", scheme: carriedSecret(), unsigned: true, form: true, read: readJotform},
		"gravity-forms":    {sender: "Gravity Forms", scheme: carriedSecret(), unsigned: true, form: true, read: readGravityForms},
		"contact-form-7":   {sender: "Contact Form 7", scheme: carriedSecret(), unsigned: true, form: true, read: readAny},
		"mailgun":          {sender: "Mailgun", scheme: mailgunScheme(), form: true, maxBody: maxMail, read: readMailgun},
		"sendgrid":         {sender: "SendGrid", scheme: carriedSecret(), unsigned: true, form: true, maxBody: maxMail, gives4xxUp: true, read: readSendGrid},
		"postmark":         {sender: "Postmark", scheme: carriedSecret(), unsigned: true, maxBody: maxMail, read: readPostmark},
		"standard":         {sender: "Standard Webhooks", scheme: standardScheme("Webhook"), events: true, form: true, read: readAny},
		"svix":             {sender: "Svix", scheme: standardScheme("Svix"), events: true, form: true, read: readAny},
		"hmac":             {sender: "the sender", events: true, form: true, read: readAny},
	}
}

// presetOf finds the preset of a configuration, with its scheme; nil for
// plain. The error names every mistake.
func presetOf(c Config) (*preset, error) {
	var errs []error
	wrong := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	name := cmp.Or(c.Preset, plain)
	all := presets()
	p, known := all[name]
	if name != "hmac" && c.Scheme != "" {
		wrong("scheme: only preset hmac has one; leave it out")
	}
	if name != "hmac" && c.Header != "" {
		wrong("header: only preset hmac has one; leave it out")
	}
	switch secret := strings.TrimSpace(c.Secret); {
	case c.Open():
		if secret != "" {
			wrong("secret: without a preset anybody may post; write the sender's preset, or leave it out")
		}
		if c.Unsigned {
			wrong("unsigned: without a preset nobody signs; leave it out")
		}
		return nil, errors.Join(errs...)
	case !known:
		names := append(slices.Collect(maps.Keys(all)), plain)
		slices.Sort(names)
		wrong("preset: there is no %q; write one of %s", c.Preset, strings.Join(names, ", "))
		return nil, errors.Join(errs...)
	case c.Unsigned && secret != "":
		wrong("unsigned: there is a secret as well; leave one of them out")
	case c.Unsigned && !p.unsigned:
		wrong("unsigned: %s can sign; leave it out and write the secret", p.sender)
	case c.Unsigned:
		p.scheme = nil
		return &p, errors.Join(errs...)
	case secret == "" && p.unsigned:
		wrong("secret: preset %s needs one, or unsigned: true, which lets anybody post", name)
	case secret == "":
		wrong("secret: preset %s needs the one that %s signs with; without it anybody could post", name, p.sender)
	}
	if name == "hmac" {
		scheme, known := hmacSchemes()[cmp.Or(c.Scheme, "github")]
		if !known {
			wrong("scheme: there is no %q; write github, stripe, hex or base64", c.Scheme)
			return nil, errors.Join(errs...)
		}
		scheme.signature = cmp.Or(c.Header, scheme.signature)
		p.scheme = scheme
	}
	if p.scheme.key != nil {
		if _, err := p.scheme.key(strings.TrimSpace(c.Secret)); err != nil {
			wrong("secret: %s writes it as whsec_ and base64; copy it anew", p.sender)
		}
	}
	return &p, errors.Join(errs...)
}
