package sink

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// position is the metadata of a committed offset: how the partition stands
// there. See the package comment.
type position struct {
	Seen int64 `json:"seen"` // highest contact's offset stored or refused before the committed offset; -1: none

	// Set where [committed offset, To) is announced.
	To   int64  `json:"to,omitempty"`
	Word string `json:"word,omitempty"` // makes this announcement's tokens differ from any other's
	Step *step  `json:"step,omitempty"` // set where a table has refused the range as a whole
}

// step is an insert of a part of the announced range into one table. The
// tables before it have the whole range, and this one has what is before From.
type step struct {
	Table string `json:"table"`
	From  int64  `json:"from"`
	To    int64  `json:"to"`
}

func newWord() string { return strconv.FormatUint(rand.Uint64(), 36) }

func (p position) String() string {
	b, err := json.Marshal(p)
	if err != nil { // it holds nothing that JSON cannot carry
		return ""
	}
	return string(b)
}

// parsePosition reads a commit's metadata. Empty metadata is that of an offset
// set by hand.
func parsePosition(metadata string) (position, error) {
	p := position{Seen: -1}
	if metadata == "" {
		return p, nil
	}
	if err := json.Unmarshal([]byte(metadata), &p); err != nil {
		return p, fmt.Errorf("metadata %q of the committed offset: %w (set the group's offset by hand if it was not leadd that wrote it)", metadata, err)
	}
	return p, nil
}
