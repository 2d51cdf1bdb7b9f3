package fetch

import (
	"slices"
	"strconv"
	"strings"
)

// position is how far the notices of a partition are settled: all before
// offset, and of those from there up to next all but the open ones. Those are
// at most maxUnderWay, so that the metadata stays well below the 4096 bytes
// that Kafka takes with an offset.
type position struct {
	offset int64
	next   int64
	open   []int64 // sorted
}

// parsePosition reads what was committed. What cannot be read says nothing, so
// that all from the offset on is fetched, again perhaps.
func parsePosition(offset int64, metadata string) position {
	nothing := position{offset: offset, next: offset}
	if metadata == "" {
		return nothing
	}
	var all []int64
	for part := range strings.SplitSeq(metadata, ",") {
		n, err := strconv.ParseInt(part, 36, 64)
		if err != nil {
			return nothing
		}
		all = append(all, offset+n)
	}
	return position{offset: offset, next: all[0], open: all[1:]}
}

// metadata is next and the open offsets, counted from offset, in base 36;
// empty where nothing is open.
func (p position) metadata() string {
	if len(p.open) == 0 {
		return ""
	}
	parts := []string{strconv.FormatInt(p.next-p.offset, 36)}
	for _, o := range p.open {
		parts = append(parts, strconv.FormatInt(o-p.offset, 36))
	}
	return strings.Join(parts, ",")
}

// isSettled reports whether the notice at an offset is done with.
func (p position) isSettled(offset int64) bool {
	if offset < p.offset || offset >= p.next {
		return offset < p.offset
	}
	_, open := slices.BinarySearch(p.open, offset)
	return !open
}

func (p position) equal(q position) bool {
	return p.offset == q.offset && p.next == q.next && slices.Equal(p.open, q.open)
}
