package mailbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/emersion/go-imap/v2"
)

// patience is how many times, each on a connection of its own, the server may
// fail to give a mail that it has, or break the connection instead, before the
// mail becomes a dead letter. With the waits between them that is some four
// minutes.
const patience = 10

// withheld is the mail that the server has and does not give.
type withheld struct {
	place place
	uid   imap.UID
	times int
	cause error
}

// suspect counts a failure to give a mail.
func (w *withheld) suspect(in place, uid imap.UID, cause error) {
	if w.place != in || w.uid != uid {
		*w = withheld{place: in, uid: uid}
	}
	w.times++
	w.cause = cause
}

// clear forgets what there was against a mail.
func (w *withheld) clear(in place, uid imap.UID) {
	if w.uid == uid && w.place == in {
		*w = withheld{}
	}
}

// giveUp makes a dead letter of the mail that has been withheld too often.
func (s *session) giveUp(ctx context.Context) error {
	w := s.m.withheld
	s.m.withheld = withheld{}
	return s.line.put(ctx, &letter{place: w.place, uid: w.uid, unreadable: fmt.Errorf(
		"the server has mail uid %d of folder %s and did not give it, %d times: %w", w.uid, w.place.folder, w.times, w.cause)})
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
	left, err := s.search(&imap.SearchCriteria{UID: []imap.UIDSet{imap.UIDSetNum(missing...)}})
	if err != nil {
		return err
	}
	for _, uid := range left {
		missing, err := s.fetch(ctx, []imap.UID{uid}, false)
		if err == nil && len(missing) > 0 {
			missing, err = s.fetchTexts(ctx, uid)
		}
		if !refusedOrNil(err) {
			return err
		}
		if len(missing) == 0 {
			continue
		}
		if err == nil {
			err = errors.New("the answer holds no body")
		}
		if refusal := (*imap.Error)(nil); !errors.As(err, &refusal) || !temporary(refusal) {
			s.m.withheld.suspect(s.in, uid, err)
		}
		if w := s.m.withheld; w.place != s.in || w.uid != uid || w.times < patience {
			return fmt.Errorf("the server has mail uid %d of folder %s and does not give it: %w", uid, s.in.folder, err)
		}
		if err := s.giveUp(ctx); err != nil {
			return err
		}
	}
	return nil
}

// refusedOrNil reports whether err is the server's answer to a command, if it
// is an error at all; after any other the connection is of no more use.
func refusedOrNil(err error) bool {
	var refusal *imap.Error
	return err == nil || errors.As(err, &refusal)
}
