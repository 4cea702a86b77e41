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
				p := newPipeline(t, sandbox.Config{})
				p.start()
				w, commits := requestFor("ssn"), 1
				if operation == audit.KeyRotation {
					p.ended(p.launch(w).ID)
					w, commits = rotate("ssn"), 2
				}
				p.tenant.Fail(f)
				id := p.launch(w).ID
				if strings.Contains(name, "before") {
					run := p.in(id, encryption.Verifying)
					if answer := p.confirmVersion(run, int64(commits)); answer.Status != http.StatusOK {
						t.Errorf("the right callback is answered %d %s", answer.Status, answer.Body)
					}
				}
				run := p.ended(id)
				if run.State != encryption.Verified || run.KeyVersion != int64(commits) || run.Attempts != 1 {
					t.Fatalf("%s, key version %d, sent %d times: %s", run.State, run.KeyVersion, run.Attempts, run.ErrorMessage)
				}
				if p.commits() != commits {
					t.Errorf("%d changes, want %d", p.commits(), commits)
				}
				if r := p.final(run); r.Outcome != audit.Success || r.Metrics.FieldsEncrypted != 1 {
					t.Errorf("record %+v %+v", r, r.Metrics)
				}
				p.wantNoDrift()
			})
		}
	}
}

// The ledger says neither FAILURE nor DRIFT of a change that is on its way, and
// a second try says whose work the column is.
func TestAChangeThatNeverShowsEndsUnconfirmedAndALateOneCorrectsIt(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultAccepted, LatencyMs: 600_000})
	p.start()
	id := p.launch(requestFor("ssn")).ID
	p.in(id, encryption.Verifying)
	p.ahead.Store(int64(2 * time.Minute))
	run := p.ended(id)
	if run.State != encryption.Unconfirmed || !strings.Contains(run.ErrorMessage, "the table did not show it") {
		t.Fatalf("%s: %s", run.State, run.ErrorMessage)
	}
	// The table contradicts a confirmation of a run that has ended.
	if answer := p.confirm(run); answer.Status != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
	if err := p.tenant.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: "encrypt", Column: "ssn"}); err != nil {
		t.Fatal(err)
	}
	second := p.ended(p.launch(requestFor("ssn")).ID)
	if second.State != encryption.Failed || !strings.Contains(second.ErrorMessage, "run "+id+" of this console") {
		t.Errorf("the second try is %s: %s", second.State, second.ErrorMessage)
	}
	if answer := p.confirm(run); answer.Status != http.StatusOK {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
	run = p.in(id, encryption.Verified)
	p.final(run)
	if coverage, _ := run.Coverage(); coverage.Encrypted != 1 {
		t.Errorf("the run's coverage is %+v", coverage)
	}
}

// A run that ended as failed, and whose change was made after all, is corrected
// by its callback.
func TestALateCallbackCorrectsAFailedRun(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503, Endpoint: sandbox.EndpointEncrypt, Times: -1})
	p.start()
	run := p.ended(p.launch(requestFor("ssn")).ID)
	if run.State != encryption.Failed {
		t.Fatal(run.State)
	}
	if answer := p.confirm(run); answer.Status != http.StatusUnprocessableEntity {
		t.Errorf("the table shows nothing, and the answer is %d %s", answer.Status, answer.Body)
	}
	if err := p.tenant.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: "encrypt", Column: "ssn"}); err != nil {
		t.Fatal(err)
	}
	if answer := p.confirm(run); answer.Status != http.StatusOK {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
	run = p.in(run.ID, encryption.Verified)
	if run.ErrorCode != "" || run.ErrorMessage != "" || run.KeyVersion != 1 {
		t.Errorf("%+v", run)
	}
	p.final(run) // one record ends the run, whatever came after
	dates, err := p.store.Ledger(t.Context(), ledgerFilter, nil, 10)
	if err != nil || len(dates) != 1 || dates[0].RunID != run.ID {
		t.Errorf("the rotation ledger has %+v, %v", dates, err)
	}
}

func TestARunThatWasNeverSentExpectsNoCallback(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.start()
	run := p.ended(p.launch(requestFor("nope")).ID)
	if answer := p.confirm(run); answer.Status != http.StatusConflict {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
	if run, err := p.store.Run(t.Context(), run.ID); err != nil || run.State != encryption.Failed {
		t.Errorf("%s %v", run.State, err)
	}
}

// A repetition that the tenant refuses, because the first request was carried
// out meanwhile, is no failure.
func TestARefusedRepetitionOfAChangeThatWasMadeIsNoFailure(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503, Endpoint: sandbox.EndpointEncrypt})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatusAfter, Status: 422, Endpoint: sandbox.EndpointEncrypt})
	p.start()
	run := p.ended(p.launch(requestFor("ssn")).ID)
	if run.State != encryption.Verified || run.Attempts != 2 || p.commits() != 1 {
		t.Errorf("%s after %d requests and %d changes: %s %s", run.State, run.Attempts, p.commits(), run.ErrorCode, run.ErrorMessage)
	}
	if run.ErrorCode == fault.TenantRefused {
		t.Error("it is called refused")
	}
}

// A run whose answer was lost looks at the table once more at its deadline, so
// that it says "unconfirmed" only of a change that is there.
func TestTheLastLookAtTheDeadlineTellsWhetherAnythingWasChanged(t *testing.T) {
	for _, made := range []bool{false, true} {
		p := newPipeline(t, sandbox.Config{})
		p.options.InFlight, p.options.Grace = time.Nanosecond, time.Hour
		p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: http.StatusConflict, Endpoint: sandbox.EndpointEncrypt, Times: -1})
		p.start()
		id := p.launch(requestFor("ssn")).ID
		p.in(id, encryption.Verifying)
		want, says, encrypted := encryption.Failed, "the table shows that nothing was changed", 0
		if made {
			want, says, encrypted = encryption.Unconfirmed, "the KMS did not confirm it", 1
			if err := p.tenant.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: "encrypt", Column: "ssn"}); err != nil {
				t.Fatal(err)
			}
		}
		p.ahead.Store(int64(2 * time.Minute))
		run := p.ended(id)
		if run.State != want || !strings.Contains(run.ErrorMessage, says) {
			t.Errorf("made %v: %s: %s", made, run.State, run.ErrorMessage)
		}
		if r := p.final(run); r.Metrics.FieldsEncrypted != encrypted {
			t.Errorf("made %v: the record says %d encrypted", made, r.Metrics.FieldsEncrypted)
		}
	}
}

// A read of the table that is older than what a run's answer showed is no drift, and
// is not kept.
func TestAnOldReadingOfARunsTableIsNoDrift(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.start()
	p.ended(p.launch(requestFor("ssn")).ID)
	p.wantNoDrift()
	if err := p.tenant.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: "decrypt", Column: "ssn"}); err != nil {
		t.Fatal(err)
	}
	p.wantNoDrift() // a moment after the run: its table may still show it as it was
	table, err := p.store.Table(t.Context(), "default", "ds-customers", "tbl-contacts")
	if err != nil || table.Encrypted != 1 || table.ReadError == "" {
		t.Errorf("%+v, %v", table, err)
	}
	p.ahead.Store(int64(3 * time.Minute)) // by now it is the truth
	if err := p.inventory().Observe(t.Context(), "default", "ds-customers", "tbl-contacts"); err != nil {
		t.Fatal(err)
	}
	drifts := 0
	for _, r := range p.records() {
		if r.Operation == audit.DriftDetected && r.Outcome == audit.Failure {
			drifts++
		}
	}
	if drifts != 1 {
		t.Errorf("%d records of protection that was lost, want 1", drifts)
	}
}

// Some services answer 200 to everything: an error in the answer ends the run at once with the tenant's reason,
// unless the table shows that the change was made.
func TestAnErrorInsideASuccessIsOneUnlessTheTableShowsTheChange(t *testing.T) {
	const body = `{"error":{"message":"the key is disabled"}}`
	for kind, want := range map[sandbox.FaultKind]encryption.State{
		sandbox.FaultStatus: encryption.Failed, sandbox.FaultStatusAfter: encryption.Verified,
	} {
		p := newPipeline(t, sandbox.Config{})
		p.tenant.Fail(sandbox.Fault{Kind: kind, Status: 200, Body: body, Endpoint: sandbox.EndpointEncrypt})
		p.start()
		run := p.ended(p.launch(requestFor("ssn")).ID)
		if run.State != want || want == encryption.Failed && (run.ErrorCode != fault.TenantRefused || !strings.Contains(run.ErrorMessage, "the key is disabled")) {
			t.Errorf("%s: the run is %s: %s %s", kind, run.State, run.ErrorCode, run.ErrorMessage)
		}
		p.final(run)
	}
}

// A change that a failed run had asked for is nobody else's, whether a run or the
// inventory reads the table first; but it is on record.
func TestAFailedRunsChangeIsNotSomebodyElses(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	if err := p.inventory().Observe(t.Context(), "default", "ds-customers", "tbl-contacts"); err != nil {
		t.Fatal(err)
	}
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400, Endpoint: sandbox.EndpointEncrypt, Times: -1})
	p.start()
	if run := p.ended(p.launch(requestFor("ssn")).ID); run.State != encryption.Failed {
		t.Fatal(run.State)
	}
	for _, column := range []string{"ssn", "credit_card"} {
		if err := p.tenant.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: "encrypt", Column: column}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.inventory().Observe(t.Context(), "default", "ds-customers", "tbl-contacts"); err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, r := range p.records() {
		if r.Operation == audit.DriftDetected {
			said[r.Columns[0]] = r.Detail
		}
	}
	if len(said) != 2 || said["credit_card"] != "The column was encrypted by someone else." || !strings.Contains(said["ssn"], "A run of this console had been sent for it") {
		t.Errorf("on record: %q", said)
	}
}

// A tenant whose key versions are hex ids, in the table and in the callback, is
// confirmed and rotated like any other; the record says the id and no number.
func TestATenantWhoseKeyVersionsAreIDsIsConfirmed(t *testing.T) {
	for name, way := range map[string]sandbox.Confirmation{"by callback": sandbox.KMSCallback, "inline": sandbox.KMSInline} {
		t.Run(name, func(t *testing.T) {
			p := newPipeline(t, sandbox.Config{KMS: way})
			p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKeyIDs, Times: -1})
			p.start()
			first := p.ended(p.launch(requestFor("ssn")).ID)
			second := p.ended(p.launch(rotate("ssn")).ID)
			for _, run := range []encryption.Run{first, second} {
				if run.State != encryption.Verified || run.KeyVersion != 0 || run.KeyID == "" || run.ErrorMessage != "" {
					t.Fatalf("%s, key version %d %q: %s", run.State, run.KeyVersion, run.KeyID, run.ErrorMessage)
				}
				if kms := p.final(run).KMS; kms.KeyVersion != 0 || kms.KeyVersionID != run.KeyID ||
					kms.PermissionHash != encryption.PermissionHash(run.TableID, run.KeyID, 1) {
					t.Errorf("record %+v", kms)
				}
				list, err := p.store.RunVerifications(t.Context(), run.ID)
				if err != nil || len(list) != 1 || !list[0].Accepted || list[0].KeyID != run.KeyID {
					t.Errorf("%+v, %v", list, err)
				}
			}
			if first.KeyID == second.KeyID {
				t.Errorf("both have the key version %s", first.KeyID)
			}
			p.wantNoDrift()
		})
	}
}

// A payload in the tenant's answer that says yes to a change which the table
// never shows is kept like a callback that is refused for it.
func TestAnInlineYesThatTheTableNeverShowsIsKept(t *testing.T) {
	p := newPipeline(t, sandbox.Config{KMS: sandbox.KMSInline})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultLateTable, LatencyMs: 600_000})
	p.start()
	id := p.launch(requestFor("ssn")).ID
	p.in(id, encryption.Verifying)
	p.ahead.Store(int64(2 * time.Minute))
	run := p.ended(id)
	if run.State != encryption.Unconfirmed || !strings.Contains(run.ErrorMessage, "the table did not show it") {
		t.Fatalf("%s: %s", run.State, run.ErrorMessage)
	}
	list, err := p.store.RunVerifications(t.Context(), id)
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	if v := list[0]; !v.Inline || v.Accepted || v.Code != "change" || v.KeyVersion != 1 || v.Reason == "" {
		t.Errorf("%+v", v)
	}
	p.final(run)
}
