package encryption_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cxseal/cxone"
	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func splitLines(data []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for line := range bytes.Lines(data) {
			if line = bytes.TrimSpace(line); len(line) > 0 && !yield(line) {
				return
			}
		}
	}
}

func TestARunIsVerifiedWhereverTheConfirmationComesFrom(t *testing.T) {
	for name, cfg := range map[string]sandbox.Config{
		"by callback":        {},
		"by signed callback": {KMSSecret: secret},
		"inline":             {Inline: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPipeline(t, cfg)
			p.start()
			run := p.ended(p.launch(requestFor("ssn", "credit_card")).ID)
			if run.State != encryption.Verified {
				t.Fatalf("%s: %s", run.State, run.ErrorMessage)
			}
			r := p.final(run)
			table, _, _ := p.tenant.Table("ds-customers", "tbl-contacts")
			coverage := encryption.CoverageOf(encryption.Snapshot(table.Columns))
			if r.Outcome != audit.Success || r.Actor.Name != "admin" || r.Metrics.CoverageRate != coverage.Rate ||
				r.Metrics.FieldsEncrypted != coverage.Encrypted || r.Metrics.TotalFields != coverage.Total ||
				!r.Compliance.GDPRAligned || !r.Compliance.KeyRotationEnabled || r.Compliance.Algorithm != "AES-256-GCM" ||
				r.KMS.Status != "VERIFIED" || r.KMS.KeyVersion != 1 {
				t.Errorf("record %+v %+v %+v %+v; the table has %+v", r, r.Metrics, r.Compliance, r.KMS, coverage)
			}
			if p.commits() != 1 {
				t.Errorf("the tenant made %d changes, want 1", p.commits())
			}
			due, err := p.store.LastKeyVersion(t.Context(), "default", "ds-customers", "tbl-contacts", "ssn")
			if err != nil || due != 1 {
				t.Errorf("key version kept: %d, %v", due, err)
			}
		})
	}
}

func TestTheNextRunCountsTheColumnsEncryptedBefore(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.start()
	p.ended(p.launch(requestFor("ssn")).ID)
	second := p.ended(p.launch(requestFor("credit_card")).ID)
	if got := p.final(second).Metrics; got.FieldsEncrypted != 2 {
		t.Errorf("metrics %+v: two columns are encrypted", got)
	}
	third := p.ended(p.launch(requestFor("ssn", "medical_record_number")).ID)
	if third.State != encryption.Failed || third.ErrorCode != fault.Blocked || !strings.Contains(third.ErrorMessage, `"ssn" is already encrypted`) {
		t.Errorf("%s %s: %s", third.State, third.ErrorCode, third.ErrorMessage)
	}
	if got := p.final(third); got.Outcome != audit.Failure || got.Metrics.FieldsEncrypted != 2 || got.Compliance.GDPRAligned {
		t.Errorf("record %+v %+v", got, got.Metrics)
	}
}

func TestARotationMovesTheKeyForwardAndIsItsOwnOperation(t *testing.T) {
	p := newPipeline(t, sandbox.Config{KMSSecret: secret})
	p.start()
	p.ended(p.launch(requestFor("ssn")).ID)
	w := requestFor("ssn")
	w.Operation = audit.KeyRotation
	run := p.ended(p.launch(w).ID)
	if run.State != encryption.Verified || run.KeyVersion != 2 {
		t.Fatalf("%s, key version %d: %s", run.State, run.KeyVersion, run.ErrorMessage)
	}
	if r := p.final(run); r.Operation != audit.KeyRotation || r.KMS.KeyVersion != 2 {
		t.Errorf("record %+v", r)
	}
}

func TestAWrongConfirmationIsRefusedAndKept(t *testing.T) {
	for kind, code := range map[sandbox.FaultKind]string{
		sandbox.FaultKMSWrongAlgorithm: "algorithm", sandbox.FaultKMSWrongTable: "table", sandbox.FaultKMSWrongColumns: "columns",
		sandbox.FaultKMSWrongKeyVersion: "key_version", sandbox.FaultKMSMissingCheck: "algorithm",
	} {
		for _, inline := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s inline=%v", kind, inline), func(t *testing.T) {
				p := newPipeline(t, sandbox.Config{Inline: inline})
				p.tenant.Fail(sandbox.Fault{Kind: kind, Times: -1})
				p.start()
				run := p.ended(p.launch(requestFor("ssn")).ID)
				if run.State != encryption.Rejected || run.ErrorCode != fault.KMSRefused {
					t.Fatalf("%s %s: %s", run.State, run.ErrorCode, run.ErrorMessage)
				}
				r := p.final(run)
				if r.Outcome != audit.Failure || r.KMS.Status != "REJECTED" || r.Compliance.GDPRAligned {
					t.Errorf("record %+v", r)
				}
				kept, err := p.store.RunVerifications(t.Context(), run.ID)
				if err != nil || len(kept) == 0 || kept[0].Accepted || kept[0].Code != code {
					t.Errorf("kept %+v, %v; want code %s", kept, err, code)
				}
			})
		}
	}
}

func TestTheTenantsSecondAttemptCanMendTheFirst(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSWrongAlgorithm, Times: 1})
	p.start()
	run := p.in(p.launch(requestFor("ssn")).ID, encryption.Rejected)
	if answer := p.confirm(run); answer.Status != http.StatusOK {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
	run = p.in(run.ID, encryption.Verified)
	p.final(run) // one record ends the run, whatever came after
	if run.KeyVersion != 1 || run.ErrorMessage != "" {
		t.Errorf("run %+v", run)
	}
}

func TestAForgedSignatureChangesNothing(t *testing.T) {
	p := newPipeline(t, sandbox.Config{KMSSecret: secret})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSBadSignature, Times: 1})
	p.start()
	run := p.in(p.launch(requestFor("ssn")).ID, encryption.Verifying)
	if err := p.tenant.WaitCallbacks(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept, err := p.store.RunVerifications(t.Context(), run.ID)
	if err != nil || len(kept) != 3 || kept[0].Code != "signature" || kept[0].Status != http.StatusUnauthorized {
		t.Errorf("kept %+v, %v", kept, err)
	}
	if run := p.in(run.ID, encryption.Verifying); run.ErrorMessage != "" {
		t.Errorf("run %+v", run)
	}
	p.confirm(run)
	p.final(p.in(run.ID, encryption.Verified))
}

func TestNoCallbackEndsUnconfirmedAndALateOneStillCounts(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: -1})
	p.start()
	id := p.launch(requestFor("ssn")).ID
	p.in(id, encryption.Verifying)
	p.ahead.Store(int64(2 * time.Minute))
	run := p.ended(id)
	if run.State != encryption.Unconfirmed {
		t.Fatalf("%s: %s", run.State, run.ErrorMessage)
	}
	if r := p.final(run); r.Outcome != audit.Failure || r.KMS.Status != "UNCONFIRMED" || r.Metrics.FieldsEncrypted != 1 {
		t.Errorf("record %+v %+v", r, r.Metrics)
	}
	answer := p.confirm(run)
	if answer.Status != http.StatusOK || !strings.Contains(string(answer.Body), `"decryptionPipelineReady":true`) {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
	p.final(p.in(id, encryption.Verified))
}

// Whatever happens to the connection around the PATCH, the tenant makes one
// change and the run ends as it would have.
func TestALostAnswerIsNeverFollowedByASecondChange(t *testing.T) {
	for name, f := range map[string]sandbox.Fault{
		"dropped before the commit": {Kind: sandbox.FaultDropBefore},
		"dropped after the commit":  {Kind: sandbox.FaultDropAfter},
		"500 before":                {Kind: sandbox.FaultStatus, Status: 500},
		"500 after":                 {Kind: sandbox.FaultStatusAfter, Status: 500},
		"503 before":                {Kind: sandbox.FaultStatus, Status: 503},
		"504 after":                 {Kind: sandbox.FaultStatusAfter, Status: 504},
		"throttled":                 {Kind: sandbox.FaultStatus, Status: 429, Times: 2},
	} {
		for _, inline := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s inline=%v", name, inline), func(t *testing.T) {
				p := newPipeline(t, sandbox.Config{Inline: inline})
				f := f
				f.Endpoint = sandbox.EndpointEncrypt
				p.tenant.Fail(f)
				p.start()
				run := p.ended(p.launch(requestFor("ssn")).ID)
				if run.State != encryption.Verified {
					t.Errorf("%s: %s", run.State, run.ErrorMessage)
				}
				if p.commits() != 1 {
					t.Errorf("%d changes, want 1", p.commits())
				}
				p.final(run)
			})
		}
	}
}

func TestAReadOnlyIndexTheTenantDidNotFlagIsNamed(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 500, Endpoint: sandbox.EndpointEncrypt})
	p.start()
	w := requestFor("email")
	w.MaskIndexes = true
	run := p.ended(p.launch(w).ID)
	if run.State != encryption.Failed || run.ErrorCode != fault.IndexInTheWay {
		t.Errorf("%s %s: %s", run.State, run.ErrorCode, run.ErrorMessage)
	}
	if p.commits() != 0 {
		t.Error("a change was made")
	}
}

func TestATenantThatStaysDownFailsTheRunAndSaysNothingWasChanged(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503, Endpoint: sandbox.EndpointEncrypt, Times: -1})
	p.start()
	run := p.ended(p.launch(requestFor("ssn")).ID)
	if run.State != encryption.Failed || run.ErrorCode != fault.TenantDown || !strings.Contains(run.ErrorMessage, "nothing was changed") {
		t.Errorf("%s %s: %s", run.State, run.ErrorCode, run.ErrorMessage)
	}
}

func TestHostileWishesEndInOneSentenceAndOneRecord(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.start()
	for _, column := range []string{"<script>", "=cmd()", "a,\"b\"\nc", "'; DROP TABLE runs; --"} {
		run := p.ended(p.launch(requestFor(column)).ID)
		if run.State != encryption.Failed || run.ErrorCode != fault.Blocked || !strings.Contains(run.ErrorMessage, "The table has no column") {
			t.Errorf("%q: %s %s %s", column, run.State, run.ErrorCode, run.ErrorMessage)
		}
		if r := p.final(run); len(r.Columns) != 1 || r.Columns[0] != column {
			t.Errorf("record's columns %q", r.Columns)
		}
	}
	w := requestFor("ssn")
	w.TableID = "tbl-nope"
	run := p.ended(p.launch(w).ID)
	if run.ErrorCode != fault.TenantNotFound || run.ErrorMessage != "Data store or table not found." {
		t.Errorf("%s: %s", run.ErrorCode, run.ErrorMessage)
	}
	if p.commits() != 0 {
		t.Error("a change was made")
	}
}

func TestWhoMayNotLaunchIsRefusedOnTheRecord(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	officer := access.Caller{UserID: 2, Name: "olive", Role: access.Officer}
	if _, err := p.Launch(t.Context(), officer, requestFor("ssn")); fault.CodeOf(err) != fault.Denied {
		t.Fatalf("got %v", err)
	}
	records := p.records()
	if len(records) != 1 || records[0].Outcome != audit.Denied || records[0].Operation != audit.RunRequested || records[0].Actor.Name != "olive" {
		t.Errorf("records %+v", records)
	}
}

func TestAStrangersCallbackFindsNothingAndChangesNothing(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: -1})
	p.start()
	first := p.in(p.launch(requestFor("ssn")).ID, encryption.Verifying)
	answer, err := p.Confirm(t.Context(), encryption.CallbackRequest{Token: "guess", Body: []byte(`{}`)})
	if err != nil || answer.Status != http.StatusNotFound {
		t.Errorf("%d %v", answer.Status, err)
	}
	answer, err = p.Confirm(t.Context(), encryption.CallbackRequest{Token: first.CallbackToken, Oversized: true})
	if err != nil || answer.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %v", answer.Status, err)
	}
	answer, err = p.Confirm(t.Context(), encryption.CallbackRequest{Token: first.CallbackToken, Body: []byte(`{"tableId":`)})
	if err != nil || answer.Status != http.StatusBadRequest {
		t.Errorf("%d %v", answer.Status, err)
	}
	if run, err := p.store.Run(t.Context(), first.ID); err != nil || run.State != encryption.Verifying {
		t.Errorf("the run is %s, %v", run.State, err)
	}
}

func TestARepeatedCallbackGetsTheStoredAnswerAndNoSecondRecord(t *testing.T) {
	p := newPipeline(t, sandbox.Config{KMSSecret: secret})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSDuplicate})
	p.start()
	run := p.in(p.launch(requestFor("ssn")).ID, encryption.Verified)
	if err := p.tenant.WaitCallbacks(t.Context()); err != nil {
		t.Fatal(err)
	}
	callbacks := 0
	for _, r := range p.records() {
		if r.Operation == audit.KMSCallback {
			callbacks++
		}
	}
	if sent := p.tenant.Stats().Callbacks.Sent; sent != 2 || callbacks != 1 {
		t.Errorf("%d callbacks sent, %d recorded; want 2 and 1", sent, callbacks)
	}
	p.final(run)
}

func TestATableThatChangedSinceItsPlanWasShownStopsTheRunAndSaysHow(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	w := requestFor("ssn")
	preview, err := p.Preflight(t.Context(), admin, w)
	if err != nil {
		t.Fatal(err)
	}
	w.Fingerprint = preview.Plan.Fingerprint
	if err := p.tenant.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: "add_column", Column: "iban", Type: "string"}); err != nil {
		t.Fatal(err)
	}
	p.start()
	run := p.ended(p.launch(w).ID)
	if run.ErrorCode != fault.PlanChanged || !strings.Contains(run.ErrorMessage, `column "iban" is new`) {
		t.Errorf("%s: %s", run.ErrorCode, run.ErrorMessage)
	}
}

func TestOneTableHasOneRunAtATime(t *testing.T) {
	p := newPipeline(t, sandbox.Config{Latency: time.Millisecond})
	p.start()
	ids := []string{p.launch(requestFor("ssn")).ID, p.launch(requestFor("credit_card")).ID, p.launch(requestFor("medical_record_number")).ID}
	var last time.Time
	for _, id := range ids {
		run := p.ended(id)
		if run.State != encryption.Verified {
			t.Fatalf("%s: %s", run.State, run.ErrorMessage)
		}
		if run.PatchedAt.Before(last) {
			t.Error("a run was sent before the one before it had ended")
		}
		last = run.FinishedAt
	}
}

func TestAQueuedRunCanBeCancelledAndASentOneCannot(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	w := requestFor("ssn")
	w.StartAt = p.now().Add(time.Hour)
	run := p.launch(w)
	if err := p.Cancel(t.Context(), admin, run.ID); err != nil {
		t.Fatal(err)
	}
	p.start()
	if got := p.ended(run.ID); got.State != encryption.Cancelled {
		t.Errorf("state %s", got.State)
	}
	other := p.ended(p.launch(requestFor("ssn")).ID)
	if err := p.Cancel(t.Context(), admin, other.ID); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("got %v", err)
	}
}

func TestAStartInTheFutureWaitsForItsHour(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	w := requestFor("ssn")
	w.StartAt = p.now().Add(time.Hour)
	p.start()
	id := p.launch(w).ID
	if run := p.ended(p.launch(requestFor("credit_card")).ID); run.State != encryption.Verified {
		t.Fatal(run.ErrorMessage) // a run behind it in the queue is not held up
	}
	if run, err := p.store.Run(t.Context(), id); err != nil || run.State != encryption.Queued {
		t.Fatalf("%s %v", run.State, err)
	}
	p.ahead.Store(int64(61 * time.Minute))
	if run := p.ended(id); run.State != encryption.Verified {
		t.Errorf("%s: %s", run.State, run.ErrorMessage)
	}
}

func TestAStopInTheMiddleIsTakenUpAgain(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultLatency, Endpoint: sandbox.EndpointEncrypt, LatencyMs: 300})
	p.start()
	id := p.launch(requestFor("ssn")).ID
	p.in(id, encryption.Patching)
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // do not wait: break the request off
	if err := p.runner.Stop(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	p.runner = nil
	p.tenant.ClearFaults()
	p.start()
	if run := p.ended(id); run.State != encryption.Verified {
		t.Errorf("%s: %s", run.State, run.ErrorMessage)
	}
	if p.commits() != 1 {
		t.Errorf("%d changes, want 1", p.commits())
	}
}

func TestAWrongSecretOrAMissingScopeSaysWhich(t *testing.T) {
	p := newPipeline(t, sandbox.Config{Scopes: []string{cxone.ScopeRead, cxone.ScopeWrite}})
	p.start()
	run := p.ended(p.launch(requestFor("ssn")).ID)
	if run.ErrorCode != fault.TenantScope || !strings.Contains(run.ErrorMessage, cxone.ScopeEncrypt) {
		t.Errorf("%s: %s", run.ErrorCode, run.ErrorMessage)
	}
	p = newPipeline(t, sandbox.Config{ClientSecret: "another"})
	p.start()
	run = p.ended(p.launch(requestFor("ssn")).ID)
	if run.ErrorCode != fault.TenantAuth || !strings.HasPrefix(run.ErrorMessage, "OAuth authentication failed: check the client credentials and the realm") {
		t.Errorf("%s: %s", run.ErrorCode, run.ErrorMessage)
	}
	p.final(run)
}

func TestAnOverlongWishIsRefusedOnTheRecord(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	long := make([]string, 500)
	for i := range long {
		long[i] = fmt.Sprint(i) + strings.Repeat("<", 1000)
	}
	if _, err := p.Launch(t.Context(), admin, requestFor(long...)); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "too long together") {
		t.Errorf("got %v", err)
	}
	records := p.records()
	if len(records) != 1 || records[0].Outcome != audit.Failure || records[0].Operation != audit.RunRequested {
		t.Errorf("records %+v", records)
	}
}
