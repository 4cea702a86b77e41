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

// fourEyes is a pipeline whose connection asks for a second person.
func fourEyes(t *testing.T) *pipeline {
	t.Helper()
	p := newPipeline(t, sandbox.Config{Inline: true})
	p.conn.FourEyes, p.conn.ApprovalLife = true, time.Hour
	return p
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
	p := fourEyes(t)
	p.start()
	run := p.launch(requestFor("ssn"))
	if run.State != encryption.Awaiting || run.Plan == nil {
		t.Fatalf("%s, plan %v", run.State, run.Plan)
	}
	good := run.Approval.Fingerprint
	sameName := access.Caller{UserID: 9, Name: "ADMIN", Role: access.Admin}
	for who, c := range map[string]access.Caller{"the requester": admin, "their name in capitals": sameName, "an officer": officer,
		"the console": {Name: "scheduler", Role: access.System}, "a token": {UserID: 2, Name: "anna", Role: access.Approver,
			Scope: &access.Scope{Permissions: []access.Permission{access.PermApproveRun}}}} {
		if err := p.Approve(t.Context(), c, run.ID, good); fault.CodeOf(err) != fault.Denied {
			t.Errorf("%s approved the run: %v", who, err)
		}
	}
	wantFault(t, p.Approve(t.Context(), approver, run.ID, "other"), fault.PlanChanged)
	if p.commits() != 0 {
		t.Fatal("something was sent before the approval")
	}
	if err := p.Approve(t.Context(), approver, run.ID, good); err != nil {
		t.Fatal(err)
	}
	wantFault(t, p.Approve(t.Context(), approver, run.ID, good), fault.Conflict)
	run = p.ended(run.ID)
	if run.State != encryption.Verified || run.Approval.State != access.Used || p.commits() != 1 {
		t.Fatalf("%s (%s), approval %s, %d commits", run.State, run.ErrorMessage, run.Approval.State, p.commits())
	}
	if r := p.final(run); r.Actor.Name != "admin" || !strings.Contains(r.Detail, "Approved by anna.") {
		t.Errorf("%+v", r)
	}
	var denied, approved int
	for _, r := range p.records() {
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
	p := newPipeline(t, sandbox.Config{Inline: true})
	run := p.launch(requestFor("ssn")) // queued before the connection asked for four eyes
	p.conn.FourEyes, p.conn.ApprovalLife = true, time.Hour
	p.start()
	run = p.ended(run.ID)
	if run.State != encryption.Failed || run.ErrorCode != fault.Denied || p.commits() != 0 {
		t.Errorf("%s %s, %d commits", run.State, run.ErrorCode, p.commits())
	}
}

func TestATableThatChangedAfterItsApprovalIsLeftAlone(t *testing.T) {
	p := fourEyes(t)
	run := p.launch(requestFor("ssn"))
	if err := p.Approve(t.Context(), approver, run.ID, run.Approval.Fingerprint); err != nil {
		t.Fatal(err)
	}
	if err := p.tenant.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: sandbox.Encrypt, Column: "credit_card"}); err != nil {
		t.Fatal(err)
	}
	before := p.commits()
	p.start()
	run = p.ended(run.ID)
	if run.State != encryption.Failed || run.ErrorCode != fault.PlanChanged || p.commits() != before {
		t.Errorf("%s %s", run.State, run.ErrorCode)
	}
}

func TestADeclinedOrForgottenRequestEnds(t *testing.T) {
	p := fourEyes(t)
	p.start()
	declined, forgotten, late := p.launch(requestFor("ssn")), p.launch(requestFor("credit_card")), p.launch(requestFor("medical_record_number"))
	wantFault(t, p.Decline(t.Context(), approver, declined.ID, " "), fault.Invalid)
	if err := p.Decline(t.Context(), approver, declined.ID, "Not before the audit."); err != nil {
		t.Fatal(err)
	}
	if run := p.ended(declined.ID); run.State != encryption.Cancelled || run.Approval.Reason != "Not before the audit." {
		t.Errorf("%s %+v", run.State, run.Approval)
	}
	if err := p.Approve(t.Context(), approver, late.ID, late.Approval.Fingerprint); err != nil {
		t.Fatal(err)
	}
	p.ended(late.ID)
	p.ahead.Store(int64(2 * time.Hour))
	if run := p.ended(forgotten.ID); run.State != encryption.Cancelled || run.Approval.State != access.Expired {
		t.Errorf("%s %+v", run.State, run.Approval)
	}
	wantFault(t, p.Approve(t.Context(), approver, forgotten.ID, forgotten.Approval.Fingerprint), fault.Conflict)
}

func TestARunThatThePolicyNamedCanBeApproved(t *testing.T) {
	p := fourEyes(t)
	p.start()
	run, err := p.NewRun(t.Context(), access.Caller{Name: "scheduler", Role: access.System}, requestFor("ssn"))
	if err != nil {
		t.Fatal(err)
	}
	run.ID = "named-with-the-request"
	if run, err = p.Enqueue(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if err := p.Approve(t.Context(), admin, run.ID, run.Approval.Fingerprint); err != nil {
		t.Fatal(err)
	}
	if run = p.ended(run.ID); run.State != encryption.Verified {
		t.Errorf("%s: %s", run.State, run.ErrorMessage)
	}
}

func TestARequestThatIsTakenBackCannotBeApproved(t *testing.T) {
	p := fourEyes(t)
	run := p.launch(requestFor("ssn"))
	if err := p.Cancel(t.Context(), admin, run.ID); err != nil {
		t.Fatal(err)
	}
	run, err := p.store.Run(t.Context(), run.ID)
	if err != nil || run.State != encryption.Cancelled || run.Approval.State != access.Withdrawn {
		t.Fatalf("%s %+v %v", run.State, run.Approval, err)
	}
	wantFault(t, p.Approve(t.Context(), approver, run.ID, run.Approval.Fingerprint), fault.Conflict)
}

func TestWhatCannotRunIsNotAskedFor(t *testing.T) {
	p := fourEyes(t)
	_, err := p.Launch(t.Context(), admin, requestFor("no_such_column"))
	wantFault(t, err, fault.Blocked)
	r := requestFor("ssn")
	r.Fingerprint = "of another table"
	_, err = p.Launch(t.Context(), admin, r)
	wantFault(t, err, fault.PlanChanged)
}

// changing is a pipeline's connections while they come and go.
type changing struct {
	*pipeline
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
	p := newPipeline(t, sandbox.Config{Inline: true})
	c := &changing{pipeline: p}
	p.Service = encryption.NewService(p.store, c, p.now, slog.New(slog.NewTextHandler(t.Output(), nil)))
	run := p.launch(requestFor("ssn"))
	p.start()
	c.set("default")
	if run = p.ended(run.ID); run.State != encryption.Verified {
		t.Fatalf("%s: %s", run.State, run.ErrorMessage)
	}
	c.set()
	p.conn.Disabled = true
	_, err := p.Launch(t.Context(), admin, requestFor("credit_card"))
	wantFault(t, err, fault.Conflict)
}
