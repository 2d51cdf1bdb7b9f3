package mail

import (
	"strings"

	"leadd/lead"
)

// classify says what sort of mail l is. Headers go before words.
func (r *Reader) classify(l *letter) lead.Class {
	switch {
	case r.isBounce(l):
		return lead.ClassBounce
	case l.m.report == "disposition-notification":
		return lead.ClassAutoReply
	case l.m.report == "feedback-report":
		return lead.ClassOther
	case r.isForm(l):
		return lead.ClassFormNotification
	case r.isAutoReply(l):
		return lead.ClassAutoReply
	case r.id.Own(l.from.email):
		if r.ownForward(l) {
			return lead.ClassForward
		}
		return lead.ClassInternal
	}
	answers := r.answersUs(l)
	switch {
	case r.isBulk(l) && !answers:
		scores := r.scores(l)
		if scores[lead.ClassVendorPitch] >= 6 && scores[lead.ClassNewsletter] == 0 && !l.header.has("List-Id") && len(l.text) < 1500 {
			return lead.ClassVendorPitch // a cold mail sent by a machine
		}
		return lead.ClassNewsletter
	case r.foreignForward(l):
		return lead.ClassForward
	case answers:
		return lead.ClassReply
	}
	scores := r.scores(l)
	least := 2
	if l.header.has("In-Reply-To") && l.replied && !strings.Contains(l.header.raw("In-Reply-To"), domainOf(l.from.email)) {
		least = 5 // an answer most likely: it takes more to say otherwise
	}
	if r.isRobot(l.from.email) && (l.replyTo.email == "" || r.id.Own(l.replyTo.email) || r.isRobot(l.replyTo.email)) && scores[lead.ClassNewsletter] == 0 {
		return lead.ClassOther // a program's own word: a code, a receipt
	}
	best, most := lead.ClassInquiry, max(least, scores[lead.ClassInquiry])
	for _, c := range []lead.Class{lead.ClassNewsletter, lead.ClassVendorPitch, lead.ClassJob, lead.ClassOther} {
		// Who answers, and quotes what they answer, has a conversation with us.
		if l.passage.quotes && l.replied && l.header.has("In-Reply-To") && (c == lead.ClassOther || c == lead.ClassNewsletter) && scores[c] < 6 {
			continue
		}
		if scores[c] > most {
			best, most = c, scores[c]
		}
	}
	if best == lead.ClassInquiry && (l.replied || l.header.has("In-Reply-To")) {
		return lead.ClassReply
	}
	return best
}

func (r *Reader) isBounce(l *letter) bool {
	if l.m.report == "delivery-status" || l.header.has("X-Failed-Recipients") {
		return true
	}
	subject := normal(l.bare)
	local, _, _ := strings.Cut(l.from.email, "@")
	switch {
	case r.layout.is(normal(local), "mailer.daemon"):
		return !r.isAutoReply(l) || r.class.prefix(subject, "bounce.subject") > 0
	case r.class.prefix(subject, "bounce.subject") > 0:
		return l.header.raw("Return-Path") == "<>" || r.layout.prefix(normal(l.from.name), "mailer.daemon") > 0 ||
			r.class.has(normal(cut(l.text, 2000)), "bounce.text")
	}
	return false
}

func (r *Reader) isAutoReply(l *letter) bool {
	submitted := l.header.token("Auto-Submitted")
	if submitted == "auto-replied" {
		return true
	}
	for _, name := range []string{"X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply", "X-Mail-Autoreply", "X-Ms-Exchange-Inbox-Rules-Loop"} {
		if v := l.header.token(name); v != "" && v != "no" {
			return true
		}
	}
	for _, name := range []string{"Precedence", "X-Precedence"} {
		if v := l.header.token(name); v == "auto_reply" || v == "auto-reply" {
			return true
		}
	}
	subject := normal(l.bare)
	if r.class.prefix(subject, "auto.subject") > 0 {
		return true
	}
	if submitted != "" && submitted != "no" && !r.isBulk(l) {
		return true
	}
	return len(l.own) < 900 &&
		(l.replied || l.header.has("In-Reply-To") || l.header.has("X-Auto-Response-Suppress") || r.class.has(subject, "auto.subject")) &&
		r.class.has(normal(cut(l.own, 400)), "auto.text")
}

// isBulk: a header says that it went to many. A list of our own through
// which mail to us comes does not count.
func (r *Reader) isBulk(l *letter) bool {
	h := l.header
	if r.mentionsOwn(h.raw("List-Id")) || r.mentionsOwn(h.raw("List-Post")) {
		return false
	}
	for _, name := range []string{"List-Unsubscribe", "List-Id", "List-Unsubscribe-Post", "X-Campaign", "X-Campaign-Id", "X-Campaignid", "X-Mailchimp-Campaign-Id", "X-Mc-User", "X-Csa-Complaints", "X-Mailing-Id", "X-Mailer-Recptid", "X-Rpcampaign"} {
		if h.has(name) {
			return true
		}
	}
	switch h.token("Precedence") {
	case "bulk", "list", "junk":
		return true
	}
	return false
}

// answersUs: the mail it answers, or the words it quotes, are ours.
func (r *Reader) answersUs(l *letter) bool {
	if r.mentionsOwn(l.header.raw("In-Reply-To")) || r.mentionsOwn(l.header.raw("References")) {
		return true
	}
	if l.passage.whose != "" && r.mentionsOwn(l.passage.whose) {
		return true
	}
	if b := l.passage.below; b != nil && b.from.email != "" {
		if email, ok := r.id.Email(b.from.email); ok && r.id.Own(email) {
			return true
		}
	}
	// Another program's message id: trust it where they quote as well.
	return l.header.has("In-Reply-To") && l.passage.quotes && !strings.Contains(l.header.raw("In-Reply-To"), domainOf(l.from.email))
}

// mentionsOwn: an address or message id in s is at one of our domains.
func (r *Reader) mentionsOwn(s string) bool {
	for s != "" {
		_, rest, ok := strings.Cut(s, "@")
		if !ok {
			break
		}
		end := strings.IndexAny(rest, "<> ,;()[]\"'\t")
		if end < 0 {
			end = len(rest)
		}
		if r.id.Own("x@" + strings.ToLower(rest[:end])) {
			return true
		}
		s = rest[end:]
	}
	// List-Id: <sales.ours.example>
	s, _, _ = strings.Cut(s[strings.LastIndexByte(s, '<')+1:], ">")
	return s != "" && r.id.Own("x@"+strings.ToLower(strings.TrimSpace(s)))
}

func domainOf(email string) string { return email[strings.LastIndexByte(email, '@')+1:] }

// ownForward: a colleague passes on a mail of somebody outside.
func (r *Reader) ownForward(l *letter) bool {
	for _, to := range l.to {
		if !r.id.Own(to) {
			return false // our own mail to somebody outside
		}
	}
	if l.original() == nil {
		return false
	}
	return l.forwarded || l.passage.marked || !l.replied
}

// foreignForward: somebody outside passes on a third one's mail.
func (r *Reader) foreignForward(l *letter) bool {
	o := l.original()
	if o == nil || !l.forwarded && !l.passage.marked {
		return false
	}
	return o.from.email == "" || !r.id.Own(o.from.email)
}

// scores adds up the weights of what the subject and the sender's words say.
func (r *Reader) scores(l *letter) map[lead.Class]int {
	out := map[lead.Class]int{}
	subject := normal(l.bare)
	add := func(p phrase) {
		switch c := lead.Class(p.section); c {
		case lead.ClassNewsletter, lead.ClassVendorPitch, lead.ClassJob, lead.ClassOther, lead.ClassInquiry:
			out[c] += p.weight
		}
	}
	r.class.each(normal(cut(strings.Join(l.passage.own, "\n"), 8<<10))+subject, add)
	if r.countsHeads(l.own) {
		out[lead.ClassInquiry] += 2
	}
	r.class.each(subject, func(p phrase) {
		if section, ok := strings.CutSuffix(p.section, ".subject"); ok {
			p.section = section
			add(p)
		}
	})
	return out
}

// countsHeads: the sender says how many people of theirs there are, as buyers
// do: "for about 60 people", "80 человек". Sellers count clients.
func (r *Reader) countsHeads(text string) bool {
	words := strings.Fields(normal(cut(text, 4<<10)))
	for i, word := range words {
		if digits(word) != len(word) || len(word) > 5 {
			continue
		}
		for _, next := range words[i+1 : min(len(words), i+3)] {
			if r.class.is(next+" ", "heads") {
				return true
			}
		}
	}
	return false
}

// isForm: a site has mailed what somebody filled in, and it can be read.
func (r *Reader) isForm(l *letter) bool {
	if l.header.has("In-Reply-To") || l.original() != nil && (l.forwarded || l.passage.marked) {
		return false
	}
	inSubject := r.class.has(normal(l.bare), "form.notice")
	inText := r.class.has(normal(cut(l.text, 600)), "form.notice")
	local, _, _ := strings.Cut(l.from.email, "@")
	robot := r.isRobot(l.from.email)
	maker := r.class.has(normal(l.from.name+" "+local+" "+domainOf(l.from.email)+" "+l.header.raw("X-Mailer")), "form.maker")
	if !inSubject && !inText && !robot && !maker && l.replyTo.email == "" {
		return false
	}
	fields := r.formFields(l.lines)
	if fields == nil && l.m.plain != "" && l.m.html != "" {
		fields = r.formFields(textLines(htmlText(l.m.html)))
	}
	if fields == nil {
		return false
	}
	l.fields = fields
	// A person's own mail may have such lines too, say in the signature.
	personal, answered := false, false
	for _, f := range fields {
		if email, ok := r.id.Email(f.Value); ok {
			personal = personal || email == l.from.email
			answered = answered || email == l.replyTo.email
		}
	}
	switch {
	case personal:
		return inSubject && len(fields) >= 3
	case inSubject, robot, answered:
		return true
	}
	return (maker || inText) && len(fields) >= 3
}

// isRobot: nobody sits behind the address.
func (r *Reader) isRobot(email string) bool {
	local, _, _ := strings.Cut(email, "@")
	return local != "" && r.layout.is(normal(local), "robot") || r.layout.prefix(normal(local), "robot") > 0 && robotic(local)
}

// robotic: "noreply-4711", "no-reply+abc".
func robotic(local string) bool {
	squashed := strings.NewReplacer("-", "", "_", "", ".", "").Replace(local)
	return strings.HasPrefix(squashed, "noreply") || strings.HasPrefix(squashed, "donotreply") || strings.HasPrefix(squashed, "notification") || strings.HasPrefix(squashed, "bounce")
}
