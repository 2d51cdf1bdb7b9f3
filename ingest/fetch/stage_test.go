package fetch_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"leadd/ingest/fetch"
	"leadd/lead"
)

// These tests run in synctest's time: days pass at once, and a wait that is
// too short or too long shows.

func TestNoticesBecomeContacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, c := newKafka(), &claim{offset: -1}
		api := &vendor{answer: func(path, _ string, _ int) response { return metaLead(path) }}
		b := newBench(t, k, api, sources()...)
		k.put(t, metaNotice(0), lead.Notice{ID: "x", Source: "crm", Sender: "hubspot", What: "contact", Object: "1"}, metaNotice(1), lead.Notice{ID: "y", Source: "gone", Sender: "meta", What: "lead", Object: "1"})
		stop := b.start(t, "ads", c)
		time.Sleep(time.Second)
		synctest.Wait()
		contacts, dead := k.state()
		if len(contacts) != 2 || len(dead) != 0 || c.at() != 4 || len(api.requests("")) != 2 {
			t.Errorf("%d contacts, %d dead letters, committed %d, %d requests", len(contacts), len(dead), c.at(), len(api.requests("")))
		}
		if b.value(t, "leadd_fetch_contacts_total", "ads") != 2 || b.value(t, "leadd_fetch_waiting_records", "ads") != 0 || b.value(t, "leadd_fetch_lag_records", "0", "ads") != 0 {
			t.Error("not counted")
		}
		stop()
	})
}

// A try every now and then, with longer and longer pauses; then it works.
func TestFailuresAreTriedAgain(t *testing.T) {
	for name, first := range map[string]response{
		"5xx":        {status: 502, body: "<html>"},
		"cut":        {err: errors.New("connection reset by peer")},
		"no JSON":    {status: 200, body: "<html>maintenance</html>"},
		"a redirect": {status: 302, header: []string{"Location", "https://elsewhere.example/"}},
		"passing":    {status: 500, body: `{"error":{"code":2,"is_transient":true}}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, c := newKafka(), &claim{}
				api := &vendor{answer: func(path, _ string, nth int) response {
					if path == "/v25.0/1000" && nth <= 5 || nth == 1 {
						return first
					}
					return metaLead(path)
				}}
				b := newBench(t, k, api, sources()...)
				k.put(t, metaNotice(0))
				stop := b.start(t, "ads", c)
				time.Sleep(2 * time.Second)
				synctest.Wait()
				if trouble := b.Trouble("ads"); trouble == "" || strings.Contains(trouble, "1000") || strings.Contains(trouble, "meta-token") {
					t.Errorf("trouble %q", trouble)
				}
				if b.value(t, "leadd_fetch_stopped", "ads") != 1 || c.at() != 0 {
					t.Errorf("committed %d", c.at())
				}
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				if contacts, dead := k.state(); len(contacts) != 1 || len(dead) != 0 || b.Trouble("ads") != "" || c.at() != 1 {
					t.Errorf("%d contacts, %d dead letters, trouble %q, committed %d", len(contacts), len(dead), b.Trouble("ads"), c.at())
				}
				requests := api.requests("")
				for i := 2; i < len(requests); i++ {
					if before, now := requests[i-1].at.Sub(requests[i-2].at), requests[i].at.Sub(requests[i-1].at); now < before {
						t.Errorf("pause %v after %v", now, before)
					}
				}
				if len(requests) != 6 {
					t.Errorf("%d requests", len(requests))
				}
				// What fails later has a short pause again.
				k.put(t, metaNotice(1))
				time.Sleep(4 * time.Second)
				synctest.Wait()
				if contacts, _ := k.state(); len(contacts) != 2 {
					t.Errorf("%d contacts, %d requests", len(contacts), len(api.requests("")))
				}
				stop()
			})
		})
	}
}

// Nobody asks again before the API wants to be asked.
func TestLimitsAreKept(t *testing.T) {
	for name, tc := range map[string]struct {
		source  string
		first   response
		atLeast time.Duration
		atMost  time.Duration
	}{
		"HubSpot, seconds":    {"crm", response{status: 429, header: []string{"Retry-After", "600"}, body: testdata(t, "hubspot-limit.json")}, 10 * time.Minute, 13 * time.Minute},
		"HubSpot, not said":   {"crm", response{status: 429, body: testdata(t, "hubspot-limit.json")}, 2 * time.Second, 10 * time.Second},
		"LinkedIn":            {"posts", response{status: 429, header: []string{"Retry-After", "30"}, body: `{"status":429}`}, 30 * time.Second, time.Minute},
		"away for a while":    {"posts", response{status: 503, header: []string{"Retry-After", "120"}}, 2 * time.Minute, 3 * time.Minute},
		"Meta's code":         {"ads", response{status: 400, header: []string{"X-Business-Use-Case-Usage", `{"1":[{"type":"leadgen","call_count":100,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":19}]}`}, body: testdata(t, "meta-limit.json")}, 19 * time.Minute, 23 * time.Minute},
		"Meta's code, so far": {"ads", response{status: 400, body: `{"error":{"code":4}}`}, 2 * time.Second, 10 * time.Second},
		"nearly, Meta":        {"ads", response{status: 200, header: []string{"X-App-Usage", `{"call_count":95,"total_time":20,"total_cputime":3}`}, body: `{"field_data":[{"name":"email","values":["a@acme.example"]}]}`}, time.Minute, 61 * time.Second},
		"none left, HubSpot":  {"crm", response{status: 200, header: []string{"X-HubSpot-RateLimit-Remaining", "0", "X-HubSpot-RateLimit-Interval-Milliseconds", "10000"}, body: `{"properties":{"email":"a@acme.example"}}`}, 10 * time.Second, 11 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n atomic.Int64
				api := &vendor{answer: func(string, string, int) response {
					if n.Add(1) == 1 {
						return tc.first
					}
					return response{status: 200, body: `{"properties":{"email":"a@acme.example"},"field_data":[{"name":"email","values":["a@acme.example"]}],"formResponse":{"answers":[{"questionId":1,"answerDetails":{"textQuestionAnswer":{"answer":"a@acme.example"}}}]}}`}
				}}
				k, c := newKafka(), &claim{}
				b := newBench(t, k, api, sources()...)
				notice := func(id string) lead.Notice {
					sender := map[string]string{"ads": "meta", "posts": "linkedin", "crm": "hubspot"}[tc.source]
					return lead.Notice{ID: id, Source: tc.source, Sender: sender, What: "contact", Object: id, At: at, Received: at}
				}
				k.put(t, notice("1"))
				stop := b.start(t, tc.source, c)
				time.Sleep(100 * time.Millisecond)
				synctest.Wait()
				for i := range 20 { // others wait as well
					k.put(t, notice(fmt.Sprint(2+i)))
				}
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				requests := api.requests("")
				if pause := requests[1].at.Sub(requests[0].at); pause < tc.atLeast || pause > tc.atMost {
					t.Errorf("pause of %v", pause)
				}
				if contacts, dead := k.state(); len(contacts) != 21 || len(dead) != 0 || c.at() != 21 {
					t.Errorf("%d contacts, %d dead letters, committed %d", len(contacts), len(dead), c.at())
				}
				stop()
			})
		})
	}
}

// A refused token stops its source, which tries now and then with one request;
// the others go on. With another token, after a restart, nothing is lost.
func TestARefusedTokenStopsItsSourceOnly(t *testing.T) {
	for name, refusal := range map[string]response{
		"401":             {status: 401, body: testdata(t, "hubspot-token.json")},
		"401 of LinkedIn": {status: 401, body: testdata(t, "linkedin-token.json")},
		"403":             {status: 403, body: `{"category":"MISSING_SCOPES"}`},
		"Meta's code 190": {status: 400, body: testdata(t, "meta-token.json")},
		"Meta's code 200": {status: 403, body: `{"error":{"code":200}}`},
		"an old version":  {status: 426, body: `{"code":"NONEXISTENT_VERSION"}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &vendor{answer: func(path, token string, _ int) response {
					switch {
					case strings.HasPrefix(path, "/crm/"):
						return response{status: 200, body: `{"properties":{"email":"a@acme.example"}}`}
					case token != "new":
						return refusal
					}
					return metaLead(path)
				}}
				k, ads, crm := newKafka(), &claim{}, &claim{}
				k.wait = 10 * time.Second
				slow := roundTripper(func() { time.Sleep(10 * time.Millisecond) }, api)
				b := newBench(t, k, slow, sources()...)
				for i := range 50 {
					k.put(t, metaNotice(i))
				}
				k.put(t, lead.Notice{ID: "c", Source: "crm", Sender: "hubspot", What: "contact", Object: "1", At: at, Received: at})
				stopAds, stopCRM := b.start(t, "ads", ads), b.start(t, "crm", crm)
				time.Sleep(3 * 24 * time.Hour)
				synctest.Wait()
				contacts, dead := k.state()
				if len(contacts) != 1 || contacts[0].Source != "crm" || len(dead) != 0 {
					t.Errorf("%d contacts, %d dead letters", len(contacts), len(dead))
				}
				if crm.at() != 51 || ads.at() != 0 {
					t.Errorf("committed %d and %d", crm.at(), ads.at())
				}
				// One in five minutes, and four at the beginning, which count as one.
				if all := api.requests("/v25.0/1000"); len(all) == 0 {
					t.Error("the first was not asked for")
				}
				var tries []asked
				for _, a := range api.requests("") {
					if !strings.HasPrefix(a.path, "/crm/") {
						tries = append(tries, a)
					}
				}
				if pause := tries[4].at.Sub(tries[3].at); tries[3].at != tries[0].at || pause < 15*time.Second || pause > 19*time.Second {
					t.Errorf("pause of %v", pause)
				}
				if pause := tries[5].at.Sub(tries[4].at); pause < 30*time.Second || pause > 37*time.Second {
					t.Errorf("then a pause of %v", pause)
				}
				if n := len(api.requests("")) - 1; n < 500 || n > 3*24*12+20 {
					t.Errorf("%d requests in three days", n)
				}
				if b.Trouble("ads") == "" || b.Trouble("crm") != "" || b.value(t, "leadd_fetch_stopped", "ads") != 1 || b.value(t, "leadd_fetch_stopped", "crm") != 0 {
					t.Errorf("trouble %q and %q", b.Trouble("ads"), b.Trouble("crm"))
				}
				if b.value(t, "leadd_fetch_requests_total", "ads", "refused") == 0 {
					t.Error("not counted")
				}
				stopAds()
				stopCRM()

				renewed := sources()
				renewed[0].API.Token = "new"
				b = newBench(t, k, api, renewed...)
				stopAds = b.start(t, "ads", ads)
				time.Sleep(15 * time.Second)
				synctest.Wait()
				if contacts, dead := k.state(); len(contacts) != 51 || len(dead) != 0 || ads.at() != 51 {
					t.Errorf("%d contacts, %d dead letters, committed %d", len(contacts), len(dead), ads.at())
				}
				stopAds()
			})
		})
	}
}

// What the API does not have, or nobody can read, becomes a dead letter with
// its reason, and what is behind it goes on.
func TestDeadLetters(t *testing.T) {
	for name, tc := range map[string]struct {
		answer response
		reason string
	}{
		"deleted":     {response{status: 404, body: `{"status":"error"}`}, "404"},
		"not for us":  {response{status: 400, body: testdata(t, "meta-gone.json")}, "deleted, or this token may not see it"},
		"too large":   {response{status: 200, body: `{"field_data":"` + strings.Repeat("x", 1<<20) + `"}`}, "more than 1 MiB"},
		"other shape": {response{status: 200, body: `{"field_data":"x"}`}, "not what its documentation says"},
		"no answers":  {response{status: 200, body: `{"field_data":[]}`}, "without any answer"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &vendor{answer: func(path, _ string, _ int) response {
					if path == "/v25.0/1000" {
						return tc.answer
					}
					return metaLead(path)
				}}
				k, c := newKafka(), &claim{}
				k.away = 3
				b := newBench(t, k, api, sources()...)
				k.put(t, metaNotice(0), metaNotice(1))
				stop := b.start(t, "ads", c)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				contacts, dead := k.state()
				if len(contacts) != 1 || len(dead) != 1 || c.at() != 2 {
					t.Fatalf("%d contacts, %d dead letters, committed %d", len(contacts), len(dead), c.at())
				}
				d := dead[0]
				if d.Stage != "ingest" || d.Source != "ads" || d.Origin != "leadd.notices/0@0" || !strings.Contains(d.Reason, tc.reason) || string(d.Raw) != string(k.records[0].Value) {
					t.Errorf("%+v", d)
				}
				if len(api.requests("/v25.0/1000")) != 1 || b.Trouble("ads") != "" {
					t.Errorf("%d requests, trouble %q", len(api.requests("/v25.0/1000")), b.Trouble("ads"))
				}
				stop()
			})
		})
	}
}

// An answer that makes its reader panic costs its notice only: the others
// still find a way through the gate.
func TestPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const panicking = 20
		api := &vendor{answer: func(path, _ string, _ int) response {
			if path < "/v25.0/1020" {
				panic("nobody thought of this answer")
			}
			return metaLead(path)
		}}
		k, c := newKafka(), &claim{}
		b := newBench(t, k, api, sources()...)
		for n := range panicking + 3 {
			k.put(t, metaNotice(n))
		}
		stop := b.start(t, "ads", c)
		time.Sleep(time.Minute)
		synctest.Wait()
		contacts, dead := k.state()
		if len(contacts) != 3 || len(dead) != panicking || c.at() != panicking+3 {
			t.Errorf("%d contacts, %d dead letters, committed %d", len(contacts), len(dead), c.at())
		}
		stop()
	})
}

// Garbage is buried once, by whichever source comes first by name.
func TestPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &vendor{answer: func(path, _ string, _ int) response { return metaLead(path) }}
		k := newKafka()
		b := newBench(t, k, api, sources()...)
		k.putRaw([]byte("\x00\xff garbage"))
		k.putRaw([]byte(`{"v":2,"id":"x"}`))
		k.putRaw([]byte(`{"v":1,"id":"","source":"ads"}`))
		other := metaNotice(7)
		other.Sender = "linkedin"
		k.put(t, other, metaNotice(0))
		for _, source := range b.Sources() {
			defer b.start(t, source, &claim{})()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		contacts, dead := k.state()
		if len(contacts) != 1 || len(dead) != 4 {
			t.Fatalf("%d contacts, %+v", len(contacts), dead)
		}
		slices.SortFunc(dead, func(a, b lead.DeadLetter) int { return strings.Compare(a.Origin, b.Origin) })
		if dead[0].Source != lead.TopicNotices || dead[3].Source != "ads" || !strings.Contains(dead[3].Reason, "preset") {
			t.Errorf("%+v", dead)
		}
	})
}

// A notice that fails for a day, while others come through, is given up; so is
// one whose token is refused for it alone. Behind them nothing waits.
func TestGivenUpAfterADay(t *testing.T) {
	for name, bad := range map[string]response{"5xx": {status: 500}, "403": {status: 403}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &vendor{answer: func(path, _ string, _ int) response {
					if path == "/v25.0/1000" {
						return bad
					}
					return metaLead(path)
				}}
				k, c := newKafka(), &claim{}
				b := newBench(t, k, api, sources()...)
				k.put(t, metaNotice(0))
				stop := b.start(t, "ads", c)
				defer stop()
				for i := range 23 {
					k.put(t, metaNotice(1+i))
					time.Sleep(time.Hour)
					synctest.Wait()
				}
				if contacts, dead := k.state(); len(contacts) != 23 || len(dead) != 0 || c.at() != 0 {
					t.Errorf("before: %d contacts, %d dead letters, committed %d", len(contacts), len(dead), c.at())
				}
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				if contacts, dead := k.state(); len(contacts) != 23 || len(dead) != 1 || c.at() != 24 {
					t.Errorf("after: %d contacts, %d dead letters, committed %d", len(contacts), len(dead), c.at())
				}
			})
		})
	}
}

// What waits is bounded, and is all fetched in the end; several requests are
// under way at once, but not many.
func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		var healthy atomic.Bool
		api := &vendor{}
		slow := roundTripper(func() {
			n := now.Add(1)
			for m := most.Load(); n > m; m = most.Load() {
				most.CompareAndSwap(m, n)
			}
			time.Sleep(50 * time.Millisecond)
			now.Add(-1)
		}, api)
		api.answer = func(path, _ string, _ int) response {
			if !healthy.Load() {
				return response{status: 503}
			}
			return metaLead(path)
		}
		k, c := newKafka(), &claim{}
		b := newBench(t, k, slow, sources()...)
		const all = 2 * fetch.MaxUnderWay
		for i := range all {
			k.put(t, metaNotice(i))
		}
		stop := b.start(t, "ads", c)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := b.value(t, "leadd_fetch_waiting_records", "ads"); n != fetch.MaxUnderWay {
			t.Errorf("%v wait", n)
		}
		if n := len(api.requests("")); n > 60 {
			t.Errorf("%d requests in ten minutes, to an API that is away", n)
		}
		healthy.Store(true)
		most.Store(0)
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if contacts, dead := k.state(); len(contacts) != all || len(dead) != 0 || c.at() != all {
			t.Errorf("%d contacts, %d dead letters, committed %d", len(contacts), len(dead), c.at())
		}
		if most.Load() != 4 {
			t.Errorf("%d requests at once", most.Load())
		}
		stop()
	})
}

// Killed at any moment and begun anew, each notice is a contact, and has one
// id however often.
func TestRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &vendor{answer: func(path, _ string, nth int) response {
			if nth%3 == 1 {
				return response{status: 500}
			}
			return metaLead(path)
		}}
		k, c := newKafka(), &claim{}
		for i := range 20 {
			k.put(t, metaNotice(i), metaNotice(i)) // delivered twice as well
		}
		for range 30 {
			stop := newBench(t, k, api, sources()...).start(t, "ads", c)
			time.Sleep(700 * time.Millisecond)
			stop()
		}
		b := newBench(t, k, api, sources()...)
		stop := b.start(t, "ads", c)
		time.Sleep(time.Hour)
		synctest.Wait()
		stop()
		contacts, dead := k.state()
		ids := map[string]string{}
		for _, contact := range contacts {
			if email, seen := ids[contact.ID]; seen && email != contact.Person.Email {
				t.Errorf("%s has two ids", email)
			}
			ids[contact.ID] = contact.Person.Email
		}
		if len(ids) != 20 || len(dead) != 0 || c.at() != 40 {
			t.Errorf("%d contacts, %d dead letters, committed %d", len(ids), len(dead), c.at())
		}
	})
}

// After a restart only what is still open is asked for.
func TestNothingSettledIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := map[string]bool{"/v25.0/1003": true, "/v25.0/1040": true}
		api := &vendor{}
		api.answer = func(path, _ string, _ int) response {
			switch {
			case open[path]:
				return response{status: 500}
			case path == "/v25.0/1005":
				return response{status: 404}
			}
			return metaLead(path)
		}
		k, c := newKafka(), &claim{}
		k.most, k.pace = 10, time.Second
		for i := range 60 {
			k.put(t, metaNotice(i))
		}
		for range 5 {
			b := newBench(t, k, api, sources()...)
			stop := b.start(t, "ads", c)
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			k.put(t, metaNotice(len(k.records)))
			time.Sleep(10 * time.Minute)
			stop()
			for range 3 { // so short that not all is read again
				stop := b.start(t, "ads", c)
				time.Sleep(2500 * time.Millisecond)
				stop()
			}
		}
		for i := range 65 {
			path := fmt.Sprintf("/v25.0/%d", 1000+i)
			if n := len(api.requests(path)); n != 1 && !open[path] {
				t.Errorf("%s was asked for %d times", path, n)
			}
		}
		if contacts, dead := k.state(); len(contacts) != 62 || len(dead) != 1 || c.at() != 3 {
			t.Errorf("%d contacts, %d dead letters, committed %d", len(contacts), len(dead), c.at())
		}
		clear(open)
		stop := newBench(t, k, api, sources()...).start(t, "ads", c)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if contacts, dead := k.state(); len(contacts) != 64 || len(dead) != 1 || c.at() != 65 {
			t.Errorf("%d contacts, %d dead letters, committed %d", len(contacts), len(dead), c.at())
		}
		stop()
	})
}

// What Kafka takes with an offset is bounded, and comes back.
func TestMetadataFits(t *testing.T) {
	const offset = 1 << 50
	var open []int64
	for i := range int64(fetch.MaxUnderWay) {
		open = append(open, offset+i<<32) // four billion records between one and the next
	}
	metadata := fetch.Metadata(offset, open[len(open)-1]+7, open)
	if n := len(metadata); n > 4096 {
		t.Errorf("%d bytes", n)
	}
	for i := range open {
		if fetch.IsSettled(offset, metadata, open[i]) || !fetch.IsSettled(offset, metadata, open[i]+1) {
			t.Errorf("open notice %d is not known as such", i)
		}
	}
	if end := open[len(open)-1] + 7; fetch.IsSettled(offset, metadata, end) || !fetch.IsSettled(offset, metadata, offset-1) {
		t.Error("the ends are wrong")
	}
}

// A position that nobody can read is none: all is fetched, again perhaps.
func TestStrangeMetadata(t *testing.T) {
	for _, metadata := range []string{"x y", "5,?", "-1,0", ","} {
		synctest.Test(t, func(t *testing.T) {
			k, c := newKafka(), &claim{metadata: metadata}
			k.put(t, metaNotice(0), metaNotice(1))
			stop := newBench(t, k, &vendor{answer: func(path, _ string, _ int) response { return metaLead(path) }}, sources()...).start(t, "ads", c)
			time.Sleep(time.Second)
			synctest.Wait()
			if contacts, _ := k.state(); len(contacts) != 2 || c.at() != 2 {
				t.Errorf("%q: %d contacts, committed %d", metadata, len(contacts), c.at())
			}
			stop()
		})
	}
}

// What happens to one deal comes in its order, though the first takes longer.
func TestOneObjectInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &vendor{answer: func(path, _ string, nth int) response {
			if nth < 3 {
				return response{status: 500}
			}
			if strings.HasPrefix(path, "/crm/v3/objects/deals/") {
				return response{status: 200, body: `{"properties":{"dealname":"x"},"associations":{"contacts":{"results":[{"id":"1"}]}}}`}
			}
			return response{status: 200, body: `{"properties":{"email":"a@acme.example"}}`}
		}}
		k, c := newKafka(), &claim{}
		want := []string{"negotiating", "contract_out", "declined", "negotiating", "signed"}
		for i, event := range want {
			k.put(t, lead.Notice{ID: fmt.Sprint(i), Source: "crm", Sender: "hubspot", What: "deal", Object: "7", Event: event, At: at, Received: at})
		}
		stop := newBench(t, k, api, sources()...).start(t, "crm", c)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		contacts, _ := k.state()
		var got []string
		for _, c := range contacts {
			got = append(got, c.Event)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		stop()
	})
}

// A topic made anew is read from its beginning.
func TestTopicMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &vendor{answer: func(path, _ string, _ int) response { return metaLead(path) }}
		k, c := newKafka(), &claim{offset: 70}
		b := newBench(t, k, api, sources()...)
		k.put(t, metaNotice(0))
		stop := b.start(t, "ads", c)
		time.Sleep(time.Second)
		synctest.Wait()
		if contacts, _ := k.state(); len(contacts) != 1 || c.at() != 1 {
			t.Errorf("%d contacts, committed %d", len(contacts), c.at())
		}
		stop()
	})
}
