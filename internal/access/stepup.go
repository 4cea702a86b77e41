package access

import (
	"context"
	"strings"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// Proof is what somebody enters beside a form that makes a lasting way in: an API token, a calendar address. That
// they signed in a moment ago is none, since a session may be stolen.
type Proof struct {
	Present string // the present password, or a code of the second factor
	Code    string // a code of the second factor or a recovery code
}

// StepUp is nil when the proof is the caller's own: the present password, or a code where their second factor is on.
// It is fault.Invalid for a wrong one, which is recorded, for none, and for an account that has neither; tries are
// throttled like logins. what is what is being made, as words for the record.
func (a *Accounts) StepUp(ctx context.Context, c Caller, p Proof, what string) error {
	if c.Scope != nil || c.UserID == 0 {
		return fault.New(fault.Denied, "Only a person who signed in can do this.")
	}
	u, err := a.Own(ctx, c)
	if err != nil {
		return err
	}
	on := false
	if a.factors != nil {
		if on, err = a.factors.On(ctx, u.ID); err != nil {
			return err
		}
	}
	if digits := strings.ReplaceAll(strings.TrimSpace(p.Present), " ", ""); p.Code == "" && on && len(digits) == 6 &&
		strings.Trim(digits, "0123456789") == "" {
		p = Proof{Code: digits} // no password is that short
	}
	switch {
	case u.PasswordHash == "" && !on:
		return fault.New(fault.Invalid, "Your account has no password here. Turn on a second factor first: its code is the proof.")
	case on && p.Code != "":
		_, err = a.factors.check(ctx, u.ID, p.Code, c.IP)
	case u.PasswordHash != "" && p.Present != "":
		var ok bool
		if ok, err = a.prove(ctx, u, p.Present, c.IP); err == nil && !ok {
			err = fault.New(fault.Unauthenticated, "wrong")
		}
	default:
		return fault.New(fault.Invalid, "Enter your present password, or a code of your second factor where it is on.")
	}
	if fault.CodeOf(err) != fault.Unauthenticated {
		return err
	}
	record := newRecord(a.now(), audit.UserChanged, audit.Failure, c.Actor(), what+" not made: the password or code was wrong.")
	if err := a.store.AppendRecords(ctx, record); err != nil {
		return err
	}
	return fault.New(fault.Invalid, "The password or code is not right.")
}

// KeyStore ends the lasting ways in of a person.
type KeyStore interface {
	// RemoveKeys deletes the person's API tokens, calendar feed and permit to be linked, and says how many.
	RemoveKeys(ctx context.Context, userID int64, records ...audit.Record) (int, error)
}

// RemoveKeys ends every lasting way in of the person: API tokens and the calendar feed. It is for one's own account,
// or needs PermManagePeople.
func (a *Accounts) RemoveKeys(ctx context.Context, c Caller, id int64) (int, error) {
	if err := a.requireFor(ctx, c, id); err != nil {
		return 0, err
	}
	u, err := a.store.UserByID(ctx, id)
	if err != nil {
		return 0, err
	}
	return a.store.RemoveKeys(ctx, id, a.changed(c, "API tokens and calendar feed of "+u.Name+" removed."))
}
