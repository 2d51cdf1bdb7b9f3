package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"

	"leadd/config"
	"leadd/ingest"
	"leadd/ingest/mail"
	"leadd/ingest/webhook"
	"leadd/internal/clickhouse"
	"leadd/internal/embedded"
	"leadd/internal/stream"
	"leadd/lead"
	"leadd/scoring"
	"leadd/sink"
	"leadd/sink/notify"
)

// replayConnect is how long Kafka is waited for before replay gives up.
const replayConnect = 10 * time.Second

func replay(t terminal, args []string) (err error) {
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	file := flags.String("c", "leadd.yaml", "configuration `FILE`")
	data := flags.String("data", "", "the daemon keeps its data in `DIR` instead of the file's data")
	list := flags.Bool("list", false, "list the dead letters and change nothing")
	if err := parseFlags(t, flags, args, true); err != nil {
		return err
	}
	cfg, err := config.Load(*file)
	if err != nil {
		return err
	}
	if *data != "" {
		cfg.Data = *data
	}
	if err := findServers(&cfg); err != nil {
		return err
	}
	ctx, stop := stopSignal()
	defer stop()
	db, err := clickhouse.Open(cfg.ClickHouse)
	if err != nil {
		return fmt.Errorf("set up ClickHouse: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	letters, err := readLetters(ctx, db, flags.Args())
	if err != nil {
		return err
	}
	if *list {
		for _, l := range letters {
			_, _ = fmt.Fprintf(t.out, "%s  %s  %s: %s: %s\n", l.ID, l.At.Format(time.RFC3339), l.Source, l.Origin, l.Reason)
		}
		return nil
	}
	r, err := newReplayer(ctx, t, cfg)
	if err != nil {
		return err
	}
	defer r.stream.Close()
	for i := range letters {
		done, err := r.replay(ctx, &letters[i])
		if errors.Is(err, errStill) {
			done, err = err.Error(), nil
		}
		if err != nil {
			return fmt.Errorf("replay %s: %w", letters[i].ID, err)
		}
		_, _ = fmt.Fprintf(t.out, "%s  %s: %s\n", letters[i].ID, letters[i].Origin, done)
	}
	return nil
}

// findServers fills in the addresses of the embedded servers, which run while
// the daemon does.
func findServers(cfg *config.Config) error {
	for _, server := range []struct {
		name string
		addr *[]string
	}{{"kafka", &cfg.Kafka.Brokers}, {"clickhouse", &cfg.ClickHouse.Addr}} {
		if len(*server.addr) > 0 {
			continue
		}
		addr, err := embedded.LastAddr(filepath.Join(cfg.Data, server.name))
		if err != nil {
			return fmt.Errorf("%w; leadd serve must be running with the same configuration", err)
		}
		*server.addr = []string{addr}
	}
	return nil
}

// readLetters reads the dead letters with these ids, or all, the oldest first.
// Each id must be there.
func readLetters(ctx context.Context, db driver.Conn, ids []string) (letters []lead.DeadLetter, err error) {
	rows, err := db.Query(ctx, `SELECT id, at, stage, source, reason, origin, raw, truncated FROM dead_letters
		WHERE empty($1) OR has($1, id) ORDER BY at, id`, append([]string{}, ids...))
	if err != nil {
		return nil, fmt.Errorf("read the dead letters (leadd serve must be running if ClickHouse is its own): %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	missing := slices.Clone(ids)
	for rows.Next() {
		var l lead.DeadLetter
		var raw string
		if err := rows.Scan(&l.ID, &l.At, &l.Stage, &l.Source, &l.Reason, &l.Origin, &raw, &l.Truncated); err != nil {
			return nil, fmt.Errorf("read the dead letters: %w", err)
		}
		l.Raw = []byte(raw)
		letters = append(letters, l)
		missing = slices.DeleteFunc(missing, func(id string) bool { return id == l.ID })
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the dead letters: %w", err)
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("there is no dead letter %s; leadd replay --list shows them", strings.Join(missing, ", "))
	}
	return letters, nil
}

// replayer puts dead letters back where they were refused. Whatever is
// replayed twice counts once.
type replayer struct {
	cfg    config.Config
	stream *stream.Client
	intake *ingest.Intake
	forms  *webhook.Handler
	mail   *mail.Reader
	notify *notify.Stage
}

// errStill marks a letter that cannot be understood now either.
var errStill = errors.New("left as it is")

func still(reason error) error { return fmt.Errorf("%w: %w", errStill, reason) }

func newReplayer(ctx context.Context, t terminal, cfg config.Config) (*replayer, error) {
	log, metrics := newLogger(t.err, "error"), prometheus.NewRegistry()
	id, err := ingest.NewIdentity(cfg.Identity)
	if err != nil {
		return nil, err
	}
	r := &replayer{cfg: cfg, mail: mail.NewReader(id)}
	if r.stream, err = stream.Dial(cfg.Kafka, log, metrics); err != nil {
		return nil, err
	}
	r.intake = ingest.NewIntake(r.stream, metrics)
	if r.forms, err = webhook.New(cfg.Webhooks, id, r.intake, log, metrics); err != nil {
		return nil, err
	}
	if r.notify, err = notify.NewStage(cfg.Notify, r.stream, time.Now(), log, metrics); err != nil {
		return nil, err
	}
	connecting, cancel := context.WithTimeout(ctx, replayConnect)
	defer cancel()
	if err := r.stream.EnsureTopics(connecting); err != nil {
		return nil, fmt.Errorf("reach Kafka (leadd serve must be running if Kafka is its own): %w", err)
	}
	return r, nil
}

// replay says what it did; errStill: nothing.
func (r *replayer) replay(ctx context.Context, l *lead.DeadLetter) (done string, err error) {
	if l.Stage == "ingest" {
		return r.replayInput(ctx, l)
	}
	topic, partition, offset, err := parseOrigin(l.Origin)
	if err != nil {
		return "", still(err)
	}
	record, err := r.record(ctx, topic, partition, offset)
	if err != nil {
		return "", err
	}
	switch topic {
	case lead.TopicContacts:
		var c lead.Contact
		if err := lead.Decode(record.Value, &c); err != nil {
			return "", still(err)
		}
		if c.ID == "" || len(c.ID) > scoring.MaxID || c.Prospect == "" || len(c.Prospect) > scoring.MaxKey {
			return "", still(errors.New("the contact has no id or prospect, or they are too long"))
		}
		return r.publish(ctx, topic, c.Prospect, record.Value)
	case lead.TopicScored:
		var s lead.Scored
		if err := lead.Decode(record.Value, &s); err != nil {
			return "", still(err)
		}
		if l.Stage == "notify" {
			if err := r.notify.Resend(ctx, l.Source, &s); err != nil {
				return "", still(err)
			}
			return "sent to " + l.Source, nil
		}
		return r.store(ctx, partition, &s)
	case lead.TopicDead:
		var letter lead.DeadLetter
		if err := lead.Decode(record.Value, &letter); err != nil {
			return "", still(err)
		}
		return r.publish(ctx, topic, letter.ID, record.Value)
	}
	// A prospect's state: the stage has gone on from the state before it.
	return "", still(fmt.Errorf("records of %s are not replayed; replay the contacts", topic))
}

// replayInput reads what came in at a front door again, by the same code.
func (r *replayer) replayInput(ctx context.Context, l *lead.DeadLetter) (string, error) {
	if l.Source == lead.TopicCursors {
		return "", still(errors.New("the mailbox has gone on from the position before"))
	}
	if l.Truncated {
		return "", still(fmt.Errorf("only its first %d bytes were kept; have it sent again", len(l.Raw)))
	}
	if _, ok := r.cfg.Webhooks[l.Source]; ok {
		id, err := r.forms.Replay(ctx, l)
		if err != nil {
			return "", still(err)
		}
		return "accepted as contact " + id, nil
	}
	if _, ok := r.cfg.Mailboxes[l.Source]; !ok {
		return "", still(fmt.Errorf("no web form or mailbox %q is configured", l.Source))
	}
	c, err := r.mail.Contact(l.Raw, l.At)
	if err != nil {
		return "", still(err)
	}
	c.Source = l.Source
	if err := r.intake.Accept(ctx, &c); err != nil {
		return "", err
	}
	return "accepted as contact " + c.ID, nil
}

func (r *replayer) publish(ctx context.Context, topic, key string, value []byte) (string, error) {
	if err := r.stream.Publish(ctx, topic, []byte(key), value); err != nil {
		return "", err
	}
	return "published again on " + topic, nil
}

// store stores a scored contact. Published again it would be dropped, as
// others behind it have been stored.
func (r *replayer) store(ctx context.Context, partition int, s *lead.Scored) (string, error) {
	stored, err := sink.Restore(ctx, connectSink(r.cfg.ClickHouse), partition, s)
	switch {
	case err != nil:
		return "", still(err)
	case !stored:
		return "is stored already", nil
	}
	return "stored in ClickHouse", nil
}

// record reads one record, whole, with its key.
func (r *replayer) record(ctx context.Context, topic string, partition int, offset int64) (lead.Record, error) {
	records, _, err := r.stream.Fetch(ctx, topic, partition, offset)
	if errors.Is(err, stream.ErrOffsetOutOfRange) || err == nil && (len(records) == 0 || records[0].Offset != offset) {
		return lead.Record{}, still(errors.New("the record is no longer on Kafka"))
	}
	if err != nil {
		return lead.Record{}, err
	}
	return records[0], nil
}

// parseOrigin reads where a record stood: "leadd.contacts/2@1045".
func parseOrigin(origin string) (topic string, partition int, offset int64, err error) {
	topic, place, _ := strings.Cut(origin, "/")
	number, at, ok := strings.Cut(place, "@")
	partition, perr := strconv.Atoi(number)
	offset, oerr := strconv.ParseInt(at, 10, 64)
	if !ok || perr != nil || oerr != nil {
		return "", 0, 0, fmt.Errorf("origin %q names no record", origin)
	}
	return topic, partition, offset, nil
}
