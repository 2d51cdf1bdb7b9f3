package mailbox

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"leadd/internal/certs"
)

// The ways to reach the server (Config.TLS).
const (
	TLSImplicit = "tls"      // TLS from the first byte, port 993
	TLSStart    = "starttls" // STARTTLS before the login, port 143
	TLSNone     = "none"     // in the clear, port 143; warned about beyond loopback
)

// What holds where the configuration says nothing.
const (
	defaultFolder  = "INBOX"
	defaultPoll    = 30 * time.Second
	defaultMaxSize = 10 << 20
)

// Config is one IMAP account to read.
type Config struct {
	Addr     string `yaml:"addr"`     // host or host:port; the port follows from TLS where it is left out
	TLS      string `yaml:"tls"`      // tls (default), starttls or none
	CAFile   string `yaml:"ca_file"`  // PEM certificates to trust instead of the system's
	User     string `yaml:"user"`     // login name
	Password string `yaml:"password"` // never logged

	// OAuth logs in with a token instead of a password.
	OAuth *OAuth `yaml:"oauth"`

	// Folders are those to read, default INBOX: names as the server writes
	// them, patterns in which * stands for anything and % for anything within
	// one level, and, with a ! before them, both for folders to leave out.
	// A pattern does not mean folders for junk, trash, sent mail, drafts, or
	// all mail. A folder made later is found at the next Poll.
	Folders []string `yaml:"folders"`

	// Flag and MoveTo say what is done with a mail once Kafka has it: it gets
	// the flag (a keyword, or \Seen for read), is moved to the folder, or
	// both. Without them nothing on the server changes.
	Flag   string `yaml:"flag"`
	MoveTo string `yaml:"move_to"`

	// Since leaves out mails that the server received before it; the zero
	// time reads all there are.
	Since time.Time `yaml:"since"`

	// Poll is how often to look for mail where the server does not tell by
	// itself (IDLE), and to make sure where it does. Default 30s, 1s to 9m.
	Poll time.Duration `yaml:"poll"`

	// MaxSize is how many bytes of a mail are read, 64 KiB to 1 GiB, default
	// 10 MiB. Of a longer mail only the texts are fetched, up to so many
	// bytes; its attachments are named and no more.
	MaxSize int64 `yaml:"max_size"`
}

// Validate returns every mistake in the configuration. It reads CAFile and
// does not touch the network.
func (c Config) Validate() []error {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf(format, args...))
	}
	c = c.withDefaults()

	switch c.TLS {
	case TLSImplicit, TLSStart, TLSNone:
	default:
		wrong("tls: %q is none of tls, starttls, none", c.TLS)
	}
	if host, port, err := net.SplitHostPort(c.Addr); err != nil || host == "" {
		wrong("addr: %q is no host or host:port, such as imap.example.com:993", c.Addr)
	} else if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		wrong("addr: %q is no port; use a number from 1 to 65535", port)
	}
	if c.CAFile != "" {
		if _, err := certs.Pool(c.CAFile); err != nil {
			wrong("ca_file: %w", err)
		}
	}
	if c.User == "" {
		wrong("user: missing; the login name, often the whole address")
	}
	switch {
	case c.OAuth != nil && c.Password != "":
		wrong("password: not beside oauth; leave one of them out")
	case c.OAuth != nil:
		for _, err := range c.OAuth.validate() {
			wrong("oauth.%w", err)
		}
	case c.Password == "":
		wrong("password: missing; write ${VARIABLE} to take it from the environment, or use oauth")
	}
	rules := c.folderRules()
	if slices.ContainsFunc(c.Folders, func(f string) bool { return strings.Trim(f, "! ") == "" }) {
		wrong("folders: an empty name")
	} else if len(rules.names)+len(rules.patterns) == 0 {
		wrong(`folders: nothing but exceptions; add "*" for all the others`)
	}
	for _, name := range rules.names {
		if slices.Contains(rules.except, name) {
			wrong("folders: %q is named, and is left out or is what move_to names", name)
		}
	}
	if strings.ContainsAny(c.MoveTo, "*%") {
		wrong("move_to: %q is a pattern; name one folder", c.MoveTo)
	}
	if c.Flag != "" && !validFlag(c.Flag) {
		wrong(`flag: %q is neither a word such as $Leadd nor \Seen or \Flagged`, c.Flag)
	}
	if c.Poll < time.Second || c.Poll > 9*time.Minute {
		wrong("poll: %s is not between 1s and 9m", c.Poll)
	}
	if c.MaxSize < 64<<10 || c.MaxSize > 1<<30 {
		wrong("max_size: %d is not between 65536 and 1073741824 bytes", c.MaxSize)
	}
	return mistakes
}

// withDefaults fills in what was left out.
func (c Config) withDefaults() Config {
	if c.TLS == "" {
		c.TLS = TLSImplicit
	}
	if _, _, err := net.SplitHostPort(c.Addr); err != nil && c.Addr != "" {
		port := "143"
		if c.TLS == TLSImplicit {
			port = "993"
		}
		host := c.Addr
		if n := len(host); n > 1 && host[0] == '[' && host[n-1] == ']' {
			host = host[1 : n-1]
		}
		c.Addr = net.JoinHostPort(host, port)
	}
	if len(c.Folders) == 0 {
		c.Folders = []string{defaultFolder}
	}
	if c.Poll == 0 {
		c.Poll = defaultPoll
	}
	if c.MaxSize == 0 {
		c.MaxSize = defaultMaxSize
	}
	return c
}

// account names what the position is about, whoever configured it under
// whatever name.
func (c Config) account() string { return c.User + " at " + c.Addr }

// changes reports whether mails on the server are changed.
func (c Config) changes() bool { return c.Flag != "" || c.MoveTo != "" }

// validFlag reports whether a client may set the flag: a keyword, which is an
// atom (RFC 3501, 9), or one of the flags that everybody may set.
func validFlag(flag string) bool {
	if flag == string(imap.FlagSeen) || flag == string(imap.FlagFlagged) {
		return true
	}
	return !strings.ContainsFunc(flag, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`(){%*"\]`, r)
	})
}

// exposed reports whether the password or token would cross a network in the clear.
func (c Config) exposed() bool {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil || c.TLS != TLSNone {
		return false
	}
	return !loopback(host)
}
