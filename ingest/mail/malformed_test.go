package mail_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// broken is a mail that keeps no rule, but that a person could read: who
// writes, about what, and words of theirs. An empty expectation is not looked
// at; "-" means that there is none.
type broken struct {
	name, raw           string
	email, who, subject string
	text                []string
	files               []string
}

// in encodes a text; the collection is written in UTF-8.
func in(e encoding.Encoding, s string) string {
	out, err := encoding.ReplaceUnsupported(e.NewEncoder()).String(s)
	if err != nil {
		return err.Error()
	}
	return out
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

const (
	usual = "From: Ada Byron <ada@acme.example>\nTo: sales@ours.example\nSubject: Twelve seats\nDate: Tue, 3 Mar 2026 10:15:00 +0100\n"
	words = "Good morning, we are looking for twelve seats and would like a quote by Friday."
	alt   = "Content-Type: text/plain; charset=utf-8\n\n" + words + "\n"
)

func parts(boundary string) string {
	return "--" + boundary + "\n" + alt + "--" + boundary + "\nContent-Type: application/pdf; name=plan.pdf\nContent-Disposition: attachment; filename=plan.pdf\nContent-Transfer-Encoding: base64\n\nAAAA\n--" + boundary + "--\n"
}

// malformed is the collection.
func malformed() []broken {
	const (
		german  = "Guten Tag, wir suchen für unser Büro in Köln zwölf Plätze und hätten gern ein Angebot."
		russian = "Здравствуйте, нам нужна программа для двенадцати сотрудников, пришлите цены."
		chinese = "您好，我们公司需要十二个许可证，请把报价发给我们。"
		japan   = "お世話になっております。十二名分のライセンスの見積もりをお願いいたします。"
		korea   = "안녕하세요. 라이선스 열두 개의 견적을 부탁드립니다. 감사합니다."
	)
	plain := func(name, raw string) broken {
		return broken{name: name, raw: raw, email: "ada@acme.example", who: "Ada Byron", subject: "Twelve seats", text: []string{"looking for twelve seats"}}
	}
	multi := func(name, raw string) broken {
		b := plain(name, raw)
		b.files = []string{"plan.pdf"}
		return b
	}
	const mixed = "MIME-Version: 1.0\nContent-Type: multipart/mixed; "
	all := []broken{
		// Boundaries.
		multi("boundary missing", usual+"Content-Type: multipart/mixed\n\n"+parts("xyz")),
		multi("boundary empty", usual+mixed+"boundary=\n\n"+parts("xyz")),
		multi("boundary wrong", usual+mixed+"boundary=abc\n\n"+parts("xyz")),
		multi("boundary in other case", usual+mixed+"boundary=XYZ\n\n"+parts("xyz")),
		multi("boundary with spaces, unquoted", usual+mixed+"boundary=x y z\n\n"+parts("x y z")),
		multi("boundary half quoted", usual+mixed+"boundary=\"xyz\n\n"+parts("xyz")),
		multi("boundary with odd signs, unquoted", usual+mixed+"boundary=----=_Part(1)?<x>\n\n"+parts("----=_Part(1)?<x>")),
		multi("boundary never closed", usual+mixed+"boundary=xyz\n\n"+strings.TrimSuffix(parts("xyz"), "--xyz--\n")),
		multi("boundary lines with blanks behind", usual+mixed+"boundary=xyz\n\n"+strings.ReplaceAll(parts("xyz"), "--xyz\n", "--xyz  \n")),
		multi("no empty line before a boundary", usual+mixed+"boundary=xyz\n"+parts("xyz")),
		plain("one part only, truncated in its header", usual+mixed+"boundary=xyz\n\n--xyz\nContent-Type: text/plain\n\n"+words+"\n--xyz\nContent-Ty"),
		plain("truncated in the text", usual+mixed+"boundary=xyz\n\n--xyz\n"+alt[:len(alt)-20]),
		multi("inner boundary is the outer's beginning", usual+mixed+"boundary=xyz\n\n--xyz\nContent-Type: multipart/alternative; boundary=xyz1\n\n--xyz1\n"+alt+"--xyz1--\n"+strings.TrimPrefix(parts("xyz"), "--xyz\n"+alt)),
		plain("inner multipart never closed", usual+mixed+"boundary=out\n\n--out\nContent-Type: multipart/alternative; boundary=in\n\n--in\n"+alt+"--out--\n"),
		plain("inner multipart without a boundary", usual+mixed+"boundary=out\n\n--out\nContent-Type: multipart/alternative\n\n--in\n"+alt+"--in--\n--out--\n"),
		plain("multipart that has no parts", usual+mixed+"boundary=xyz\n\n"+words+"\n"),
		plain("text only in the preamble", usual+mixed+"boundary=xyz\n\n"+words+"\n--xyz--\n"),
		plain("parts without headers", usual+mixed+"boundary=xyz\n\n--xyz\n\n"+words+"\n--xyz--\n"),
		plain("parts without headers or empty line", usual+mixed+"boundary=xyz\n\n--xyz\n"+words+"\n--xyz--\n"),
		plain("a part's header broken", usual+mixed+"boundary=xyz\n\n--xyz\nContent-Type text/plain\nContent-Disposition: inline\n\n"+words+"\n--xyz--\n"),
		multi("two Content-Types, the first wrong", usual+"Content-Type: text/plain\n"+mixed+"boundary=xyz\n\n"+parts("xyz")),
		plain("multipart said to be base64", usual+mixed+"boundary=xyz\nContent-Transfer-Encoding: base64\n\n--xyz\n"+alt+"--xyz--\n"),

		// Headers.
		plain("no empty line after the header", usual+words+"\nSecond line.\n"),
		plain("no empty line, text with a colon", usual+"Hello: "+words+"\nAnd more.\n"),
		plain("blank line with blanks", usual+"   \n"+words+"\n"),
		plain("empty lines before the header", "\n\r\n\n"+usual+"\n"+words+"\n"),
		plain("separator of mbox, quoted", ">From ada@acme.example Tue Mar  3 10:15:00 2026\n"+usual+"\n"+words+"\n"),
		plain("a line that is no header among them", strings.Replace(usual, "To:", "this line is no header\nTo:", 1)+"\n"+words+"\n"),
		plain("blanks before the colons", strings.ReplaceAll(usual, ": ", " : ")+"\n"+words+"\n"),
		plain("names in capitals, no blank behind the colon", "FROM:Ada Byron <ada@acme.example>\nSUBJECT:Twelve seats\nDATE:3 Mar 2026 10:15 +0100\n\n"+words+"\n"),
		plain("folded without a blank", strings.Replace(usual, "Subject: Twelve seats\n", "Subject: Twelve\n seats\nX-Very-Long: a\nb\nc\n", 1)+"\n"+words+"\n"),
		plain("folded by an empty-looking line", strings.Replace(usual, "Twelve seats", "Twelve\n \n seats", 1)+"\n"+words+"\n"),
		plain("a header with NUL", strings.Replace(usual, "To:", "X-Zero: a\x00b\nTo:", 1)+"\n"+words+"\n"),
		plain("NUL in subject and text", strings.Replace(usual, "Twelve", "Tw\x00elve", 1)+"\n"+strings.Replace(words, "looking", "loo\x00king", 1)+"\n"),
		plain("byte order mark first", "\xef\xbb\xbf"+usual+"\n"+words+"\n"),
		plain("headers twice", usual+usual+"\n"+words+"\n"),
		plain("first From empty", "From:\n"+usual+"\n"+words+"\n"),
		plain("CR only", strings.ReplaceAll(usual+"\n"+words+"\nSecond line\n", "\n", "\r")),
		plain("CRLF header, LF body", strings.ReplaceAll(usual+"\n", "\n", "\r\n")+words+"\n"),
		plain("LF header, CRLF body", usual+"\n"+strings.ReplaceAll(words+"\nx\n", "\n", "\r\n")),
		plain("CR CR LF", strings.ReplaceAll(usual+"\n"+words+"\n", "\n", "\r\r\n")),
		plain("10,000 headers before", strings.Repeat("X-Trace: of a server\n", 10000)+usual+"\n"+words+"\n"),
		plain("a header of a megabyte before", "X-Junk: "+strings.Repeat("x", 1<<20)+"\n"+usual+"\n"+words+"\n"),
		plain("a header of a megabyte, folded", "References: "+strings.Repeat("<x@y.example>\n ", 70000)+"<z@y.example>\n"+usual+"\n"+words+"\n"),
		plain("Content-Type that is none", usual+"Content-Type: text\n\n"+words+"\n"),
		plain("Content-Type that is nonsense", usual+"Content-Type: ; charset\n\n"+words+"\n"),
		plain("Content-Type with a twin parameter", usual+"Content-Type: text/plain; charset=utf-8; charset=us-ascii; =x\n\n"+words+"\n"),
		plain("Content-Type of Windows", usual+"Content-Type: text/plain charset=\"utf-8\"\n\n"+words+"\n"),
		plain("text as octet-stream", usual+"Content-Type: application/octet-stream\n\n"+words+"\n"),
		plain("encoding that is none", usual+"Content-Type: text/plain\nContent-Transfer-Encoding: utf-8\n\n"+words+"\n"),
		plain("date garbage", strings.Replace(usual, "Tue, 3 Mar 2026 10:15:00 +0100", "yesterday at noon", 1)+"\n"+words+"\n"),

		// Addresses.
		{name: "no From, Sender", raw: "Sender: ada@acme.example\nSubject: Twelve seats\n\n" + words, email: "ada@acme.example", subject: "Twelve seats", text: []string{"twelve seats"}},
		{name: "no From, Reply-To", raw: "Reply-To: Ada Byron <ada@acme.example>\nSubject: Twelve seats\n\n" + words, email: "ada@acme.example", who: "Ada Byron", subject: "Twelve seats", text: []string{"twelve seats"}},
		{name: "no From, Return-Path", raw: "Return-Path: <ada@acme.example>\nSubject: Twelve seats\n\n" + words, email: "ada@acme.example", subject: "Twelve seats", text: []string{"twelve seats"}},
		{name: "From name only, Return-Path", raw: "Return-Path: <ada@acme.example>\nFrom: Ada Byron\nSubject: Twelve seats\n\n" + words, email: "ada@acme.example", who: "Ada Byron", subject: "Twelve seats", text: []string{"twelve seats"}},
		{name: "no sender at all, signature", raw: "Subject: Twelve seats\n\n" + words + "\n\nAda Byron\n", subject: "Twelve seats", text: []string{"twelve seats"}},
		plain("comma in the name, unquoted", strings.Replace(usual, "Ada Byron <", "Byron, Ada <", 1)+"\n"+words+"\n"),
		plain("double brackets", strings.Replace(usual, "<ada@acme.example>", "<<ada@acme.example>>", 1)+"\n"+words+"\n"),
		plain("bracket never closed", strings.Replace(usual, "example>", "example", 1)+"\n"+words+"\n"),
		plain("quote never closed", strings.Replace(usual, "Ada Byron <", "\"Ada Byron <", 1)+"\n"+words+"\n"),
		plain("name behind in brackets", strings.Replace(usual, "Ada Byron <ada@acme.example>", "ada@acme.example (Ada Byron)", 1)+"\n"+words+"\n"),
		plain("mailto in the address", strings.Replace(usual, "<ada@", "<mailto:ada@", 1)+"\n"+words+"\n"),
		plain("blanks in the address", strings.Replace(usual, "<ada@acme.example>", "< ada@acme.example >", 1)+"\n"+words+"\n"),
		plain("address without brackets", strings.Replace(usual, "<ada@acme.example>", "ada@acme.example", 1)+"\n"+words+"\n"),
		plain("address twice", strings.Replace(usual, "Ada Byron <", "\"Ada Byron\" <ada@acme.example> <", 1)+"\n"+words+"\n"),
		plain("brackets as entities", strings.Replace(usual, "<ada@acme.example>", "&lt;ada@acme.example&gt;", 1)+"\n"+words+"\n"),

		// Encoded words.
		{name: "a character cut in two", raw: "From: =?utf-8?B?" + b64("J\xc3") + "?= =?utf-8?B?" + b64("\xb6rg Weiß") + "?= <j@acme.example>\nSubject: =?utf-8?Q?F=C3=BCr_M=C3?= =?utf-8?Q?=BCller?=\n\n" + words, email: "j@acme.example", who: "Jörg Weiß", subject: "Für Müller"},
		{name: "blanks inside a word", raw: "From: =?utf-8?Q?J=C3=B6rg Wei=C3=9F?= <j@acme.example>\nSubject: =?utf-8?Q?Angebot f=C3=BCr uns?=\n\n" + words, email: "j@acme.example", who: "Jörg Weiß", subject: "Angebot für uns"},
		{name: "a word within quotes", raw: "From: \"=?iso-8859-1?Q?J=F6rg_Wei=DF?=\" <j@acme.example>\nSubject: x\n\n" + words, email: "j@acme.example", who: "Jörg Weiß"},
		{name: "Q that is B", raw: "From: j@acme.example\nSubject: =?utf-8?Q?" + b64("Für Müller und Söhne") + "?=\n\n" + words, email: "j@acme.example", subject: "Für Müller und Söhne"},
		{name: "B that is Q", raw: "From: j@acme.example\nSubject: =?utf-8?B?F=C3=BCr_M=C3=BCller?=\n\n" + words, email: "j@acme.example", subject: "Für Müller"},
		{name: "a word never closed", raw: "From: j@acme.example\nSubject: =?utf-8?Q?F=C3=BCr_M=C3=BCller\n\n" + words, email: "j@acme.example", subject: "Für Müller"},
		{name: "a word without padding", raw: "From: j@acme.example\nSubject: =?UTF-8?b?" + strings.TrimRight(b64("Für Müll"), "=") + "?=\n\n" + words, email: "j@acme.example", subject: "Für Müll"},
		{name: "a word in an unknown charset", raw: "From: j@acme.example\nSubject: =?x-nonsense?Q?F=C3=BCr_M=C3=BCller?=\n\n" + words, email: "j@acme.example", subject: "Für Müller"},
		{name: "words without blanks between", raw: "From: j@acme.example\nSubject: Re:=?utf-8?Q?F=C3=BCr?==?utf-8?Q?_M=C3=BCller?=\n\n" + words, email: "j@acme.example", subject: "Re:Für Müller"},
		{name: "encoded twice", raw: "From: j@acme.example\nSubject: =?utf-8?Q?=3D=3Futf-8=3FQ=3FF=3DC3=3DBCr=3F=3D?=\n\n" + words, email: "j@acme.example", subject: "Für"},

		// Bodies.
		plain("base64 with noise", usual+"Content-Transfer-Encoding: base64\n\n"+b64(words)[:40]+" \t!\n\n"+b64(words)[40:]+"\n"),
		plain("base64 without padding", usual+"Content-Transfer-Encoding: base64\n\n"+strings.TrimRight(b64(words+"!"), "=")),
		plain("base64 with a footer in the clear", usual+"Content-Transfer-Encoding: base64\n\n"+b64(words)+"\n\n-- \nScanned by the mail server (c) 2026.\n"),
		plain("base64 that is plain text", usual+"Content-Transfer-Encoding: base64\n\n"+words+"\n"),
		plain("quoted-printable that is base64", usual+"Content-Transfer-Encoding: quoted-printable\n\n"+b64(words+" "+words)+"\n"),
		plain("quoted-printable with broken escapes", usual+"Content-Transfer-Encoding: quoted-printable\n\n=ZZ 100 =\nGood morning, we are looking for twelve=20seats =  \nand =4"),
		plain("undeclared quoted-printable", usual+"\nGood morning, f=C3=BCr uns: we are looking for twelve seats=2E We would like=20a =\nquote by Friday=2E\n"),
		plain("undeclared base64", usual+"Content-Type: text/plain; charset=utf-8\n\n"+b64(words+"\nSecond line, so that it is long enough to be told from words.")+"\n"),
		plain("HTML said to be plain", usual+"Content-Type: text/plain\n\n<html><body><p>Good morning,<br>we are looking for twelve seats</p></body></html>\n"),
		plain("plain said to be HTML", usual+"Content-Type: text/html\n\nGood morning,\n\nwe are looking for twelve seats & more, if 3 < 4.\n"),
		plain("HTML cut off in a tag", usual+"Content-Type: text/html\n\n<html><body><div>we are looking for twelve seats</div><div style=\"colo"),
		plain("HTML with a comment never closed", usual+"Content-Type: text/html\n\n<html><body><p>we are looking for twelve seats</p><!-- footer <p>x</p>"),
		plain("HTML without tags closed", usual+"Content-Type: text/html\n\n<p>Good morning<p>we are <b>looking for <i>twelve seats"),
		plain("empty plain beside HTML", usual+"Content-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain\n\n \n--a\nContent-Type: text/html\n\n<p>we are looking for twelve seats</p>\n--a--\n"),
		plain("a line of 200 KB", usual+"\n"+words+" "+strings.Repeat("and so on ", 20000)+"\n"),
		plain("flowed", usual+"Content-Type: text/plain; format=flowed; delsp=yes\n\nwe are look \ning for twelve seats\n"),
		plain("a forward attached without its type", usual+mixed+"boundary=f\n\n--f\n"+alt+"--f\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"+b64("From: x@y.example\n\nhello\n")+"\n--f--\n"),
		{name: "uuencode", raw: usual + "\n" + words + "\n\nbegin 644 plan.xls\n#0V%T\n`\nend\n", email: "ada@acme.example", subject: "Twelve seats", text: []string{"twelve seats"}, files: []string{"plan.xls"}},
		{name: "winmail.dat", raw: usual + mixed + "boundary=w\n\n--w\n" + alt + "--w\nContent-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=winmail.dat\n\neJ8+IgAA\n--w--\n", email: "ada@acme.example", subject: "Twelve seats", text: []string{"twelve seats"}, files: []string{"winmail.dat"}},
		{name: "attachment's name in raw UTF-8", raw: usual + mixed + "boundary=w\n\n--w\n" + alt + "--w\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=Übersicht 2026.pdf\n\nx\n--w--\n", email: "ada@acme.example", subject: "Twelve seats", text: []string{"twelve seats"}, files: []string{"Übersicht 2026.pdf"}},
		{name: "attachment's name in pieces", raw: usual + mixed + "boundary=w\n\n--w\n" + alt + "--w\nContent-Type: application/pdf\nContent-Disposition: attachment; filename*0*=utf-8''%C3%9Cber; filename*1*=sicht.pdf\n\nx\n--w--\n", email: "ada@acme.example", subject: "Twelve seats", text: []string{"twelve seats"}, files: []string{"Übersicht.pdf"}},

		// Charsets.
		{name: "latin-1, undeclared, in the header too", raw: in(charmap.ISO8859_1, "From: Jörg Müller <j@acme.example>\nSubject: Plätze für Köln\n\n"+german), email: "j@acme.example", who: "Jörg Müller", subject: "Plätze für Köln", text: []string{"für unser Büro in Köln"}},
		{name: "windows-1252 said to be ascii", raw: "From: j@acme.example\nSubject: x\nContent-Type: text/plain; charset=us-ascii\n\n" + in(charmap.Windows1252, "Preis „netto“ – "+german), email: "j@acme.example", text: []string{"„netto“ –", "für unser Büro"}},
		{name: "windows-1252 said to be latin-1", raw: "From: j@acme.example\nSubject: x\nContent-Type: text/plain; charset=iso-8859-1\n\n" + in(charmap.Windows1252, "Preis „netto“ – "+german), email: "j@acme.example", text: []string{"„netto“ –", "für unser Büro"}},
		{name: "latin-1 said to be UTF-8", raw: "From: j@acme.example\nSubject: x\nContent-Type: text/plain; charset=utf-8\n\n" + in(charmap.ISO8859_1, german), email: "j@acme.example", text: []string{"für unser Büro"}},
		{name: "UTF-8 said to be latin-1", raw: "From: j@acme.example\nSubject: x\nContent-Type: text/plain; charset=iso-8859-1\n\n" + german, email: "j@acme.example", text: []string{"für unser Büro"}},
		{name: "windows-1251, undeclared", raw: in(charmap.Windows1251, "From: Ольга Белова <o@acme.example>\nSubject: Запрос цены\n\n"+russian), email: "o@acme.example", who: "Ольга Белова", subject: "Запрос цены", text: []string{"двенадцати сотрудников"}},
		{name: "windows-1251 said to be latin-1", raw: in(charmap.Windows1251, "From: o@acme.example\nSubject: Запрос цены\nContent-Type: text/plain; charset=iso-8859-1\n\n"+russian), email: "o@acme.example", subject: "Запрос цены", text: []string{"двенадцати сотрудников"}},
		{name: "KOI8-R, undeclared", raw: in(charmap.KOI8R, "From: Ольга Белова <o@acme.example>\nSubject: Запрос цены\n\n"+russian), email: "o@acme.example", who: "Ольга Белова", subject: "Запрос цены", text: []string{"двенадцати сотрудников"}},
		{name: "GB 18030, undeclared", raw: in(simplifiedchinese.GB18030, "From: 王芳 <w@acme.example>\nSubject: 报价请求\n\n"+chinese), email: "w@acme.example", who: "王芳", subject: "报价请求", text: []string{"需要十二个许可证"}},
		{name: "Shift-JIS, undeclared", raw: in(japanese.ShiftJIS, "From: 田中花子 <t@acme.example>\nSubject: 見積もりのお願い\n\n"+japan), email: "t@acme.example", who: "田中花子", subject: "見積もりのお願い", text: []string{"ライセンスの見積もり"}},
		{name: "EUC-JP, undeclared", raw: in(japanese.EUCJP, "From: t@acme.example\nSubject: 見積もりのお願い\n\n"+japan), email: "t@acme.example", subject: "見積もりのお願い", text: []string{"ライセンスの見積もり"}},
		{name: "ISO-2022-JP, undeclared", raw: in(japanese.ISO2022JP, "From: t@acme.example\nSubject: 見積もりのお願い\n\n"+japan), email: "t@acme.example", subject: "見積もりのお願い", text: []string{"ライセンスの見積もり"}},
		{name: "EUC-KR, undeclared", raw: in(korean.EUCKR, "From: 김민수 <k@acme.example>\nSubject: 견적 요청\n\n"+korea), email: "k@acme.example", who: "김민수", subject: "견적 요청", text: []string{"열두 개의 견적"}},
		{name: "gb2312 with letters beyond it", raw: "From: w@acme.example\nSubject: =?gb2312?B?" + b64(in(simplifiedchinese.GBK, "請求報價")) + "?=\nContent-Type: text/plain; charset=gb2312\n\n" + in(simplifiedchinese.GBK, "您好，請報價。"+chinese), email: "w@acme.example", subject: "請求報價", text: []string{"您好，請報價"}},
		{name: "unknown charset", raw: "From: j@acme.example\nSubject: x\nContent-Type: text/plain; charset=x-our-own\n\n" + german, email: "j@acme.example", text: []string{"für unser Büro"}},
		{name: "charset with rubbish around it", raw: "From: j@acme.example\nSubject: x\nContent-Type: text/plain; charset='windows-1252'; x\n\n" + in(charmap.Windows1252, german), email: "j@acme.example", text: []string{"für unser Büro"}},
		{name: "UTF-16 said to be UTF-8", raw: "From: j@acme.example\nSubject: x\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n" + b64(in(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), german)), email: "j@acme.example", text: []string{"für unser Büro"}},
		{name: "UTF-16 without a mark", raw: "From: j@acme.example\nSubject: x\nContent-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: base64\n\n" + b64(in(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), german)), email: "j@acme.example", text: []string{"für unser Büro"}},
		{name: "a whole mail in UTF-16", raw: in(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), usual+"\n"+words+"\n"), email: "ada@acme.example", who: "Ada Byron", subject: "Twelve seats", text: []string{"looking for twelve seats"}},
		{name: "UTF-8 with a broken byte", raw: "From: j@acme.example\nSubject: x\n\n" + strings.Replace(german, "Köln", "K\xf6ln", 1), email: "j@acme.example", text: []string{"für unser Büro"}},
		{name: "UTF-7", raw: "From: j@acme.example\nSubject: x\nContent-Type: text/plain; charset=utf-7\n\nGuten Tag, wir suchen f+APw-r unser B+APw-ro\n", email: "j@acme.example", text: []string{"für unser Büro"}},
	}
	return all
}

// differs says what a person would have read and the reader has not.
func (b broken) differs(t testing.TB) (wrong []string) {
	c, err := newReader(t).Contact([]byte(b.raw), received)
	if err != nil {
		return []string{err.Error()}
	}
	miss := func(what, want, got string) {
		if want != "" && want != got {
			wrong = append(wrong, fmt.Sprintf("%s: %q, not %q", what, got, want))
		}
	}
	miss("address", b.email, c.Person.Email)
	miss("name", b.who, c.Person.Name)
	miss("subject", b.subject, c.Subject)
	text := strings.Join(strings.Fields(c.Text), " ")
	for _, want := range b.text {
		if !strings.Contains(text, want) {
			wrong = append(wrong, fmt.Sprintf("the text lacks %q: %.300q", want, text))
		}
	}
	miss("attachments", strings.Join(b.files, ", "), strings.Join(c.Attachments, ", "))
	return wrong
}

// TestMalformed: nearly all of what a person could read is read. Those that
// are not are listed in testdata/malformed.txt, so that it is seen when one of
// them is, or another is not any more.
func TestMalformed(t *testing.T) {
	all := malformed()
	var unread bytes.Buffer
	failed := 0
	for _, b := range all {
		if wrong := b.differs(t); wrong != nil {
			failed++
			fmt.Fprintf(&unread, "%s\n", b.name)
			t.Logf("%s: %s", b.name, strings.Join(wrong, "; "))
		}
	}
	share := 100 * float64(len(all)-failed) / float64(len(all))
	t.Logf("%d of %d malformed mails are read: %.1f %%", len(all)-failed, len(all), share)
	if share < 95 {
		t.Errorf("%.1f %% are read, the goal is 95", share)
	}
	golden := filepath.Join("testdata", "malformed.txt")
	if *update {
		if err := os.WriteFile(golden, unread.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, unread.Bytes()) {
		t.Errorf("not read:\n%sexpected were:\n%s", unread.Bytes(), want)
	}
}
