package testenv

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// DovecotServer is a private Dovecot with empty mailboxes (Maildir).
type DovecotServer struct {
	dir         string
	program     string
	plain, tls  string
	certificate *x509.Certificate
	users       []string
	introspect  string // where tokens are checked, or ""
	process     *process
}

// Dovecot is a running Dovecot 2.3 of the test's own, with the users named, or
// "inbox@leadd.example" if none is. All have the same password.
func Dovecot(t testing.TB, users ...string) *DovecotServer {
	t.Helper()
	return startDovecot(t, "", users)
}

// DovecotWithTokens is the same, with OAUTHBEARER and XOAUTH2 alone to log in
// by: it posts tokens to the address introspect (RFC 7662), whose answer's
// username must be the user's. So Client and Append do not work.
func DovecotWithTokens(t testing.TB, introspect string, users ...string) *DovecotServer {
	t.Helper()
	return startDovecot(t, introspect, users)
}

func startDovecot(t testing.TB, introspect string, users []string) *DovecotServer {
	t.Helper()
	program := dovecotProgram(t)
	if len(users) == 0 {
		users = []string{"inbox@leadd.example"}
	}
	// Not t.TempDir: Dovecot's own users must get there, and the paths of its
	// sockets must be short.
	dir, err := os.MkdirTemp("", "dovecot") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	d := &DovecotServer{
		dir: dir, program: program, users: users, introspect: introspect,
		plain: fmt.Sprintf("127.0.0.1:%d", freePort(t)),
		tls:   fmt.Sprintf("127.0.0.1:%d", freePort(t)),
	}
	if err := d.prepare(); err != nil {
		t.Fatalf("prepare Dovecot: %v", err)
	}
	d.Start(t)
	t.Cleanup(d.Stop)
	return d
}

func dovecotProgram(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"dovecot", "/usr/sbin/dovecot", "/usr/local/sbin/dovecot"} {
		program, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		version, err := exec.Command(program, "--version").Output()
		if err != nil || !strings.HasPrefix(string(version), "2.3.") {
			absent(t, "Dovecot is %q, the tests' configuration is for 2.3: %v", strings.TrimSpace(string(version)), err)
		}
		return program
	}
	absent(t, "no Dovecot here: run internal/testenv/install.sh")
	return ""
}

// prepare writes the configuration, the users and the certificate.
func (d *DovecotServer) prepare() error {
	// Dovecot delivers no mail to root.
	mailUser, internal, login := "nobody", "dovecot", "dovenull"
	if os.Getuid() != 0 {
		me, err := user.Current()
		if err != nil {
			return err
		}
		mailUser, internal, login = me.Username, me.Username, me.Username
	}
	owner, err := user.Lookup(mailUser)
	if err != nil {
		return err
	}
	internalUser, err := user.Lookup(internal)
	if err != nil {
		return err
	}
	internalGroup, err := user.LookupGroupId(internalUser.Gid)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(owner.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(owner.Gid)
	if err != nil {
		return err
	}

	var passwords strings.Builder
	for _, u := range d.users {
		fmt.Fprintf(&passwords, "%s:{PLAIN}%s\n", u, d.Password())
	}
	cert, key, err := d.makeCertificate()
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(d.plain)  // made by us
	_, tlsPort, _ := net.SplitHostPort(d.tls) // made by us
	conf := strings.NewReplacer(
		"PASSDB", d.passdb(), "DIR", d.dir, "TLSPORT", tlsPort, "PORT", port, "UID", owner.Uid, "GID", owner.Gid,
		"INTERNALGROUP", internalGroup.Name, "INTERNAL", internal, "LOGIN", login,
	).Replace(`
base_dir = DIR/run
state_dir = DIR/state
log_path = DIR/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <DIR/cert.pem
ssl_key = <DIR/key.pem
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:~/mail
mail_max_userip_connections = 100
first_valid_uid = 1
first_valid_gid = 1
default_internal_user = INTERNAL
default_internal_group = INTERNALGROUP
default_login_user = LOGIN
PASSDB
userdb {
  driver = static
  args = uid=UID gid=GID home=DIR/home/%u
}
service imap-login {
  chroot =
  inet_listener imap {
    port = PORT
  }
  inet_listener imaps {
    port = TLSPORT
    ssl = yes
  }
}
service anvil {
  chroot =
  # No penalty: a wrong password slows the next log-in down by seconds.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
namespace inbox {
  inbox = yes
  mailbox Junk {
    special_use = \Junk
  }
  mailbox Trash {
    special_use = \Trash
  }
  mailbox Sent {
    special_use = \Sent
  }
  mailbox Drafts {
    special_use = \Drafts
  }
}
`)
	home := filepath.Join(d.dir, "home")
	return errors.Join(
		os.Chmod(d.dir, 0o755), //nolint:gosec // see Dovecot
		os.WriteFile(filepath.Join(d.dir, "dovecot.conf"), []byte(conf), 0o600),
		os.WriteFile(filepath.Join(d.dir, "users"), []byte(passwords.String()), 0o644),                                                                                       //nolint:gosec // read by another user
		os.WriteFile(filepath.Join(d.dir, "oauth2.conf"), []byte("introspection_mode = post\nintrospection_url = "+d.introspect+"\nusername_attribute = username\n"), 0o644), //nolint:gosec // read by another user
		os.WriteFile(d.CAFile(), cert, 0o600),
		os.WriteFile(filepath.Join(d.dir, "key.pem"), key, 0o600),
		os.Mkdir(home, 0o700),
		os.Chown(home, uid, gid),
	)
}

// passdb says how users log in.
func (d *DovecotServer) passdb() string {
	if d.introspect != "" {
		return "auth_mechanisms = oauthbearer xoauth2\npassdb {\n  driver = oauth2\n  mechanisms = oauthbearer xoauth2\n  args = " +
			d.dir + "/oauth2.conf\n}"
	}
	return "passdb {\n  driver = passwd-file\n  args = " + d.dir + "/users\n}"
}

func (d *DovecotServer) makeCertificate() (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, nil, err
	}
	if d.certificate, err = x509.ParseCertificate(der); err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), nil
}

// Addr is where it speaks IMAP in the clear, with STARTTLS: host:port.
func (d *DovecotServer) Addr() string { return d.plain }

// TLSAddr is where it speaks IMAP over TLS: host:port.
func (d *DovecotServer) TLSAddr() string { return d.tls }

// User is the first user's name.
func (d *DovecotServer) User() string { return d.users[0] }

// Password is the password of every user.
func (d *DovecotServer) Password() string { return "correct horse" }

// CertPool trusts its certificate, which is for "localhost" and 127.0.0.1.
func (d *DovecotServer) CertPool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(d.certificate)
	return pool
}

// CAFile is the PEM file of its certificate.
func (d *DovecotServer) CAFile() string { return filepath.Join(d.dir, "cert.pem") }

// Client is a logged-in connection of user, closed when the test ends.
func (d *DovecotServer) Client(t testing.TB, user string) *imapclient.Client {
	t.Helper()
	c, err := imapclient.DialTLS(d.tls, &imapclient.Options{TLSConfig: &tls.Config{RootCAs: d.CertPool()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Login(user, d.Password()).Wait(); err != nil {
		t.Fatal(err)
	}
	return c
}

// Append puts a message in a folder of the first user, which is made where it
// is missing.
func (d *DovecotServer) Append(t testing.TB, folder string, message []byte) {
	t.Helper()
	c := d.Client(t, d.User())
	defer c.Close() //nolint:errcheck // everything was answered
	for range 2 {
		err := appendTo(c, folder, message)
		if refused := (*imap.Error)(nil); errors.As(err, &refused) && refused.Code == imap.ResponseCodeTryCreate {
			if err := c.Create(folder, nil).Wait(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
}

func appendTo(c *imapclient.Client, folder string, message []byte) error {
	cmd := c.Append(folder, int64(len(message)), nil)
	if _, err := cmd.Write(message); err != nil {
		return err
	}
	if err := cmd.Close(); err != nil {
		return err
	}
	_, err := cmd.Wait()
	return err
}

// Fill puts mails into the first user's INBOX without the server's help, which
// is quick: mail gives that of each number from 1 on. No mail may be there yet.
func (d *DovecotServer) Fill(t testing.TB, mails int, mail func(n int) []byte) {
	t.Helper()
	owner, err := os.Stat(filepath.Join(d.dir, "home"))
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(d.dir, "home", d.User())
	dirs := []string{home, filepath.Join(home, "mail")}
	for _, name := range []string{"cur", "new", "tmp"} {
		dirs = append(dirs, filepath.Join(home, "mail", name))
	}
	sys, ok := owner.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("no owner of a directory on this system")
	}
	own := func(path string) {
		if err := os.Chown(path, int(sys.Uid), int(sys.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		own(dir)
	}
	for n := 1; n <= mails; n++ {
		// The time comes first, and orders them. The number comes last, as
		// Dovecot's hash of the name hardly sees what stands before.
		raw := mail(n)
		file := filepath.Join(home, "mail", "cur", fmt.Sprintf("%d.test.%d:2,", 1_700_000_000+n, n))
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		own(file)
	}
}

// Start starts the stopped server and waits until it answers.
func (d *DovecotServer) Start(t testing.TB) {
	t.Helper()
	p, err := startProcess(filepath.Join(d.dir, "dovecot.log"), d.program, "-F", "-c", filepath.Join(d.dir, "dovecot.conf"))
	if err != nil {
		t.Fatal(err)
	}
	d.process = p
	if err := p.await(20*time.Second, func() error {
		c, err := imapclient.DialTLS(d.tls, &imapclient.Options{TLSConfig: &tls.Config{RootCAs: d.CertPool()}})
		if err != nil {
			return err
		}
		return errors.Join(c.WaitGreeting(), c.Close())
	}); err != nil {
		t.Fatal(err)
	}
}

// Stop ends the server and all connections. The mailboxes stay.
func (d *DovecotServer) Stop() { d.process.stop(5 * time.Second) }
