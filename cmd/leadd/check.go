package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"

	"leadd/config"
	"leadd/scoring"
	"leadd/scoring/evidence"
)

func check(t terminal, args []string) error {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	file := flags.String("c", "leadd.yaml", "configuration `FILE`")
	if err := parseFlags(t, flags, args, false); err != nil {
		return err
	}
	cfg, err := config.Load(*file)
	var mistakes config.Problems
	if err != nil && !errors.As(err, &mistakes) {
		return err
	}
	criteria, criteriaErr := scoring.LoadAll(cfg.Criteria)
	extractor, lexiconErr := evidence.NewFrom(cfg.Lexicons)
	if err := errors.Join(err, criteriaErr, lexiconErr); err != nil {
		_, _ = fmt.Fprintln(t.err, err)
		return errSaid
	}
	_, err = fmt.Fprintf(t.out, "%s is right (webhooks: %d, mailboxes: %d, criteria: %s, lexicons: %s)\n",
		*file, len(cfg.Webhooks), len(cfg.Mailboxes), idsOf(criteria), extractor.Version())
	return err
}

// idsOf names the criteria and their versions: "crm-3, training-1".
func idsOf(criteria []*scoring.Criteria) string {
	ids := make([]string, len(criteria))
	for i, c := range criteria {
		ids[i] = c.ID()
	}
	return strings.Join(ids, ", ")
}
