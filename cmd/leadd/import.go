package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"leadd/config"
	"leadd/ingest"
	"leadd/ingest/files"
	"leadd/ingest/mail"
	"leadd/ingest/webhook"
	"leadd/internal/stream"
	"leadd/lead"
)

const (
	importSave = 1000 // items, after which the position is saved

	// sourceImport is the source of what is imported without --source. It is
	// no file's name: a file imported again under another name counts once.
	sourceImport = "import"

	importLanes    = 256              // contacts on their way to Kafka at once: they share its writes
	importPatience = 30 * time.Second // for Kafka to take one contact
)

func importFiles(t terminal, args []string) (err error) {
	flags := flag.NewFlagSet("import", flag.ContinueOnError)
	file := flags.String("c", "leadd.yaml", "configuration `FILE`")
	data := flags.String("data", "", "the daemon keeps its data in `DIR` instead of the file's data")
	source := flags.String("source", sourceImport, "count what is read as of this configured web form or mailbox, by its `NAME`")
	if err := parseFlags(t, flags, args, true); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		_, _ = fmt.Fprintln(t.err, "leadd import: name the files: .eml, mbox, Maildir directories, CSV, or JSON lines")
		return errUsage
	}
	cfg, err := config.Load(*file)
	if err != nil {
		return err
	}
	if *data != "" {
		cfg.Data = *data
	}
	if err := findServer("kafka", cfg.Data, &cfg.Kafka.Brokers); err != nil {
		return err
	}
	ctx, stop := stopSignal()
	defer stop()
	im, err := newImporter(ctx, t, cfg, *source)
	if err != nil {
		return err
	}
	defer im.stream.Close()
	var all importCount
	for _, path := range flags.Args() {
		n, err := im.file(ctx, path)
		all.add(n)
		if err != nil {
			all.failed++
			_, _ = fmt.Fprintln(t.err, "leadd import:", err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	_, _ = fmt.Fprintf(t.out, "imported as source %s: %s\n", *source, all)
	switch {
	case ctx.Err() != nil:
		_, _ = fmt.Fprintln(t.out, "stopped before the end; the same command goes on from there")
		return errSaid
	case all.failed > 0:
		_, _ = fmt.Fprintln(t.out, "not everything was read; the same command goes on from where it failed, and counts nothing twice")
		return errSaid
	case all.refused > 0:
		_, _ = fmt.Fprintln(t.out, "what was refused is under Dead letters, with the line and the reason")
		return errSaid
	}
	return nil
}

// importCount says what became of a file's items.
type importCount struct {
	contacts, refused, ignored, undated, before, failed int
}

func (n *importCount) add(m importCount) {
	n.contacts += m.contacts
	n.refused += m.refused
	n.ignored += m.ignored
	n.undated += m.undated
	n.before += m.before
}

// String says nothing of how many are new: only scoring knows which contacts
// it has seen.
func (n importCount) String() string {
	s := fmt.Sprintf("%d contacts handed in (what leadd knew already counts once), %d refused", n.contacts, n.refused)
	for _, more := range []struct {
		n    int
		what string
	}{
		{n.before, "handed in the last time"},
		{n.ignored, "about no prospect"},
		{n.undated, "with a time that cannot be read, so dated now"},
		{n.failed, "not read to their end"},
	} {
		if more.n > 0 {
			s += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	return s
}

// importer hands in what files hold, through the doors' own readers.
type importer struct {
	t      terminal
	source string
	stream *stream.Client
	intake *ingest.Intake
	forms  *webhook.Handler
	mail   *mail.Reader
}

func newImporter(ctx context.Context, t terminal, cfg config.Config, source string) (*importer, error) {
	forms, known := cfg.Webhooks[source]
	if _, isMailbox := cfg.Mailboxes[source]; !known && !isMailbox && source != sourceImport {
		names := slices.Sorted(maps.Keys(cfg.Webhooks))
		names = append(names, slices.Sorted(maps.Keys(cfg.Mailboxes))...)
		return nil, fmt.Errorf("--source: no web form or mailbox is called %q; configured are %s", source, strings.Join(names, ", "))
	}
	log, metrics := newLogger(t.err, "error"), prometheus.NewRegistry()
	id, err := ingest.NewIdentity(cfg.Identity)
	if err != nil {
		return nil, err
	}
	im := &importer{t: t, source: source, mail: mail.NewReader(id)}
	if im.stream, err = stream.Dial(cfg.Kafka, log, metrics); err != nil {
		return nil, err
	}
	im.intake = ingest.NewIntake(im.stream, metrics)
	if im.forms, err = webhook.New(map[string]webhook.Config{source: forms}, id, im.intake, log, metrics); err != nil {
		return nil, err
	}
	connecting, cancel := context.WithTimeout(ctx, replayConnect)
	defer cancel()
	if err := im.stream.EnsureTopics(connecting); err != nil {
		return nil, fmt.Errorf("reach Kafka (leadd serve must be running if Kafka is its own): %w", err)
	}
	return im, nil
}

// file imports one file from where the last import of it has stopped.
func (im *importer) file(ctx context.Context, path string) (n importCount, err error) {
	f, err := files.Open(path)
	if err != nil {
		return n, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if path, err = filepath.Abs(path); err != nil {
		return n, err
	}
	place := im.place(path, f)
	bar := newProgress(im.t.err, filepath.Base(path), f.Size())
	defer bar.close()
	out := newLanes(ctx)
	defer out.close()
	err = im.items(ctx, f, place, out, bar, &n)
	return n, err
}

// items hands in a file's items and keeps its place up to date, if there are
// so many that it is worth the while: the first are always handed in, as many a
// file is one mail, and looking for its place takes longer than that.
func (im *importer) items(ctx context.Context, f *files.File, place *importPlace, out *lanes, bar *progress, n *importCount) error {
	from := 0 // those before were handed in the last time
	for read := 0; ; read++ {
		it, err := f.Next()
		end := errors.Is(err, io.EOF)
		stop := err != nil || ctx.Err() != nil
		if stop || read > from && read%importSave == 0 {
			if werr := out.wait(); werr != nil {
				return fmt.Errorf("hand in what stands before %s: %w", it.Origin, werr)
			}
		}
		switch {
		case read == importSave && !stop:
			if from, err = place.load(ctx); err != nil {
				return err
			}
			if n.before = max(0, from-read); n.before > 0 {
				_, _ = fmt.Fprintf(im.t.out, "%s: going on behind the first %d, which were handed in the last time\n", place.now.File, from)
			}
		case read > importSave && (stop || read > from && read%importSave == 0):
			if serr := place.save(ctx, max(read, from), end); serr != nil {
				return serr
			}
		}
		switch {
		case end:
			return nil
		case stop:
			return err
		}
		bar.set(f.Done(), read)
		if read >= from {
			im.item(&it, out, n)
		}
	}
}

// item hands in one item; out keeps the error, if there is one.
func (im *importer) item(it *files.Item, out *lanes, n *importCount) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	c, err := im.contact(it, now)
	switch {
	case errors.Is(err, webhook.ErrIgnored):
		n.ignored++
	case err != nil:
		n.refused++
		letter := lead.DeadLetter{
			ID: lead.ContactID(im.source, "dead", string(it.Raw)), At: now, Stage: "ingest", Source: im.source,
			Reason: err.Error(), Origin: it.Origin, Raw: it.Raw,
		}
		if len(it.Raw) == 0 {
			letter.ID = lead.ContactID(im.source, "dead", it.Origin)
		}
		out.put(letter.ID, func(ctx context.Context) error { return im.intake.Refuse(ctx, letter) })
	default:
		n.contacts++
		if it.Kind != files.Mail && c.At.Equal(c.Received) && hasTime(&c) {
			n.undated++
		}
		out.put(c.Prospect, func(ctx context.Context) error { return im.intake.Accept(ctx, &c) })
	}
}

// contact reads an item. What makes a reader panic is bad input like any
// other.
func (im *importer) contact(it *files.Item, now time.Time) (c lead.Contact, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the reader panicked: %v", v)
		}
	}()
	switch {
	case it.Err != nil:
		return c, it.Err
	case it.Kind == files.JSON:
		return im.forms.ImportJSON(im.source, it.Raw, now)
	case it.Kind == files.Row:
		return im.forms.ImportRow(im.source, it.Fields, now)
	}
	if c, err = im.mail.Contact(it.Raw, now); err != nil {
		return c, err
	}
	c.Source = im.source
	if c.At.Equal(c.Received) && !it.Arrived.IsZero() && it.Arrived.Before(now) { // the mail does not say its date
		c.At = it.Arrived
	}
	return c, nil
}

func hasTime(c *lead.Contact) bool {
	return slices.ContainsFunc(c.Fields, func(f lead.Field) bool { return f.Key == "at" || f.Key == "date" })
}

// importPlace is how far a file has been imported, kept in Kafka beside the
// contacts: whoever has the one has the other. It only saves time, as what is
// handed in again counts once.
type importPlace struct {
	stream *stream.Client
	key    string
	now    importPosition
	saved  bool // there is a position in Kafka
}

// importPosition is the value of a place. It holds for a file as it was then.
type importPosition struct {
	File     string `json:"file"`
	Size     int64  `json:"size"`
	Modified int64  `json:"modified"` // Unix nanoseconds
	Items    int    `json:"items"`    // handed in
}

func (im *importer) place(path string, f *files.File) *importPlace {
	return &importPlace{
		stream: im.stream, key: "import/" + lead.ContactID(im.source, path),
		now: importPosition{File: path, Size: f.Size(), Modified: f.Modified().UnixNano()},
	}
}

// load gives the number of items that need not be handed in again.
func (p *importPlace) load(ctx context.Context) (items int, err error) {
	var last importPosition
	err = p.stream.ReadKey(ctx, lead.TopicCursors, p.key, func(value []byte) {
		last = importPosition{}
		if p.saved = len(value) > 0; p.saved && json.Unmarshal(value, &last) != nil {
			last = importPosition{}
		}
	})
	if err != nil {
		return 0, fmt.Errorf("load the position in %s: %w", p.now.File, err)
	}
	items, last.Items = last.Items, 0
	if last != p.now {
		return 0, nil // another file by now
	}
	return items, nil
}

// save says that so many items are in Kafka; done: the next import begins
// anew.
func (p *importPlace) save(ctx context.Context, items int, done bool) error {
	if done && !p.saved {
		return nil
	}
	var value []byte
	if !done {
		p.now.Items = items
		var err error
		if value, err = json.Marshal(p.now); err != nil {
			return fmt.Errorf("encode the position in %s: %w", p.now.File, err)
		}
	}
	// Also when asked to stop.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), importPatience)
	defer cancel()
	if err := p.stream.Publish(ctx, lead.TopicCursors, []byte(p.key), value); err != nil {
		return fmt.Errorf("save the position in %s: %w", p.now.File, err)
	}
	p.saved = !done
	return nil
}

// lanes write to Kafka many at once, and what has one key in order.
type lanes struct {
	work    []chan func(context.Context) error
	workers sync.WaitGroup
	under   sync.WaitGroup // what was put and is not done
	mu      sync.Mutex
	err     error // the first
}

func newLanes(ctx context.Context) *lanes {
	l := &lanes{work: make([]chan func(context.Context) error, importLanes)}
	for i := range l.work {
		l.work[i] = make(chan func(context.Context) error, 1)
		l.workers.Go(func() {
			for write := range l.work[i] {
				l.do(ctx, write)
				l.under.Done()
			}
		})
	}
	return l
}

func (l *lanes) do(ctx context.Context, write func(context.Context) error) {
	if l.failure() != nil {
		return
	}
	// What was begun is ended when asked to stop.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), importPatience)
	defer cancel()
	if err := write(ctx); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("no answer of Kafka for %v: %w", importPatience, err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.err == nil {
			l.err = err
		}
	}
}

// put has write done behind what was put under the same key before.
func (l *lanes) put(key string, write func(context.Context) error) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	l.under.Add(1)
	l.work[h.Sum32()%importLanes] <- write
}

func (l *lanes) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// wait waits until all that was put is done, and says what has failed.
func (l *lanes) wait() error {
	l.under.Wait()
	return l.failure()
}

// close ends the workers.
func (l *lanes) close() {
	for _, work := range l.work {
		close(work)
	}
	l.workers.Wait()
}
