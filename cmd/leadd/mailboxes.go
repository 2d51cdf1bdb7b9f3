package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"leadd/ingest"
	"leadd/ingest/mail"
	"leadd/ingest/mailbox"
	"leadd/internal/stream"
	"leadd/lead"
)

// openMailboxes prepares the configured mailboxes, none of which runs yet.
func (d *daemon) openMailboxes(id *ingest.Identity) {
	reader := mail.NewReader(id)
	d.mailboxes = map[string]*mailbox.Mailbox{}
	for name, cfg := range d.cfg.Mailboxes {
		d.mailboxes[name] = mailbox.New(name, cfg, reader, d.intake, cursors{d.stream, d.intake, d.log}, d.log, d.metrics)
	}
}

// runMailboxes reads the mailboxes whose cursors are in the partition that is
// ours: so each is read by one process, whichever owns it at the time.
func (d *daemon) runMailboxes(ctx context.Context, claim *stream.Claim) error {
	g, ctx := errgroup.WithContext(ctx)
	for name, m := range d.mailboxes {
		partition, err := d.stream.PartitionOf(lead.TopicCursors, []byte(name))
		if err != nil {
			return err
		}
		if partition == claim.Partition() {
			g.Go(func() error { return m.Run(ctx) })
		}
	}
	g.Go(func() error { <-ctx.Done(); return nil }) // keeps a partition without mailboxes
	return g.Wait()
}

// cursors keeps mailboxes' positions in Kafka.
type cursors struct {
	stream *stream.Client
	intake *ingest.Intake
	log    zerolog.Logger
}

// Load gives the newest position that can be read. A record that cannot goes
// to the dead letters; from an older position mails are read again, and count
// once.
func (c cursors) Load(ctx context.Context, name string) (position mailbox.Position, err error) {
	var poison [][]byte
	err = c.stream.ReadKey(ctx, lead.TopicCursors, name, func(value []byte) {
		var p mailbox.Position
		if json.Unmarshal(value, &p) != nil || p.Account == "" {
			poison = append(poison, value)
			return
		}
		position = p
	})
	if err != nil {
		return position, fmt.Errorf("load the position of mailbox %s: %w", name, err)
	}
	for _, raw := range poison {
		c.log.Error().Str("mailbox", name).Msg("a position is not what leadd writes; going on from the one before it")
		err := c.intake.Refuse(ctx, lead.DeadLetter{
			ID: lead.ContactID("position", name, string(raw)), At: time.Now().UTC().Truncate(time.Millisecond),
			Stage: "ingest", Source: lead.TopicCursors, Origin: "position of mailbox " + name,
			Reason: "it is no position of a mailbox; reading goes on from the one before", Raw: raw,
		})
		if err != nil {
			return position, fmt.Errorf("load the position of mailbox %s: %w", name, err)
		}
	}
	return position, nil
}

func (c cursors) Save(ctx context.Context, name string, position mailbox.Position) error {
	value, err := json.Marshal(position)
	if err != nil {
		return fmt.Errorf("encode the position of mailbox %s: %w", name, err)
	}
	if err := c.stream.Publish(ctx, lead.TopicCursors, []byte(name), value); err != nil {
		return fmt.Errorf("save the position of mailbox %s: %w", name, err)
	}
	return nil
}
