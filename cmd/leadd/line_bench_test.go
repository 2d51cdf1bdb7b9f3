package main

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"leadd/ingest"
	"leadd/internal/clickhouse"
	"leadd/internal/stream"
	"leadd/internal/testenv"
	"leadd/lead"
	"leadd/scoring"
	"leadd/scoring/evidence"
)

// BenchmarkSpeedScoring measures the processor time of scoring, with its
// durable store, beside a loop that only reads, decodes and writes, in turns;
// and what it would be if finding the evidence cost nothing.
func BenchmarkSpeedScoring(b *testing.B) {
	type side struct {
		broker string
		pid    int
	}
	scoring, loop, scorer := side{broker: startBroker(b, "/dev/shm")}, side{broker: startBroker(b, "/dev/shm")}, side{broker: startBroker(b, "/dev/shm")}
	p := startLeadd(b, "serve", "-c", writeConfig(b, benchForm+"kafka:\n  brokers: ["+scoring.broker+"]\n"), "--roles", "scoring,ingest")
	scoring.pid = p.cmd.Process.Pid
	publishContacts(b, loop.broker, 0, 1) // makes the topics
	publishContacts(b, scorer.broker, 0, 1)
	loop.pid = startHelper(b, "loop", helperBroker+"="+loop.broker).pid
	scorer.pid = startHelper(b, "scorer", helperBroker+"="+scorer.broker).pid

	const n, rounds = 30_000, 5
	// measure gives the contacts scored in a second of processor time.
	measure := func(s side, from int) float64 {
		client := dialBroker(b, s.broker)
		before := cpuTime(b, s.pid)
		publishContacts(b, s.broker, from, n)
		await(b, "contacts scored", func() error {
			done, all := ends(b, client, lead.TopicScored), ends(b, client, lead.TopicContacts)
			if done < all {
				return fmt.Errorf("%d of %d", done, all)
			}
			return nil
		})
		return n / (cpuTime(b, s.pid) - before).Seconds()
	}
	var rate, bare, ratio, without []float64
	for b.Loop() {
		for i := range rounds {
			r, l, w := measure(scoring, 1+i*n), measure(loop, 1+i*n), measure(scorer, 1+i*n)
			rate, bare, ratio, without = append(rate, r), append(bare, l), append(ratio, r/l), append(without, w/l)
		}
	}
	b.ReportMetric(median(rate), "contacts/s/core")
	b.ReportMetric(median(bare), "loop-contacts/s/core")
	b.ReportMetric(median(ratio), "ratio")
	b.ReportMetric(0.5, "ratio-at-least")
	b.ReportMetric(median(without), "ratio-without-evidence")
	b.ReportMetric(0, "ns/op")
}

// scoreWithoutEvidence runs scoring as the daemon does, but with the findings
// of one contact for all.
func scoreWithoutEvidence(ctx context.Context, broker, dir string) error {
	tuneMemory()
	cfg := stream.DefaultConfig()
	cfg.Brokers = []string{broker}
	log := zerolog.New(os.Stderr).Level(zerolog.WarnLevel)
	client, err := stream.Dial(cfg, log, prometheus.NewRegistry())
	if err != nil {
		return err
	}
	if err := client.EnsureTopics(ctx); err != nil {
		return err
	}
	extractor, err := evidence.New()
	if err != nil {
		return err
	}
	fields, err := ingest.Flatten(formBody(0))
	if err != nil {
		return err
	}
	c := ingest.FormContact(fields, nil)
	findings := extractor.Extract(&c)
	stage := scoring.NewStage(scoring.DefaultConfig(), scoring.NewEngine(scoring.Default()), func(*lead.Contact) []lead.Finding { return findings },
		client, dir, log, prometheus.NewRegistry())
	return client.Group(ctx, groupScoring, []string{lead.TopicContacts}, func(ctx context.Context, c *stream.Claim) error {
		return stage.Run(ctx, c)
	})
}

// ends adds up the ends of a topic's partitions.
func ends(b *testing.B, client *stream.Client, topic string) (sum int64) {
	b.Helper()
	for partition := range stream.DefaultConfig().Partitions {
		_, end, err := client.Offsets(b.Context(), topic, partition)
		if err != nil {
			b.Fatal(err)
		}
		sum += end
	}
	return sum
}

// copyContacts reads contacts, decodes them and writes them as if they had
// been scored, for each partition in a goroutine.
func copyContacts(ctx context.Context, broker string) error {
	cfg := stream.DefaultConfig()
	cfg.Brokers = []string{broker}
	client, err := stream.Dial(cfg, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		return err
	}
	partitions, ctx := errgroup.WithContext(ctx)
	for partition := range cfg.Partitions {
		partitions.Go(func() error {
			for next := int64(0); ; {
				records, _, err := client.Fetch(ctx, lead.TopicContacts, partition, next)
				if err != nil {
					return err
				}
				if len(records) == 0 {
					continue
				}
				next = records[len(records)-1].Offset + 1
				for i, r := range records {
					s := lead.Scored{Offset: r.Offset}
					if err := lead.Decode(r.Value, &s.Contact); err != nil {
						return err
					}
					if records[i].Value, err = lead.Encode(&s); err != nil {
						return err
					}
				}
				if _, err := client.Append(ctx, lead.TopicScored, partition, records); err != nil {
					return err
				}
			}
		})
	}
	return partitions.Wait()
}

// BenchmarkSpeedLine measures the whole line: contacts that wait on Kafka are
// scored and stored in ClickHouse by one process, engine and broker on the
// same machine.
func BenchmarkSpeedLine(b *testing.B) {
	testenv.ClickHouse(b) // skips where there is no engine
	const n = 200_000
	for b.Loop() {
		broker := startBroker(b, "")
		publishContacts(b, broker, 0, n)
		p := startLeadd(b, "serve", "-c", writeConfig(b, "kafka:\n  brokers: ["+broker+"]\n"), "--roles", "scoring,sink,dashboard")
		db, err := clickhouse.Open(p.database())
		if err != nil {
			b.Fatal(err)
		}
		stored := func() (count uint64) {
			if err := db.QueryRow(b.Context(), "SELECT count() FROM contacts").Scan(&count); err != nil {
				b.Fatal(err)
			}
			return count
		}
		tick := time.NewTicker(50 * time.Millisecond)
		first := stored()
		for ; first == 0; first = stored() {
			<-tick.C
		}
		began, last := time.Now(), first
		for ; last < n; last = stored() {
			<-tick.C
		}
		b.ReportMetric(float64(last-first)/time.Since(began).Seconds(), "contacts/s")
		b.ReportMetric(memory(b, p.cmd.Process.Pid, "VmHWM"), "peak-MiB")
		tick.Stop()
		_ = db.Close()
		p.stop()
	}
	b.ReportMetric(0, "ns/op")
}

// publishContacts puts n contacts on Kafka, from the given one on, three to a
// prospect.
func publishContacts(b *testing.B, broker string, from, n int) {
	b.Helper()
	client := dialBroker(b, broker)
	id, err := ingest.NewIdentity(ingest.IdentityConfig{})
	if err != nil {
		b.Fatal(err)
	}
	batches := map[int][]lead.Record{}
	flush := func(partition int) {
		if _, err := client.Append(b.Context(), lead.TopicContacts, partition, batches[partition]); err != nil {
			b.Fatal(err)
		}
		batches[partition] = nil
	}
	for i := from; i < from+n; i++ {
		fields, err := ingest.Flatten(formBody(i))
		if err != nil {
			b.Fatal(err)
		}
		c := ingest.FormContact(fields, nil)
		c.Source, c.Received = "website", time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC)
		c.ID = lead.ContactID(c.Source, string(formBody(i)))
		id.Complete(&c)
		value, err := lead.Encode(&c)
		if err != nil {
			b.Fatal(err)
		}
		partition, err := client.PartitionOf(lead.TopicContacts, []byte(c.Prospect))
		if err != nil {
			b.Fatal(err)
		}
		batches[partition] = append(batches[partition], lead.Record{Key: []byte(c.Prospect), Value: value})
		if len(batches[partition]) == 500 {
			flush(partition)
		}
	}
	for partition := range batches {
		if len(batches[partition]) > 0 {
			flush(partition)
		}
	}
}

// BenchmarkSpeedMemory measures the memory of a process that does all there
// is, under as many posts as it takes. The engine is a process of its own.
func BenchmarkSpeedMemory(b *testing.B) {
	testenv.ClickHouse(b)
	p := startLeadd(b, "serve", "-c", writeConfig(b, benchForm))
	g := newGenerator(b, curlAddress.FindStringSubmatch(p.curl)[1], formPosts(60_000), 128)
	defer g.close()
	for b.Loop() {
		n, took := g.run(15 * time.Second)
		b.ReportMetric(float64(n)/took.Seconds(), "posts/s")
		b.ReportMetric(memory(b, p.cmd.Process.Pid, "VmHWM"), "MiB")
	}
	b.ReportMetric(300, "MiB-at-most")
	b.ReportMetric(0, "ns/op")
	p.stop()
}
