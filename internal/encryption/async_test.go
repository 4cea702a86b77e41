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

// A run whose answer was lost looks at the table once more at its deadline, so
// that it says "unconfirmed" only of a change that is there.
func TestTheLastLookAtTheDeadlineTellsWhetherAnythingWasChanged(t *testing.T) {
	for _, made := range []bool{false, true} {
		h := newHouse(t, sandbox.Config{})
		h.options.InFlight, h.options.Grace = time.Nanosecond, time.Hour
		h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: http.StatusConflict, Endpoint: sandbox.EndpointEncrypt, Times: -1})
		h.start()
		id := h.launch(wish("ssn")).ID
		h.in(id, encryption.Verifying)
		want, says, encrypted := encryption.Failed, "the table shows that nothing was changed", 0
		if made {
			want, says, encrypted = encryption.Unconfirmed, "the KMS did not confirm it", 1
			if err := h.tenant.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: "encrypt", Column: "ssn"}); err != nil {
				t.Fatal(err)
			}
		}
		h.skew.Store(int64(2 * time.Minute))
		run := h.ended(id)
		if run.State != want || !strings.Contains(run.ErrorMessage, says) {
			t.Errorf("made %v: %s: %s", made, run.State, run.ErrorMessage)
		}
		if r := h.final(run); r.Metrics.FieldsEncrypted != encrypted {
			t.Errorf("made %v: the record says %d encrypted", made, r.Metrics.FieldsEncrypted)
		}
	}
}

// A read of the table that is older than what a run was told blames nobody, and
// is not kept.
func TestAnOldReadingOfARunsTableIsNoDrift(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	h.start()
	h.ended(h.launch(wish("ssn")).ID)
	h.nobodyElse()
	if err := h.tenant.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: "decrypt", Column: "ssn"}); err != nil {
		t.Fatal(err)
	}
	h.nobodyElse() // a moment after the run: its table may still show it as it was
	table, err := h.store.Table(t.Context(), "default", "ds-customers", "tbl-contacts")
	if err != nil || table.Encrypted != 1 || table.ReadError == "" {
		t.Errorf("%+v, %v", table, err)
	}
	h.skew.Store(int64(3 * time.Minute)) // by now it is the truth
	if err := h.inventory().Observe(t.Context(), "default", "ds-customers", "tbl-contacts"); err != nil {
		t.Fatal(err)
	}
	drifts := 0
	for _, r := range h.records() {
		if r.Operation == audit.DriftDetected && r.Outcome == audit.Failure {
			drifts++
		}
	}
	if drifts != 1 {
		t.Errorf("%d records of protection that was lost, want 1", drifts)
	}
}

// A change that a failed run had asked for is this console's own, whoever reads
// the table first.
func TestAFailedRunsChangeIsNotSomebodyElses(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	if err := h.inventory().Observe(t.Context(), "default", "ds-customers", "tbl-contacts"); err != nil {
		t.Fatal(err)
	}
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400, Endpoint: sandbox.EndpointEncrypt, Times: -1})
	h.start()
	if run := h.ended(h.launch(wish("ssn")).ID); run.State != encryption.Failed {
		t.Fatal(run.State)
	}
	for _, column := range []string{"ssn", "credit_card"} {
		if err := h.tenant.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: "encrypt", Column: column}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.inventory().Observe(t.Context(), "default", "ds-customers", "tbl-contacts"); err != nil {
		t.Fatal(err)
	}
	var blamed []string
	for _, r := range h.records() {
		if r.Operation == audit.DriftDetected {
			blamed = append(blamed, r.Columns...)
		}
	}
	if len(blamed) != 1 || blamed[0] != "credit_card" {
		t.Errorf("somebody else is said to have encrypted %q", blamed)
	}
}
