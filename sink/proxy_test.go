package sink_test

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A proxy stands between the sink and ClickHouse and knows when an insert
// begins and when its answer comes.
type proxy struct {
	target string
	// before is called when an insert's query arrives; after when its answer
	// does. Where it returns false, both connections are closed and nothing
	// is passed on.
	before, after func() bool
	// hold, where set, is called with an insert's rows before they go on to
	// the server.
	hold func()

	listener net.Listener
	wg       sync.WaitGroup
}

// newProxy gives a proxy that lets everything pass. Its functions may be set
// before start.
func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pass := func() bool { return true }
	t.Cleanup(func() { _ = l.Close() })
	return &proxy{target: target, before: pass, after: pass, hold: func() {}, listener: l}
}

func (p *proxy) start(t testing.TB) {
	p.wg.Go(p.accept)
	t.Cleanup(func() { _ = p.listener.Close(); p.wg.Wait() })
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.wg.Go(func() { p.serve(client, server) })
	}
}

func (p *proxy) serve(client, server net.Conn) {
	const idle, asked, sending = 0, 1, 2
	var state atomic.Int32
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 1<<16)
		for {
			n, err := client.Read(buf)
			if bytes.Contains(buf[:n], []byte("INSERT INTO")) {
				state.Store(asked)
				if !p.before() {
					break
				}
			} else if n > 0 && state.CompareAndSwap(asked, sending) {
				p.hold()
			}
			if _, werr := server.Write(buf[:n]); err != nil || werr != nil {
				break
			}
		}
		// The server goes on with what it has.
		_ = server.(*net.TCPConn).CloseWrite()
		_ = client.Close()
	})
	wg.Go(func() {
		const endOfStream = 5
		buf := make([]byte, 1<<16)
		for {
			n, err := server.Read(buf)
			if n > 0 && buf[n-1] == endOfStream && state.CompareAndSwap(sending, idle) && !p.after() {
				break
			}
			if _, werr := client.Write(buf[:n]); err != nil || werr != nil {
				break
			}
		}
		_ = client.Close()
		_ = server.Close()
	})
	wg.Wait()
}
