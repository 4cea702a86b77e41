package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// firstAdmin is the name of the account that EnsureAdmin makes (contract §2).
const firstAdmin = "admin"

// setupToken is the hash of the token in the setup link, which makes the first account of a console that
// has none. It is kept in memory: a restart prints a new link.
type setupToken struct {
	hash    [sha256.Size]byte
	expires time.Time // zero when no link is out
}

// setupTokenLife is how long a setup link works: time enough to open it in a browser.
const setupTokenLife = time.Hour

// EnsureAdmin makes the account "admin" with the password when no account exists, and reports whether it
// did. Where any account exists it does nothing, so that a CXSEAL_ADMIN_PASSWORD left in the environment
// resets nothing.
func (a *Accounts) EnsureAdmin(ctx context.Context, password string) (created bool, err error) {
	a.changing.Lock()
	defer a.changing.Unlock()
	if n, err := a.store.CountUsers(ctx); err != nil || n > 0 {
		return false, err
	}
	if password == "" {
		return false, fault.New(fault.Invalid, "The admin's password must not be empty.")
	}
	if _, err := a.create(ctx, Caller{Name: "setup", Role: System}, firstAdmin, password, Admin); err != nil {
		return false, err
	}
	a.setup = setupToken{}
	return true, nil
}

// SetupToken returns a new one-time token for the link that makes the first account; the one before stops
// working. It is "" when an account exists. The token has 256 random bits and lives an hour; print it on
// the terminal and nowhere else.
func (a *Accounts) SetupToken(ctx context.Context) (string, error) {
	a.changing.Lock()
	defer a.changing.Unlock()
	if n, err := a.store.CountUsers(ctx); err != nil || n > 0 {
		return "", err
	}
	token := randomToken()
	a.setup = setupToken{hash: sha256.Sum256([]byte(token)), expires: a.now().Add(setupTokenLife)}
	return token, nil
}

// AwaitsFirst reports whether the console printed a setup link and still has no account.
func (a *Accounts) AwaitsFirst(ctx context.Context) (bool, error) {
	a.changing.Lock()
	printed := !a.setup.expires.IsZero()
	a.changing.Unlock()
	if !printed {
		return false, nil
	}
	n, err := a.store.CountUsers(ctx)
	return err == nil && n == 0, err
}

// CheckSetupToken is nil when the token is the present one, so that the page may be shown. A wrong, used or
// expired one is fault.NotFound alike.
func (a *Accounts) CheckSetupToken(token string) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	return a.checkSetup(token)
}

func (a *Accounts) checkSetup(token string) error {
	hash := sha256.Sum256([]byte(token))
	same := subtle.ConstantTimeCompare(hash[:], a.setup.hash[:]) == 1
	if !same || !a.now().Before(a.setup.expires) {
		return fault.New(fault.NotFound,
			"This setup link is not valid, or no longer. Restart the console to print a new one.")
	}
	return nil
}

// CompleteSetup makes the first account, an admin, for the person with the token, signs them in from the
// address ip, and spends the token. After a refused name or password the token still works.
func (a *Accounts) CompleteSetup(ctx context.Context, token, name, password, ip string) (Caller, error) {
	a.changing.Lock()
	defer a.changing.Unlock()
	if err := a.checkSetup(token); err != nil {
		return Caller{}, err
	}
	n, err := a.store.CountUsers(ctx)
	if err != nil {
		return Caller{}, err
	}
	if n > 0 {
		a.setup = setupToken{}
		return Caller{}, a.checkSetup(token)
	}
	if password == "" {
		return Caller{}, fault.New(fault.Invalid, "The account needs a password.")
	}
	// The record names "setup" as the actor. The caller has no role, so the password must follow the rules
	// for people.
	u, err := a.create(ctx, Caller{Name: "setup", IP: ip}, name, password, Admin)
	if err != nil {
		return Caller{}, err
	}
	a.setup = setupToken{}
	caller := u.Caller(ip)
	return caller, a.login(ctx, audit.Success, caller.Actor(), "First start: signed in by the setup link.")
}

// randomToken returns 256 random bits as 43 characters that need no escaping in a URL.
func randomToken() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: it ends the program instead (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b)
}
