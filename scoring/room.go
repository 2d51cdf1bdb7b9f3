package scoring

import (
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/rs/zerolog"
)

const (
	roomNeeded = memTableBytes     // free bytes without which nothing more is gathered
	roomWanted = 8 * memTableBytes // free bytes with which a store goes on
	roomCheck  = time.Second       // between looks at a full disk
)

// room holds up a store's writes while its disk is full: Pebble itself would
// end the process.
type room struct {
	dir  string
	log  zerolog.Logger
	open atomic.Bool // before, a full disk is an error
	full atomic.Bool
}

func newRoom(dir string, log zerolog.Logger) *room {
	return &room{dir: dir, log: log.Sample(&zerolog.BurstSampler{Burst: 1, Period: 10 * time.Second})}
}

// need waits where there is no room for what is being gathered in memory, so
// that a full disk is felt at once.
func (r *room) need() {
	if usage, err := vfs.Default.GetDiskUsage(r.dir); err == nil && usage.AvailBytes < roomNeeded {
		r.wait()
	}
}

// wait returns when there is room; Pebble calls it where a write has met a
// full disk, and then tries that write once more.
func (r *room) wait() {
	if !r.open.Load() {
		return
	}
	r.full.Store(true)
	defer r.full.Store(false)
	for {
		r.log.Error().Str("dir", r.dir).Msg("the disk under the local store is full; scoring waits until there is room, and nothing is lost")
		time.Sleep(roomCheck)
		usage, err := vfs.Default.GetDiskUsage(r.dir)
		if err != nil || usage.AvailBytes >= roomWanted {
			return // an error will come again with the write
		}
	}
}
