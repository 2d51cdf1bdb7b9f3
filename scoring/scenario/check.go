package scenario

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"leadd/lead"
	"leadd/scoring"
)

// checks are what may be expected, each with how its value is written.
var checks = []struct {
	key, example string
	read         func(p *parser, value string) (got func(*standing) string, mistake string)
}{
	{"stage", "lead", (*parser).stage},
	{"score", "80, or at least 50", (*parser).score},
	{"met", "need, budget", (*parser).met},
	{"not met", "authority", (*parser).notMet},
	{"reason", `need +30 "We are looking for" by Ada Lovelace`, (*parser).reason},
	{"change", `contact to lead because "Need and budget are met"`, (*parser).change},
	{"decides", "Grace Hopper", (*parser).decides},
	{"class", "auto_reply", (*parser).class},
}

// check reads one expectation: "stage: lead".
func (p *parser) check(line string, start int) {
	var keys []string
	for _, c := range checks {
		keys = append(keys, c.key)
	}
	name, value, colon := strings.Cut(line[start:], ":")
	key := strings.Join(strings.Fields(strings.ToLower(name)), " ")
	i := slices.Index(keys, key)
	if i < 0 {
		p.here(line, start, "what may be expected is %s; there is no %s%s", strings.Join(keys, ", "), key, scoring.Suggest(key, keys))
		return
	}
	value = strings.TrimSpace(value)
	if !colon || value == "" {
		p.here(line, len(line), "say what is expected, as in %s: %s", key, checks[i].example)
		return
	}
	got, mistake := checks[i].read(p, value)
	if mistake != "" {
		p.here(line, strings.LastIndex(line, value), "%s", mistake)
		return
	}
	p.expect.checks = append(p.expect.checks, check{line: p.line, column: utf8.RuneCountInString(line[:start]) + 1, key: key, want: value, got: got})
}

// unless gives how it is, where that is not as expected.
func unless(asExpected bool, is string) string {
	if asExpected {
		return ""
	}
	return is
}

func readStage(name string) (lead.Stage, string) {
	s, err := lead.ParseStage(strings.ToLower(name))
	if err != nil {
		var names []string
		for _, s := range lead.Stages() {
			names = append(names, s.String())
		}
		return 0, fmt.Sprintf("there is no stage %s (%s)%s", name, strings.Join(names, ", "), scoring.Suggest(name, names))
	}
	return s, ""
}

func (p *parser) stage(value string) (func(*standing) string, string) {
	want, mistake := readStage(value)
	return func(s *standing) string { return unless(s.stage == want, s.stage.String()) }, mistake
}

var scoreForm = regexp.MustCompile(`^(?:(at least|at most|over|under) +)?([+-]?\d{1,7})$`)

func (p *parser) score(value string) (func(*standing) string, string) {
	m := scoreForm.FindStringSubmatch(strings.ToLower(value))
	if m == nil {
		return nil, fmt.Sprintf("%q is no score; write 80, at least 50, at most 20, over 50 or under 50", value)
	}
	n, _ := strconv.Atoi(m[2]) // up to seven digits
	return func(s *standing) string {
		order := cmp.Compare(s.score, n)
		ok := map[string]bool{"": order == 0, "at least": order >= 0, "at most": order <= 0, "over": order > 0, "under": order < 0}
		return unless(ok[m[1]], strconv.Itoa(s.score))
	}, ""
}

var listComma = regexp.MustCompile(`\s*,\s*(?:and\s+)?|\s+and\s+`)

// list reads "need, budget and authority"; every name must be known.
func (p *parser) list(value string) ([]string, string) {
	names, known := criterionNames(value), p.criteria.Names()
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Sprintf("no criterion is named %s (%s)%s", name, strings.Join(known, ", "), scoring.Suggest(name, known))
		}
	}
	return names, ""
}

func criterionNames(value string) []string {
	names := listComma.Split(value, -1)
	for i := range names {
		names[i] = strings.ReplaceAll(strings.ToLower(names[i]), " ", "_")
	}
	return names
}

func (s *standing) metList() string {
	if len(s.met) == 0 {
		return "nothing"
	}
	return strings.Join(s.met, ", ")
}

func (p *parser) met(value string) (func(*standing) string, string) {
	if strings.EqualFold(value, "nothing") {
		return func(s *standing) string { return unless(len(s.met) == 0, s.metList()) }, ""
	}
	names, mistake := p.list(value)
	return func(s *standing) string {
		all := !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(s.met, n) })
		return unless(all, s.metList())
	}, mistake
}

func (p *parser) notMet(value string) (func(*standing) string, string) {
	names, mistake := p.list(value)
	return func(s *standing) string {
		met := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !slices.Contains(s.met, n) })
		return unless(len(met) == 0, "met: "+strings.Join(met, ", "))
	}, mistake
}

var reasonForm = regexp.MustCompile(`^([^\s"]+)(?:\s+([+-]\d{1,7}))?(?:\s+"([^"]*)")?(?:\s+by\s+(.+))?$`)

// reason wants a line of the ledger: a criterion and, as far as said, its
// points, some of its words and who said them.
func (p *parser) reason(value string) (func(*standing) string, string) {
	m := reasonForm.FindStringSubmatch(value)
	if m == nil {
		return nil, `write the criterion and, as far as you like, its points, words of it and who said them, as in need +30 "We are looking for" by Ada Lovelace`
	}
	known := p.criteria.Names()
	for _, k := range []lead.Kind{lead.KindForm, lead.KindMail, lead.KindEvent} {
		known = append(known, "engagement:"+string(k))
	}
	if !slices.Contains(known, m[1]) {
		return nil, fmt.Sprintf("no reason is named %s (%s)%s", m[1], strings.Join(known, ", "), scoring.Suggest(m[1], known))
	}
	points, _ := strconv.Atoi(m[2])
	return func(s *standing) string {
		if slices.ContainsFunc(s.ledger, func(r lead.Reason) bool {
			return r.Criterion == m[1] && (m[2] == "" || r.Points == points) && strings.Contains(r.Evidence, m[3]) && (m[4] == "" || s.isPerson(r, m[4]))
		}) {
			return ""
		}
		var same []string
		for _, r := range s.ledger {
			if r.Criterion == m[1] {
				same = append(same, fmt.Sprintf("%s %+d %q by %s", r.Criterion, r.Points, r.Evidence, cmp.Or(r.Person, "nobody")))
			}
		}
		return cmp.Or(strings.Join(same, "; "), "no reason of this name")
	}, ""
}

var changeForm = regexp.MustCompile(`^(\S+) to (\S+?)(?:,? because "([^"]*)")?$`)

// change wants a change of stage since the expectations before, with words of
// its reason.
func (p *parser) change(value string) (func(*standing) string, string) {
	if strings.EqualFold(value, "none") {
		return func(s *standing) string { return unless(len(s.changes) == 0, s.changeList()) }, ""
	}
	m := changeForm.FindStringSubmatch(value)
	if m == nil {
		return nil, `write none, or from where to where and, as you like, words of the reason, as in contact to lead because "Need and budget are met"`
	}
	from, mistake := readStage(m[1])
	if mistake != "" {
		return nil, mistake
	}
	to, mistake := readStage(m[2])
	return func(s *standing) string {
		found := slices.ContainsFunc(s.changes, func(c lead.StageChange) bool {
			return c.From == from && c.To == to && strings.Contains(strings.ToLower(c.Evidence), strings.ToLower(m[3]))
		})
		return unless(found, s.changeList())
	}, mistake
}

func (s *standing) changeList() string {
	var list []string
	for _, c := range s.changes {
		list = append(list, fmt.Sprintf("%v to %v because %q", c.From, c.To, c.Evidence))
	}
	return cmp.Or(strings.Join(list, "; "), "none")
}

// authority is the criterion whose persons decide.
const authority = "authority"

func (p *parser) decides(value string) (func(*standing) string, string) {
	if !slices.Contains(p.criteria.Names(), authority) {
		return nil, "the criteria have no criterion authority, so nobody is known to decide"
	}
	if strings.EqualFold(value, "nobody") {
		return func(s *standing) string { return unless(len(s.deciders) == 0, s.deciderList()) }, ""
	}
	names := listComma.Split(value, -1)
	return func(s *standing) string {
		all := !slices.ContainsFunc(names, func(name string) bool {
			return !slices.ContainsFunc(s.deciders, func(r lead.Reason) bool { return s.isPerson(r, name) })
		})
		return unless(all && len(s.deciders) == len(names), s.deciderList())
	}, ""
}

func (s *standing) deciderList() string {
	var names []string
	for _, r := range s.deciders {
		names = append(names, cmp.Or(r.Person, "somebody without a name"))
	}
	return cmp.Or(strings.Join(names, ", "), "nobody")
}

// classes are those that a reader of mails gives.
var classes = []lead.Class{
	lead.ClassInquiry, lead.ClassReply, lead.ClassFormNotification, lead.ClassForward, lead.ClassAutoReply, lead.ClassBounce,
	lead.ClassNewsletter, lead.ClassVendorPitch, lead.ClassJob, lead.ClassInternal, lead.ClassOther,
}

func (p *parser) class(value string) (func(*standing) string, string) {
	want := lead.Class(strings.ReplaceAll(strings.ToLower(value), " ", "_"))
	if !slices.Contains(classes, want) {
		var names []string
		for _, c := range classes {
			names = append(names, string(c))
		}
		return nil, fmt.Sprintf("there is no class %s (%s)%s", value, strings.Join(names, ", "), scoring.Suggest(value, names))
	}
	return func(s *standing) string { return unless(s.class == want, string(s.class)) }, ""
}
