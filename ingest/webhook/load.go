package webhook

import (
	"net/http"
	"sync/atomic"
)

const (
	// maxPosts is how many posts are read and wait for Kafka at a time. More
	// come in only where Kafka is slow; they would wait in vain.
	maxPosts = 1024
	// maxHeld is how many bytes of bodies are held at a time, those of slow
	// senders included. The largest mail fits twice.
	maxHeld = 128 << 20
)

// load is what all posts together hold of this process.
type load struct {
	posts, bytes atomic.Int64
	maxBytes     int64
}

// hold is what one post holds.
type hold struct {
	load   *load
	placed bool
	bytes  int64
}

// enter takes a place among the posts that are worked on. A post that is
// still on its way needs none, so that slow senders cannot keep others out.
func (h *hold) enter() error {
	h.placed = true
	if h.load.posts.Add(1) > maxPosts {
		return overloaded()
	}
	return nil
}

// grow takes room for n bytes more.
func (h *hold) grow(n int) error {
	h.bytes += int64(n)
	if h.load.bytes.Add(int64(n)) > h.load.maxBytes {
		return overloaded()
	}
	return nil
}

// release gives back what a post holds, also what it was refused.
func (h *hold) release() {
	h.load.bytes.Add(-h.bytes)
	if h.placed {
		h.load.posts.Add(-1)
	}
}

func overloaded() *problem {
	return &problem{http.StatusServiceUnavailable, "overload", "too much is under way just now; send it again in a few seconds"}
}
