package access

import (
	"crypto/subtle"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// ApprovalState is the state of a request for approval.
type ApprovalState string

// The states. Requested moves to Approved, Declined, Withdrawn or Expired; Approved to Used, Withdrawn or
// Expired; the other four are final.
const (
	Requested ApprovalState = "requested"
	Approved  ApprovalState = "approved"
	Declined  ApprovalState = "declined"
	Withdrawn ApprovalState = "withdrawn"
	Expired   ApprovalState = "expired"
	Used      ApprovalState = "used"
)

// ApprovalStates returns every state of a request for approval.
func ApprovalStates() []ApprovalState {
	return []ApprovalState{Requested, Approved, Declined, Withdrawn, Expired, Used}
}

// Party is a person as an approval names them.
type Party struct {
	UserID int64
	Name   string
}

// Approval is a request under the four-eyes rule: one person asks for a plan, another approves it, and the
// approval holds for that plan until it expires. It is a value without I/O; each method returns the next
// state or a fault and does not change its receiver. The store commits the change with a compare-and-swap
// on State, together with its audit record.
type Approval struct {
	ID          string
	Subject     string // what is approved: the id of the run, or of the request for decisions
	Fingerprint string // of the plan, as the requester saw it
	State       ApprovalState
	RequestedBy Party
	RequestedAt time.Time
	Behind      []Party   `json:",omitempty"` // whose standing order it follows: they count as requesters too
	ExpiresAt   time.Time // neither approved nor used from then on
	DecidedBy   Party     // who approved or declined
	DecidedAt   time.Time
	Reason      string // why it was declined
	UsedAt      time.Time
}

const (
	minApprovalLife = 5 * time.Minute
	maxApprovalLife = 30 * 24 * time.Hour
	maxReason       = 500 // characters
)

// RequestApproval asks for approval of the subject's plan. The caller needs the permission to ask for it, such as
// PermLaunchRun.
func RequestApproval(c Caller, needs Permission, id, subject, fingerprint string, now time.Time, life time.Duration) (Approval, error) {
	if err := Require(c, needs); err != nil {
		return Approval{}, err
	}
	if id == "" || subject == "" || fingerprint == "" {
		return Approval{}, fault.New(fault.Invalid, "A request for approval names a plan.")
	}
	if life < minApprovalLife || life > maxApprovalLife {
		return Approval{}, fault.New(fault.Invalid, "A request for approval lasts between 5 minutes and 30 days.")
	}
	return Approval{
		ID: id, Subject: subject, Fingerprint: fingerprint, State: Requested,
		RequestedBy: Party{c.UserID, c.Name}, RequestedAt: now, ExpiresAt: now.Add(life),
	}, nil
}

// Approve approves the plan with the fingerprint, which is the plan that the approver was shown. The
// requester cannot approve it in any role, nor can somebody who is no second person beside them (see SecondPerson,
// which says what touches are), the console itself or a program with a token.
func (a Approval) Approve(c Caller, fingerprint string, touches []Touch, now time.Time) (Approval, error) {
	if err := a.mayDecide(c, now); err != nil {
		return a, err
	}
	for _, requester := range a.requesters() {
		if err := SecondPerson(requester, Party{c.UserID, c.Name}, touches, now); err != nil {
			return a, err
		}
	}
	if !a.matches(fingerprint) {
		return a, fault.New(fault.PlanChanged,
			"This is not what was asked for any more, or not what you were shown. Look at it again: what has changed must be asked for again.")
	}
	a.State, a.DecidedBy, a.DecidedAt = Approved, Party{c.UserID, c.Name}, now
	return a, nil
}

// Decline refuses the request, with a reason for the person who asked.
func (a Approval) Decline(c Caller, reason string, now time.Time) (Approval, error) {
	if err := a.mayDecide(c, now); err != nil {
		return a, err
	}
	reason = strings.TrimSpace(reason)
	if !audit.Says(reason) || utf8.RuneCountInString(reason) > maxReason || !audit.Plain(reason) {
		return a, fault.New(fault.Invalid, "Say why, in a text of at most %d characters.", maxReason)
	}
	a.State, a.DecidedBy, a.DecidedAt, a.Reason = Declined, Party{c.UserID, c.Name}, now, reason
	return a, nil
}

func (a Approval) mayDecide(c Caller, now time.Time) error {
	if err := Require(c, PermApproveRun); err != nil {
		return err
	}
	switch {
	case !c.Role.Valid() || c.UserID == 0 || c.Scope != nil:
		return fault.New(fault.Denied, "Only a person who signed in can approve.")
	case a.OwnOf(c):
		return fault.New(fault.Denied, "You asked for this yourself. Another person must approve it.")
	case a.State != Requested:
		return fault.New(fault.Conflict, "This request is %s already.", a.State)
	case !now.Before(a.ExpiresAt):
		return fault.New(fault.Conflict, "This request has expired. It must be asked for again.")
	}
	return nil
}

// requesters returns everybody who counts as having asked.
func (a Approval) requesters() []Party { return append([]Party{a.RequestedBy}, a.Behind...) }

// OwnOf reports whether the caller made the request, or gave the standing order behind it.
func (a Approval) OwnOf(c Caller) bool {
	return slices.ContainsFunc(a.requesters(), func(p Party) bool { return p.is(Party{c.UserID, c.Name}) })
}

// is reports whether two parties are one account. It compares names beside ids: names are unique and never given to
// another person, so they still identify somebody in a restored database.
func (p Party) is(other Party) bool {
	return p.UserID == other.UserID || NameKey(p.Name) == NameKey(other.Name)
}

// Withdraw takes the request back, before or after its approval but not after its use. The caller needs the
// permission to take it back, such as PermCancelRun.
func (a Approval) Withdraw(c Caller, needs Permission) (Approval, error) {
	if err := Require(c, needs); err != nil {
		return a, err
	}
	if a.State != Requested && a.State != Approved {
		return a, fault.New(fault.Conflict, "This request is %s already.", a.State)
	}
	a.State = Withdrawn
	return a, nil
}

// Stop takes the request back in nobody's name: who asked for it or approved it may no longer do so.
func (a Approval) Stop() Approval {
	if a.State == Requested || a.State == Approved {
		a.State = Withdrawn
	}
	return a
}

// Expire moves a request whose ExpiresAt has passed to Expired; ok is false when the request is not due or
// final already.
func (a Approval) Expire(now time.Time) (next Approval, ok bool) {
	if (a.State != Requested && a.State != Approved) || now.Before(a.ExpiresAt) {
		return a, false
	}
	a.State = Expired
	return a, true
}

// Use spends the approval on the plan with the fingerprint that the table has now, just before anything is
// sent. No other code lets a run of a four-eyes connection go on.
func (a Approval) Use(subject, fingerprint string, now time.Time) (Approval, error) {
	switch {
	case a.State != Approved:
		return a, fault.New(fault.Denied,
			"This run needs the approval of another person; the request is %s.", a.State)
	case !now.Before(a.ExpiresAt):
		return a, fault.New(fault.Denied, "The approval has expired. Ask for it again.")
	case a.Subject != subject:
		return a, fault.New(fault.Denied, "This approval is for another run.")
	case a.DecidedBy == (Party{}), slices.ContainsFunc(a.requesters(), a.DecidedBy.is):
		// Approve never lets this come about; a row that was edited could.
		return a, fault.New(fault.Denied, "The approval does not name a second person. Ask for it again.")
	case !a.matches(fingerprint):
		return a, fault.New(fault.PlanChanged,
			"The table has changed since this was approved. Nothing was sent; ask again.")
	}
	a.State, a.UsedAt = Used, now
	return a, nil
}

func (a Approval) matches(fingerprint string) bool {
	return a.Fingerprint != "" && subtle.ConstantTimeCompare([]byte(a.Fingerprint), []byte(fingerprint)) == 1
}
