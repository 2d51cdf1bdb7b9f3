package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"leadd/ingest/webhook"
	"leadd/internal/testenv"
)

// TestSlowClients: connections that say little or nothing are cut off, and
// keep nobody else waiting.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	if s.ReadTimeout <= 0 || s.ReadTimeout > 30*time.Second || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 {
		t.Errorf("there is no limit, or it is long: %v %v %v", s.ReadTimeout, s.WriteTimeout, s.IdleTimeout)
	}
	s.ReadTimeout = time.Second // for this test, so that it is short
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serveHTTP(ctx, l, s) }()

	var slow []net.Conn
	for i, said := range []string{"", "P", "POST /in/website HTTP/1.1\r\nHost: x\r\nX-A: b", "POST /in/website HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"} {
		for range 100 {
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, said); err != nil {
				t.Fatalf("%d: %v", i, err)
			}
			slow = append(slow, conn)
		}
	}
	for range 20 {
		res, err := http.Post("http://"+l.Addr().String()+"/", formType, strings.NewReader("a=b"))
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != http.StatusOK {
			t.Errorf("another gets %s", res.Status)
		}
	}
	for _, conn := range slow {
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Fatalf("a slow client is not cut off: %v", err)
		}
	}

	// A header beyond all reason.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X", strings.Repeat("x", 100<<10))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of 100 KiB: %s", res.Status)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestFloodFromOneAddress: behind a trusted proxy everybody counts for
// themselves; who floods the form is told to wait, and others are served.
func TestFloodFromOneAddress(t *testing.T) {
	t.Parallel()
	testenv.ClickHouse(t)
	p := startLeadd(t, "serve", "-c", writeConfig(t, "webhooks:\n  website: {address_rate: 10}\n"))
	post := func(from string) (status int, retryAfter string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.base+"/in/website", strings.NewReader(leadForm("ada", "acme.example")))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", formType)
		req.Header.Set("X-Forwarded-For", from)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode, res.Header.Get("Retry-After")
	}
	refused := 0
	for range 40 {
		switch status, retryAfter := post("203.0.113.5"); {
		case status == http.StatusTooManyRequests && retryAfter != "":
			refused++
		case status != http.StatusOK:
			t.Errorf("%d %q", status, retryAfter)
		}
	}
	if refused == 0 {
		t.Error("a flood is not stopped")
	}
	for i := range 20 {
		if status, _ := post(fmt.Sprintf("203.0.113.%d", 100+i)); status != http.StatusOK {
			t.Errorf("another visitor: %d", status)
		}
	}
	p.stop()
}

// TestWhatABeginnerIsOffered: the first lead to paste is for a web form, not
// for a source that believes every event.
func TestWhatABeginnerIsOffered(t *testing.T) {
	got := openForms(map[string]webhook.Config{
		"website": {}, "contact": {}, "crm": {Events: true}, "survey": {Preset: "typeform", Secret: "x"},
	})
	if !slices.Equal(got, []string{"contact", "website"}) {
		t.Errorf("offered: %v", got)
	}
}
