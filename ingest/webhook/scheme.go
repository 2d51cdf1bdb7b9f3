package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// place is where a delivery carries its signature.
type place uint8

const (
	inHeader  place = iota // in headers
	inBody                 // in fields of the body, which is taken apart first
	inAddress              // the secret itself, in the address or as the password
)

// scheme is how a sender signs what it sends. It is data: verify is the one
// function that reads it.
type scheme struct {
	place     place
	signature string // name of what holds the signature, or several
	separator string // between several; "": there is one
	prefix    string // before each: "sha256="

	time       string        // name of what holds the time of sending; "": see timePrefix
	timePrefix string        // before the time among the signatures: "t="; "": there is none
	unit       time.Duration // of the time, counted since 1970
	window     time.Duration // how far the time may be from ours

	id   string // name of what holds the delivery's id; "": none
	once bool   // the body is not signed: an id is good for one content only

	// signed is the string that is signed; {id}, {time}, {method}, {uri} and
	// {body} stand for what was received, unpacked where it came as gzip. "": the signature is
	// the secret itself.
	signed string
	hash   func() hash.Hash                    // of the HMAC
	decode func(string) ([]byte, error)        // reads a signature
	key    func(secret string) ([]byte, error) // makes the HMAC's key; nil: the secret's own bytes
}

// usualWindow is the window of most senders.
const usualWindow = 5 * time.Minute

// verify tells what is wrong with a delivery's signature; nil where it is
// genuine and fresh. All comparisons take the same time, whatever is wrong.
func (s *scheme) verify(d *delivery, secret string, now time.Time) error {
	given, sent := s.given(d)
	if len(given) == 0 || s.window > 0 && sent == "" {
		return &problem{http.StatusUnauthorized, "signature_missing", s.missing()}
	}
	if !s.genuine(d, given, sent, secret) {
		return &problem{http.StatusUnauthorized, "signature_wrong", "the signature or secret is wrong; check that the sender and leadd's configuration have the same secret"}
	}
	if s.window > 0 && !s.fresh(sent, now) {
		return &problem{http.StatusUnauthorized, "signature_old", "the signature's time is too far from ours; send it anew, and check both clocks"}
	}
	return nil
}

func (s *scheme) missing() string {
	if s.place == inAddress {
		return "the secret is missing; put it into the address as ?secret=..., or send it as the password or bearer token"
	}
	return "the signature or its time is missing; sign what you send, with " + s.signature
}

// given gives the signatures that a delivery bears, and the time of sending
// as it is written.
func (s *scheme) given(d *delivery) (signatures []string, sent string) {
	if s.place == inAddress {
		return d.carried(), ""
	}
	all := []string{d.value(s.place, s.signature)}
	if s.separator != "" {
		all = strings.Split(all[0], s.separator)
	}
	if s.time != "" {
		sent = d.value(s.place, s.time)
	}
	for _, one := range all {
		one = strings.TrimSpace(one)
		if at, ok := strings.CutPrefix(one, s.timePrefix); ok && s.timePrefix != "" {
			sent = at
		} else if value, ok := strings.CutPrefix(one, s.prefix); ok && value != "" {
			signatures = append(signatures, value)
		}
	}
	return signatures, sent
}

// maxSignatures bounds what a delivery can make us compare.
const maxSignatures = 20

func (s *scheme) genuine(d *delivery, given []string, sent, secret string) bool {
	var want []byte
	if s.signed == "" {
		sum := sha256.Sum256([]byte(secret))
		want = sum[:]
	} else {
		key := []byte(secret)
		if s.key != nil {
			var err error
			if key, err = s.key(secret); err != nil {
				return false
			}
		}
		want = s.sign(d, sent, key)
	}
	found := false
	for _, value := range given[:min(len(given), maxSignatures)] {
		var got []byte
		if s.signed == "" {
			sum := sha256.Sum256([]byte(value)) // so that its length does not show either
			got = sum[:]
		} else {
			got, _ = s.decode(value) // what cannot be read is wrong
		}
		found = hmac.Equal(got, want) || found
	}
	return found
}

// sign makes the signature that a delivery must bear.
func (s *scheme) sign(d *delivery, sent string, key []byte) []byte {
	mac := hmac.New(s.hash, key)
	for rest := s.signed; rest != ""; {
		plain, after, found := strings.Cut(rest, "{")
		mac.Write([]byte(plain))
		if !found {
			break
		}
		name, after, _ := strings.Cut(after, "}")
		switch name {
		case "id":
			mac.Write([]byte(d.value(s.place, s.id)))
		case "time":
			mac.Write([]byte(sent))
		case "body":
			mac.Write(d.body)
		case "method":
			mac.Write([]byte(d.method))
		case "uri":
			mac.Write([]byte(d.uri))
		}
		rest = after
	}
	return mac.Sum(nil)
}

func (s *scheme) fresh(sent string, now time.Time) bool {
	n, err := strconv.ParseInt(sent, 10, 64)
	if err != nil || n < 0 || n > int64(1<<53) {
		return false
	}
	at := time.UnixMilli(n)
	if s.unit == time.Second {
		at = time.Unix(n, 0)
	}
	return now.Sub(at).Abs() <= s.window
}

// carriedSecret is for senders that sign nothing: they carry the secret.
func carriedSecret() *scheme { return &scheme{place: inAddress} }

// bodyScheme is the plainest: an HMAC-SHA256 of the body in a header.
func bodyScheme(header, prefix string, decode func(string) ([]byte, error)) *scheme {
	return &scheme{signature: header, prefix: prefix, signed: "{body}", hash: sha256.New, decode: decode}
}

// timedScheme is Stripe's way, which Calendly shares: "t=TIME,v1=SIGNATURE".
func timedScheme(header string, window time.Duration) *scheme {
	return &scheme{
		signature: header, separator: ",", prefix: "v1=", timePrefix: "t=", unit: time.Second, window: window,
		signed: "{time}.{body}", hash: sha256.New, decode: hex.DecodeString,
	}
}

// standardScheme is that of standardwebhooks.com, which Svix began, under
// header names that begin with brand.
func standardScheme(brand string) *scheme {
	return &scheme{
		signature: brand + "-Signature", separator: " ", prefix: "v1,",
		time: brand + "-Timestamp", unit: time.Second, window: usualWindow, id: brand + "-Id",
		signed: "{id}.{time}.{body}", hash: sha256.New, decode: base64.StdEncoding.DecodeString, key: standardKey,
	}
}

// standardKey reads a secret as Standard Webhooks writes it.
func standardKey(secret string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
}

// hmacSchemes are those that preset hmac can be told to use.
func hmacSchemes() map[string]*scheme {
	return map[string]*scheme{
		"github": bodyScheme("X-Hub-Signature-256", "sha256=", hex.DecodeString),
		"stripe": timedScheme("Stripe-Signature", usualWindow),
		"hex":    bodyScheme("X-Signature", "", hex.DecodeString),
		"base64": bodyScheme("X-Signature", "", base64.StdEncoding.DecodeString),
	}
}
