package mailbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// chunk is how many mails one FETCH asks for. It bounds neither memory (bodies
// are streamed) nor what a cut connection costs (the position moves with each
// mail), only how many mails a refusal of the whole command concerns.
const chunk = 4096

// errCut marks a connection that broke within a body. The client's own
// goroutine reads on by then, so nothing of the command may be touched again.
var errCut = errors.New("cut off within")

// catchUp hands all mails of the open folder that are new to the pipeline, and
// reports whether there were any.
func (s *session) catchUp(ctx context.Context) (read bool, err error) {
	select {
	case <-s.news: // what was announced before the search, the search finds
	default:
	}
	last := imap.UID(s.last[s.in.folder].UID)
	uids, err := s.search(&imap.SearchCriteria{UID: []imap.UIDSet{{{Start: last + 1}}}}) // "n:*"
	if err != nil {
		return false, err
	}
	// "n:*" names the last mail even where its UID is below n.
	uids = slices.DeleteFunc(uids, func(uid imap.UID) bool { return uid <= last })

	read = len(uids) > 0
	for len(uids) > 0 {
		part := uids[:min(chunk, len(uids))]
		w := &s.m.withheld
		if w.place == s.in && w.uid == part[0] {
			// A server may fail at a mail behind the one that has not come.
			part = part[:1]
		}
		if w.place == s.in && w.uid == part[0] && w.times >= patience {
			err = s.giveUp(ctx)
		} else {
			var missing []imap.UID
			missing, err = s.fetch(ctx, part, true)
			if refusedOrNil(err) {
				err = s.pursue(ctx, missing)
			}
		}
		if err != nil {
			return read, err
		}
		last = part[len(part)-1]
		s.last[s.in.folder] = Cursor{s.in.validity, uint32(last)}
		if err := s.line.mark(ctx, s.in, last); err != nil {
			return read, err
		}
		uids = uids[len(part):]
	}
	return read, nil
}

// search gives the UIDs that the criteria are true of and Config.Since may be,
// ascending.
func (s *session) search(criteria *imap.SearchCriteria) ([]imap.UID, error) {
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
// in, and gives those for which no body came, or a body longer than what is
// fetched whole. The error may be a refusal by the server, which then concerns
// the missing ones. firm lets the position move with each mail as long as none
// before it is missing.
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

	arrived := make([]bool, len(uids))
	expected := 0 // index in uids
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		l, rerr := s.receive(ctx, msg)
		if rerr == nil && l == nil {
			continue
		}
		if rerr == nil {
			rerr = s.arrive(ctx, l, uids, arrived, &expected, &firm)
		}
		if rerr != nil {
			_ = s.conn.Close() // or Close would wait for the rest
			if !errors.Is(rerr, errCut) {
				_ = cmd.Close()
			}
			err = rerr
			break
		}
	}
	if err == nil {
		if err = cmd.Close(); err != nil {
			err = fmt.Errorf("fetch mail: %w", err)
		}
	}
	for i, uid := range uids {
		if !arrived[i] {
			missing = append(missing, uid)
		}
	}
	if !refusedOrNil(err) && len(missing) > 0 && ctx.Err() == nil {
		s.m.withheld.suspect(s.in, missing[0], err)
	}
	return missing, err
}

// arrive hands a mail on to the pipeline.
func (s *session) arrive(ctx context.Context, l *letter, uids []imap.UID, arrived []bool, expected *int, firm *bool) error {
	i, asked := *expected, *expected < len(uids) && uids[*expected] == l.uid
	if !asked {
		i, asked = slices.BinarySearch(uids, l.uid)
	}
	if !asked || arrived[i] { // older than Config.Since, or given twice
		s.line.release(l.size)
		return nil
	}
	arrived[i] = true
	s.m.withheld.clear(s.in, l.uid)
	if *firm = *firm && i == *expected; *firm {
		*expected++
	}
	if !l.received.IsZero() && l.received.Before(s.m.cfg.Since) {
		s.line.release(l.size)
		return nil
	}
	l.firm = *firm
	return s.line.put(ctx, l)
}

// receive reads one answer to a FETCH, once there is room for it in memory.
// It gives nil where the answer holds no body, as of a mail that has just gone
// or in news of its flags, and where the body is too long.
func (s *session) receive(ctx context.Context, msg *imapclient.FetchMessageData) (*letter, error) {
	l := &letter{place: s.in}
	for item := msg.Next(); item != nil; item = msg.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			l.uid = item.UID
		case imapclient.FetchItemDataInternalDate:
			l.received = item.Time
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil || l.raw != nil || item.Literal.Size() >= s.m.cfg.MaxSize {
				continue
			}
			l.size = item.Literal.Size()
			if err := s.line.reserve(ctx, l.size); err != nil {
				return nil, err
			}
			l.raw = make([]byte, l.size)
			if _, err := io.ReadFull(item.Literal, l.raw); err != nil {
				s.line.release(l.size)
				return nil, fmt.Errorf("fetch mail: %w uid %d: %w", errCut, l.uid, err)
			}
		}
	}
	if l.raw == nil {
		return nil, nil
	}
	return l, nil
}
