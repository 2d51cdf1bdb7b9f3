package fetch

import (
	"net/http"
	"strconv"
	"time"
)

// A verdict is what came of a request. Its text is the metric's label.
type verdict string

const (
	fetched   verdict = "fetched"
	gone      verdict = "gone"      // there is no such thing, or it cannot be understood: asking again does not help
	refused   verdict = "refused"   // the token does not open this: everything of the source waits for another
	throttled verdict = "throttled" // too much was asked
	failed    verdict = "failed"    // the API is away or broken
)

// failure is why a request was no success.
type failure struct {
	verdict verdict
	reason  string        // for people: what is wrong and what to do; nothing of the answer's text
	after   time.Duration // throttled: how long the API wants to be left alone; 0: not said
}

// Error makes a failure an error.
func (f *failure) Error() string { return f.reason }

// byStatus judges an answer by its HTTP status.
func byStatus(status int, header http.Header) *failure {
	said := strconv.Itoa(status)
	switch {
	case status == http.StatusUnauthorized:
		return &failure{refused, "the API refuses the token (" + said + "): it has run out or was withdrawn; renew api.token and start leadd again", 0}
	case status == http.StatusForbidden:
		return &failure{refused, "the API refuses access (" + said + "): the token lacks a permission; give it that, or another token in api.token and start leadd again", 0}
	case status == http.StatusUpgradeRequired:
		return &failure{refused, "the API has ended the version that it is asked for (" + said + "); set api.version to a newer one and start leadd again", 0}
	case status == http.StatusTooManyRequests:
		return &failure{throttled, "the API's limit is reached (" + said + ")", retryAfter(header)}
	case status == http.StatusServiceUnavailable && retryAfter(header) > 0:
		return &failure{throttled, "the API wants to be left alone for now (" + said + ")", retryAfter(header)}
	case status >= 500, status < 400, status == http.StatusRequestTimeout, status == http.StatusLocked, status == http.StatusTooEarly, status == 477: // HubSpot moves an account
		return &failure{failed, "the API answers " + said, 0}
	}
	return &failure{gone, "the API does not have it for us (" + said + "): it was deleted, or this token may not see it; mend that and replay", 0}
}

// longestRest bounds how long an API can send us away.
const longestRest = 24 * time.Hour

// retryAfter reads how long to wait, in seconds or as a date; 0: not said.
func retryAfter(header http.Header) time.Duration {
	said := header.Get("Retry-After")
	if n, err := strconv.ParseInt(said, 10, 32); err == nil && n > 0 {
		return min(time.Duration(n)*time.Second, longestRest)
	}
	if at, err := http.ParseTime(said); err == nil {
		return min(max(0, time.Until(at)), longestRest)
	}
	return 0
}
