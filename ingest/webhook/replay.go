package webhook

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"leadd/lead"
)

// Replay takes a post that was refused before, as if it came now, and gives
// the id of the contact that it makes. Replayed twice it is still one contact:
// it counts as received when it was refused. The error says why it is refused
// again; nothing is stored then.
func (h *Handler) Replay(ctx context.Context, letter *lead.DeadLetter) (id string, err error) {
	src := h.sources[letter.Source]
	if src == nil {
		return "", fmt.Errorf("replay a post: no web form is called %q", letter.Source)
	}
	if src.preset != nil {
		return h.replayDelivery(ctx, src, letter)
	}
	posted, err := readPost(contentTypeOf(letter.Origin), letter.Raw)
	if err != nil {
		return "", err
	}
	return h.accept(ctx, nil, src, posted, letter.At)
}

// contentTypeOf reads a post's Content-Type back from a dead letter's origin;
// see bury.
func contentTypeOf(origin string) string {
	_, quoted, _ := strings.Cut(origin, " (")
	contentType, err := strconv.Unquote(strings.TrimSuffix(quoted, ")"))
	if err != nil {
		return "" // then its looks tell
	}
	return contentType
}
