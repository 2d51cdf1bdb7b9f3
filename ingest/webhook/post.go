package webhook

import (
	"bytes"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/segmentio/encoding/json"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"

	"leadd/ingest"
	"leadd/lead"
)

// maxAnswers is how many answers a form may have.
const maxAnswers = 1000

// post is a body taken apart.
type post struct {
	fields []lead.Field // names and values, in the order sent
	files  []string     // names of files; their content is not kept
	json   bool         // a program's post, not a form's

	answers int // how many were added
}

// readPost takes a body apart by its Content-Type where that can be, by its
// looks where the type is missing or does not fit: senders often get it wrong.
func readPost(contentType string, body []byte) (post, error) {
	media, params := mediaType(contentType)
	text := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), " \t\r\n")
	looksJSON := len(text) > 0 && (text[0] == '{' || text[0] == '[')
	switch {
	case len(text) == 0:
		return post{}, &problem{400, "empty", "the body is empty; send the form's fields"}
	case media == "application/json", strings.HasSuffix(media, "+json"), media == "text/json":
		return jsonPost(decode(text, params["charset"]))
	case strings.HasPrefix(media, "multipart/"):
		return multipartPost(body, params["boundary"])
	case looksJSON && (media != "application/x-www-form-urlencoded" || json.Valid(text)):
		return jsonPost(decode(text, params["charset"]))
	case media == "application/x-www-form-urlencoded":
		return formPost(string(text), params["charset"])
	case media == "", media == "text/plain", media == "application/octet-stream":
		switch {
		case bytes.HasPrefix(text, []byte("--")) && bytes.Contains(text, []byte("Content-Disposition: form-data")):
			return multipartPost(text, "")
		case bytes.IndexByte(text, 0) >= 0 || !bytes.Contains(text, []byte("=")):
			return post{}, notUnderstood("the body is neither JSON nor a form; send application/json or application/x-www-form-urlencoded, and say so in Content-Type")
		case media == "text/plain" && isLines(text):
			return linesPost(string(decode(text, params["charset"])))
		}
		return formPost(string(text), params["charset"])
	}
	return post{}, unsupported("the body's Content-Type is not understood; send application/json, application/x-www-form-urlencoded or multipart/form-data")
}

// mediaType reads a Content-Type, as far as it can be read.
func mediaType(contentType string) (media string, params map[string]string) {
	if contentType == "application/json" || contentType == "application/x-www-form-urlencoded" {
		return contentType, nil
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil && media == "" {
		media, _, _ = strings.Cut(contentType, ";")
		media = strings.ToLower(strings.TrimSpace(media))
	}
	return media, params
}

func jsonPost(body []byte) (post, error) {
	if !utf8.Valid(body) {
		body = []byte(guess(string(body)))
	}
	fields, err := ingest.Flatten(body)
	if err != nil {
		return post{}, notUnderstood(err.Error())
	}
	return post{fields: fields, json: true}, nil
}

// formPost reads name=value&name=value. What is escaped wrongly is taken as it
// stands.
func formPost(body, charset string) (post, error) {
	if !strings.Contains(body, "=") {
		return post{}, notUnderstood("the body is no form: it has no name=value; send the fields as name=value&name=value, or as JSON")
	}
	p := post{fields: make([]lead.Field, 0, min(strings.Count(body, "&")+1, maxAnswers))}
	for pair := range strings.SplitSeq(body, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name = unescape(name); name == "_charset_" {
			charset = value
			continue
		}
		if err := p.add(name, unescapeValue(value)); err != nil {
			return post{}, err
		}
	}
	if charset != "" {
		for i := range p.fields {
			f := &p.fields[i]
			f.Name, f.Value = string(decode([]byte(f.Name), charset)), string(decode([]byte(f.Value), charset))
		}
	}
	return p, nil
}

var (
	plusAddress = regexp.MustCompile(`^[^@\s]+\+[^@\s]*@[^@\s]+$`)
	plusNumber  = regexp.MustCompile(`^\+[0-9]`)
)

// unescapeValue is unescape, but leaves the plus in an address or at the front
// of a phone number: who writes a post by hand forgets to escape it, and a
// blank there would lose the person.
func unescapeValue(s string) string {
	if strings.Contains(s, "+") {
		if kept := unescape(strings.ReplaceAll(s, "+", "%2B")); plusAddress.MatchString(kept) {
			return kept
		}
		if plusNumber.MatchString(s) {
			return "+" + unescape(s[1:])
		}
	}
	return unescape(s)
}

func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// multipartPost reads multipart/form-data. Where the boundary is not stated,
// the first line tells it.
func multipartPost(body []byte, boundary string) (post, error) {
	if boundary == "" {
		line, _, _ := bytes.Cut(bytes.TrimLeft(body, "\r\n"), []byte("\n"))
		boundary = strings.TrimPrefix(strings.TrimRight(string(line), "\r "), "--")
	}
	const broken = "the multipart body is broken or cut off; send it again, or as JSON"
	if boundary == "" || len(boundary) > 200 {
		return post{}, notUnderstood(broken)
	}
	var p post
	for parts := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		part, err := parts.NextPart()
		if err == io.EOF { //nolint:errorlint // a wrapped EOF says that the body is cut off
			break
		}
		if err != nil {
			return post{}, notUnderstood(broken)
		}
		if file := part.FileName(); file != "" {
			p.files = append(p.files, file)
			if len(p.files) > maxAnswers {
				return post{}, tooManyFields()
			}
			continue
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return post{}, notUnderstood(broken)
		}
		_, params := mediaType(part.Header.Get("Content-Type"))
		if err := p.add(part.FormName(), string(decode(value, params["charset"]))); err != nil {
			return post{}, err
		}
	}
	return p, nil
}

// isLines reports whether a text/plain body is a form's: name=value on every
// line.
func isLines(body []byte) bool {
	for line := range bytes.Lines(body) {
		if len(bytes.TrimSpace(line)) > 0 && bytes.IndexByte(line, '=') <= 0 {
			return false
		}
	}
	return bytes.Count(bytes.TrimSpace(body), []byte("\n")) > 0 || !bytes.Contains(body, []byte("&"))
}

// linesPost reads what a form with enctype="text/plain" sends.
func linesPost(body string) (post, error) {
	var p post
	for line := range strings.Lines(body) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		if err := p.add(name, value); err != nil {
			return post{}, err
		}
	}
	return p, nil
}

// add adds an answer. Several answers under one name, as ticked boxes give
// them, become one.
func (p *post) add(name, value string) error {
	if name == "" || strings.TrimSpace(value) == "" {
		return nil
	}
	if p.answers++; p.answers > maxAnswers {
		return tooManyFields()
	}
	if i := slices.IndexFunc(p.fields, func(f lead.Field) bool { return f.Name == name }); i >= 0 {
		if len(p.fields[i].Value) < ingest.MaxText { // what is over is cut off in the end
			p.fields[i].Value += ", " + value
		}
		return nil
	}
	p.fields = append(p.fields, lead.Field{Name: name, Value: value})
	return nil
}

// campaignOf gives what an address says of the campaign: a form's action may
// carry utm_source and the like.
func campaignOf(query url.Values) url.Values {
	maps.DeleteFunc(query, func(name string, _ []string) bool { return !strings.HasPrefix(name, "utm_") || query.Get(name) == "" })
	return query
}

// addCampaign adds what the address says of the campaign, where the form does
// not.
func (p *post) addCampaign(campaign url.Values) {
	for _, name := range slices.Sorted(maps.Keys(campaign)) {
		if !slices.ContainsFunc(p.fields, func(f lead.Field) bool { return f.Name == name }) {
			p.fields = append(p.fields, lead.Field{Name: name, Value: campaign.Get(name)})
		}
	}
}

func tooManyFields() *problem {
	return notUnderstood("the form has more than 1000 answers; send one contact only")
}

// decode turns text of a stated charset into UTF-8. A charset that nobody
// knows, or that is UTF-8 already, leaves it as it is.
func decode(text []byte, charset string) []byte {
	if charset == "" || strings.EqualFold(charset, "utf-8") {
		return text
	}
	encoding, err := htmlindex.Get(charset)
	if err != nil {
		return text
	}
	if plain, err := encoding.NewDecoder().Bytes(text); err == nil {
		return plain
	}
	return text
}

// guess takes what is no UTF-8, and has not said what it is, for windows-1252,
// as browsers do.
func guess(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	if plain, err := charmap.Windows1252.NewDecoder().String(text); err == nil {
		return plain
	}
	return text
}

// guessAll guesses the charset of every answer; that of JSON is guessed before.
func (p *post) guessAll() {
	if p.json {
		return
	}
	for i := range p.fields {
		f := &p.fields[i]
		f.Name, f.Value = guess(f.Name), guess(f.Value)
	}
}
