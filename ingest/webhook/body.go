package webhook

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// readBody reads a post's whole body, unpacked. The limit holds before and
// after unpacking.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	var in io.Reader = http.MaxBytesReader(w, r.Body, limit)
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity":
	case "gzip", "x-gzip":
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return nil, bodyProblem(err, limit)
		}
		in = io.LimitReader(unpacked, limit+1)
	default:
		return nil, &problem{http.StatusUnsupportedMediaType, "encoding", "the body's Content-Encoding is not understood; send it plain or with gzip"}
	}
	var body bytes.Buffer
	// Room for what is announced, but a promise alone gets no more than 64 KiB.
	body.Grow(int(min(max(r.ContentLength, 512), 64<<10)) + bytes.MinRead)
	if _, err := body.ReadFrom(in); err != nil {
		return nil, bodyProblem(err, limit)
	}
	if int64(body.Len()) > limit {
		return nil, tooLarge(limit)
	}
	return body.Bytes(), nil
}

func tooLarge(limit int64) *problem {
	return &problem{http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("the body has more than %d bytes; send less, or leave out files", limit)}
}

func bodyProblem(err error, limit int64) *problem {
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return tooLarge(limit)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return &problem{http.StatusBadRequest, "encoding", "the body is not the gzip that Content-Encoding says; send it plain or mend it"}
	}
	return &problem{http.StatusBadRequest, "broken_off", "the body broke off or could not be unpacked; send it again"}
}
