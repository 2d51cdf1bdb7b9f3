package mailbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// session is one connection. It goes round the folders, and waits in the main
// one, which it alone is told of at once.
type session struct {
	m      *Mailbox
	client *imapclient.Client
	conn   *watchedConn
	news   chan struct{} // holds a value once the server has announced mail
	idle   bool          // the server knows IDLE
	line   *pipeline

	in      place             // the open folder; the zero place if none is
	last    map[string]Cursor // by folder: all mails up to it are in the pipeline or gone
	stood   map[string]status // by folder: how it stood before it was last read
	opened  bool              // a folder was
	refused error             // why a folder was not, this round
}

// session connects, catches up and stays until something fails, which it
// returns, with whether a folder was ever open. at has moved to what was
// accepted by then.
func (m *Mailbox) session(ctx context.Context, at *Position) (opened bool, err error) {
	connected, disconnect := context.WithCancel(ctx)
	defer disconnect()

	s := &session{m: m, news: make(chan struct{}, 1), last: maps.Clone(at.Folders), stood: make(map[string]status)}
	unilateral := &imapclient.UnilateralDataHandler{Mailbox: func(data *imapclient.UnilateralDataMailbox) {
		if data.NumMessages == nil {
			return
		}
		select {
		case s.news <- struct{}{}:
		default:
		}
	}}
	if s.client, s.conn, err = m.cfg.dial(connected, m.silence, &m.tokens, unilateral); err != nil {
		return false, err
	}
	defer func() { _ = s.client.Close() }()
	if err := s.await(func() error {
		caps := s.client.Caps()
		s.idle = caps.Has(imap.CapIdle) || caps.Has(imap.CapIMAP4rev2)
		return nil
	}); err != nil {
		return false, err
	}

	// The pipeline outlives the connection: what was fetched is worth
	// keeping, and the position has to be known before the next session.
	s.line = newPipeline(ctx, m, *at)
	err = s.stay(ctx)
	disconnect()
	if ctx.Err() == nil {
		m.setReady(false, err.Error())
	}
	*at = s.line.drain()
	return s.opened, err
}

// stay reads all there is, waits for more, and so on until something fails.
func (s *session) stay(ctx context.Context) error {
	for {
		folders, err := s.folders()
		if err != nil {
			return err
		}
		round := time.Now()
		s.refused = nil
		for i, f := range folders {
			if i > 0 && f.status != (status{}) && f.status == s.stood[f.name] {
				continue
			}
			if err := s.visit(ctx, f); err != nil {
				return err
			}
		}
		if !s.opened {
			return s.refused
		}
		if s.refused != nil {
			s.m.often.Warn().Err(s.refused).Msg("a folder cannot be read; trying again at the next poll")
			s.m.setReady(false, s.refused.Error())
		} else {
			s.m.setReady(true, "")
		}

		main := folders[0]
		if s.in.folder != main.name {
			if err := s.visit(ctx, main); err != nil {
				return err
			}
		}
		for over := false; !over; {
			announced, err := s.wait(ctx, time.Until(round.Add(s.m.cfg.Poll)))
			if err != nil {
				return err
			}
			if over = !announced; announced {
				if err := s.visit(ctx, main); err != nil {
					return err
				}
			}
		}
	}
}

// visit reads a folder to its end. That the server refuses to open it is only
// noted, for the others' sake.
func (s *session) visit(ctx context.Context, f folder) error {
	if s.in.folder != f.name {
		err := s.open(ctx, f.name)
		if refusal := (*imap.Error)(nil); errors.As(err, &refusal) {
			s.refused = err
			delete(s.stood, f.name)
			return nil
		}
		if err != nil {
			return err
		}
	}
	read, err := s.catchUp(ctx)
	if err != nil {
		return err
	}
	if _, before := s.stood[f.name]; s.m.cfg.changes() && (read || !before) {
		if err := s.settle(ctx); err != nil {
			return err
		}
	}
	s.stood[f.name] = f.status
	return nil
}

// open opens a folder: read-only, so that nothing in it can change, unless it
// has to. If its UIDs have got a new meaning, it will be read from the start.
func (s *session) open(ctx context.Context, name string) error {
	var data *imap.SelectData
	s.in = place{}
	err := s.await(func() (err error) {
		data, err = s.client.Select(name, &imap.SelectOptions{ReadOnly: !s.m.cfg.changes()}).Wait()
		return err
	})
	if err != nil {
		return fmt.Errorf("open folder %q of %s: %w", name, s.m.cfg.Addr, err)
	}
	if data.UIDValidity == 0 {
		return fmt.Errorf("open folder %q of %s: the server gives no UIDVALIDITY, so no position in it can be kept", name, s.m.cfg.Addr)
	}
	s.in = place{name, data.UIDValidity}
	at := s.last[name]
	s.m.log.Debug().Str("folder", name).Uint32("uid", at.UID).Msg("folder open")
	if at.UIDValidity != data.UIDValidity {
		if at.UIDValidity != 0 {
			s.m.log.Warn().Str("folder", name).Uint32("was", at.UIDValidity).Uint32("is", data.UIDValidity).
				Msg("new UIDVALIDITY; reading the folder again (what is known counts once)")
		}
		s.last[name] = Cursor{UIDValidity: data.UIDValidity}
		if err := s.line.mark(ctx, s.in, 0); err != nil {
			return err
		}
	}
	if !s.opened {
		s.opened = true
		s.m.log.Info().Str("account", s.m.cfg.account()).Str("folder", name).Uint32("uid", at.UID).Bool("idle", s.idle).Msg("mailbox open")
		s.m.setReady(true, "")
	}
	return nil
}

// await runs commands whose answers must come soon.
func (s *session) await(f func() error) error {
	s.conn.expect(s.m.silence)
	defer s.conn.expect(0)
	return f()
}

// wait returns when the server announces mail, and else after a while, when it
// asks. Coming back from IDLE so often also keeps the connection from being
// closed as idle, and notices if it is dead.
func (s *session) wait(ctx context.Context, while time.Duration) (announced bool, err error) {
	poll := time.NewTimer(while)
	defer poll.Stop()

	var idling *imapclient.IdleCommand
	if s.idle && s.in.folder != "" {
		err := s.await(func() (err error) {
			idling, err = s.client.Idle()
			return err
		})
		var refusal *imap.Error
		if errors.As(err, &refusal) {
			s.m.log.Info().Str("answer", refusal.Text).Msg("the server refuses IDLE; polling")
			s.idle = false
		} else if err != nil {
			return false, fmt.Errorf("idle: %w", err)
		}
	}

	select {
	case <-s.news:
		announced = true
	case <-poll.C:
	case <-s.client.Closed():
	case <-ctx.Done():
		return false, ctx.Err()
	}
	return announced, s.await(func() error {
		if idling != nil {
			if err := idling.Close(); err != nil {
				return fmt.Errorf("end idle: %w", err)
			}
			if err := idling.Wait(); err != nil {
				return fmt.Errorf("end idle: %w", err)
			}
		}
		if announced {
			return nil
		}
		// Servers look for new mail at the end of a command, so without
		// this the search would only find what the one before had missed.
		if err := s.client.Noop().Wait(); err != nil {
			return fmt.Errorf("poll: %w", err)
		}
		return nil
	})
}
