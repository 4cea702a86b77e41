package encryption_test

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
)

var (
	approver = access.Caller{UserID: 2, Name: "anna", Role: access.Approver, IP: "127.0.0.2"}
	officer  = access.Caller{UserID: 3, Name: "olga", Role: access.Officer}
)

// fourEyes is a house whose connection asks for a second person.
func fourEyes(t *testing.T) *house {
	t.Helper()
	h := newHouse(t, sandbox.Config{Inline: true})
	h.conn.FourEyes, h.conn.ApprovalLife = true, time.Hour
	return h
}

func wantFault(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Fatalf("%v, want %s", err, code)
	}
}

// Mutation: without the isOwn check of access.Approval, or without decideRequest
// asking for the permission, this test fails.
func TestNobodyApprovesTheirOwnRunAndBothNamesAreOnRecord(t *testing.T) {
	h := fourEyes(t)
	h.start()
	run := h.launch(wish("ssn"))
	if run.State != encryption.Awaiting || run.Plan == nil {
		t.Fatalf("%s, plan %v", run.State, run.Plan)
	}
	good := run.Approval.Fingerprint
	sameName := access.Caller{UserID: 9, Name: "ADMIN", Role: access.Admin}
	for who, c := range map[string]access.Caller{"the requester": admin, "their name in capitals": sameName, "an officer": officer,
		"the console": {Name: "scheduler", Role: access.System}, "a token": {UserID: 2, Name: "anna", Role: access.Approver,
			Scope: &access.Scope{Permissions: []access.Permission{access.PermApproveRun}}}} {
		if err := h.Approve(t.Context(), c, run.ID, good); fault.CodeOf(err) != fault.Denied {
			t.Errorf("%s approved the run: %v", who, err)
		}
	}
	wantFault(t, h.Approve(t.Context(), approver, run.ID, "other"), fault.PlanChanged)
	if h.commits() != 0 {
		t.Fatal("something was sent before the approval")
	}
	if err := h.Approve(t.Context(), approver, run.ID, good); err != nil {
		t.Fatal(err)
	}
	wantFault(t, h.Approve(t.Context(), approver, run.ID, good), fault.Conflict)
	run = h.ended(run.ID)
	if run.State != encryption.Verified || run.Approval.State != access.Used || h.commits() != 1 {
		t.Fatalf("%s (%s), approval %s, %d commits", run.State, run.ErrorMessage, run.Approval.State, h.commits())
	}
	if r := h.final(run); r.Actor.Name != "admin" || !strings.Contains(r.Detail, "Approved by anna.") {
		t.Errorf("%+v", r)
	}
	var denied, approved int
	for _, r := range h.records() {
		if r.Operation == audit.RunApproved && r.Outcome == audit.Denied || r.Operation == audit.AccessDenied {
			denied++
		}
		if r.Operation == audit.RunApproved && r.Outcome == audit.Success {
			approved++
			if r.Actor.Name != "anna" || !strings.Contains(r.Detail, "asked for by admin") {
				t.Errorf("%+v", r)
			}
		}
	}
	if denied != 5 || approved != 1 {
		t.Errorf("%d denials and %d approvals on record", denied, approved)
	}
}

// Mutation: without task.approved in the check, the change is sent.
func TestARunWithoutAnApprovalIsNotSent(t *testing.T) {
	h := newHouse(t, sandbox.Config{Inline: true})
	run := h.launch(wish("ssn")) // queued before the connection asked for four eyes
	h.conn.FourEyes, h.conn.ApprovalLife = true, time.Hour
	h.start()
	run = h.ended(run.ID)
	if run.State != encryption.Failed || run.ErrorCode != fault.Denied || h.commits() != 0 {
		t.Errorf("%s %s, %d commits", run.State, run.ErrorCode, h.commits())
	}
}

func TestATableThatChangedAfterItsApprovalIsLeftAlone(t *testing.T) {
	h := fourEyes(t)
	run := h.launch(wish("ssn"))
	if err := h.Approve(t.Context(), approver, run.ID, run.Approval.Fingerprint); err != nil {
		t.Fatal(err)
	}
	if err := h.tenant.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: sandbox.Encrypt, Column: "credit_card"}); err != nil {
		t.Fatal(err)
	}
	before := h.commits()
	h.start()
	run = h.ended(run.ID)
	if run.State != encryption.Failed || run.ErrorCode != fault.PlanChanged || h.commits() != before {
		t.Errorf("%s %s", run.State, run.ErrorCode)
	}
}

func TestADeclinedOrForgottenRequestEnds(t *testing.T) {
	h := fourEyes(t)
	h.start()
	declined, forgotten, late := h.launch(wish("ssn")), h.launch(wish("credit_card")), h.launch(wish("medical_record_number"))
	wantFault(t, h.Decline(t.Context(), approver, declined.ID, " "), fault.Invalid)
	if err := h.Decline(t.Context(), approver, declined.ID, "Not before the audit."); err != nil {
		t.Fatal(err)
	}
	if run := h.ended(declined.ID); run.State != encryption.Cancelled || run.Approval.Reason != "Not before the audit." {
		t.Errorf("%s %+v", run.State, run.Approval)
	}
	if err := h.Approve(t.Context(), approver, late.ID, late.Approval.Fingerprint); err != nil {
		t.Fatal(err)
	}
	h.ended(late.ID)
	h.skew.Store(int64(2 * time.Hour))
	if run := h.ended(forgotten.ID); run.State != encryption.Cancelled || run.Approval.State != access.Expired {
		t.Errorf("%s %+v", run.State, run.Approval)
	}
	wantFault(t, h.Approve(t.Context(), approver, forgotten.ID, forgotten.Approval.Fingerprint), fault.Conflict)
}

func TestARunThatThePolicyNamedCanBeApproved(t *testing.T) {
	h := fourEyes(t)
	h.start()
	run, err := h.NewRun(t.Context(), access.Caller{Name: "scheduler", Role: access.System}, wish("ssn"))
	if err != nil {
		t.Fatal(err)
	}
	run.ID = "named-with-the-wish"
	if run, err = h.Enqueue(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if err := h.Approve(t.Context(), admin, run.ID, run.Approval.Fingerprint); err != nil {
		t.Fatal(err)
	}
	if run = h.ended(run.ID); run.State != encryption.Verified {
		t.Errorf("%s: %s", run.State, run.ErrorMessage)
	}
}

func TestARequestThatIsTakenBackCannotBeApproved(t *testing.T) {
	h := fourEyes(t)
	run := h.launch(wish("ssn"))
	if err := h.Cancel(t.Context(), admin, run.ID); err != nil {
		t.Fatal(err)
	}
	run, err := h.store.Run(t.Context(), run.ID)
	if err != nil || run.State != encryption.Cancelled || run.Approval.State != access.Withdrawn {
		t.Fatalf("%s %+v %v", run.State, run.Approval, err)
	}
	wantFault(t, h.Approve(t.Context(), approver, run.ID, run.Approval.Fingerprint), fault.Conflict)
}

func TestWhatCannotRunIsNotAskedFor(t *testing.T) {
	h := fourEyes(t)
	_, err := h.Launch(t.Context(), admin, wish("no_such_column"))
	wantFault(t, err, fault.Blocked)
	r := wish("ssn")
	r.Fingerprint = "of another table"
	_, err = h.Launch(t.Context(), admin, r)
	wantFault(t, err, fault.PlanChanged)
}

// changing is a house's connections while they come and go.
type changing struct {
	*house
	mu    sync.Mutex
	names []string
}

func (c *changing) Names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.names)
}

func (c *changing) set(names ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names = names
}

func TestAConnectionThatIsAddedWhileServingGetsItsRunsDone(t *testing.T) {
	h := newHouse(t, sandbox.Config{Inline: true})
	c := &changing{house: h}
	h.Service = encryption.NewService(h.store, c, h.now, slog.New(slog.NewTextHandler(t.Output(), nil)))
	run := h.launch(wish("ssn"))
	h.start()
	c.set("default")
	if run = h.ended(run.ID); run.State != encryption.Verified {
		t.Fatalf("%s: %s", run.State, run.ErrorMessage)
	}
	c.set()
	h.conn.Disabled = true
	_, err := h.Launch(t.Context(), admin, wish("credit_card"))
	wantFault(t, err, fault.Conflict)
}
