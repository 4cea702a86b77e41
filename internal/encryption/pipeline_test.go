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
			h := newHouse(t, cfg)
			h.start()
			run := h.ended(h.launch(wish("ssn", "credit_card")).ID)
			if run.State != encryption.Verified {
				t.Fatalf("%s: %s", run.State, run.ErrorMessage)
			}
			r := h.final(run)
			table, _, _ := h.tenant.Table("ds-customers", "tbl-contacts")
			coverage := encryption.CoverageOf(encryption.Snapshot(table.Columns))
			if r.Outcome != audit.Success || r.Actor.Name != "admin" || r.Metrics.CoverageRate != coverage.Rate ||
				r.Metrics.FieldsEncrypted != coverage.Encrypted || r.Metrics.TotalFields != coverage.Total ||
				!r.Compliance.GDPRAligned || !r.Compliance.KeyRotationEnabled || r.Compliance.Algorithm != "AES-256-GCM" ||
				r.KMS.Status != "VERIFIED" || r.KMS.KeyVersion != 1 {
				t.Errorf("record %+v %+v %+v %+v; the table has %+v", r, r.Metrics, r.Compliance, r.KMS, coverage)
			}
			if h.commits() != 1 {
				t.Errorf("the tenant made %d changes, want 1", h.commits())
			}
			due, err := h.store.LastKeyVersion(t.Context(), "default", "ds-customers", "tbl-contacts", "ssn")
			if err != nil || due != 1 {
				t.Errorf("key version kept: %d, %v", due, err)
			}
		})
	}
}

func TestTheNextRunCountsTheColumnsEncryptedBefore(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	h.start()
	h.ended(h.launch(wish("ssn")).ID)
	second := h.ended(h.launch(wish("credit_card")).ID)
	if got := h.final(second).Metrics; got.FieldsEncrypted != 2 {
		t.Errorf("metrics %+v: two columns are encrypted", got)
	}
	third := h.ended(h.launch(wish("ssn", "medical_record_number")).ID)
	if third.State != encryption.Failed || third.ErrorCode != fault.Blocked || !strings.Contains(third.ErrorMessage, `"ssn" is already encrypted`) {
		t.Errorf("%s %s: %s", third.State, third.ErrorCode, third.ErrorMessage)
	}
	if got := h.final(third); got.Outcome != audit.Failure || got.Metrics.FieldsEncrypted != 2 || got.Compliance.GDPRAligned {
		t.Errorf("record %+v %+v", got, got.Metrics)
	}
}

func TestARotationMovesTheKeyForwardAndIsItsOwnOperation(t *testing.T) {
	h := newHouse(t, sandbox.Config{KMSSecret: secret})
	h.start()
	h.ended(h.launch(wish("ssn")).ID)
	w := wish("ssn")
	w.Operation = audit.KeyRotation
	run := h.ended(h.launch(w).ID)
	if run.State != encryption.Verified || run.KeyVersion != 2 {
		t.Fatalf("%s, key version %d: %s", run.State, run.KeyVersion, run.ErrorMessage)
	}
	if r := h.final(run); r.Operation != audit.KeyRotation || r.KMS.KeyVersion != 2 {
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
				h := newHouse(t, sandbox.Config{Inline: inline})
				h.tenant.Fail(sandbox.Fault{Kind: kind, Times: -1})
				h.start()
				run := h.ended(h.launch(wish("ssn")).ID)
				if run.State != encryption.Rejected || run.ErrorCode != fault.KMSRefused {
					t.Fatalf("%s %s: %s", run.State, run.ErrorCode, run.ErrorMessage)
				}
				r := h.final(run)
				if r.Outcome != audit.Failure || r.KMS.Status != "REJECTED" || r.Compliance.GDPRAligned {
					t.Errorf("record %+v", r)
				}
				kept, err := h.store.RunVerifications(t.Context(), run.ID)
				if err != nil || len(kept) == 0 || kept[0].Accepted || kept[0].Code != code {
					t.Errorf("kept %+v, %v; want code %s", kept, err, code)
				}
			})
		}
	}
}

func TestTheTenantsSecondAttemptCanMendTheFirst(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSWrongAlgorithm, Times: 1})
	h.start()
	run := h.in(h.launch(wish("ssn")).ID, encryption.Rejected)
	if answer := h.confirm(run); answer.Status != http.StatusOK {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
	run = h.in(run.ID, encryption.Verified)
	h.final(run) // one record ends the run, whatever came after
	if run.KeyVersion != 1 || run.ErrorMessage != "" {
		t.Errorf("run %+v", run)
	}
}

func TestAForgedSignatureChangesNothing(t *testing.T) {
	h := newHouse(t, sandbox.Config{KMSSecret: secret})
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSBadSignature, Times: 1})
	h.start()
	run := h.in(h.launch(wish("ssn")).ID, encryption.Verifying)
	if err := h.tenant.WaitCallbacks(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept, err := h.store.RunVerifications(t.Context(), run.ID)
	if err != nil || len(kept) != 3 || kept[0].Code != "signature" || kept[0].Status != http.StatusUnauthorized {
		t.Errorf("kept %+v, %v", kept, err)
	}
	if run := h.in(run.ID, encryption.Verifying); run.ErrorMessage != "" {
		t.Errorf("run %+v", run)
	}
	h.confirm(run)
	h.final(h.in(run.ID, encryption.Verified))
}

func TestNoCallbackEndsUnconfirmedAndALateOneStillCounts(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: -1})
	h.start()
	id := h.launch(wish("ssn")).ID
	h.in(id, encryption.Verifying)
	h.skew.Store(int64(2 * time.Minute))
	run := h.ended(id)
	if run.State != encryption.Unconfirmed {
		t.Fatalf("%s: %s", run.State, run.ErrorMessage)
	}
	if r := h.final(run); r.Outcome != audit.Failure || r.KMS.Status != "UNCONFIRMED" || r.Metrics.FieldsEncrypted != 1 {
		t.Errorf("record %+v %+v", r, r.Metrics)
	}
	answer := h.confirm(run)
	if answer.Status != http.StatusOK || !strings.Contains(string(answer.Body), `"decryptionPipelineReady":true`) {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
	h.final(h.in(id, encryption.Verified))
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
				h := newHouse(t, sandbox.Config{Inline: inline})
				f := f
				f.Endpoint = sandbox.EndpointEncrypt
				h.tenant.Fail(f)
				h.start()
				run := h.ended(h.launch(wish("ssn")).ID)
				if run.State != encryption.Verified {
					t.Errorf("%s: %s", run.State, run.ErrorMessage)
				}
				if h.commits() != 1 {
					t.Errorf("%d changes, want 1", h.commits())
				}
				h.final(run)
			})
		}
	}
}

func TestAReadOnlyIndexTheTenantDidNotFlagIsNamed(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 500, Endpoint: sandbox.EndpointEncrypt})
	h.start()
	w := wish("email")
	w.MaskIndexes = true
	run := h.ended(h.launch(w).ID)
	if run.State != encryption.Failed || run.ErrorCode != fault.IndexInTheWay {
		t.Errorf("%s %s: %s", run.State, run.ErrorCode, run.ErrorMessage)
	}
	if h.commits() != 0 {
		t.Error("a change was made")
	}
}

func TestATenantThatStaysDownFailsTheRunAndSaysNothingWasChanged(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503, Endpoint: sandbox.EndpointEncrypt, Times: -1})
	h.start()
	run := h.ended(h.launch(wish("ssn")).ID)
	if run.State != encryption.Failed || run.ErrorCode != fault.TenantDown || !strings.Contains(run.ErrorMessage, "nothing was changed") {
		t.Errorf("%s %s: %s", run.State, run.ErrorCode, run.ErrorMessage)
	}
}

func TestHostileWishesEndInOneSentenceAndOneRecord(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	h.start()
	for _, column := range []string{"<script>", "=cmd()", "a,\"b\"\nc", "'; DROP TABLE runs; --"} {
		run := h.ended(h.launch(wish(column)).ID)
		if run.State != encryption.Failed || run.ErrorCode != fault.Blocked || !strings.Contains(run.ErrorMessage, "The table has no column") {
			t.Errorf("%q: %s %s %s", column, run.State, run.ErrorCode, run.ErrorMessage)
		}
		if r := h.final(run); len(r.Columns) != 1 || r.Columns[0] != column {
			t.Errorf("record's columns %q", r.Columns)
		}
	}
	w := wish("ssn")
	w.TableID = "tbl-nope"
	run := h.ended(h.launch(w).ID)
	if run.ErrorCode != fault.TenantNotFound || run.ErrorMessage != "Data store or table not found." {
		t.Errorf("%s: %s", run.ErrorCode, run.ErrorMessage)
	}
	if h.commits() != 0 {
		t.Error("a change was made")
	}
}

func TestWhoMayNotLaunchIsRefusedOnTheRecord(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	officer := access.Caller{UserID: 2, Name: "olive", Role: access.Officer}
	if _, err := h.Launch(t.Context(), officer, wish("ssn")); fault.CodeOf(err) != fault.Denied {
		t.Fatalf("got %v", err)
	}
	records := h.records()
	if len(records) != 1 || records[0].Outcome != audit.Denied || records[0].Operation != audit.RunRequested || records[0].Actor.Name != "olive" {
		t.Errorf("records %+v", records)
	}
}

func TestAStrangersCallbackFindsNothingAndChangesNothing(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: -1})
	h.start()
	first := h.in(h.launch(wish("ssn")).ID, encryption.Verifying)
	answer, err := h.Confirm(t.Context(), encryption.CallbackRequest{Token: "guess", Body: []byte(`{}`)})
	if err != nil || answer.Status != http.StatusNotFound {
		t.Errorf("%d %v", answer.Status, err)
	}
	answer, err = h.Confirm(t.Context(), encryption.CallbackRequest{Token: first.CallbackToken, Oversized: true})
	if err != nil || answer.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %v", answer.Status, err)
	}
	answer, err = h.Confirm(t.Context(), encryption.CallbackRequest{Token: first.CallbackToken, Body: []byte(`{"tableId":`)})
	if err != nil || answer.Status != http.StatusBadRequest {
		t.Errorf("%d %v", answer.Status, err)
	}
	if run, err := h.store.Run(t.Context(), first.ID); err != nil || run.State != encryption.Verifying {
		t.Errorf("the run is %s, %v", run.State, err)
	}
}

func TestARepeatedCallbackGetsTheStoredAnswerAndNoSecondRecord(t *testing.T) {
	h := newHouse(t, sandbox.Config{KMSSecret: secret})
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSDuplicate})
	h.start()
	run := h.in(h.launch(wish("ssn")).ID, encryption.Verified)
	if err := h.tenant.WaitCallbacks(t.Context()); err != nil {
		t.Fatal(err)
	}
	callbacks := 0
	for _, r := range h.records() {
		if r.Operation == audit.KMSCallback {
			callbacks++
		}
	}
	if sent := h.tenant.Stats().Callbacks.Sent; sent != 2 || callbacks != 1 {
		t.Errorf("%d callbacks sent, %d recorded; want 2 and 1", sent, callbacks)
	}
	h.final(run)
}

func TestATableThatChangedSinceTheApprovalStopsTheRunAndSaysHow(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	w := wish("ssn")
	preview, err := h.Preflight(t.Context(), admin, w)
	if err != nil {
		t.Fatal(err)
	}
	w.Fingerprint = preview.Plan.Fingerprint
	if err := h.tenant.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: "add_column", Column: "iban", Type: "string"}); err != nil {
		t.Fatal(err)
	}
	h.start()
	run := h.ended(h.launch(w).ID)
	if run.ErrorCode != fault.PlanChanged || !strings.Contains(run.ErrorMessage, `column "iban" is new`) {
		t.Errorf("%s: %s", run.ErrorCode, run.ErrorMessage)
	}
}

func TestOneTableHasOneRunAtATime(t *testing.T) {
	h := newHouse(t, sandbox.Config{Latency: time.Millisecond})
	h.start()
	ids := []string{h.launch(wish("ssn")).ID, h.launch(wish("credit_card")).ID, h.launch(wish("medical_record_number")).ID}
	var last time.Time
	for _, id := range ids {
		run := h.ended(id)
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
	h := newHouse(t, sandbox.Config{})
	w := wish("ssn")
	w.StartAt = h.now().Add(time.Hour)
	run := h.launch(w)
	if err := h.Cancel(t.Context(), admin, run.ID); err != nil {
		t.Fatal(err)
	}
	h.start()
	if got := h.ended(run.ID); got.State != encryption.Cancelled {
		t.Errorf("state %s", got.State)
	}
	other := h.ended(h.launch(wish("ssn")).ID)
	if err := h.Cancel(t.Context(), admin, other.ID); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("got %v", err)
	}
}

func TestAStartInTheFutureWaitsForItsHour(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	w := wish("ssn")
	w.StartAt = h.now().Add(time.Hour)
	h.start()
	id := h.launch(w).ID
	if run := h.ended(h.launch(wish("credit_card")).ID); run.State != encryption.Verified {
		t.Fatal(run.ErrorMessage) // a run behind it in the queue is not held up
	}
	if run, err := h.store.Run(t.Context(), id); err != nil || run.State != encryption.Queued {
		t.Fatalf("%s %v", run.State, err)
	}
	h.skew.Store(int64(61 * time.Minute))
	if run := h.ended(id); run.State != encryption.Verified {
		t.Errorf("%s: %s", run.State, run.ErrorMessage)
	}
}

func TestAStopInTheMiddleIsTakenUpAgain(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultLatency, Endpoint: sandbox.EndpointEncrypt, LatencyMs: 300})
	h.start()
	id := h.launch(wish("ssn")).ID
	h.in(id, encryption.Patching)
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // no patience: break the request off
	if err := h.runner.Stop(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	h.runner = nil
	h.tenant.ClearFaults()
	h.start()
	if run := h.ended(id); run.State != encryption.Verified {
		t.Errorf("%s: %s", run.State, run.ErrorMessage)
	}
	if h.commits() != 1 {
		t.Errorf("%d changes, want 1", h.commits())
	}
}

func TestAWrongSecretOrAMissingScopeSaysWhich(t *testing.T) {
	h := newHouse(t, sandbox.Config{Scopes: []string{cxone.ScopeRead, cxone.ScopeWrite}})
	h.start()
	run := h.ended(h.launch(wish("ssn")).ID)
	if run.ErrorCode != fault.TenantScope || !strings.Contains(run.ErrorMessage, cxone.ScopeEncrypt) {
		t.Errorf("%s: %s", run.ErrorCode, run.ErrorMessage)
	}
	h = newHouse(t, sandbox.Config{ClientSecret: "another"})
	h.start()
	run = h.ended(h.launch(wish("ssn")).ID)
	if run.ErrorCode != fault.TenantAuth || !strings.HasPrefix(run.ErrorMessage, "OAuth authentication failed: check the client credentials and the realm") {
		t.Errorf("%s: %s", run.ErrorCode, run.ErrorMessage)
	}
	h.final(run)
}

func TestAnOverlongWishIsRefusedOnTheRecord(t *testing.T) {
	h := newHouse(t, sandbox.Config{})
	long := make([]string, 500)
	for i := range long {
		long[i] = fmt.Sprint(i) + strings.Repeat("<", 1000)
	}
	if _, err := h.Launch(t.Context(), admin, wish(long...)); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "too long together") {
		t.Errorf("got %v", err)
	}
	records := h.records()
	if len(records) != 1 || records[0].Outcome != audit.Failure || records[0].Operation != audit.RunRequested {
		t.Errorf("records %+v", records)
	}
}
