package mailbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/emersion/go-imap/v2"
)

// patience is how many times, each on a connection of its own, the server may
// fail to give a mail that it has before the mail becomes a dead letter. With
// the waits between them that is some five minutes.
const patience = 10

// withheld is the mail that the server has and does not give.
type withheld struct {
	uid   imap.UID
	times int
}

// pursue sees to mails that the search found and the fetch did not bring.
// Most have been expunged in between and are gone; the others are asked for
// one by one, so that one that the server cannot read does not hide the rest.
func (s *session) pursue(ctx context.Context, missing []imap.UID) error {
	if len(missing) == 0 {
		return nil
	}
	err := s.await(func() error { return s.client.Noop().Wait() })
	if err != nil {
		return fmt.Errorf("look for missing mails: %w", err)
	}
	left, err := s.search(imap.UIDSetNum(missing...))
	if err != nil {
		return err
	}
	for _, uid := range left {
		missing, err := s.fetch(ctx, []imap.UID{uid}, false)
		if !refusedOrNil(err) {
			return err
		}
		if len(missing) == 0 {
			continue
		}
		if err == nil {
			err = errors.New("the answer holds no body")
		}
		if err := s.giveUp(ctx, uid, err); err != nil {
			return err
		}
	}
	return nil
}

// giveUp makes a dead letter of a mail that the server has withheld too many
// times, and before that returns an error, so that it is tried again later.
func (s *session) giveUp(ctx context.Context, uid imap.UID, cause error) error {
	w := &s.m.withheld
	var refusal *imap.Error
	switch {
	case errors.As(cause, &refusal) && temporary(refusal):
	case w.uid == uid:
		w.times++
	default:
		*w = withheld{uid: uid, times: 1}
	}
	cause = fmt.Errorf("the server has mail uid %d and does not give it: %w", uid, cause)
	if w.uid != uid || w.times < patience {
		return cause
	}
	*w = withheld{}
	return s.line.put(ctx, &letter{uid: uid, unreadable: cause})
}

// refusedOrNil reports whether err is the server's answer to a command, if it
// is an error at all; after any other the connection is of no more use.
func refusedOrNil(err error) bool {
	var refusal *imap.Error
	return err == nil || errors.As(err, &refusal)
}
