package mailbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// chunk is how many mails one FETCH asks for. It bounds neither memory (bodies
// are streamed) nor what a cut connection costs (the position moves with each
// mail), only how many mails a refusal of the whole command concerns.
const chunk = 1024

// session is one connection with the folder open.
type session struct {
	m      *Mailbox
	client *imapclient.Client
	conn   *watchedConn
	news   chan struct{} // holds a value once the server has announced mail
	idle   bool          // the server knows IDLE
	last   imap.UID      // all mails up to it are in the pipeline or gone
	line   *pipeline
}

// session connects, catches up and stays until something fails, which it
// returns, with whether the folder was ever open. at has moved to what was
// accepted by then.
func (m *Mailbox) session(ctx context.Context, at *Cursor) (opened bool, err error) {
	connected, disconnect := context.WithCancel(ctx)
	defer disconnect()

	s := &session{m: m, news: make(chan struct{}, 1)}
	unilateral := &imapclient.UnilateralDataHandler{Mailbox: func(data *imapclient.UnilateralDataMailbox) {
		if data.NumMessages == nil {
			return
		}
		select {
		case s.news <- struct{}{}:
		default:
		}
	}}
	if s.client, s.conn, err = m.cfg.dial(connected, m.silence, unilateral); err != nil {
		return false, err
	}
	defer func() { _ = s.client.Close() }()

	if err := s.open(at); err != nil {
		return false, err
	}
	m.setReady(true, "")
	m.log.Info().Str("inbox", at.Inbox).Uint32("uid", at.UID).Bool("idle", s.idle).Msg("folder open")

	// The pipeline outlives the connection: what was fetched is worth
	// keeping, and the position has to be known before the next session.
	s.line = newPipeline(ctx, m, *at)
	err = s.stay(ctx)
	disconnect()
	if ctx.Err() == nil {
		m.setReady(false, err.Error())
	}
	*at = s.line.drain()
	return true, err
}

// open opens the folder, read-only so that nothing in it can change, and sets
// at to the beginning if the UIDs have got a new meaning.
func (s *session) open(at *Cursor) error {
	folder := s.m.cfg.Folder
	var data *imap.SelectData
	err := s.await(func() (err error) {
		caps := s.client.Caps()
		s.idle = caps.Has(imap.CapIdle) || caps.Has(imap.CapIMAP4rev2)
		data, err = s.client.Select(folder, &imap.SelectOptions{ReadOnly: true}).Wait()
		return err
	})
	if err != nil {
		return fmt.Errorf("open folder %q of %s: %w", folder, s.m.cfg.Addr, err)
	}
	if data.UIDValidity == 0 {
		return fmt.Errorf("open folder %q of %s: the server gives no UIDVALIDITY, so no position in it can be kept", folder, s.m.cfg.Addr)
	}
	if data.UIDValidity != at.UIDValidity {
		if at.UIDValidity != 0 {
			s.m.log.Warn().Uint32("was", at.UIDValidity).Uint32("is", data.UIDValidity).
				Msg("new UIDVALIDITY; reading the folder again (what is known counts once)")
		}
		at.UIDValidity, at.UID = data.UIDValidity, 0
	}
	s.last = imap.UID(at.UID)
	return nil
}

// stay reads all there is, waits for more, and so on until something fails.
func (s *session) stay(ctx context.Context) error {
	for {
		if err := s.catchUp(ctx); err != nil {
			return err
		}
		if err := s.wait(ctx); err != nil {
			return err
		}
	}
}

// await runs commands whose answers must come soon.
func (s *session) await(f func() error) error {
	s.conn.expect(s.m.silence)
	defer s.conn.expect(0)
	return f()
}

// wait returns when the server announces mail, and else after Config.Poll,
// when it asks. Coming back from IDLE so often also keeps the connection from
// being closed as idle, and notices if it is dead.
func (s *session) wait(ctx context.Context) error {
	poll := time.NewTimer(s.m.cfg.Poll)
	defer poll.Stop()

	var idling *imapclient.IdleCommand
	if s.idle {
		err := s.await(func() (err error) {
			idling, err = s.client.Idle()
			return err
		})
		var refusal *imap.Error
		if errors.As(err, &refusal) {
			s.m.log.Info().Str("answer", refusal.Text).Msg("the server refuses IDLE; polling")
			s.idle = false
		} else if err != nil {
			return fmt.Errorf("idle: %w", err)
		}
	}

	announced := false
	select {
	case <-s.news:
		announced = true
	case <-poll.C:
	case <-s.client.Closed():
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.await(func() error {
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

// catchUp hands all mails beyond s.last to the pipeline.
func (s *session) catchUp(ctx context.Context) error {
	select {
	case <-s.news: // what was announced before the search, the search finds
	default:
	}
	beyond := imap.UIDSet{{Start: s.last + 1}} // "n:*"
	uids, err := s.search(beyond)
	if err != nil {
		return err
	}
	// "n:*" names the last mail even where its UID is below n.
	uids = slices.DeleteFunc(uids, func(uid imap.UID) bool { return uid <= s.last })

	for part := range slices.Chunk(uids, chunk) {
		missing, err := s.fetch(ctx, part, true)
		if refusedOrNil(err) {
			err = s.pursue(ctx, missing)
		}
		if err != nil {
			return err
		}
		s.last = part[len(part)-1]
		if err := s.line.mark(ctx, s.last); err != nil {
			return err
		}
	}
	return nil
}

// search gives the UIDs of set that exist, ascending.
func (s *session) search(set imap.UIDSet) ([]imap.UID, error) {
	criteria := &imap.SearchCriteria{UID: []imap.UIDSet{set}}
	if since := s.m.cfg.Since; !since.IsZero() {
		// SEARCH compares days, and in the server's time zone; the exact
		// time is seen to when the mail is here.
		criteria.Since = since.UTC().AddDate(0, 0, -1)
	}
	var data *imap.SearchData
	err := s.await(func() (err error) {
		data, err = s.client.UIDSearch(criteria, nil).Wait()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("search for mail: %w", err)
	}
	all, ok := data.All.(imap.UIDSet)
	if !ok {
		return nil, nil // none
	}
	uids, ok := all.Nums()
	if !ok {
		return nil, fmt.Errorf("search for mail: the server answers with no UIDs (%s)", all)
	}
	return uids, nil
}

// fetch hands the mails of uids, which ascend, to the pipeline as they come
// in, and gives those for which no body came. The error may be a refusal by
// the server, which then concerns the missing ones. firm lets the position
// move with each mail as long as none before it is missing.
func (s *session) fetch(ctx context.Context, uids []imap.UID, firm bool) (missing []imap.UID, err error) {
	s.conn.expect(s.m.silence)
	defer s.conn.expect(0)
	// As a range: a thousand numbers are more than some servers' lines hold.
	// What else lies in it is older than Config.Since.
	span := imap.UIDSet{{Start: uids[0], Stop: uids[len(uids)-1]}}
	cmd := s.client.Fetch(span, &imap.FetchOptions{
		UID:          true,
		InternalDate: true,
		BodySection:  []*imap.FetchItemBodySection{{Peek: true, Partial: &imap.SectionPartial{Size: s.m.cfg.MaxSize}}},
	})

	var got imap.UIDSet
	expected := 0 // index in uids
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		l, err := s.receive(ctx, msg)
		if err != nil {
			_ = s.conn.Close() // or Close would wait for the rest
			_ = cmd.Close()
			return nil, err
		}
		if l == nil {
			continue
		}
		got.AddNum(l.uid)
		if firm = firm && l.uid == uids[expected]; firm {
			expected++
		}
		l.firm = firm
		if !l.received.IsZero() && l.received.Before(s.m.cfg.Since) {
			s.line.release(int64(len(l.raw)))
			continue
		}
		if err := s.line.put(ctx, l); err != nil {
			_ = s.conn.Close()
			_ = cmd.Close()
			return nil, err
		}
	}
	if err = cmd.Close(); err != nil {
		err = fmt.Errorf("fetch mail: %w", err)
	}
	for _, uid := range uids {
		if !got.Contains(uid) {
			missing = append(missing, uid)
		}
	}
	return missing, err
}

// receive reads one answer to a FETCH, once there is room for it in memory.
// It gives nil where the answer holds no body: a mail that has just gone, or
// news of its flags.
func (s *session) receive(ctx context.Context, msg *imapclient.FetchMessageData) (*letter, error) {
	l := &letter{}
	for item := msg.Next(); item != nil; item = msg.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			l.uid = item.UID
		case imapclient.FetchItemDataInternalDate:
			l.received = item.Time
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil || l.raw != nil {
				continue
			}
			size := min(item.Literal.Size(), s.m.cfg.MaxSize)
			if err := s.line.reserve(ctx, size); err != nil {
				return nil, err
			}
			l.raw = make([]byte, size)
			if _, err := io.ReadFull(item.Literal, l.raw); err != nil {
				s.line.release(size)
				return nil, fmt.Errorf("fetch mail: cut off within uid %d: %w", l.uid, err)
			}
		}
	}
	if l.raw == nil {
		return nil, nil
	}
	return l, nil
}
