package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"leadd/config"
	"leadd/ingest"
	"leadd/ingest/mail"
	"leadd/lead"
	"leadd/scoring"
	"leadd/scoring/evidence"
)

func score(t terminal, args []string) error {
	flags := flag.NewFlagSet("score", flag.ContinueOnError)
	configFile := flags.String("c", "", "configuration `FILE`: its criteria, lexicons and identity hold; without it the built-in criteria, and nothing is known of our own domains")
	criteriaFile := flags.String("criteria", "", "criteria `FILE` instead of the configuration's or the built-in criteria")
	lexicons := flags.String("lexicons", "", "`DIR` of lexicons beside the built-in ones, instead of the configuration's")
	history := flags.Bool("history", false, "take the inputs as contacts of common prospects, in their order")
	if err := parseFlags(t, flags, args, true); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		_, _ = fmt.Fprintln(t.err, "leadd score: name .eml files or files of JSON lines, or - for standard input")
		return errUsage
	}
	var cfg config.Config
	if *configFile != "" {
		var err error
		if cfg, err = config.Load(*configFile); err != nil {
			return err
		}
	}
	if *criteriaFile == "" && len(cfg.Criteria) > 1 {
		return fmt.Errorf("%s has criteria for several products; name one of them with --criteria: %s", *configFile, strings.Join(cfg.Criteria, ", "))
	}
	if *criteriaFile == "" && len(cfg.Criteria) == 1 {
		*criteriaFile = cfg.Criteria[0]
	}
	criteria, err := criteriaOr(*criteriaFile)
	if err != nil {
		return err
	}
	id, err := ingest.NewIdentity(cfg.Identity)
	if err != nil {
		return err
	}
	if *lexicons == "" {
		*lexicons = cfg.Lexicons
	}
	extractor, err := evidence.NewFrom(*lexicons)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(t.out)
	s := scorer{
		identity: id, mail: mail.NewReader(id), extract: extractor.Extract, engine: scoring.NewEngine(criteria),
		out: json.NewEncoder(out), complain: func(err error) { _, _ = fmt.Fprintln(t.err, "leadd score:", err) },
	}
	s.out.SetEscapeHTML(false)
	if *history {
		s.prospects, s.ledgers = map[string]*lead.Prospect{}, map[string][]lead.Reason{}
	}
	failed := false
	for _, name := range flags.Args() {
		if err := s.file(t, name); err != nil {
			s.complain(err)
			failed = true
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	if failed || s.failed {
		return errSaid
	}
	return nil
}

// sourceScore is the source that contacts scored offline are said to have.
const sourceScore = "score"

// scorer runs contacts through the very parts that the daemon runs them
// through, without servers.
type scorer struct {
	identity  *ingest.Identity
	mail      *mail.Reader
	extract   func(*lead.Contact) []lead.Finding
	engine    *scoring.Engine
	prospects map[string]*lead.Prospect // by key; nil: each contact is a prospect of its own
	ledgers   map[string][]lead.Reason  // the reasons of prospects so far
	offset    int64
	out       *json.Encoder
	complain  func(error)
	failed    bool
}

// item is one line of JSON input.
type item struct {
	ID   json.RawMessage `json:"id"` // text or number
	At   string          `json:"at"` // when it arrived, RFC 3339; left out: a mail's Date, or now
	Mail string          `json:"mail"`
	Form json.RawMessage `json:"form"`
}

// verdict is one line of output.
type verdict struct {
	ID            json.RawMessage `json:"id"` // as given
	Class         lead.Class      `json:"class"`
	Person        *verdictPerson  `json:"person"` // null: the contact is about no prospect
	CompanyDomain *string         `json:"company_domain"`
	Criteria      map[string]bool `json:"criteria"` // those met
	Budget        *verdictBudget  `json:"budget"`
	DeadlineDays  *int            `json:"deadline_days"`
	Stage         lead.Stage      `json:"stage"`
	Score         int             `json:"score"`
	Reasons       []verdictReason `json:"reasons"`
	Findings      []lead.Finding  `json:"findings"`
}

type verdictPerson struct {
	Email *string `json:"email"`
	Name  *string `json:"name"`
	Phone *string `json:"phone"`
	Title *string `json:"title"`
}

type verdictBudget struct {
	Amount   float64 `json:"amount"`
	Currency *string `json:"currency"`
}

type verdictReason struct {
	Criterion string `json:"criterion"`
	Points    int    `json:"points"` // what they are worth at the prospect's latest contact
	Evidence  string `json:"evidence"`
	Contact   string `json:"contact"`
}

// file scores one input: a mail, or JSON lines. What it is shows in its first
// character: no mail begins with a brace.
func (s *scorer) file(t terminal, name string) (err error) {
	in := t.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("open input: %w", err)
		}
		defer f.Close() //nolint:errcheck // only read
		in = f
	}
	r := bufio.NewReaderSize(in, 64<<10)
	head, err := r.Peek(r.Size())
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("{")) {
		return s.lines(name, r)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return s.score(name, item{Mail: string(raw)})
}

// lines scores each line; a line that is not understood is complained of and
// the next is read.
func (s *scorer) lines(name string, r *bufio.Reader) error {
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			where := fmt.Sprintf("%s:%d", name, n)
			var it item
			if err := json.Unmarshal(line, &it); err != nil {
				s.complain(fmt.Errorf(`%s: not understood: write {"id": "1", "at": "2026-03-02T09:15:00Z", "mail": "..."} or "form": {...}: %w`, where, err))
				s.failed = true
			} else if err := s.score(where, it); err != nil {
				s.complain(err)
				s.failed = true
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
}

// id gives the item's id as text, and as it was written; without one, it is
// where the item stands.
func (it item) id(where string) (text string, raw json.RawMessage) {
	raw = it.ID
	if len(raw) == 0 || string(raw) == "null" || string(raw) == `""` {
		raw, _ = json.Marshal(where) // a text
	}
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw) // a number
	}
	return text, raw
}

func (s *scorer) score(where string, it item) error {
	id, rawID := it.id(where)
	c, err := s.contact(it, id)
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	findings := s.extract(&c)
	before := s.prospects[c.Prospect]
	after, scored := s.engine.Apply(before, &c, findings, s.offset)
	s.offset++
	ledger := scored.Verdicts[0].Reasons
	if s.prospects != nil {
		s.prospects[c.Prospect] = after
		ledger = append(s.ledgers[c.Prospect], ledger...)
		s.ledgers[c.Prospect] = ledger
	}
	v := newVerdict(&c, findings, after, ledger)
	v.ID = rawID
	if err := s.out.Encode(v); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

func (s *scorer) contact(it item, id string) (c lead.Contact, err error) {
	var at time.Time
	if it.At != "" {
		var ok bool
		if at, ok = ingest.ParseTime(it.At); !ok {
			return c, fmt.Errorf("at: %q is no time; write it like 2026-03-02T09:15:00Z", it.At)
		}
	}
	switch {
	case it.Mail != "" && len(it.Form) > 0:
		return c, errors.New("both a mail and a form are given; make two lines of them")
	case it.Mail != "":
		if c, err = s.mail.Contact([]byte(it.Mail), at); err != nil {
			return c, err
		}
		if !at.IsZero() {
			c.At = at
		}
		c.ID, c.Source = id, sourceScore
		return c, nil
	case len(it.Form) > 0:
		fields, err := ingest.Flatten(it.Form)
		if err != nil {
			return c, err
		}
		if len(fields) == 0 {
			return c, errors.New("the form has no fields")
		}
		c = ingest.FormContact(fields, nil)
		ingest.MarkEvent(&c)
		c.ID, c.Source = id, sourceScore
		if at.IsZero() {
			at = time.Now()
		}
		c.At, c.Received = at, at
		s.identity.Complete(&c)
		return c, nil
	}
	return c, errors.New("neither a mail nor a form is given")
}

func newVerdict(c *lead.Contact, findings []lead.Finding, prospect *lead.Prospect, ledger []lead.Reason) verdict {
	p := &prospect.Standings[0]
	v := verdict{
		Class: c.Class, CompanyDomain: optional(c.Company.Domain),
		Criteria: map[string]bool{}, Stage: p.Stage, Score: p.Score,
		Reasons: []verdictReason{}, Findings: append([]lead.Finding{}, findings...),
	}
	if c.Person != (lead.Person{}) {
		v.Person = &verdictPerson{
			Email: optional(c.Person.Email), Name: optional(c.Person.Name),
			Phone: optional(c.Person.Phone), Title: optional(c.Person.Title),
		}
	}
	for _, m := range p.Met {
		v.Criteria[m.Criterion] = true
	}
	for i := range findings {
		f := &findings[i]
		if f.Amount > 0 && (v.Budget == nil) {
			v.Budget = &verdictBudget{Amount: f.Amount, Currency: optional(f.Currency)}
		}
		if f.Days != nil && v.DeadlineDays == nil {
			v.DeadlineDays = f.Days
		}
	}
	for _, r := range ledger {
		v.Reasons = append(v.Reasons, verdictReason{r.Criterion, r.Worth(prospect.Last), r.Evidence, r.Contact})
	}
	return v
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
