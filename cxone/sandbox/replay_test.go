package sandbox_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
)

func TestTheSameKeyGivesTheSameAnswerAndNoSecondChange(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	body := encode(t, asking(unheard, "ssn"))
	first := tn.patch("key", body)
	contains(t, first, 200)
	if first.header.Get("Idempotent-Replayed") != "" {
		t.Fatal("the first answer calls itself a replay")
	}
	again := tn.patch("key", body)
	if again.status != 200 || again.body != first.body || again.header.Get("Idempotent-Replayed") != "true" {
		t.Fatalf("replay: %d %v %s", again.status, again.header, again.body)
	}
	contains(t, tn.patch("key", encode(t, asking(unheard, "credit_card"))), 422, "key")
	other := "/api/v2/datastores/ds-customers/tables/tbl-other"
	contains(t, tn.do(tn.patchRequest(other, "key", body)), 422, "key")
	if tn.commits() != 1 || tn.columnOf("credit_card").Encrypted || tn.Stats().Replayed != 1 {
		t.Fatalf("stats %+v", tn.Stats())
	}
	contains(t, tn.patch("key2", body), 200)
	if tn.commits() != 2 {
		t.Fatal("a new key is a new request")
	}
}

func TestARefusalIsReplayedToo(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	body := encode(t, asking(unheard, "nothing"))
	contains(t, tn.patch("key", body), 400)
	g := tn.patch("key", body)
	contains(t, g, 400)
	if g.header.Get("Idempotent-Replayed") != "true" {
		t.Fatal("not replayed")
	}
}

// A retry may come hours later, when nextRotationEpoch has passed.
func TestAReplayOutlivesItsRotationDateAndEndsAfterADay(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	body := encode(t, asking(unheard, "ssn"))
	contains(t, tn.patch("key", body), 200)
	tn.Advance(24 * time.Hour)
	tn.token = tn.newToken(allScope)
	if g := tn.patch("key", body); g.header.Get("Idempotent-Replayed") != "true" {
		t.Fatalf("not replayed: %s", g.body)
	}
	tn.Advance(time.Second)
	tn.token = tn.newToken(allScope)
	if g := tn.patch("key", body); g.header.Get("Idempotent-Replayed") != "" || tn.commits() != 2 {
		t.Fatal("a key is remembered for ever")
	}
}

func TestTheSameKeyInFlightIsAConflict(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	tn.Fail(sandbox.Fault{Kind: sandbox.FaultLatency, Endpoint: sandbox.EndpointEncrypt, LatencyMs: 600_000})
	body := encode(t, asking(unheard, "ssn"))
	var slow got
	var wg sync.WaitGroup
	wg.Go(func() { slow, _ = tn.try(tn.patchRequest(contacts, "key", body)) })
	eventually(t, func() bool { return tn.Stats().UnderWay == 1 })
	contains(t, tn.patch("key", body), 409, "in flight")
	if tn.commits() != 0 {
		t.Fatal("two requests of one key were under way")
	}
	tn.Close() // ends the latency
	wg.Wait()
	contains(t, slow, 200)
	if g := tn.patch("key", body); g.header.Get("Idempotent-Replayed") != "true" || tn.commits() != 1 {
		t.Fatalf("%d commits; %s", tn.commits(), g.body)
	}
}

func TestATenantThatForgetsKeysChangesTwice(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	if err := tn.Configure(func(s *sandbox.Settings) { s.NoReplay = true }); err != nil {
		t.Fatal(err)
	}
	body := encode(t, asking(unheard, "ssn"))
	tn.patch("key", body)
	if g := tn.patch("key", body); g.status != 200 || !strings.Contains(g.body, `"keyVersion":2`) || tn.commits() != 2 {
		t.Fatalf("%d %s", tn.commits(), g.body)
	}
}

// Racing copies of one request must add up to one change.
func TestRacingRetriesMakeOneChange(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	body := encode(t, asking(unheard, "ssn"))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			g, err := tn.try(tn.patchRequest(contacts, "key", body))
			if err != nil || g.status != 200 && g.status != 409 {
				t.Errorf("%v %d %s", err, g.status, g.body)
			}
		})
	}
	wg.Wait()
	if tn.commits() != 1 || tn.columnOf("ssn").KeyVersion() != 1 {
		t.Fatalf("%d commits", tn.commits())
	}
}
