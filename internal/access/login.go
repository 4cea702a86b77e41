package access

import (
	"context"
	"errors"
	"strings"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// refusal is the one answer to an unknown name, a wrong password and a disabled account, so that an answer
// never tells which accounts exist.
const refusal = "The name or the password is not right."

// Authenticate proves a person by name and password and returns them as a caller from the address ip. Every
// try is on the record as LOGIN: SUCCESS, FAILURE (wrong name or password), DENIED (a disabled account's
// right password, or the first try that must wait).
//
// It is a *CodeNeededError when the person has a second factor; see AuthenticateCode.
//
// It is fault.Unauthenticated with one and the same sentence for an unknown name, a wrong password and a
// disabled account, after the same work; and fault.TooMany (a *WaitError) when the caller must wait. See
// Throttle. Without its record in the ledger no login succeeds.
func (a *Accounts) Authenticate(ctx context.Context, name, password, ip string) (Caller, error) {
	typed := typedName(name)
	stranger := audit.Actor{Name: typed, IP: ip}
	if err := a.mayLogInHere(ctx, stranger); err != nil {
		return Caller{}, err
	}
	u, err := a.store.UserByName(ctx, typed)
	if err != nil && fault.CodeOf(err) != fault.NotFound {
		return Caller{}, err
	}
	if err != nil || typed != strings.TrimSpace(name) {
		u = User{Name: typed} // no hash: it never matches
	}

	ok, err := a.prove(ctx, u, password, ip)
	var wait *WaitError
	switch {
	case errors.As(err, &wait):
		if wait.first {
			if rerr := a.login(ctx, audit.Denied, stranger, "Too many failed tries; told to wait."); rerr != nil {
				return Caller{}, rerr
			}
		}
		return Caller{}, err
	case err != nil:
		return Caller{}, err
	case !ok:
		if err := a.login(ctx, audit.Failure, stranger, "Wrong name or password."); err != nil {
			return Caller{}, err
		}
		return Caller{}, fault.New(fault.Unauthenticated, refusal)
	case u.Disabled:
		if err := a.login(ctx, audit.Denied, u.Caller(ip).Actor(), "The account is disabled."); err != nil {
			return Caller{}, err
		}
		return Caller{}, fault.New(fault.Unauthenticated, refusal)
	}
	if a.factors != nil {
		if on, err := a.factors.On(ctx, u.ID); err != nil {
			return Caller{}, err
		} else if on {
			return Caller{}, &CodeNeededError{UserID: u.ID, Since: a.now()}
		}
	}
	return a.admit(ctx, u, ip, "")
}

// admit ends every login. Without its audit record the login fails.
func (a *Accounts) admit(ctx context.Context, u User, ip, detail string) (Caller, error) {
	caller := u.Caller(ip)
	if err := a.login(ctx, audit.Success, caller.Actor(), detail); err != nil {
		return Caller{}, err
	}
	return caller, nil
}

// mayLogInHere is fault.Denied where local accounts are switched off. It is asked before the name is looked
// up, so it tells nothing about accounts.
func (a *Accounts) mayLogInHere(ctx context.Context, stranger audit.Actor) error {
	if a.localLogin == nil {
		return nil
	}
	allowed, err := a.localLogin(ctx)
	if err != nil || allowed {
		return err
	}
	if err := a.login(ctx, audit.Denied, stranger, "Local accounts are switched off."); err != nil {
		return err
	}
	return fault.New(fault.Denied, "Passwords are switched off here. Sign in through your organisation.")
}

// CodeNeededError says that the password was right and a code of the second factor is needed. Keep both
// fields in the browser's session, on the server, and pass them to AuthenticateCode. It is
// fault.Unauthenticated: nobody is signed in yet.
type CodeNeededError struct {
	UserID int64
	Since  time.Time
}

func (e *CodeNeededError) Error() string { return e.Unwrap().Error() }

// Unwrap is the fault with the sentence.
func (e *CodeNeededError) Unwrap() error {
	return fault.New(fault.Unauthenticated, "Enter the code of your second factor.")
}

// codeTime is how long a login with a right password waits for its code.
const codeTime = 5 * time.Minute

// AuthenticateCode ends a login that Authenticate left with a CodeNeededError, by a code of the
// authenticator or a recovery code. Codes are throttled like passwords, apart from them. Every try is on
// the record as LOGIN.
func (a *Accounts) AuthenticateCode(ctx context.Context, pending CodeNeededError, code, ip string) (Caller, error) {
	again := fault.New(fault.Unauthenticated, "That took too long. Sign in again.")
	if a.factors == nil || pending.Since.IsZero() || a.now().Sub(pending.Since) > codeTime {
		return Caller{}, again
	}
	u, err := a.store.UserByID(ctx, pending.UserID)
	if fault.CodeOf(err) == fault.NotFound || (err == nil && (u.Disabled || u.UpdatedAt.After(pending.Since))) {
		return Caller{}, again // the password that was right then may be reset by now
	}
	if err != nil {
		return Caller{}, err
	}
	how, err := a.factors.check(ctx, u.ID, code, ip)
	var wait *WaitError
	switch {
	case errors.As(err, &wait) && wait.first:
		if rerr := a.login(ctx, audit.Denied, u.Caller(ip).Actor(), "Too many wrong codes; told to wait."); rerr != nil {
			return Caller{}, rerr
		}
	case fault.CodeOf(err) == fault.Unauthenticated:
		if rerr := a.login(ctx, audit.Failure, u.Caller(ip).Actor(), "Wrong code of the second factor."); rerr != nil {
			return Caller{}, rerr
		}
	}
	if err != nil {
		return Caller{}, err
	}
	return a.admit(ctx, u, ip, how)
}

func (a *Accounts) login(ctx context.Context, outcome audit.Outcome, actor audit.Actor, detail string) error {
	return a.store.AppendRecords(ctx, newRecord(a.now(), audit.Login, outcome, actor, detail))
}

// prove reports whether the password is the account's. Failures count towards the throttle. An account
// without a hash, an unknown one too, takes the same time and never matches. A hash made at another cost is
// replaced after a match.
func (a *Accounts) prove(ctx context.Context, u User, password, ip string) (bool, error) {
	key := NameKey(u.Name)
	if err := a.throttle.mayTry(key, ip); err != nil {
		return false, err
	}
	turn := func() (func(), error) { return a.hash.strangersTurn(ctx, AddressGroup(ip)) }
	if a.throttle.Known(key, ip) {
		turn = func() (func(), error) { return a.hash.knownTurn(ctx) }
	}
	release, err := turn()
	if err != nil {
		return false, err
	}
	defer release()
	// Asked again in our turn: of a burst that came before the first failure was counted, no more than
	// hashesAtOnce get through.
	if err := a.throttle.mayTry(key, ip); err != nil {
		return false, err
	}
	ok, stale, err := a.hash.match(password, u.PasswordHash)
	if err != nil {
		return false, err
	}
	if !ok || u.Disabled {
		a.throttle.Failed(key, ip)
		return ok, nil
	}
	a.throttle.Succeeded(key, ip)
	if stale {
		hash, err := a.hash.make(password)
		if err != nil {
			return false, err
		}
		return true, a.store.SetPassword(ctx, u.ID, hash, a.now(), Touch{})
	}
	return true, nil
}

// mayTry is nil when the account may try from the address now, and otherwise a *WaitError.
func (t *Throttle) mayTry(account, ip string) error {
	wait, first := t.Wait(account, ip)
	if wait <= 0 {
		return nil
	}
	err := tooMany(wait, "Too many failed tries.")
	err.first = first
	return err
}

// Logout records that the caller signed out. It does not end the session itself.
func (a *Accounts) Logout(ctx context.Context, c Caller) error {
	return a.store.AppendRecords(ctx, newRecord(a.now(), audit.Logout, audit.Success, c.Actor(), ""))
}

// Current is the account as it stands now, as a caller from the address ip. A session asks on every
// request, so that a changed role or a disabled account counts at once. An account that is gone or disabled
// is fault.Unauthenticated.
func (a *Accounts) Current(ctx context.Context, id int64, ip string) (Caller, error) {
	u, err := a.store.UserByID(ctx, id)
	if fault.CodeOf(err) == fault.NotFound || (err == nil && u.Disabled) {
		return Caller{}, fault.New(fault.Unauthenticated, "Sign in again.")
	}
	if err != nil {
		return Caller{}, err
	}
	return u.Caller(ip), nil
}
