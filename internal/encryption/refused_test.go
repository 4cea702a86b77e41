package encryption_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"cxseal/cxone/sandbox"
	"cxseal/internal/alarm"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
)

// post sends a callback over HTTP as anybody could, and answers its status.
func (p *pipeline) post(run encryption.Run, body string, headers map[string]string) int {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, encryption.CallbackURL(p.hook, run.CallbackToken), strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		p.t.Error(err)
	}
	return response.StatusCode
}

func (p *pipeline) callbacksOnRecord() (records []audit.Record, alarms map[string]bool) {
	p.t.Helper()
	alarms = map[string]bool{}
	for _, r := range p.records() {
		if r.Operation != audit.KMSCallback {
			continue
		}
		records = append(records, r)
		if a, ok := alarm.FromRecord(r); ok {
			alarms[a.Dedupe] = true
		}
	}
	return records, alarms
}

// A stranger who has found a run's URL can neither shut the right callback out nor
// fill the ledger and the disk, nor raise a hundred alarms.
func TestForgedCallbacksNeverShutTheRightOneOut(t *testing.T) {
	for _, signed := range []bool{true, false} {
		t.Run(fmt.Sprintf("signed=%v", signed), func(t *testing.T) {
			cfg := sandbox.Config{}
			if signed {
				cfg.KMSSecret = secret
			}
			p := newPipeline(t, cfg)
			p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: -1})
			p.start()
			run := p.in(p.launch(requestFor("ssn")).ID, encryption.Verifying)
			forged := map[string]string{"webhook-id": "msg_x", "webhook-timestamp": fmt.Sprint(p.now().Unix()), "webhook-signature": "v1,AAAA"}
			want := http.StatusUnauthorized
			body := strings.Repeat("x", 60<<10)
			if !signed {
				want = http.StatusBadRequest
			}
			for i := range 130 {
				if got := p.post(run, fmt.Sprint(i, body), forged); got != want {
					t.Fatalf("forged callback %d: %d, want %d", i, got, want)
				}
			}
			if answer := p.confirm(run); answer.Status != http.StatusOK {
				t.Errorf("the right callback is answered %d %s", answer.Status, answer.Body)
			}
			p.in(run.ID, encryption.Verified)

			records, alarms := p.callbacksOnRecord()
			if len(records) != 16+1+1 { // kept one by one, the count at 100, the right one
				t.Errorf("%d records, want 18", len(records))
			}
			if len(alarms) != 1 {
				t.Errorf("%d alarms: %v", len(alarms), alarms)
			}
			stored := 0
			kept, err := p.store.RunVerifications(t.Context(), run.ID)
			if err != nil || len(kept) != 17 {
				t.Errorf("%d callbacks are kept, %v", len(kept), err)
			}
			for _, v := range kept {
				stored += len(v.Body)
			}
			if stored > 16*(4<<10)+1024 {
				t.Errorf("%d bytes of their bodies are kept", stored)
			}
			if counted := records[len(records)-2]; !strings.Contains(counted.Detail, "100 callbacks of this run") {
				t.Errorf("the count says %q", counted.Detail)
			}
		})
	}
}

// Without a secret a forger can have a callback judged: the wrong ones reject
// the run once, are kept a few times, and the right one still counts.
func TestWrongCallbacksAreBoundedTooAndTheRightOneStillCounts(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: -1})
	p.start()
	run := p.in(p.launch(requestFor("ssn")).ID, encryption.Verifying)
	wrong := strings.Replace(confirmation, "AES-256-GCM", "AES-128-CBC", 1)
	for i := range 110 {
		if got := p.post(run, wrong+strings.Repeat(" ", i), nil); got != http.StatusUnprocessableEntity {
			t.Fatalf("wrong callback %d: %d", i, got)
		}
	}
	p.in(run.ID, encryption.Rejected)
	if records, alarms := p.callbacksOnRecord(); len(records) != 8 || len(alarms) != 1 {
		t.Errorf("%d records and %d alarms", len(records), len(alarms))
	}
	for i := range 20 { // right, each time other bytes
		if got := p.post(run, confirmation+strings.Repeat(" ", i), nil); got != http.StatusOK {
			t.Fatalf("right callback %d: %d", i, got)
		}
	}
	p.final(p.in(run.ID, encryption.Verified))
	if records, _ := p.callbacksOnRecord(); len(records) != 16 {
		t.Errorf("%d records", len(records))
	}
}

// What is kept counts after a restart too: the bound is the run's, not the
// process's.
func TestTheBoundOutlivesARestart(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: -1})
	p.start()
	run := p.in(p.launch(requestFor("ssn")).ID, encryption.Verifying)
	for range 2 {
		for range 20 {
			p.post(run, "{", nil)
		}
		p.stop()
		p.Service = p.newService()
		p.start()
	}
	if kept, err := p.store.RunVerifications(t.Context(), run.ID); err != nil || len(kept) != 16 {
		t.Errorf("%d are kept, %v", len(kept), err)
	}
}

// A twin of a signed callback is one that was signed: an unsigned copy of a
// stored callback, from before the secret was set, does not hand out its answer.
func TestAnUnsignedTwinIsNotASignedOnesReplay(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: -1})
	p.start()
	run := p.in(p.launch(requestFor("ssn")).ID, encryption.Verifying)
	p.confirm(run)
	run = p.in(run.ID, encryption.Verified)
	p.conn.KMSSecrets = []string{secret}
	p.confirm(run)
	kept, err := p.store.RunVerifications(t.Context(), run.ID)
	if err != nil || len(kept) != 2 || kept[0].Signed || !kept[1].Signed {
		t.Errorf("kept %+v, %v: the signed confirmation took the unsigned one's place", kept, err)
	}
}

// A secret that can be guessed signs nothing, wherever it came from.
func TestAnEmptySecretSignsNothing(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: -1})
	p.start()
	run := p.in(p.launch(requestFor("ssn")).ID, encryption.Verifying)
	for _, weak := range []string{"whsec_QQ==", "whsec_"} {
		p.conn.KMSSecrets = []string{weak}
		if answer := p.confirm(run); answer.Status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", weak, answer.Status, answer.Body)
		}
	}
}
