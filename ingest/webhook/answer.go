package webhook

import (
	_ "embed" // the page
	"io"
	"net/http"
	"strings"

	"github.com/segmentio/encoding/json"
)

// retryAfter is what a sender is told to wait, in seconds, where nothing tells
// better: while Kafka is away, or too much is under way.
const retryAfter = "5"

//go:embed page.html
var pageText string

// pageData is what the page shows to somebody who has posted a form.
type pageData struct {
	OK    bool
	Title string
	Text  string
	Back  string // the page with the form; empty: not known
}

func preflight(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Access-Control-Allow-Methods", "POST")
	header.Set("Access-Control-Allow-Headers", "Content-Type, Content-Encoding, Idempotency-Key, Webhook-Id")
	header.Set("Access-Control-Max-Age", "86400")
	header.Set("Allow", "POST, OPTIONS")
	w.WriteHeader(http.StatusNoContent)
}

func (h *Handler) answerAccepted(w http.ResponseWriter, r *http.Request, src *source, id string) {
	switch {
	case src.preset != nil && src.preset.bare:
		writeJSON(w, http.StatusOK, struct{}{})
	case src.preset != nil || !isBrowser(r):
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"`+id+`","status":"accepted"}`) // ids are hexadecimal
	case src.Redirect != "":
		w.Header().Set("Location", src.Redirect)
		w.WriteHeader(http.StatusSeeOther)
	default:
		h.writePage(w, r, http.StatusOK, pageData{OK: true, Title: "Thank you", Text: "We have received your message and will get back to you."})
	}
}

func (h *Handler) answerProblem(w http.ResponseWriter, r *http.Request, src *source, p *problem) {
	sender := (*preset)(nil) // a known one
	if src != nil {
		sender = src.preset
	}
	switch p.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="leadd"`)
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", "POST, OPTIONS")
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
	}
	switch {
	case p.reason == "ignored":
		writeJSON(w, p.status, struct {
			Status string `json:"status"`
		}{p.reason})
		return
	case sender != nil && sender.bare:
		writeJSON(w, p.status, struct {
			Message string `json:"message"`
		}{p.text})
		return
	case sender == nil && isBrowser(r):
		h.writePage(w, r, p.status, pageData{Title: "That did not work", Text: strings.ToUpper(p.text[:1]) + p.text[1:] + "."})
		return
	}
	writeJSON(w, p.status, struct {
		Error string `json:"error"`
	}{p.text})
}

// isBrowser reports whether somebody sits before the answer: a form posted,
// or the address opened, by a browser itself and not by a script in it.
func isBrowser(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html") && !strings.Contains(r.Header.Get("Content-Type"), "json")
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // whoever has gone away sends it again
}

func (h *Handler) writePage(w http.ResponseWriter, r *http.Request, status int, data pageData) {
	if from := r.Referer(); strings.HasPrefix(from, "https://") || strings.HasPrefix(from, "http://") {
		data.Back = from
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = h.page.Execute(w, data) // whoever has gone away sends it again
}
