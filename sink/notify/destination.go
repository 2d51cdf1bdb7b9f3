package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"leadd/lead"
)

// How long and how often a destination is tried: Standard Webhooks recommends
// to go on for days.
const (
	answerTime = 15 * time.Second
	firstPause = time.Second
	maxPause   = 5 * time.Minute
	patience   = 72 * time.Hour
)

// destination is where moves are sent.
type destination struct {
	name    string
	url     string
	page    string
	stages  []lead.Stage
	signer  *standardwebhooks.Webhook // nil: a chat
	client  *http.Client
	logger  zerolog.Logger
	warn    zerolog.Logger // for what repeats
	metrics *metrics
}

func newDestination(name string, cfg Config, m *metrics, logger zerolog.Logger) (*destination, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	d := &destination{name: name, url: cfg.URL, page: cfg.Page, metrics: m}
	d.logger = logger.With().Str("destination", name).Logger()
	d.warn = d.logger.Sample(&zerolog.BurstSampler{Burst: 1, Period: time.Minute})
	for _, s := range cfg.Stages {
		stage, err := lead.ParseStage(s)
		if err != nil {
			return nil, err
		}
		d.stages = append(d.stages, stage)
	}
	if cfg.Format != formatChat {
		signer, err := cfg.signer()
		if err != nil {
			return nil, err
		}
		d.signer = signer
	}
	d.client = &http.Client{
		Timeout: answerTime,
		// A redirect would turn the post into a GET; Standard Webhooks calls it a failure.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return d, nil
}

// send tries until the destination has the move. It gives up with an error
// when ctx ends, after patience, or where the destination says that it will
// never take it.
func (d *destination) send(ctx context.Context, m move) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, d.once(ctx, m) },
		backoff.WithBackOff(&backoff.ExponentialBackOff{InitialInterval: firstPause, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: maxPause}),
		backoff.WithMaxElapsedTime(patience),
		backoff.WithNotify(func(err error, pause time.Duration) {
			d.metrics.retries.WithLabelValues(d.name).Inc()
			d.warn.Warn().Err(err).Dur("pause_ms", pause).Msg("destination did not take a promotion, trying again")
		}))
	return err
}

// once posts the move. The error is one of backoff's where the destination
// says for good that it will not take it, or when to come back.
func (d *destination) once(ctx context.Context, m move) error {
	encode := m.webhook
	if d.signer == nil {
		encode = m.chat
	}
	body, err := encode(d.page)
	if err != nil {
		return backoff.Permanent(err)
	}
	ctx, cancel := outlive(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(body))
	if err != nil {
		return backoff.Permanent(errors.New("the destination's url cannot be used"))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "leadd")
	if d.signer != nil {
		now := time.Now()
		signature, err := d.signer.Sign(m.id(), now, body)
		if err != nil {
			return backoff.Permanent(fmt.Errorf("sign the webhook: %w", err))
		}
		req.Header.Set(standardwebhooks.HeaderWebhookID, m.id())
		req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
		req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	}
	res, err := d.client.Do(req)
	if err != nil {
		var withAddress *url.Error // which may hold a token
		if errors.As(err, &withAddress) {
			err = withAddress.Err
		}
		return fmt.Errorf("post: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	if err := verdict(res); err != nil {
		return err
	}
	d.metrics.sent.WithLabelValues(d.name, m.change.To.String()).Inc()
	return nil
}

// verdict reads an answer's status: what is wrong with this one message is
// final; what is wrong with the destination or our right to post passes.
func verdict(res *http.Response) error {
	err := fmt.Errorf("the destination answers %s", res.Status)
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusBadRequest, code == http.StatusMethodNotAllowed, code == http.StatusGone,
		code == http.StatusRequestEntityTooLarge, code == http.StatusUnsupportedMediaType, code == http.StatusUnprocessableEntity:
		return backoff.Permanent(err)
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		if seconds, aerr := strconv.Atoi(res.Header.Get("Retry-After")); aerr == nil {
			return fmt.Errorf("%w: %w", err, backoff.RetryAfter(min(max(seconds, 1), int(maxPause/time.Second))))
		}
	}
	return err
}
