package webhook

import (
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"leadd/lead"
)

// How many posts a minute a source takes where its configuration does not say:
// more than a form gets on its best day, and less than a robot can send.
const (
	defaultRate        = 6000
	defaultAddressRate = 120
)

// perMinute allows n a minute, at once or one by one.
func perMinute(n int) *rate.Limiter { return rate.NewLimiter(rate.Limit(n)/60, n) }

// admit takes one post of a stranger into account, and refuses it where too
// many have come: first from its address, so that one address cannot use up
// what the source takes from all.
func (s *source) admit(w http.ResponseWriter, r *http.Request, now time.Time) error {
	if l := s.addresses.limiter(addressOf(r), now); !l.AllowN(now, 1) {
		retryIn(w, l, now)
		return s.tooMany("rate_address", "too many posts have come from your address; wait a little and send it again")
	}
	return s.admitSender(w, now)
}

// admitSender takes a post of a sender who is known to be genuine into account.
func (s *source) admitSender(w http.ResponseWriter, now time.Time) error {
	if !s.all.AllowN(now, 1) {
		retryIn(w, s.all, now)
		return s.tooMany("rate_source", "too many posts have come to this source; wait a little and send it again")
	}
	return nil
}

func (s *source) tooMany(reason, text string) *problem {
	if s.preset != nil && s.preset.gives4xxUp {
		return &problem{http.StatusServiceUnavailable, reason, text}
	}
	return &problem{http.StatusTooManyRequests, reason, text}
}

// retryIn tells a sender after how many seconds l takes one more.
func retryIn(w http.ResponseWriter, l *rate.Limiter, now time.Time) {
	seconds := math.Ceil((1 - l.TokensAt(now)) / float64(l.Limit()))
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(seconds))))
}

// addressOf gives the network address that a post is counted under: for IPv6
// that of the /64, as every household has at least so many. Where there is
// none, all are counted together.
func addressOf(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := from.Addr().Unmap()
	if addr.Is4() {
		return addr
	}
	network, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return addr
	}
	return network.Addr()
}

// maxAddresses is how many addresses of a source are counted at a time. Who
// posts from more of them is stopped by the source's rate.
const maxAddresses = 10_000

// addresses counts the posts from each address. An address that has not
// posted for a minute may be forgotten, as its whole allowance is back by then.
type addresses struct {
	perMinute int

	mu       sync.Mutex
	now, old map[netip.Addr]*rate.Limiter
	since    time.Time // when now was begun
}

func (a *addresses) limiter(from netip.Addr, at time.Time) *rate.Limiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.now == nil || len(a.now) >= maxAddresses || at.Sub(a.since) > time.Minute {
		a.now, a.old, a.since = map[netip.Addr]*rate.Limiter{}, a.now, at
	}
	l := a.now[from]
	if l == nil {
		if l = a.old[from]; l == nil {
			l = perMinute(a.perMinute)
		}
		a.now[from] = l
	}
	return l
}

// What a source keeps of strangers' posts that cannot be read: so many bytes
// a day whole, then so many posts a day by their first bytes.
const (
	scrapBytes  = 10 << 20
	scrapHeads  = 10_000
	scrapHead   = 1 << 10
	scrapBeside = 512 // bytes that a dead letter takes beside the post
)

// scraps bounds what of the disk strangers can fill with posts that cannot be
// read.
type scraps struct{ bytes, heads *rate.Limiter }

func newScraps() *scraps {
	perDay := func(n int) *rate.Limiter { return rate.NewLimiter(rate.Limit(n)/(24*60*60), n) }
	return &scraps{bytes: perDay(scrapBytes), heads: perDay(scrapHeads)}
}

// keep gives as much of a body as is kept; false: nothing.
func (s *scraps) keep(body []byte, now time.Time) ([]byte, bool) {
	switch {
	case s.bytes.AllowN(now, scrapBeside+min(len(body), lead.MaxRaw)):
		return body, true
	case s.heads.AllowN(now, 1):
		return body[:min(len(body), scrapHead)], true
	}
	return nil, false
}
