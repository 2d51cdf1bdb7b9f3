package webhook

import "time"

// Hurry makes h want bodies at a pace.
func Hurry(h *Handler, bytesPerSecond int64, patience, longest time.Duration) {
	h.pace = pace{bytesPerSecond, patience, longest}
}

// Narrow makes h hold so many bytes of posts at most.
func Narrow(h *Handler, bytes int64) { h.load.maxBytes = bytes }

// MaxPosts and MaxAddresses are limits that tests go up to.
const (
	MaxPosts     = maxPosts
	MaxAddresses = maxAddresses
)

// Remembered counts the addresses that are remembered of a source.
func Remembered(h *Handler, source string) int {
	a := h.sources[source].addresses
	return len(a.now) + len(a.old)
}

// Unlock makes h take deliveries without a signature, for fuzzing what lies
// behind it.
func Unlock(h *Handler) {
	for _, src := range h.sources {
		if src.preset != nil {
			src.preset.scheme = nil
		}
	}
}
