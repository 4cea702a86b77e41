package encryption_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
)

// A tenant that takes a change on and makes it later, or shows it later than it
// says, is waited for: nothing before the callback or the deadline is a failure.
func TestAChangeThatComesLaterIsWaitedFor(t *testing.T) {
	for name, f := range map[string]sandbox.Fault{
		"202, the change comes later":    {Kind: sandbox.FaultAccepted, LatencyMs: 150},
		"200, the table shows it later":  {Kind: sandbox.FaultLateTable, LatencyMs: 150},
		"202, at once":                   {Kind: sandbox.FaultAccepted, LatencyMs: 1},
		"200, the callback comes before": {Kind: sandbox.FaultLateTable, LatencyMs: 400},
	} {
		for _, operation := range []audit.Operation{audit.ColumnEncryption, audit.KeyRotation} {
			t.Run(name+" "+string(operation), func(t *testing.T) {
				h := newHouse(t, sandbox.Config{})
				h.start()
				w, commits := wish("ssn"), 1
				if operation == audit.KeyRotation {
					h.ended(h.launch(w).ID)
					w, commits = rotate("ssn"), 2
				}
				h.tenant.Fail(f)
				id := h.launch(w).ID
				if strings.Contains(name, "before") {
					run := h.in(id, encryption.Verifying)
					if answer := h.confirmVersion(run, int64(commits)); answer.Status != http.StatusOK {
						t.Errorf("the right callback is answered %d %s", answer.Status, answer.Body)
					}
				}
				run := h.ended(id)
				if run.State != encryption.Verified || run.KeyVersion != int64(commits) || run.Attempts != 1 {
					t.Fatalf("%s, key version %d, sent %d times: %s", run.State, run.KeyVersion, run.Attempts, run.ErrorMessage)
				}
				if h.commits() != commits {
					t.Errorf("%d changes, want %d", h.commits(), commits)
				}
				if r := h.final(run); r.Outcome != audit.Success || r.Metrics.FieldsEncrypted != 1 {
					t.Errorf("record %+v %+v", r, r.Metrics)
				}
				h.nobodyElse()
			})
		}
	}
}

// The ledger says neither FAILURE nor DRIFT of a change that is on its way, and
// a second try is told whose work the column is.
func TestAChangeThatNeverShowsEndsUnconfirmedAndALateOneCorrectsIt(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultAccepted, LatencyMs: 600_000})
	h.start()
	id := h.launch(wish("ssn")).ID
	h.in(id, encryption.Verifying)
	h.skew.Store(int64(2 * time.Minute))
	run := h.ended(id)
	if run.State != encryption.Unconfirmed || !strings.Contains(run.ErrorMessage, "the table did not show it") {
		t.Fatalf("%s: %s", run.State, run.ErrorMessage)
	}
	// The table contradicts a confirmation of a run that has ended.
	if answer := h.confirm(run); answer.Status != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
	if err := h.tenant.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: "encrypt", Column: "ssn"}); err != nil {
		t.Fatal(err)
	}
	second := h.ended(h.launch(wish("ssn")).ID)
	if second.State != encryption.Failed || !strings.Contains(second.ErrorMessage, "run "+id+" of this console") {
		t.Errorf("the second try is %s: %s", second.State, second.ErrorMessage)
	}
	if answer := h.confirm(run); answer.Status != http.StatusOK {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
	run = h.in(id, encryption.Verified)
	h.final(run)
	if coverage, _ := run.Coverage(); coverage.Encrypted != 1 {
		t.Errorf("the run's coverage is %+v", coverage)
	}
}

// A run that ended as failed, and whose change was made after all, is corrected
// by its callback.
func TestALateCallbackCorrectsAFailedRun(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503, Endpoint: sandbox.EndpointEncrypt, Times: -1})
	h.start()
	run := h.ended(h.launch(wish("ssn")).ID)
	if run.State != encryption.Failed {
		t.Fatal(run.State)
	}
	if answer := h.confirm(run); answer.Status != http.StatusUnprocessableEntity {
		t.Errorf("the table shows nothing, and the answer is %d %s", answer.Status, answer.Body)
	}
	if err := h.tenant.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: "encrypt", Column: "ssn"}); err != nil {
		t.Fatal(err)
	}
	if answer := h.confirm(run); answer.Status != http.StatusOK {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
	run = h.in(run.ID, encryption.Verified)
	if run.ErrorCode != "" || run.ErrorMessage != "" || run.KeyVersion != 1 {
		t.Errorf("%+v", run)
	}
	h.final(run) // one record ends the run, whatever came after
	dates, err := h.store.Ledger(t.Context(), ledgerFilter, nil, 10)
	if err != nil || len(dates) != 1 || dates[0].RunID != run.ID {
		t.Errorf("the rotation ledger has %+v, %v", dates, err)
	}
}

func TestARunThatWasNeverSentExpectsNoCallback(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	h.start()
	run := h.ended(h.launch(wish("nope")).ID)
	if answer := h.confirm(run); answer.Status != http.StatusConflict {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
	if run, err := h.store.Run(t.Context(), run.ID); err != nil || run.State != encryption.Failed {
		t.Errorf("%s %v", run.State, err)
	}
}

// A repetition that the tenant refuses, because the first request was carried
// out meanwhile, is no failure.
func TestARefusedRepetitionOfAChangeThatWasMadeIsNoFailure(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503, Endpoint: sandbox.EndpointEncrypt})
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatusAfter, Status: 422, Endpoint: sandbox.EndpointEncrypt})
	h.start()
	run := h.ended(h.launch(wish("ssn")).ID)
	if run.State != encryption.Verified || run.Attempts != 2 || h.commits() != 1 {
		t.Errorf("%s after %d requests and %d changes: %s %s", run.State, run.Attempts, h.commits(), run.ErrorCode, run.ErrorMessage)
	}
	if run.ErrorCode == fault.TenantRefused {
		t.Error("it is called refused")
	}
}
