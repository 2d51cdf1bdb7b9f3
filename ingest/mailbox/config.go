package mailbox

import (
	"fmt"
	"net"
	"strconv"
	"time"

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
	defaultMaxSize = 50 << 20
)

// Config is one IMAP folder to read.
type Config struct {
	Addr     string `yaml:"addr"`     // host or host:port; the port follows from TLS where it is left out
	TLS      string `yaml:"tls"`      // tls (default), starttls or none
	CAFile   string `yaml:"ca_file"`  // PEM certificates to trust instead of the system's
	User     string `yaml:"user"`     // login name
	Password string `yaml:"password"` // never logged
	Folder   string `yaml:"folder"`   // default INBOX

	// Since leaves out mails that the server received before it; the zero
	// time reads all there are.
	Since time.Time `yaml:"since"`

	// Poll is how often to look for mail where the server does not tell by
	// itself (IDLE), and to make sure where it does. Default 30s, 1s to 9m.
	Poll time.Duration `yaml:"poll"`

	// MaxSize is how many bytes of a mail are read, 64 KiB to 1 GiB, default
	// 50 MiB. Of a longer mail the first so many are; what stands behind
	// them (attachments, as a rule) is left out.
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
	if c.Password == "" {
		wrong("password: missing; write ${VARIABLE} to take it from the environment")
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
	if c.Folder == "" {
		c.Folder = defaultFolder
	}
	if c.Poll == 0 {
		c.Poll = defaultPoll
	}
	if c.MaxSize == 0 {
		c.MaxSize = defaultMaxSize
	}
	return c
}

// inbox names the folder, whoever configured it under whatever name.
func (c Config) inbox() string {
	return c.Folder + " of " + c.User + " at " + c.Addr
}

// exposed reports whether the password would cross a network in the clear.
func (c Config) exposed() bool {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil || c.TLS != TLSNone {
		return false
	}
	ip := net.ParseIP(host)
	return host != "localhost" && (ip == nil || !ip.IsLoopback())
}
