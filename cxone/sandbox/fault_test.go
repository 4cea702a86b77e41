package sandbox_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
)

func TestAConnectionDroppedBeforeTheCommitChangesNothing(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	body := encode(t, asking(unheard, "ssn"))
	contains(t, tn.get(contacts), 200) // so that the connection is a reused one
	tn.Fail(sandbox.Fault{Kind: sandbox.FaultDropBefore, Endpoint: sandbox.EndpointEncrypt})
	if g, err := tn.try(tn.patchRequest(contacts, "key", body)); err == nil {
		t.Fatalf("an answer came: %s", g.body)
	}
	if tn.commits() != 0 {
		t.Fatal("it was committed")
	}
	g := tn.patch("key", body)
	if g.status != 200 || g.header.Get("Idempotent-Replayed") != "" || tn.commits() != 1 {
		t.Fatalf("the retry: %d %v", g.status, g.header)
	}
}

func TestAConnectionDroppedAfterTheCommitHasChangedEverything(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	body := encode(t, asking(unheard, "ssn"))
	contains(t, tn.get(contacts), 200)
	tn.Fail(sandbox.Fault{Kind: sandbox.FaultDropAfter, Endpoint: sandbox.EndpointEncrypt})
	if g, err := tn.try(tn.patchRequest(contacts, "key", body)); err == nil {
		t.Fatalf("an answer came: %s", g.body)
	}
	if tn.commits() != 1 || !tn.columnOf("ssn").Encrypted {
		t.Fatal("it was not committed")
	}
	g := tn.patch("key", body)
	if g.status != 200 || g.header.Get("Idempotent-Replayed") != "true" || tn.commits() != 1 {
		t.Fatalf("the retry: %d %v", g.status, g.header)
	}
}

func TestA500AfterTheCommitLies(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	tn.Fail(sandbox.Fault{Kind: sandbox.FaultStatusAfter, Endpoint: sandbox.EndpointEncrypt, Status: 500})
	contains(t, tn.patch("key", encode(t, asking(unheard, "ssn"))), 500)
	if tn.commits() != 1 {
		t.Fatal("it was not committed")
	}
}

func TestAFaultStrikesItsEndpointItsTimes(t *testing.T) {
	tn := start(t, sandbox.Config{})
	tn.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Endpoint: sandbox.EndpointTable, Status: 503, Times: 2, RetryAfter: 7})
	contains(t, tn.get(contacts+"/indexes"), 200)
	for range 2 {
		g := tn.get(contacts)
		contains(t, g, 503)
		if g.header.Get("Retry-After") != "7" {
			t.Fatalf("Retry-After %q", g.header.Get("Retry-After"))
		}
	}
	contains(t, tn.get(contacts), 200)

	tn.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 502, Times: -1, Body: "<h1>Bad gateway</h1>"})
	for _, path := range []string{contacts, contacts + "/indexes", "/api/v2/datastores", "/.well-known/openid-configuration"} {
		g := tn.get(path)
		contains(t, g, 502, "<h1>")
		if g.header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Fatal(g.header)
		}
	}
	if g := tn.do(tn.tokenRequest(allScope)); g.status != 502 {
		t.Fatal("any leaves the token out")
	}
	contains(t, tn.control("DELETE", "/faults", ""), 200, `"faults":[]`)
	contains(t, tn.get(contacts), 200)
}

func TestRetryAfterAlsoComesAsADate(t *testing.T) {
	tn := start(t, sandbox.Config{})
	tn.Advance(time.Hour)
	tn.token = tn.newToken(allScope)
	contains(t, tn.control("POST", "/faults", `{"kind":"status","endpoint":"table","status":429,"retryAfter":5,"retryAfterDate":true}`), 200)
	g := tn.get(contacts)
	contains(t, g, 429)
	at, err := http.ParseTime(g.header.Get("Retry-After"))
	if err != nil || !at.Equal(noon.Add(time.Hour+5*time.Second)) {
		t.Fatalf("Retry-After %q", g.header.Get("Retry-After"))
	}
	if date, err := http.ParseTime(g.header.Get("Date")); err != nil || !date.Equal(noon.Add(time.Hour)) {
		t.Fatalf("Date %q is not the tenant's", g.header.Get("Date"))
	}
	if tn.Stats().Throttled != 1 {
		t.Fatal("not counted")
	}
}

func TestLatencyIsSpent(t *testing.T) {
	tn := start(t, sandbox.Config{Latency: 20 * time.Millisecond})
	tn.Fail(sandbox.Fault{Kind: sandbox.FaultLatency, Endpoint: sandbox.EndpointTable, LatencyMs: 30})
	began := time.Now()
	contains(t, tn.get(contacts), 200)
	if spent := time.Since(began); spent < 50*time.Millisecond {
		t.Fatalf("took %v", spent)
	}
}

func TestAClientAboveItsRateIsToldWhenToComeBack(t *testing.T) {
	now := noon
	tn := start(t, sandbox.Config{Rate: 0.5, Burst: 3, Now: func() time.Time { return now }})
	for range 3 {
		contains(t, tn.get(contacts), 200)
	}
	g := tn.get(contacts)
	contains(t, g, 429, "too many requests")
	if n, err := strconv.Atoi(g.header.Get("Retry-After")); err != nil || n != 2 {
		t.Fatalf("Retry-After %q", g.header.Get("Retry-After"))
	}
	tn.newToken(allScope) // the token endpoint has no limit
	contains(t, tn.control("POST", "/settings", `{"retryAfterDate":true}`), 200)
	if _, err := http.ParseTime(tn.get(contacts).header.Get("Retry-After")); err != nil {
		t.Fatal(err)
	}
	tn.Advance(time.Hour) // moving the tenant's clock frees nobody
	tn.token = tn.newToken(allScope)
	contains(t, tn.get(contacts), 429)
	now = now.Add(2 * time.Second)
	contains(t, tn.get(contacts), 200)
	contains(t, tn.get(contacts), 429)
	st := tn.Stats()
	if st.Throttled != 4 || st.Requests[sandbox.EndpointTable] != 8 || st.Requests[sandbox.EndpointToken] != 3 {
		t.Fatalf("%+v", st)
	}
	contains(t, tn.control("POST", "/settings", `{"rate":0}`), 200)
	for range 10 {
		contains(t, tn.get(contacts), 200)
	}
}
