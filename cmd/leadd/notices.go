package main

import (
	"context"
	"maps"
	"slices"

	"leadd/config"
	"leadd/ingest"
	"leadd/ingest/fetch"
	"leadd/internal/stream"
	"leadd/lead"
)

// groupNotices begins the names of the consumer groups that fetch: each source
// has its own, so that none waits for another.
const groupNotices = "leadd.notices."

// announced are the sources whose senders only announce.
func announced(cfg config.Config) (sources []fetch.Source) {
	for _, name := range slices.Sorted(maps.Keys(cfg.Webhooks)) {
		if w := cfg.Webhooks[name]; w.API.Token != "" {
			sources = append(sources, fetch.Source{Name: name, Sender: w.Preset, API: w.API, Fields: w.Fields})
		}
	}
	return sources
}

// openFetching prepares the fetching of what webhooks announce.
func (d *daemon) openFetching(id *ingest.Identity) (err error) {
	d.fetching, err = fetch.New(announced(d.cfg), id, d.intake, d.stream, d.log, d.metrics)
	return err
}

// startFetching joins the groups of all sources that announce.
func (d *daemon) startFetching(doors *layer, topics <-chan struct{}) {
	for _, name := range d.fetching.Sources() {
		doors.run("fetching for "+name, func(ctx context.Context) error {
			if !wait(ctx, topics) {
				return nil
			}
			return d.stream.Group(ctx, groupNotices+name, []string{lead.TopicNotices}, func(ctx context.Context, c *stream.Claim) error {
				return d.fetching.Run(ctx, name, c)
			})
		})
	}
}
