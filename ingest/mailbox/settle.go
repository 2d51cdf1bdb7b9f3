package mailbox

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/emersion/go-imap/v2"
)

// settle flags and moves, as configured, all mails of the open folder that
// Kafka has. Which ones those are it takes from the position alone, once that
// is saved: so what a crash or a cut connection kept from happening happens
// the next time, and nothing happens to a mail that might still be lost.
func (s *session) settle(ctx context.Context) error {
	at, err := s.line.flush(ctx, s.in)
	if err != nil {
		return err
	}
	if at.UIDValidity != s.in.validity || at.UID == 0 {
		return nil
	}
	criteria := &imap.SearchCriteria{UID: []imap.UIDSet{{{Start: 1, Stop: imap.UID(at.UID)}}}}
	if s.m.cfg.MoveTo == "" {
		criteria.NotFlag = []imap.Flag{imap.Flag(s.m.cfg.Flag)}
	}
	uids, err := s.search(criteria)
	if err == nil && !s.m.cfg.Since.IsZero() {
		uids, err = s.taken(uids)
	}
	for part := range slices.Chunk(uids, chunk) {
		if err == nil {
			err = s.await(func() error { return s.change(imap.UIDSetNum(part...)) })
		}
		if err == nil {
			s.m.metrics.changed.Add(float64(len(part)))
		}
	}
	if refusal := (*imap.Error)(nil); errors.As(err, &refusal) {
		s.m.metrics.refused.Inc()
		s.m.often.Warn().Err(err).Str("folder", s.in.folder).Msg("the server refuses to flag or move mails; they stay as they are, and it is tried again with the next mail")
		return nil
	}
	return err
}

// taken leaves out the mails older than Config.Since, which were not taken.
func (s *session) taken(uids []imap.UID) (taken []imap.UID, err error) {
	for part := range slices.Chunk(uids, chunk) {
		err := s.await(func() error {
			cmd := s.client.Fetch(imap.UIDSetNum(part...), &imap.FetchOptions{UID: true, InternalDate: true})
			got, err := cmd.Collect()
			for _, msg := range got {
				if !msg.InternalDate.Before(s.m.cfg.Since) {
					taken = append(taken, msg.UID)
				}
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("ask when mails came: %w", err)
		}
	}
	return taken, nil
}

// change flags and moves mails.
func (s *session) change(uids imap.UIDSet) error {
	if flag := s.m.cfg.Flag; flag != "" {
		if err := s.store(uids, imap.Flag(flag)); err != nil {
			return fmt.Errorf("flag mails as %s: %w", flag, err)
		}
	}
	to := s.m.cfg.MoveTo
	if to == "" {
		return nil
	}
	err := s.move(uids, to)
	if refusal := (*imap.Error)(nil); errors.As(err, &refusal) && refusal.Code == imap.ResponseCodeTryCreate {
		if err := s.client.Create(to, nil).Wait(); err != nil {
			return fmt.Errorf("make folder %q to move mails to: %w", to, err)
		}
		err = s.move(uids, to)
	}
	if err != nil {
		return fmt.Errorf("move mails to %q: %w", to, err)
	}
	return nil
}

// move moves mails in one step (RFC 6851) or else in three, of which the last
// must name the mails: a plain EXPUNGE would also remove what others have
// marked. Broken off between those, they are done again, and leave a second
// copy. The client's own fallback does not wait for one step to succeed before
// the next.
func (s *session) move(uids imap.UIDSet, to string) error {
	caps := s.client.Caps()
	if caps.Has(imap.CapMove) {
		_, err := s.client.Move(uids, to).Wait()
		return err
	}
	if !caps.Has(imap.CapUIDPlus) {
		return &imap.Error{Type: imap.StatusResponseTypeNo, Text: "the server knows neither MOVE nor UIDPLUS, so mails cannot be moved safely; use flag"}
	}
	if _, err := s.client.Copy(uids, to).Wait(); err != nil {
		return err
	}
	if err := s.store(uids, imap.FlagDeleted); err != nil {
		return err
	}
	return s.client.UIDExpunge(uids).Close()
}

func (s *session) store(uids imap.UIDSet, flag imap.Flag) error {
	return s.client.Store(uids, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{flag}}, nil).Close()
}
