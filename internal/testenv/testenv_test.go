package testenv

import (
	"context"
	"crypto/tls"
	"os/exec"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/segmentio/kafka-go"
)

func TestMain(m *testing.M) { Main(m) }

func TestClickHouseDatabasesAreApart(t *testing.T) {
	addr, first := ClickHouseDB(t)
	again, second := ClickHouseDB(t)
	if addr != again || first == second {
		t.Fatalf("%s %s, %s %s", addr, first, again, second)
	}
	for _, database := range []string{first, second} {
		db, err := clickhouse.Open(&clickhouse.Options{Addr: []string{addr}, Auth: clickhouse.Auth{Database: database}})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Exec(t.Context(), "CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n"); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func write(addr, topic string) error {
	w := &kafka.Writer{
		Addr: kafka.TCP(addr), Topic: topic, RequiredAcks: kafka.RequireAll,
		BatchTimeout: time.Millisecond, MaxAttempts: 1, Transport: &kafka.Transport{}, WriteTimeout: 2 * time.Second, ReadTimeout: 2 * time.Second,
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := w.WriteMessages(ctx, kafka.Message{Value: []byte("x")})
	if closing := w.Close(); err == nil {
		err = closing
	}
	return err
}

func createTopic(t *testing.T, addr, topic string) {
	t.Helper()
	c := &kafka.Client{Addr: kafka.TCP(addr), Transport: &kafka.Transport{}}
	resp, err := c.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: 1, ReplicationFactor: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Errors[topic]; err != nil {
		t.Fatal(err)
	}
}

// eventually tries until it works: a broker may answer before it leads its
// partitions again.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

func TestEmbeddedKafka(t *testing.T) {
	addr := Kafka(t)
	createTopic(t, addr, "t")
	if err := write(addr, "t"); err != nil {
		t.Error(err)
	}
}

func TestApacheKafkaIsShared(t *testing.T) {
	addr := ApacheKafka(t)
	if again := ApacheKafka(t); again != addr {
		t.Errorf("a second server at %s", again)
	}
	createTopic(t, addr, t.Name())
	eventually(t, "write", func() error { return write(addr, t.Name()) })
}

func TestApacheKafkaFaults(t *testing.T) {
	s := Apache(t)
	createTopic(t, s.Addr(), "t")
	eventually(t, "write", func() error { return write(s.Addr(), "t") })

	s.Pause()
	if write(s.Addr(), "t") == nil {
		t.Error("a paused server has answered")
	}
	s.Resume()
	eventually(t, "write after a pause", func() error { return write(s.Addr(), "t") })

	s.Kill()
	if write(s.Addr(), "t") == nil {
		t.Error("a killed server has answered")
	}
	s.Start(t)
	eventually(t, "write after a kill", func() error { return write(s.Addr(), "t") })
}

func TestDovecot(t *testing.T) {
	d := Dovecot(t)
	d.Append(t, "INBOX", []byte("From: a@b.example\r\nSubject: one\r\n\r\nhello\r\n"))
	d.Append(t, "Other", []byte("From: a@b.example\r\nSubject: two\r\n\r\nhello\r\n"))
	messages := func(folder string) uint32 {
		t.Helper()
		box, err := d.Client(t, d.User()).Select(folder, nil).Wait()
		if err != nil {
			t.Fatal(err)
		}
		return box.NumMessages
	}
	if n := messages("INBOX"); n != 1 {
		t.Errorf("%d messages", n)
	}

	c, err := imapclient.DialStartTLS(d.Addr(), &imapclient.Options{TLSConfig: &tls.Config{RootCAs: d.CertPool()}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Login(d.User(), "wrong").Wait(); err == nil {
		t.Error("logged in with a wrong password")
	}
	if err := c.Login(d.User(), d.Password()).Wait(); err != nil {
		t.Error(err)
	}

	d.Stop()
	if err := c.Noop().Wait(); err == nil {
		t.Error("a stopped server has answered")
	}
	d.Start(t)
	if in, other := messages("INBOX"), messages("Other"); in != 1 || other != 1 {
		t.Errorf("%d and %d messages after a restart", in, other)
	}
}

func TestDovecotTellsIdleClients(t *testing.T) {
	d := Dovecot(t, "one@leadd.example", "two@leadd.example")
	arrived := make(chan uint32, 10)
	c, err := imapclient.DialInsecure(d.Addr(), &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(m *imapclient.UnilateralDataMailbox) {
			if m.NumMessages != nil {
				arrived <- *m.NumMessages
			}
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Login("one@leadd.example", d.Password()).Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	idle, err := c.Idle()
	if err != nil {
		t.Fatal(err)
	}
	d.Append(t, "INBOX", []byte("Subject: new\r\n\r\nhello\r\n"))
	select {
	case n := <-arrived:
		if n != 1 {
			t.Errorf("%d messages", n)
		}
	case <-time.After(5 * time.Second):
		t.Error("not told of a new message")
	}
	if err := idle.Close(); err != nil {
		t.Error(err)
	}
}

func TestChromium(t *testing.T) {
	out, err := exec.Command(Chromium(t), "--version").Output()
	if err != nil || len(out) == 0 {
		t.Errorf("%q: %v", out, err)
	}
}
