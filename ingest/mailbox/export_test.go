package mailbox

import "time"

// Hasten makes m try again at once, save its position often, and take a server that says nothing for
// silence as dead.
func (m *Mailbox) Hasten(silence time.Duration) {
	m.reconnect = span{time.Millisecond, 20 * time.Millisecond}
	m.rewrite = span{time.Millisecond, 5 * time.Millisecond}
	m.silence = silence
	m.saveEvery = 100 * time.Millisecond
}
