package mailbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

const (
	partHeader = 64 << 10 // bytes read of a part's header
	mostParts  = 200      // parts looked at in a long mail
)

// fetchTexts brings a mail that is too long to be fetched whole to the
// pipeline: its header, its texts and the mails attached to it, as far as
// Config.MaxSize goes, and of every other part the header alone, which names
// it. uid comes back as missing where the server does not give it.
//
// The mail takes its place behind those that were fetched whole.
func (s *session) fetchTexts(ctx context.Context, uid imap.UID) (missing []imap.UID, err error) {
	size := s.m.cfg.MaxSize
	if err := s.line.reserve(ctx, size); err != nil {
		return nil, err
	}
	given := false // the letter has the reservation
	defer func() {
		if !given {
			s.line.release(size)
		}
		if !refusedOrNil(err) && ctx.Err() == nil {
			s.m.withheld.suspect(s.in, uid, err)
		}
	}()
	head := section(nil, imap.PartSpecifierHeader, size/4)
	outline, err := s.fetchOne(uid, &imap.FetchOptions{
		UID: true, InternalDate: true,
		BodyStructure: &imap.FetchItemBodyStructure{Extended: true}, BodySection: []*imap.FetchItemBodySection{head},
	})
	if err != nil || outline == nil || outline.BodyStructure == nil {
		return []imap.UID{uid}, err
	}
	t := texts{root: outline.BodyStructure, left: size / 2, sections: make(map[string]*imap.FetchItemBodySection)}
	t.choose()
	parts, err := s.fetchOne(uid, &imap.FetchOptions{UID: true, BodySection: t.wanted})
	if err != nil || parts == nil {
		return []imap.UID{uid}, err
	}
	raw := bytes.NewBuffer(outline.FindBodySection(head))
	t.write(raw, parts, nil, t.root)
	s.m.withheld.clear(s.in, uid)
	given = true
	return nil, s.line.put(ctx, &letter{place: s.in, uid: uid, received: outline.InternalDate, raw: raw.Bytes(), size: size})
}

// fetchOne gives what the server says of a mail, or nil if nothing. (The
// client's Collect touches a body again after the connection broke within it.)
func (s *session) fetchOne(uid imap.UID, options *imap.FetchOptions) (got *imapclient.FetchMessageBuffer, err error) {
	s.conn.expect(s.m.silence)
	defer s.conn.expect(0)
	cmd := s.client.Fetch(imap.UIDSetNum(uid), options)
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		got = &imapclient.FetchMessageBuffer{UID: uid}
		for item := msg.Next(); item != nil; item = msg.Next() {
			switch item := item.(type) {
			case imapclient.FetchItemDataInternalDate:
				got.InternalDate = item.Time
			case imapclient.FetchItemDataBodyStructure:
				got.BodyStructure = item.BodyStructure
			case imapclient.FetchItemDataBodySection:
				if item.Literal == nil {
					continue
				}
				content, err := io.ReadAll(io.LimitReader(item.Literal, s.m.cfg.MaxSize))
				if err != nil {
					_ = s.conn.Close()
					return nil, fmt.Errorf("fetch the texts: %w uid %d: %w", errCut, uid, err)
				}
				got.BodySection = append(got.BodySection, imapclient.FetchBodySectionBuffer{Section: item.Section, Bytes: content})
			}
		}
	}
	if err := cmd.Close(); err != nil {
		return nil, fmt.Errorf("fetch the texts of uid %d: %w", uid, err)
	}
	return got, nil
}

// section names the first bytes of a part, or of its header.
func section(path []int, what imap.PartSpecifier, size int64) *imap.FetchItemBodySection {
	return &imap.FetchItemBodySection{Part: path, Specifier: what, Peek: true, Partial: &imap.SectionPartial{Size: size}}
}

// texts puts a mail together from some of its parts.
type texts struct {
	root     imap.BodyStructure
	left     int64 // bytes of texts that may still be asked for
	wanted   []*imap.FetchItemBodySection
	sections map[string]*imap.FetchItemBodySection // by path, with "h" in front for a header
}

func key(path []int) string { return fmt.Sprint(path) }

// choose fills in what is wanted.
func (t *texts) choose() {
	seen := 0
	t.root.Walk(func(path []int, bs imap.BodyStructure) bool {
		path = slices.Clone(path)
		if seen++; seen > mostParts {
			return false
		}
		if len(path) > 0 && bs != t.root {
			t.want("h"+key(path), section(path, imap.PartSpecifierMIME, partHeader))
		}
		leaf, ok := bs.(*imap.BodyStructureSinglePart)
		if ok && (leaf.Text != nil || leaf.MessageRFC822 != nil) && leaf.Size > 0 && t.left > 0 {
			size := min(int64(leaf.Size), t.left)
			t.left -= size
			t.want(key(path), section(path, imap.PartSpecifierNone, size))
		}
		return true
	})
}

func (t *texts) want(key string, s *imap.FetchItemBodySection) {
	t.wanted = append(t.wanted, s)
	t.sections[key] = s
}

// write appends a part's body: what was fetched of it, or nothing.
func (t *texts) write(to *bytes.Buffer, from *imapclient.FetchMessageBuffer, path []int, bs imap.BodyStructure) {
	multi, ok := bs.(*imap.BodyStructureMultiPart)
	if !ok {
		if len(path) == 0 {
			path = []int{1}
		}
		if s := t.sections[key(path)]; s != nil {
			to.Write(from.FindBodySection(s))
		}
		return
	}
	boundary := ""
	if multi.Extended != nil {
		boundary = multi.Extended.Params["boundary"]
	}
	for i, child := range multi.Children {
		path := append(slices.Clone(path), i+1)
		head := t.sections["h"+key(path)]
		if head == nil {
			break
		}
		fmt.Fprintf(to, "--%s\r\n%s", boundary, from.FindBodySection(head))
		t.write(to, from, path, child)
		to.WriteString("\r\n")
	}
	fmt.Fprintf(to, "--%s--\r\n", boundary)
}
