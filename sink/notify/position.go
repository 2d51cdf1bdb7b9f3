package notify

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// position is what is committed beside the offset: "seen=17 since=1772355600000".
type position struct {
	seen  int64     // highest contact's offset read
	since time.Time // what was received before is not told
}

// String writes p as parsePosition reads it.
func (p position) String() string {
	return "seen=" + strconv.FormatInt(p.seen, 10) + " since=" + strconv.FormatInt(p.since.UnixMilli(), 10)
}

func parsePosition(s string) (position, error) {
	seen, since, _ := strings.Cut(s, " ")
	seen, known := strings.CutPrefix(seen, "seen=")
	since, dated := strings.CutPrefix(since, "since=")
	offset, serr := strconv.ParseInt(seen, 10, 64)
	millis, terr := strconv.ParseInt(since, 10, 64)
	if !known || !dated || serr != nil || terr != nil {
		return position{}, fmt.Errorf("the group's metadata is %q, which notify has not written; reset the group", s)
	}
	return position{offset, time.UnixMilli(millis).UTC()}, nil
}
