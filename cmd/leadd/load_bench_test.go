package main

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// benchSecret signs the posts. leadd does not look at the signature; the bare
// handler does.
const benchSecret = "a secret of the benchmark"

// formBody is a form as websites send it, in about 600 bytes of JSON. Each
// prospect posts three times.
func formBody(i int) []byte {
	company := i / 3
	return fmt.Appendf(nil, `{"submission_id":"7f9c2ba4-e88f-4d3a-%012d","name":"Ada Lovelace","email":"%s@company%d.example",`+
		`"company":"Company %d","job_title":"Head of Operations","phone":"+49 30 %d","budget":"%d,000 USD","timeline":"within 3 months",`+
		`"message":"Hello, we are looking for a replacement of our present system for about 200 people in two plants, and would like to see `+
		`yours. Could somebody call us next week? We have to decide before summer.",`+
		`"utm_source":"newsletter","utm_campaign":"spring","landing_page":"https://ours.example/pricing"}`,
		i, [...]string{"ada", "bob", "cyd"}[i%3], company, company, 2000000+company, 1+company%90)
}

// formPosts are whole HTTP requests that post forms, signed.
func formPosts(n int) [][]byte {
	posts := make([][]byte, n)
	for i := range posts {
		body := formBody(i)
		sum := hmac.New(sha256.New, []byte(benchSecret))
		sum.Write(body)
		posts[i] = fmt.Appendf(nil, "POST /in/website HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"+
			"X-Signature: %s\r\nContent-Length: %d\r\n\r\n%s", hex.EncodeToString(sum.Sum(nil)), len(body), body)
	}
	return posts
}

// generator sends posts over connections that stay open, the next one of a
// connection when the last is answered. It does less than an http.Client,
// because it shares the cores with what it measures.
type generator struct {
	t     testing.TB
	posts [][]byte
	conns []net.Conn
	next  atomic.Int64
}

func newGenerator(t testing.TB, addr string, posts [][]byte, connections int) *generator {
	t.Helper()
	g := &generator{t: t, posts: posts}
	for range connections {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		g.conns = append(g.conns, c)
	}
	return g
}

func (g *generator) close() {
	for _, c := range g.conns {
		_ = c.Close()
	}
}

// run sends for d and gives the number of posts acknowledged and the time
// until the last of them was.
func (g *generator) run(d time.Duration) (acknowledged int64, took time.Duration) {
	began := time.Now()
	var n atomic.Int64
	var senders sync.WaitGroup
	for _, c := range g.conns {
		senders.Go(func() {
			answers := bufio.NewReader(c)
			for time.Since(began) < d {
				post := g.posts[int(g.next.Add(1))%len(g.posts)]
				if err := exchange(c, answers, post); err != nil {
					g.t.Error(err)
					return
				}
				n.Add(1)
			}
		})
	}
	senders.Wait()
	return n.Load(), time.Since(began)
}

// exchange sends one post and reads the answer.
func exchange(c net.Conn, answers *bufio.Reader, post []byte) error {
	if _, err := c.Write(post); err != nil {
		return err
	}
	status, err := answers.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 2")) {
		return fmt.Errorf("answered with %s", status)
	}
	for length := 0; ; {
		line, err := answers.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			_, err := answers.Discard(length)
			return err
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(textproto.TrimBytes(value))); err != nil {
				return err
			}
		}
	}
}

// cpuTime is the processor time that a process has used.
func cpuTime(t testing.TB, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Skip("no /proc: ", err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	ticks := 0
	for _, f := range fields[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// memory reads a line of a process's memory figures, in MiB.
func memory(t testing.TB, pid int, line string) float64 {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("no /proc: ", err)
	}
	defer f.Close()
	all, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(all), line+":")
	kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib / 1024
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
