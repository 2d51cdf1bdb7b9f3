package webhook

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// pace is how fast a body must come in: its first bytes by the read time-out
// of the server, which bounds the headers too, the rest at so many bytes a
// second and with so much patience beside, but not longer than the longest.
type pace struct {
	bytesPerSecond    int64
	patience, longest time.Duration
}

// usualPace lets a mobile phone at the edge of its network through.
func usualPace() pace {
	return pace{bytesPerSecond: 8 << 10, patience: 10 * time.Second, longest: 5 * time.Minute}
}

// readBody reads a post's whole body, unpacked. The limit holds before and
// after unpacking.
func (h *Handler) readBody(w http.ResponseWriter, r *http.Request, limit int64, held *hold) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	if h.load.posts.Load() >= maxPosts {
		return nil, overloaded()
	}
	var in io.Reader = http.MaxBytesReader(w, &paced{ReadCloser: r.Body, w: w, pace: h.pace}, limit)
	size := r.ContentLength
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity":
	case "gzip", "x-gzip":
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return nil, bodyProblem(err, limit)
		}
		in, size = unpacked, 4*size
	default:
		return nil, &problem{http.StatusUnsupportedMediaType, "encoding", "the body's Content-Encoding is not understood; send it plain or with gzip"}
	}
	body, err := readAll(in, size, limit, held)
	if err != nil {
		return nil, bodyProblem(err, limit)
	}
	return body, held.enter()
}

// readAll reads at most limit bytes. size is how many are announced; a promise
// alone gets no more than 8 KiB of room.
func readAll(in io.Reader, size, limit int64, held *hold) ([]byte, error) {
	room := int(min(max(size, 512), 8<<10)) + 1 // so that an end that comes by itself needs no more
	if err := held.grow(room); err != nil {
		return nil, err
	}
	body := make([]byte, 0, room)
	for {
		n, err := in.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return nil, tooLarge(limit)
		case err == io.EOF:
			return body, nil
		case err != nil:
			return nil, err
		}
		if len(body) == cap(body) {
			more := int(min(int64(cap(body)), limit+1-int64(cap(body))))
			if err := held.grow(more); err != nil {
				return nil, err
			}
			body = append(make([]byte, 0, cap(body)+more), body...)
		}
	}
}

// paced is a body that must keep up a pace.
type paced struct {
	io.ReadCloser
	w     http.ResponseWriter
	pace  pace
	begun time.Time
	got   int64
}

// Read gives the sender more time for each byte that has come.
func (p *paced) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	if err != nil {
		return n, err // most bodies come in one piece, with their end
	}
	now := time.Now()
	if p.begun.IsZero() {
		p.begun = now
	}
	p.got += int64(n)
	given := p.pace.patience + time.Duration(p.got)*time.Second/time.Duration(p.pace.bytesPerSecond)
	deadline := p.begun.Add(min(given, p.pace.longest))
	control := http.NewResponseController(p.w)
	_ = control.SetReadDeadline(deadline) // a test's recorder has none
	_ = control.SetWriteDeadline(deadline.Add(2 * acceptTimeout))
	return n, nil
}

func tooLarge(limit int64) *problem {
	return &problem{http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("the body has more than %d bytes; send less, or leave out files", limit)}
}

func bodyProblem(err error, limit int64) error {
	var over *http.MaxBytesError
	var told *problem
	switch {
	case errors.As(err, &told):
		return told
	case errors.As(err, &over):
		return tooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &problem{http.StatusRequestTimeout, "too_slow", "the body came in too slowly; send it again"}
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return &problem{http.StatusBadRequest, "encoding", "the body is not the gzip that Content-Encoding says; send it plain or mend it"}
	}
	return &problem{http.StatusBadRequest, "broken_off", "the body broke off or could not be unpacked; send it again"}
}
