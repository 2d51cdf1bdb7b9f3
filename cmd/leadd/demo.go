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
	samples := demoSamples(now)
	inbox, err := openSampleInbox(samples)
	if err != nil {
		return err
	}
	defer inbox.Close() //nolint:errcheck // the process ends
	cfg.Identity.OwnDomains = []string{demoDomain}
	cfg.Webhooks = map[string]webhook.Config{"website": {}, "pricing": {}, "webinar": {}, "salesdesk": {}}
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
		forms := 0
		for _, s := range samples {
			if s.mail != nil {
				continue
			}
			if err := postSample(ctx, "http://"+reachable(d.listener.Addr()), s); err != nil {
				if ctx.Err() == nil {
					d.log.Error().Err(err).Str("source", s.source).Msg("sample was not taken")
				}
				return
			}
			forms++
		}
		_, _ = fmt.Fprintf(t.out, "\n%d sample forms and events were posted, and %d sample mails wait in the inbox.\n", forms, len(samples)-forms)
		d.greet(t.out)
	}
	return d.run(ctx)
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

// openSampleInbox serves an inbox with the sample mails by IMAP on loopback.
func openSampleInbox(samples []sample) (net.Listener, error) {
	user := imapmemserver.NewUser(demoUser, demoUser)
	if err := user.Create("INBOX", nil); err != nil {
		return nil, fmt.Errorf("make the sample inbox: %w", err)
	}
	for _, s := range samples {
		if s.mail == nil {
			continue
		}
		if _, err := user.Append("INBOX", literal{bytes.NewReader(s.mail)}, &imap.AppendOptions{Time: s.at}); err != nil {
			return nil, fmt.Errorf("fill the sample inbox: %w", err)
		}
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
	return l, nil
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
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("post a sample to %s: %s", s.source, res.Status)
	}
	return nil
}
