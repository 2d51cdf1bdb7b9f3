package mailbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// asides are the uses of folders (RFC 6154, RFC 8457) that hold no mail to us
// that is not elsewhere: a pattern does not mean them.
var asides = []imap.MailboxAttr{
	imap.MailboxAttrJunk, imap.MailboxAttrTrash, imap.MailboxAttrSent, imap.MailboxAttrDrafts,
	imap.MailboxAttrAll, imap.MailboxAttrFlagged, "\\Important",
}

// folderRules are Config.Folders taken apart.
type folderRules struct {
	names    []string // as they are, the INBOX first
	patterns []string
	except   []string // names and patterns
}

func (c Config) folderRules() (r folderRules) {
	for _, f := range c.Folders {
		if strings.EqualFold(f, "inbox") {
			f = "INBOX" // the one name whose case does not matter (RFC 3501, 5.1)
		}
		switch rest, except := strings.CutPrefix(f, "!"); {
		case except:
			r.except = append(r.except, rest)
		case strings.ContainsAny(f, "*%"):
			r.patterns = append(r.patterns, f)
		case f == "INBOX":
			r.names = slices.Insert(r.names, 0, f)
		default:
			r.names = append(r.names, f)
		}
	}
	if c.MoveTo != "" { // what we have put there is done with
		r.except = append(r.except, c.MoveTo)
	}
	return r
}

// wants reports whether a folder that the server lists is meant by a pattern.
func (r folderRules) wants(d *imap.ListData) bool {
	for _, attr := range d.Attrs {
		if attr == imap.MailboxAttrNoSelect || attr == imap.MailboxAttrNonExistent || slices.Contains(asides, attr) {
			return false
		}
	}
	matches := func(pattern string) bool { return matchFolder(pattern, d.Mailbox, string(d.Delim)) }
	return slices.ContainsFunc(r.patterns, matches) && !slices.ContainsFunc(r.except, matches)
}

// matchFolder reports whether name is as pattern says: * stands for anything,
// % for anything within one level of the hierarchy, as in LIST (RFC 3501,
// 6.3.8).
func matchFolder(pattern, name, delim string) bool {
	for pattern != "" {
		c := pattern[0]
		if c != '*' && c != '%' {
			if name == "" || name[0] != c {
				return false
			}
			pattern, name = pattern[1:], name[1:]
			continue
		}
		pattern = pattern[1:]
		for i := 0; ; i++ {
			if matchFolder(pattern, name[i:], delim) {
				return true
			}
			if i == len(name) || c == '%' && delim != "" && strings.HasPrefix(name[i:], delim) {
				return false
			}
		}
	}
	return name == ""
}

// folder is one to read, and how it stood when the server was asked.
type folder struct {
	name   string
	status status
}

// status tells whether anything has come into a folder since it was last the
// same. The zero status is not known.
type status struct{ validity, next, mails uint32 }

// folders gives what is to be read now. The first is the main one, in which to
// wait for news; how the others stand is asked for.
func (s *session) folders() ([]folder, error) {
	rules := s.m.cfg.folderRules()
	names := rules.names
	if len(rules.patterns) > 0 {
		listed, err := s.list()
		if err != nil {
			return nil, err
		}
		var all []string
		for _, d := range listed {
			all = append(all, d.Mailbox)
			if rules.wants(d) && !slices.Contains(names, d.Mailbox) {
				if d.Mailbox == "INBOX" {
					names = slices.Insert(slices.Clip(names), 0, d.Mailbox)
				} else {
					names = append(slices.Clip(names), d.Mailbox)
				}
			}
		}
		if len(names) == 0 {
			const shown = 20
			return nil, fmt.Errorf("no folder of %s is as folders: %q says; it has %q",
				s.m.cfg.Addr, s.m.cfg.Folders, all[:min(shown, len(all))])
		}
	}
	folders := make([]folder, len(names))
	for i, name := range names {
		folders[i].name = name
	}
	return folders, s.askStatus(folders[1:])
}

// list gives all folders there are.
func (s *session) list() ([]*imap.ListData, error) {
	caps := s.client.Caps()
	var options *imap.ListOptions
	if caps.Has(imap.CapListExtended) && caps.Has(imap.CapSpecialUse) {
		options = &imap.ListOptions{ReturnSpecialUse: true}
	}
	var listed []*imap.ListData
	err := s.await(func() (err error) {
		listed, err = s.client.List("", "*", options).Collect()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list folders: %w", err)
	}
	return listed, nil
}

// askStatus fills in how folders stand, where the server says.
func (s *session) askStatus(folders []folder) error {
	return s.await(func() error {
		var asked []*imapclient.StatusCommand
		for _, f := range folders {
			asked = append(asked, s.client.Status(f.name, &imap.StatusOptions{UIDValidity: true, UIDNext: true, NumMessages: true}))
		}
		for i, cmd := range asked {
			data, err := cmd.Wait()
			var refusal *imap.Error
			switch {
			case errors.As(err, &refusal): // opening it will say why
			case err != nil:
				return fmt.Errorf("ask how folder %q stands: %w", folders[i].name, err)
			case data.NumMessages != nil:
				folders[i].status = status{data.UIDValidity, uint32(data.UIDNext), *data.NumMessages}
			}
		}
		return nil
	})
}
