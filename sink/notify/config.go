package notify

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"leadd/lead"
)

// Config is one destination.
type Config struct {
	// URL is where to post to, http or https.
	URL string `yaml:"url"`
	// Format is "webhook", a signed webhook as standardwebhooks.com describes
	// it, or "chat", a line of text in the JSON that Slack, Mattermost, Rocket.Chat,
	// Google Chat and others take ({"text": "..."}). Empty: webhook.
	Format string `yaml:"format"`
	// Secret signs webhooks: "whsec_" and base64 of 24 to 64 bytes.
	Secret string `yaml:"secret"`
	// Stages are those that are told of when a prospect comes to them. None
	// named: all.
	Stages []string `yaml:"stages"`
	// Page is where people reach leadd's page ("https://leadd.example.com"),
	// for a link to the prospect; empty: no link.
	Page string `yaml:"page"`
}

// The formats.
const (
	formatWebhook = "webhook"
	formatChat    = "chat"
)

// Validate names every mistake in c, joined; nil where there is none.
func (c Config) Validate() error {
	var errs []error
	if err := checkURL(c.URL); err != nil {
		errs = append(errs, fmt.Errorf("url: %w", err))
	}
	switch c.Format {
	case "", formatWebhook:
		if _, err := c.signer(); err != nil {
			errs = append(errs, fmt.Errorf("secret: %w", err))
		}
	case formatChat:
		if c.Secret != "" {
			errs = append(errs, errors.New("secret: a chat's messages are not signed; remove it, or say format: webhook"))
		}
	default:
		errs = append(errs, fmt.Errorf("format: %q is not webhook or chat", c.Format))
	}
	for _, name := range c.Stages {
		if _, err := lead.ParseStage(name); err != nil {
			errs = append(errs, fmt.Errorf("stages: %w", err))
		}
	}
	if c.Page != "" {
		if err := checkURL(c.Page); err != nil {
			errs = append(errs, fmt.Errorf("page: %w", err))
		}
	}
	return errors.Join(errs...)
}

// checkURL does not repeat the address in its error: it may hold a token.
func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("this is no address such as https://example.com/hook")
	}
	return nil
}

// signer makes what signs the webhooks; it fails where the secret is none.
func (c Config) signer() (*standardwebhooks.Webhook, error) {
	const advice = `write "whsec_" and the base64 of 24 to 64 random bytes, such as openssl rand -base64 32 prints, here and at the receiver`
	if c.Secret == "" {
		return nil, errors.New("missing; " + advice)
	}
	key := strings.TrimPrefix(c.Secret, "whsec_")
	signer, err := standardwebhooks.NewWebhook(c.Secret)
	if err != nil || len(key) < 32 || len(key) > 88 { // base64 of 24 and of 64 bytes
		return nil, errors.New("this is no secret of Standard Webhooks; " + advice)
	}
	return signer, nil
}
