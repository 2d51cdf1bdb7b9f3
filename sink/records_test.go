package sink_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"leadd/lead"
)

var epoch = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// scoredRecord is the record of the i-th contact: of one of a few prospects,
// with a line or two in its ledger, and now and then a promotion.
func scoredRecord(i int, scores map[string]int) lead.Scored {
	prospect := fmt.Sprintf("p%d.example", i%7)
	days := i % 90
	at := epoch.Add(time.Duration(i) * time.Minute)
	s := lead.Scored{
		Contact: lead.Contact{
			ID: lead.ContactID("test", fmt.Sprint(i)), Prospect: prospect, Source: "website",
			Kind: lead.KindForm, Class: lead.ClassInquiry, At: at, Received: time.Now().UTC().Truncate(time.Millisecond),
			Person:  lead.Person{Email: fmt.Sprintf("ada@%s", prospect), Name: "Ada", Phone: "+4930123456", Title: "CEO"},
			Company: lead.Company{Name: strings.ToUpper(prospect), Domain: prospect},
			Campaign: lead.Campaign{
				Source: "google", Medium: "cpc", Name: "spring", Term: "crm", Content: "a", Landing: "/x", Referrer: "https://r.example",
			},
			Subject: "Licences", Text: fmt.Sprintf("We need %d licences. ", i) + strings.Repeat("Please send us your offer by June. ", 8),
			Fields:    []lead.Field{{Name: "Budget (USD)", Key: "budget", Value: "50,000"}, {Name: "Wann?", Key: "timeline", Value: "Juni"}},
			MessageID: fmt.Sprintf("m%d@x", i), InReplyTo: "n@x", Attachments: []string{"a.pdf", "b.pdf"},
		},
		Offset: int64(10 + 2*i), AsOf: at,
		Findings: []lead.Finding{
			{Criterion: "timeline", Words: "by June", Place: "text", Start: 22, Days: &days},
			{Criterion: "budget", Words: "50,000", Place: "field:budget", Amount: 50000, Currency: "USD"},
		},
	}
	v := lead.Verdict{
		Product: "default", Criteria: "default-1", Stage: lead.StageContact,
		Reasons: []lead.Reason{{Criterion: "need", Points: 1 + i%5, Evidence: "We need licences", Contact: lead.ContactID("test", fmt.Sprint(i)), Person: "Ada", At: at}},
	}
	if i%2 == 0 {
		v.Reasons = append(v.Reasons, lead.Reason{Criterion: "engagement:mail", Points: -1, Contact: s.Contact.ID, At: at})
	}
	for _, r := range v.Reasons {
		scores[prospect] += r.Points
	}
	v.Score = scores[prospect]
	if i >= 7 {
		v.Stage = lead.StageLead
	}
	if i >= 7 && i < 14 {
		v.Changes = []lead.StageChange{{From: lead.StageContact, To: lead.StageLead, At: at, Rule: "met(need)", Evidence: "need"}}
	}
	s.Verdicts = []lead.Verdict{v}
	if i%3 == 0 { // another product that has an opinion now and then
		s.Verdicts = append(s.Verdicts, lead.Verdict{Product: "other", Criteria: "other-2", Stage: lead.StageOpportunity, Score: 7})
	}
	return s
}

func encode[T lead.Value](t testing.TB, v T) []byte {
	t.Helper()
	b, err := lead.Encode(&v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// scoredRecords makes n records.
func scoredRecords(t testing.TB, n int) [][]byte {
	t.Helper()
	scores := map[string]int{}
	values := make([][]byte, n)
	for i := range values {
		values[i] = encode(t, scoredRecord(i, scores))
	}
	return values
}

// checkStored fails unless the tables hold the first n contacts of
// scoredRecord, from partition 0, once each and with all they did, but for the
// rows of table contacts that are missing.
func checkStored(t testing.TB, db driver.Conn, n int, missing ...int) {
	t.Helper()
	checkPartition(t, db, 0, n, missing...)
	if got, want := query[uint64](t, db, "SELECT uniqExact(key) FROM prospects"), query[uint64](t, db, "SELECT uniqExact(prospect) FROM contacts"); got != want {
		t.Errorf("%d prospects, want %d", got, want)
	}
	if len(missing) > 0 {
		return // the newest score may be among them
	}
	const unexplained = `SELECT count() FROM prospects AS p LEFT JOIN
		(SELECT prospect, product, sum(points) AS points FROM reasons GROUP BY prospect, product) AS r
		ON r.prospect = p.key AND r.product = p.product WHERE p.product = 'default' AND p.score != r.points`
	if got := query[uint64](t, db, unexplained); got != 0 {
		t.Errorf("%d prospects have scores that their reasons do not add up to", got)
	}
}

// checkPartition is checkStored for the rows of one partition among others.
func checkPartition(t testing.TB, db driver.Conn, partition, n int, missing ...int) {
	t.Helper()
	scores := map[string]int{}
	verdicts, reasons, changes := 0, 0, 0
	var want []string
	for i := range n {
		s := scoredRecord(i, scores)
		if !slices.Contains(missing, i) {
			want = append(want, fmt.Sprint(s.Contact.ID, " ", s.Offset))
		}
		for _, v := range s.Verdicts {
			verdicts++
			reasons += len(v.Reasons)
			changes += len(v.Changes)
		}
	}
	got := query[[]string](t, db, `SELECT groupArray(line) FROM
		(SELECT concat(id, ' ', toString(kafka_offset)) AS line FROM contacts WHERE kafka_partition = ? ORDER BY kafka_offset)`, partition)
	if !slices.Equal(got, want) {
		t.Errorf("%d contacts, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for _, tc := range []struct {
		sql  string
		want int
	}{
		{"SELECT count() FROM scores WHERE kafka_partition = ?", verdicts},
		{"SELECT uniqExact(product, kafka_offset) FROM scores WHERE kafka_partition = ?", verdicts},
		{"SELECT count() FROM reasons WHERE kafka_partition = ?", reasons},
		{"SELECT uniqExact(prospect, product, kafka_offset, line) FROM reasons WHERE kafka_partition = ?", reasons},
		{"SELECT count() FROM stage_changes WHERE kafka_partition = ?", changes},
		{"SELECT uniqExact(kafka_offset) FROM stage_changes WHERE kafka_partition = ?", changes},
	} {
		if got := query[uint64](t, db, tc.sql, partition); got != uint64(tc.want) {
			t.Errorf("%s: %d, want %d", tc.sql, got, tc.want)
		}
	}
}

func deadRecord(i int) lead.DeadLetter {
	return lead.DeadLetter{
		ID: lead.ContactID("dead", fmt.Sprint(i)), At: epoch.Add(time.Duration(i) * time.Second), Stage: "ingest", Source: "website",
		Reason: "no address", Origin: "192.0.2.1", Raw: []byte{0, 1, 0xff, byte(i)}, Truncated: i%2 == 0,
	}
}

func deadRecords(t testing.TB, first, n int) [][]byte {
	t.Helper()
	values := make([][]byte, n)
	for i := range values {
		values[i] = encode(t, deadRecord(first+i))
	}
	return values
}
