package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"leadd/config"
	"leadd/ingest/mailbox"
	"leadd/ingest/webhook"
)

func demo(t terminal, args []string) error {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:8080", "serve on `ADDR` (host:port), this machine only")
	data := flags.String("data", filepath.Join("data", "demo"), "keep data in `DIR`")
	if err := parseFlags(t, flags, args, false); err != nil {
		return err
	}
	cfg := config.Default()
	cfg.Listen, cfg.Data, cfg.Log = *listen, *data, "warn"
	if err := config.CheckListen(cfg.Listen, cfg.Auth); err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	now, err := demoTime(cfg.Data)
	if err != nil {
		return err
	}
	inbox, err := openInbox()
	if err != nil {
		return err
	}
	defer inbox.Close() //nolint:errcheck // the process ends
	cfg.Identity.OwnDomains = []string{demoDomain}
	cfg.Webhooks = map[string]webhook.Config{"website": {}, "pricing": {}, "webinar": {}, "salesdesk": {Events: true}}
	cfg.Mailboxes = map[string]mailbox.Config{
		"sales": {Addr: inbox.Addr().String(), TLS: mailbox.TLSNone, User: demoUser, Password: demoUser},
	}

	ctx, stop := stopSignal()
	defer stop()
	d, err := newDaemon(cfg, roles{true, true, true, true}, "", newLogger(t.err, cfg.Log))
	if err != nil {
		return err
	}
	d.whenReady = func(ctx context.Context) {
		samples := demoSamples(now)
		_, _ = fmt.Fprintf(t.out, "\nSending %d sample contacts through the front doors ...\n", len(samples))
		if err := d.send(ctx, samples, inbox); err != nil {
			if ctx.Err() == nil {
				d.log.Error().Err(err).Msg("a sample was not taken")
			}
			return
		}
		d.greet(t.out)
	}
	return d.run(ctx)
}

// send sends the samples in the order of their times: what a buyer wrote first
// arrives first. A mail has arrived when the mailbox has handed it on.
func (d *daemon) send(ctx context.Context, samples []sample, inbox *sampleInbox) error {
	base := "http://" + reachable(d.listener.Addr())
	mails := 0.0
	for _, s := range samples {
		if s.mail == nil {
			if err := postSample(ctx, base, s); err != nil {
				return err
			}
			continue
		}
		if err := inbox.append(s); err != nil {
			return err
		}
		mails++
		for d.mailsRead() < mails {
			if !wait(ctx, time.After(5*time.Millisecond)) {
				return ctx.Err()
			}
		}
	}
	return nil
}

// mailsRead counts the mails that the mailboxes have handed on, understood or
// not.
func (d *daemon) mailsRead() (n float64) {
	families, err := d.metrics.Gather()
	if err != nil {
		return 0
	}
	for _, f := range families {
		if f.GetName() == "leadd_mailbox_mails_total" || f.GetName() == "leadd_mailbox_dead_letters_total" {
			for _, m := range f.GetMetric() {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}

// demoTime gives the time from which the samples count back: that of the
// demo's first start in this directory, so that a later start sends the very
// same samples and leadd knows them.
func demoTime(dir string) (time.Time, error) {
	file := filepath.Join(dir, "began")
	b, err := os.ReadFile(file)
	if err == nil {
		began, err := time.Parse(time.RFC3339, strings.TrimSpace(string(b)))
		if err != nil {
			return began, fmt.Errorf("read when the demo began from %s: %w (delete %s to begin anew)", file, err, dir)
		}
		return began, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, fmt.Errorf("read when the demo began: %w", err)
	}
	began := time.Now().UTC().Truncate(time.Second)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return began, fmt.Errorf("make the demo's directory: %w", err)
	}
	if err := os.WriteFile(file, []byte(began.Format(time.RFC3339)+"\n"), 0o600); err != nil {
		return began, fmt.Errorf("note when the demo began: %w", err)
	}
	return began, nil
}

// demoUser is name and password of the sample inbox.
const demoUser = "demo"

// sampleInbox is an inbox served by IMAP on loopback.
type sampleInbox struct {
	net.Listener
	user *imapmemserver.User
}

func openInbox() (*sampleInbox, error) {
	user := imapmemserver.NewUser(demoUser, demoUser)
	if err := user.Create("INBOX", nil); err != nil {
		return nil, fmt.Errorf("make the sample inbox: %w", err)
	}
	mem := imapmemserver.New()
	mem.AddUser(user)
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return mem.NewSession(), nil, nil
		},
		Caps:         imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapIdle: {}},
		InsecureAuth: true, // loopback
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the sample inbox: %w", err)
	}
	go server.Serve(l) //nolint:errcheck // ends when the listener is closed
	return &sampleInbox{l, user}, nil
}

// append lets a mail arrive.
func (i *sampleInbox) append(s sample) error {
	if _, err := i.user.Append("INBOX", literal{bytes.NewReader(s.mail)}, &imap.AppendOptions{Time: s.at}); err != nil {
		return fmt.Errorf("fill the sample inbox: %w", err)
	}
	return nil
}

// literal is a message as the IMAP server takes it.
type literal struct{ *bytes.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

// postSample sends a form or event through the front door, as its sender
// would.
func postSample(ctx context.Context, base string, s sample) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/in/"+s.source, bytes.NewReader(s.body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if err := res.Body.Close(); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK && !s.broken {
		return fmt.Errorf("post a sample to %s: %s", s.source, res.Status)
	}
	return nil
}
