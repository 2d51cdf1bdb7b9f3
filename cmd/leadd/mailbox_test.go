package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"leadd/internal/clickhouse"
	"leadd/internal/testenv"
)

// mailConfig reads a Dovecot inbox.
func mailConfig(d *testenv.DovecotServer) string {
	return busyForm + mailboxConfig(d)
}

func mailboxConfig(d *testenv.DovecotServer) string {
	return fmt.Sprintf("mailboxes:\n  info: {addr: %q, tls: none, user: %s, password: %s}\n", d.Addr(), d.User(), d.Password())
}

// leadMail is a mail that the default criteria make a lead of.
func leadMail(n int) []byte {
	return fmt.Appendf(nil, "From: Ada Lovelace <ada@company%d.example>\r\nTo: info@ours.example\r\n"+
		"Subject: Quote for 200 licences\r\nDate: %s\r\nMessage-ID: <mail-%d@company%d.example>\r\n\r\n"+
		"Hello,\r\n\r\nwe need 200 licences of your product and have a budget of 50,000 USD.\r\n"+
		"We want to start within 3 months. Could you send us a quote?\r\n\r\n-- \r\nAda Lovelace\r\nCTO, Company %d\r\n",
		n, time.Now().UTC().Format(time.RFC1123Z), n, n, n)
}

// TestAMailIsInTheFunnelWithinTwoSeconds appends to a real inbox that the
// daemon is watching.
func TestAMailIsInTheFunnelWithinTwoSeconds(t *testing.T) {
	testenv.ClickHouse(t)
	dovecot := testenv.Dovecot(t)
	dovecot.Append(t, "INBOX", leadMail(0))
	p := startLeadd(t, "serve", "-c", writeConfig(t, mailConfig(dovecot)))
	p.awaitCounts(map[string]int{"contact": 1, "lead": 1})

	// The first mail was there before; the second finds the daemon idling.
	began := time.Now()
	dovecot.Append(t, "INBOX", leadMail(1))
	p.awaitCounts(map[string]int{"contact": 2, "lead": 2})
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	p.stop()
}

// TestMailSurvivesKills kills the daemon again and again while it reads, so
// also between the fetch of a mail and the move of its cursor. Each mail is
// counted once.
func TestMailSurvivesKills(t *testing.T) {
	testenv.ClickHouse(t)
	const kills, each = 4, 40
	const mails = (kills + 1) * each
	dovecot := testenv.Dovecot(t)
	config := writeConfig(t, mailConfig(dovecot))
	appended := 0
	more := func() {
		for range each {
			dovecot.Append(t, "INBOX", leadMail(appended))
			appended++
		}
	}
	for killed := range kills {
		more()
		p := startLeadd(t, "serve", "-c", config)
		await(t, "mails accepted", func() error {
			if n := p.metric("leadd_ingest_contacts_total"); n < float64(1+7*killed) {
				return fmt.Errorf("only %v", n)
			}
			return nil
		})
		p.kill()
	}
	more()
	dovecot.Append(t, "INBOX", []byte("\x00\x01\x02 this is no mail \xff\xfe"))
	dovecot.Append(t, "INBOX", leadMail(mails))
	p := startLeadd(t, "serve", "-c", config)
	p.awaitCounts(map[string]int{"contact": mails + 1, "lead": mails + 1})
	p.exactlyOnce()
	await(t, "the broken mail's dead letter", func() error {
		if n := strings.Count(p.page("/dead"), "INBOX uid 201"); n != 1 {
			return fmt.Errorf("it is shown %d times", n)
		}
		return nil
	})
	p.stop()
}

// TestTwoReplicasAndOneMailbox has two processes on Apache Kafka and one
// mailbox: one of them reads it. That one is killed while it reads, and the
// other goes on where it was. Nothing is missing, and nothing counts twice.
func TestTwoReplicasAndOneMailbox(t *testing.T) {
	t.Parallel()
	const mails = 500
	dovecot := testenv.Dovecot(t)
	dovecot.Fill(t, mails, leadMail)
	kafka, cfg := testenv.Apache(t), clickhouse.DefaultConfig()
	addr, database := testenv.ClickHouseDB(t)
	cfg.Addr, cfg.Database = []string{addr}, database
	config := givenServers(kafka.Addr(), cfg) + mailboxConfig(dovecot)
	replicas := [2]*process{startLeadd(t, "serve", "-c", writeConfig(t, config)), startLeadd(t, "serve", "-c", writeConfig(t, config))}

	// While the second joins, the first may have to hand over to it.
	reading := 0
	await(t, "one of them reads, and the other does not", func() error {
		var connected [2]float64
		for i, p := range replicas {
			connected[i] = p.metric("leadd_mailbox_connected")
			if connected[i] == 1 {
				reading = i
			}
		}
		if connected[0]+connected[1] != 1 {
			return fmt.Errorf("connected: %v", connected)
		}
		return nil
	})
	other := replicas[1-reading]
	const later = 20
	for n := range later {
		dovecot.Append(t, "INBOX", leadMail(mails+1+n))
	}
	replicas[reading].kill()
	dovecot.Append(t, "INBOX", leadMail(mails+1+later))
	const all = mails + later + 1
	awaitStored(t, cfg, all)
	other.awaitCounts(map[string]int{"contact": all, "lead": all})
	exactlyOnce(t, cfg)
	if other.metric("leadd_mailbox_connected") != 1 {
		t.Error("the one that is left has not taken over")
	}
	other.stop()
}
