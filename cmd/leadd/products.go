package main

import (
	"context"
	"errors"
	"fmt"

	"leadd/config"
	"leadd/lead"
	"leadd/scoring"
)

// errEdited: criteria that have run were changed under the same version.
var errEdited = errors.New("criteria that have run are never edited")

// versionKey is the key, on lead.TopicCursors, under which it is remembered
// what a version of criteria says. It is no name that a mailbox can have.
func versionKey(c *scoring.Criteria) string { return "/criteria/" + c.ID() }

// adopt remembers in Kafka that these criteria have run. It fails with
// errEdited, and remembers none, where a version has run before and said
// something else: its results could not be told apart.
func (d *daemon) adopt(ctx context.Context, criteria []*scoring.Criteria) error {
	var fresh []*scoring.Criteria
	for _, c := range criteria {
		var known string
		if err := d.stream.ReadKey(ctx, lead.TopicCursors, versionKey(c), func(value []byte) { known = string(value) }); err != nil {
			return fmt.Errorf("recall the criteria that have run: %w", err)
		}
		switch known {
		case c.Fingerprint():
		case "":
			fresh = append(fresh, c)
		default:
			return fmt.Errorf("%s has run and said something else: raise its version: %w", c.ID(), errEdited)
		}
	}
	for _, c := range fresh {
		if err := d.stream.Publish(ctx, lead.TopicCursors, []byte(versionKey(c)), []byte(c.Fingerprint())); err != nil {
			return fmt.Errorf("remember that %s runs: %w", c.ID(), err)
		}
	}
	return nil
}

// reloadOnHangup reads the criteria again at every SIGHUP, until ctx ends.
// Where they cannot be used, those in force stay.
func (d *daemon) reloadOnHangup(ctx context.Context) error {
	inForce := d.criteria
	for wait(ctx, d.hangups) {
		criteria, err := d.reload(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			d.log.Error().Err(err).Str("criteria", idsOf(inForce)).Msg("the criteria are not changed; those in force stay")
		case idsOf(criteria) == idsOf(inForce):
			d.log.Info().Str("criteria", idsOf(inForce)).Msg("the criteria are as before")
		default:
			d.scoring.Use(scoring.NewEngine(criteria...))
			d.log.Info().Str("before", idsOf(inForce)).Str("criteria", idsOf(criteria)).
				Msg("new criteria are in force: they judge each prospect from its next contact on")
			inForce = criteria
		}
	}
	return nil
}

// reload reads the criteria that the configuration names now. Only they are
// read again; the rest of the configuration holds until a restart.
func (d *daemon) reload(ctx context.Context) ([]*scoring.Criteria, error) {
	cfg, err := config.Load(d.configFile)
	if err != nil {
		return nil, err
	}
	criteria, err := scoring.LoadAll(cfg.Criteria)
	if err != nil {
		return nil, err
	}
	return criteria, d.adopt(ctx, criteria)
}
