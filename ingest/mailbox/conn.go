package mailbox

import (
	"net"
	"sync"
	"time"
)

// watchedConn notices a peer that has gone silent. The IMAP client waits for
// the first byte of an answer for ever; here a Read fails when an answer is
// awaited and nothing has come for a while. While none is awaited (IDLE, or
// Kafka is slow and nobody reads) silence is fine.
type watchedConn struct {
	net.Conn

	mu    sync.Mutex
	limit time.Duration // longest silence; 0: no answer is awaited
}

// expect sets the longest silence from now on, also for a Read under way.
func (c *watchedConn) expect(limit time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = limit
	if limit == 0 {
		_ = c.Conn.SetReadDeadline(time.Time{})
	} else {
		c.extend()
	}
}

// extend grants another limit of silence. A connection that takes no deadline
// is closed, and the Read that follows says so.
func (c *watchedConn) extend() { _ = c.Conn.SetReadDeadline(time.Now().Add(c.limit)) }

// Read reads what the peer sends, as net.Conn does.
func (c *watchedConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	if c.limit > 0 {
		c.extend()
	}
	c.mu.Unlock()
	return c.Conn.Read(p)
}

// SetReadDeadline does nothing: the deadline is kept here, and the IMAP
// client's own would take it away.
func (c *watchedConn) SetReadDeadline(time.Time) error { return nil }
