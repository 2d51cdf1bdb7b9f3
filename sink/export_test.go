package sink

import (
	"context"
	"strconv"
	"sync"

	"leadd/lead"
)

// PlainInsert is what the sink is measured by: it fills ch-go's columns from
// records in memory and inserts them, and does nothing else.
func PlainInsert(ctx context.Context, connect Connect, records []lead.Scored, blockRows int) error {
	db := database{connect: connect, memory: new(sync.Pool)}
	defer db.close()
	b := newBlocks(lead.TopicScored)
	for begin := 0; begin < len(records); begin += blockRows {
		b.reset()
		for i := begin; i < min(len(records), begin+blockRows); i++ {
			b.addScored(0, &records[i])
		}
		for _, t := range b.tables {
			if err := db.insert(ctx, t, strconv.Itoa(begin)); err != nil {
				return err
			}
		}
	}
	return nil
}
