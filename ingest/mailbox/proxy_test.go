package mailbox_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// proxy stands between a mailbox and its server, and knows the lines that the
// client sends.
type proxy struct {
	addr   string
	target string

	mu     sync.Mutex
	ln     net.Listener
	conns  map[net.Conn]struct{}
	lines  []string // that clients have sent, without the tag
	cutAt  int      // cut the connection at this line, counted from 1; 0: never
	after  bool     // ... not before the server sees it, but within its answer
	cut    bool     // it has been
	mute   bool     // nothing from the server comes through any more
	strike []string // what to take out of the server's lines
	choke  string   // cut the connection where the server's answer holds this
	chokes int      // how often that was
	lasts  int      // how many bytes of the server's come through one connection; 0: all
	wg     sync.WaitGroup
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	p := &proxy{target: target, addr: "127.0.0.1:0", conns: make(map[net.Conn]struct{})}
	p.up(t)
	t.Cleanup(p.down)
	return p
}

// set changes how the proxy behaves.
func (p *proxy) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// up lets clients in, at the same address as ever.
func (p *proxy) up(t testing.TB) {
	t.Helper()
	ln, err := net.Listen("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.ln, p.addr = ln, ln.Addr().String()
	p.mu.Unlock()
	p.wg.Add(1)
	go func() {
		defer p.wg.Done()
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			p.wg.Add(1)
			go p.serve(client)
		}
	}()
}

// down cuts all connections and lets nobody in.
func (p *proxy) down() {
	p.mu.Lock()
	_ = p.ln.Close()
	p.mu.Unlock()
	p.cutAll()
	p.wg.Wait()
}

// cutAll cuts all connections.
func (p *proxy) cutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// sent reports how many times clients have sent a line that begins so.
func (p *proxy) sent(prefix string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.lines {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

func (p *proxy) serve(client net.Conn) {
	defer p.wg.Done()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	closeBoth := func() {
		_ = client.Close()
		_ = server.Close()
	}
	p.mu.Lock()
	p.conns[client] = struct{}{}
	p.mu.Unlock()
	defer func() {
		closeBoth()
		p.mu.Lock()
		delete(p.conns, client)
		p.mu.Unlock()
	}()

	cutAnswer := make(chan struct{})
	p.wg.Add(1)
	go func() {
		defer p.wg.Done()
		defer closeBoth()
		buf := make([]byte, 16<<10)
		through := 0
		for {
			n, err := server.Read(buf)
			if err != nil {
				return
			}
			out := buf[:n]
			select {
			case <-cutAnswer:
				_, _ = client.Write(out[:min(n, 20)])
				return
			default:
			}
			p.mu.Lock()
			mute, strike, choke, lasts := p.mute, p.strike, p.choke, p.lasts
			p.mu.Unlock()
			if mute {
				_, _ = io.Copy(io.Discard, server)
				return
			}
			for _, words := range strike {
				out = bytes.ReplaceAll(out, []byte(words), nil)
			}
			if through += n; lasts > 0 && through > lasts {
				return
			}
			if choke != "" && bytes.Contains(out, []byte(choke)) {
				p.set(func() { p.chokes++ })
				return
			}
			if _, err := client.Write(out); err != nil {
				return
			}
		}
	}()

	lines := bufio.NewReader(client)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.TrimSpace(line)
		if _, after, ok := strings.Cut(words, " "); ok {
			words = after
		}
		p.mu.Lock()
		p.lines = append(p.lines, words)
		now := len(p.lines) == p.cutAt
		p.cut = p.cut || now
		after := p.after
		p.mu.Unlock()
		if now && !after {
			return
		}
		if now {
			close(cutAnswer)
		}
		if _, err := io.WriteString(server, line); err != nil {
			return
		}
	}
}
