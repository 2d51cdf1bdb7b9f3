package dashboard

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// Require lets a request through to next only with the password or token asked
// for, if any is.
func (a Auth) Require(next http.Handler) http.Handler {
	if !a.Configured() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.allows(r) {
			next.ServeHTTP(w, r)
			return
		}
		if a.Password != "" {
			w.Header().Add("WWW-Authenticate", `Basic realm="leadd", charset="UTF-8"`)
		}
		if a.Token != "" {
			w.Header().Add("WWW-Authenticate", `Bearer realm="leadd"`)
		}
		const say = "sign in with the user and password, or the token, of the dashboard's auth section"
		if strings.HasPrefix(r.URL.Path, "/api/") {
			writeError(w, http.StatusUnauthorized, say)
			return
		}
		http.Error(w, say, http.StatusUnauthorized)
	})
}

func (a Auth) allows(r *http.Request) bool {
	if user, password, ok := r.BasicAuth(); ok && a.Password != "" {
		userOK := a.User == "" || same(user, a.User)
		return same(password, a.Password) && userOK
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return a.Token != "" && strings.EqualFold(scheme, "Bearer") && same(token, a.Token)
}

// same compares in a time that tells nothing about where, or by how many
// bytes, the two differ.
func same(given, want string) bool {
	g, w := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(g[:], w[:]) == 1
}
