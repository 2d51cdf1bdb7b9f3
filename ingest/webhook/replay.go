package webhook

import (
	"context"
	"errors"
	"fmt"

	"leadd/lead"
)

// Replay takes a post that was refused before, as if it came now, and gives
// the id of the contact that it makes. Replayed twice it is still one contact:
// it counts as received when it was refused. The error says why it is refused
// again, or that it was no post; nothing is stored then.
func (h *Handler) Replay(ctx context.Context, letter *lead.DeadLetter) (id string, err error) {
	src := h.sources[letter.Source]
	if src == nil {
		return "", fmt.Errorf("replay a post: no web form is called %q", letter.Source)
	}
	from := parseOrigin(letter.Origin)
	if from.source != src.name {
		return "", errors.New("it came from a file; mend the file and import it again")
	}
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	if src.preset != nil {
		return h.replayDelivery(ctx, src, letter, from)
	}
	posted, err := readPost(from.contentType, letter.Raw)
	if err != nil {
		return "", err
	}
	posted.addCampaign(from.campaign)
	return h.accept(ctx, src, posted, from, letter.At)
}
