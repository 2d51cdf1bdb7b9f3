package main

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"

	"leadd/internal/embedded"
	"leadd/internal/stream"
	"leadd/lead"
)

// BenchmarkSpeedIntake measures acknowledged posts of leadd's intake beside a
// bare handler, both on the same embedded broker, everything in processes of
// its own, in turns. Where the broker keeps its files in memory, nothing waits
// for a disk and the processors are the limit; on a disk, its syncs are.
func BenchmarkSpeedIntake(b *testing.B) {
	posts := formPosts(3000)
	for _, place := range []struct{ name, dir string }{{"memory", "/dev/shm"}, {"disk", ""}} {
		b.Run(place.name, func(b *testing.B) {
			broker := startBroker(b, place.dir)
			ours, bare := startIntake(b, broker), startBareHandler(b, broker)
			for _, c := range []struct {
				connections int
				goal        float64
			}{{32, 1.3}, {128, 0.9}, {512, 0.9}} {
				b.Run(fmt.Sprintf("connections=%d", c.connections), func(b *testing.B) {
					benchmarkBesideBare(b, ours, bare, posts, c.connections)
					b.ReportMetric(c.goal, "ratio-at-least")
				})
			}
			b.Run("lone", func(b *testing.B) { benchmarkLonePost(b, broker, ours, posts) })
		})
	}
}

func benchmarkBesideBare(b *testing.B, ours, bare *httpServer, posts [][]byte, connections int) {
	a := newGenerator(b, ours.addr, posts, connections)
	defer a.close()
	z := newGenerator(b, bare.addr, posts, connections)
	defer z.close()
	const rounds, each = 11, 500 * time.Millisecond
	var rate, bareRate, cpu, bareCPU, ratio, cpuRatio []float64
	for b.Loop() {
		ours.measure(b, a, each) // warm up
		bare.measure(b, z, each)
		for range rounds {
			r, c := ours.measure(b, a, each)
			br, bc := bare.measure(b, z, each)
			rate, cpu, bareRate, bareCPU = append(rate, r), append(cpu, c), append(bareRate, br), append(bareCPU, bc)
			ratio, cpuRatio = append(ratio, r/br), append(cpuRatio, c/bc)
		}
	}
	b.ReportMetric(median(rate), "posts/s")
	b.ReportMetric(median(bareRate), "bare-posts/s")
	b.ReportMetric(median(ratio), "ratio")
	b.ReportMetric(median(cpu), "cpu-µs/post")
	b.ReportMetric(median(bareCPU), "bare-cpu-µs/post")
	b.ReportMetric(median(cpuRatio), "cpu-ratio")
	b.ReportMetric(1.1, "cpu-ratio-at-most")
	b.ReportMetric(0, "ns/op")
}

// benchmarkLonePost measures a post with nothing else under way beside one
// produce.
func benchmarkLonePost(b *testing.B, broker string, ours *httpServer, posts [][]byte) {
	client := dialBroker(b, broker)
	conn, err := net.Dial("tcp", ours.addr)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	value := posts[0]
	var lone, produce []float64
	for b.Loop() {
		for i := range 300 {
			began := time.Now()
			if err := exchange(conn, answers, posts[i%len(posts)]); err != nil {
				b.Fatal(err)
			}
			lone = append(lone, float64(time.Since(began).Microseconds()))
			began = time.Now()
			if err := client.Publish(b.Context(), lead.TopicContacts, fmt.Append(nil, i/3), value); err != nil {
				b.Fatal(err)
			}
			produce = append(produce, float64(time.Since(began).Microseconds()))
		}
	}
	b.ReportMetric(median(lone), "µs/post")
	b.ReportMetric(median(produce), "µs/produce")
	b.ReportMetric(median(lone)/median(produce), "times")
	b.ReportMetric(2, "times-at-most")
	b.ReportMetric(0, "ns/op")
}

func dialBroker(b *testing.B, broker string) *stream.Client {
	b.Helper()
	cfg := stream.DefaultConfig()
	cfg.Brokers = []string{broker}
	client, err := stream.Dial(cfg, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	if err := client.EnsureTopics(b.Context()); err != nil {
		b.Fatal(err)
	}
	return client
}

// httpServer is a process that takes posts.
type httpServer struct {
	addr string
	pid  int
}

// measure sends posts for d and gives how many a second were acknowledged, and
// the microseconds of processor time the server used for each.
func (s *httpServer) measure(b *testing.B, g *generator, d time.Duration) (rate, cpu float64) {
	b.Helper()
	before := cpuTime(b, s.pid)
	n, took := g.run(d)
	if n == 0 {
		b.Fatal("no post was acknowledged")
	}
	return float64(n) / took.Seconds(), float64((cpuTime(b, s.pid) - before).Microseconds()) / float64(n)
}

var curlAddress = regexp.MustCompile(`http://([^/ ]+)/`)

// benchForm configures a form that anybody may post to, with limits that are
// kept track of but not reached.
const benchForm = "webhooks:\n  website: {rate: 1000000000, address_rate: 1000000000}\n"

// startIntake runs leadd with the role ingest only.
func startIntake(b *testing.B, broker string) *httpServer {
	b.Helper()
	p := startLeadd(b, "serve", "-c", writeConfig(b, benchForm+"kafka:\n  brokers: ["+broker+"]\n"), "--roles", "ingest")
	return &httpServer{addr: curlAddress.FindStringSubmatch(p.curl)[1], pid: p.cmd.Process.Pid}
}

// helper in the environment says what TestHelper is to be, and helperBroker
// the broker that it uses, or helperDir the directory.
const (
	helper       = "LEADD_BENCH_HELPER"
	helperBroker = "LEADD_BENCH_BROKER"
	helperDir    = "LEADD_BENCH_DIR"
)

func startBroker(b *testing.B, dir string) (addr string) {
	b.Helper()
	dir, err := os.MkdirTemp(dir, "leadd-bench-") //nolint:usetesting // it must lie in the directory given
	if err != nil {
		b.Skip("no place for the broker's files: ", err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) }) // after the broker has ended
	return startHelper(b, "broker", helperDir+"="+dir).addr
}

func startBareHandler(b *testing.B, broker string) *httpServer {
	b.Helper()
	return startHelper(b, "bare", helperBroker+"="+broker)
}

func startHelper(b *testing.B, what, setting string) *httpServer {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestHelper$")
	cmd.Env = append(os.Environ(), helper+"="+what, setting)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return &httpServer{addr: strings.TrimSpace(addr), pid: cmd.Process.Pid}
}

// TestHelper is no test: it is a process that the benchmarks start, and kill.
// "broker" is an embedded Kafka. "bare" is what the intake is measured
// against: the least that a program can do that takes a signed form and hands
// it to Kafka with kafka-go's Writer. "loop" is what scoring is measured against,
// "scorer" is scoring where evidence costs nothing.
func TestHelper(t *testing.T) {
	switch os.Getenv(helper) {
	case "broker":
		k, err := embedded.StartKafka(os.Getenv(helperDir), zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(k.Addr())
		select {}
	case "bare":
		w := &kafka.Writer{
			Addr: kafka.TCP(os.Getenv(helperBroker)), Topic: lead.TopicContacts, Balancer: kafka.Murmur2Balancer{},
			RequiredAcks: kafka.RequireAll,
			// The default is a whole second, for which a batch that 100 do not
			// fill would wait.
			BatchTimeout: time.Millisecond,
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(listener.Addr())
		server := http.Server{Handler: bareHandler(w)}
		t.Error(server.Serve(listener))
	case "loop":
		fmt.Println("it listens nowhere")
		t.Error(copyContacts(t.Context(), os.Getenv(helperBroker)))
	case "scorer":
		fmt.Println("it listens nowhere")
		t.Error(scoreWithoutEvidence(t.Context(), os.Getenv(helperBroker), t.TempDir()))
	default:
		t.Skip("a part of the benchmarks")
	}
}

func bareHandler(w *kafka.Writer) http.HandlerFunc {
	return func(res http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			http.Error(res, "body", http.StatusBadRequest)
			return
		}
		sum := hmac.New(sha256.New, []byte(benchSecret))
		sum.Write(body)
		given, err := hex.DecodeString(req.Header.Get("X-Signature"))
		if err != nil || !hmac.Equal(given, sum.Sum(nil)) {
			http.Error(res, "signature", http.StatusForbidden)
			return
		}
		var form struct {
			ID       string `json:"submission_id"`
			Name     string `json:"name"`
			Email    string `json:"email"`
			Company  string `json:"company"`
			Title    string `json:"job_title"`
			Phone    string `json:"phone"`
			Budget   string `json:"budget"`
			Timeline string `json:"timeline"`
			Message  string `json:"message"`
		}
		if err := json.Unmarshal(body, &form); err != nil {
			http.Error(res, "json", http.StatusBadRequest)
			return
		}
		_, domain, _ := strings.Cut(form.Email, "@")
		if err := w.WriteMessages(context.WithoutCancel(req.Context()), kafka.Message{Key: []byte(domain), Value: body}); err != nil {
			http.Error(res, "kafka", http.StatusServiceUnavailable)
			return
		}
		res.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(res, `{"status":"accepted"}`)
	}
}
