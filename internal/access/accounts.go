package access

import (
	"context"
	"sync"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// Accounts is the service of people's accounts: it creates and changes them, and proves a person at a
// login.
type Accounts struct {
	store    AccountStore
	now      func() time.Time
	hash     *hasher
	throttle *Throttle

	// changing lets one change of accounts run at a time in this process, so that of two at once only one
	// makes the first account and neither removes the last admin. The store guards the last admin across
	// processes too.
	changing sync.Mutex
	setup    setupToken

	sessions   SessionStore  // nil: nothing to end
	factors    *SecondFactor // nil: nobody has one
	localLogin func(context.Context) (bool, error)
}

// Option adds an optional part to Accounts.
type Option func(*Accounts)

// WithSessions ends a person's other sessions when their password changes, and all of them when the account
// is disabled.
func WithSessions(s SessionStore) Option { return func(a *Accounts) { a.sessions = s } }

// WithSecondFactor makes a login ask for a code where the person turned their second factor on.
func WithSecondFactor(f *SecondFactor) Option { return func(a *Accounts) { a.factors = f } }

// WithLocalLogin calls the function at every login to learn whether local accounts may sign in. It is for a
// console whose people sign in through a provider.
func WithLocalLogin(allowed func(context.Context) (bool, error)) Option {
	return func(a *Accounts) { a.localLogin = allowed }
}

// NewAccounts returns the service. cost is DefaultHashCost when zero.
func NewAccounts(store AccountStore, now func() time.Time, cost HashCost, options ...Option) *Accounts {
	a := &Accounts{store: store, now: now, hash: newHasher(cost), throttle: NewThrottle(now)}
	for _, o := range options {
		o(a)
	}
	return a
}

// require is Require that also records a denial. When the record cannot be written that error is returned,
// so the caller is refused either way.
func (a *Accounts) require(ctx context.Context, c Caller, perm Permission) error {
	denied := Require(c, perm)
	if denied == nil {
		return nil
	}
	if err := a.store.AppendRecords(ctx, DenialRecord(a.now(), c, perm)); err != nil {
		return err
	}
	return denied
}

// List returns every account. The caller needs PermManagePeople, as for every method here that concerns
// other people.
func (a *Accounts) List(ctx context.Context, c Caller) ([]User, error) {
	if err := a.require(ctx, c, PermManagePeople); err != nil {
		return nil, err
	}
	return a.store.ListUsers(ctx)
}

// Create adds an account. An empty password makes one that can sign on only through a provider.
func (a *Accounts) Create(ctx context.Context, c Caller, name, password string, role Role) (User, error) {
	if err := a.require(ctx, c, PermManagePeople); err != nil {
		return User{}, err
	}
	a.changing.Lock()
	defer a.changing.Unlock()
	return a.create(ctx, c, name, password, role)
}

func (a *Accounts) create(ctx context.Context, c Caller, name, password string, role Role) (User, error) {
	if err := CheckName(name); err != nil {
		return User{}, err
	}
	if !role.Valid() {
		return User{}, errNoSuchRole
	}
	hash := ""
	if password != "" {
		if err := CheckPassword(name, password, minLengthFor(c)); err != nil {
			return User{}, err
		}
		var err error
		if hash, err = a.hash.hash(ctx, password); err != nil {
			return User{}, err
		}
	}
	now := a.now()
	u, err := a.store.AddUser(ctx,
		User{Name: name, Role: role, PasswordHash: hash, CreatedAt: now, UpdatedAt: now},
		a.touch(c, 0, name, TouchMade), a.changed(c, "Account "+name+" created as "+string(role)+"."))
	if fault.CodeOf(err) == fault.Conflict {
		return User{}, fault.Wrap(err, fault.Conflict,
			"There is an account named %s already. Choose another name.", name)
	}
	return u, err
}

// minLengthFor returns the least length of a password that the caller sets: MinOperatorPasswordLength for
// the operator of the machine, whose passwords come from scripts and prompts, MinPasswordLength for
// everyone else.
func minLengthFor(c Caller) int {
	if c.Role == System {
		return MinOperatorPasswordLength
	}
	return MinPasswordLength
}

// notOwn is fault.Conflict where the account is the caller's own: how they sign in themselves changes only with
// a proof (ChangeOwnPassword, SecondFactor.TurnOff), whatever else they may do. A session that was left open, or
// stolen, must not become an account that was taken.
func notOwn(c Caller, id int64) error {
	if c.UserID == id && id != 0 {
		return fault.New(fault.Conflict,
			"This is your own account. Change how you sign in under Your account, which asks for a proof.")
	}
	return nil
}

// ChangePassword sets another person's password and ends their sessions and keys: it is reset because it was lost, or
// is known to somebody. The caller's own is fault.Conflict: see ChangeOwnPassword.
func (a *Accounts) ChangePassword(ctx context.Context, c Caller, id int64, password string) error {
	if err := a.require(ctx, c, PermManagePeople); err != nil {
		return err
	}
	if err := notOwn(c, id); err != nil {
		return err
	}
	if err := a.setPassword(ctx, c, id, password, "set"); err != nil {
		return err
	}
	_, err := a.RemoveKeys(ctx, c, id)
	return err
}

// ChangeOwnPassword sets the caller's own password once the present one was proved. The proof is throttled
// like a login.
func (a *Accounts) ChangeOwnPassword(ctx context.Context, c Caller, present, password string) error {
	if err := a.require(ctx, c, PermOwnAccount); err != nil {
		return err
	}
	if c.Scope != nil {
		return fault.New(fault.Denied, "A password is changed by the person, not with an API token.")
	}
	u, err := a.store.UserByID(ctx, c.UserID)
	if err != nil {
		return err
	}
	ok, err := a.prove(ctx, u, present, c.IP)
	if err != nil {
		return err
	}
	if !ok {
		err := a.store.AppendRecords(ctx, newRecord(a.now(), audit.UserChanged, audit.Failure, c.Actor(),
			"Password not changed: the present one was wrong."))
		if err != nil {
			return err
		}
		return fault.New(fault.Invalid, "The present password is not right.")
	}
	return a.setPassword(ctx, c, u.ID, password, "changed by themselves")
}

func (a *Accounts) setPassword(ctx context.Context, c Caller, id int64, password, how string) error {
	u, err := a.store.UserByID(ctx, id)
	if err != nil {
		return err
	}
	if err := CheckPassword(u.Name, password, minLengthFor(c)); err != nil {
		return err
	}
	hash, err := a.hash.hash(ctx, password)
	if err != nil {
		return err
	}
	record := a.changed(c, "Password of "+u.Name+" "+how+".")
	if err := a.store.SetPassword(ctx, id, hash, a.now(), a.touch(c, id, u.Name, TouchPassword), record); err != nil {
		return err
	}
	return a.endSessions(ctx, c, id)
}

// endSessions ends the person's sessions except the one the caller came with: a password is often changed
// because it leaked.
func (a *Accounts) endSessions(ctx context.Context, c Caller, id int64) error {
	if a.sessions == nil {
		return nil
	}
	_, err := a.sessions.EndSessions(ctx, id, c.SessionID)
	return err
}

// SetRole gives the account another role. It is fault.Conflict when no enabled admin would be left.
func (a *Accounts) SetRole(ctx context.Context, c Caller, id int64, role Role) error {
	if err := a.require(ctx, c, PermManagePeople); err != nil {
		return err
	}
	if !role.Valid() {
		return errNoSuchRole
	}
	a.changing.Lock()
	defer a.changing.Unlock()
	u, err := a.store.UserByID(ctx, id)
	if err != nil || u.Role == role {
		return err
	}
	if role != Admin {
		if err := a.notTheLastAdmin(ctx, u); err != nil {
			return err
		}
	}
	detail := "Role of " + u.Name + " changed from " + string(u.Role) + " to " + string(role) + "."
	return a.store.SetRole(ctx, id, role, a.now(), a.touch(c, id, u.Name, TouchRole), a.changed(c, detail))
}

// SetDisabled disables or enables the account. It is fault.Conflict when no enabled admin would be left.
func (a *Accounts) SetDisabled(ctx context.Context, c Caller, id int64, disabled bool) error {
	if err := a.require(ctx, c, PermManagePeople); err != nil {
		return err
	}
	a.changing.Lock()
	defer a.changing.Unlock()
	u, err := a.store.UserByID(ctx, id)
	if err != nil || u.Disabled == disabled {
		return err
	}
	detail, by := "Account "+u.Name+" enabled.", a.touch(c, id, u.Name, TouchEnabled)
	if disabled {
		by = Touch{}
		if err := a.notTheLastAdmin(ctx, u); err != nil {
			return err
		}
		detail = "Account " + u.Name + " disabled."
	}
	if err := a.store.SetDisabled(ctx, id, disabled, a.now(), by, a.changed(c, detail)); err != nil || !disabled {
		return err
	}
	return a.endSessions(ctx, c, id)
}

func (a *Accounts) notTheLastAdmin(ctx context.Context, u User) error {
	if u.Role != Admin || u.Disabled {
		return nil
	}
	users, err := a.store.ListUsers(ctx)
	if err != nil {
		return err
	}
	for _, other := range users {
		if other.ID != u.ID && other.Role == Admin && !other.Disabled {
			return nil
		}
	}
	return fault.New(fault.Conflict, "%s is the last enabled admin. Make another person admin first.", u.Name)
}

// Find returns the account with the name; the command line uses it.
func (a *Accounts) Find(ctx context.Context, c Caller, name string) (User, error) {
	if err := a.require(ctx, c, PermManagePeople); err != nil {
		return User{}, err
	}
	u, err := a.store.UserByName(ctx, name)
	if fault.CodeOf(err) == fault.NotFound {
		return User{}, fault.Wrap(err, fault.NotFound, "There is no account with this name.")
	}
	return u, err
}

// Someone returns the account with the id. The caller needs PermManagePeople.
func (a *Accounts) Someone(ctx context.Context, c Caller, id int64) (User, error) {
	if err := a.require(ctx, c, PermManagePeople); err != nil {
		return User{}, err
	}
	return a.store.UserByID(ctx, id)
}

func (a *Accounts) changed(c Caller, detail string) audit.Record {
	return newRecord(a.now(), audit.UserChanged, audit.Success, c.Actor(), detail)
}

// Own is the caller's own account.
func (a *Accounts) Own(ctx context.Context, c Caller) (User, error) {
	if err := a.requireFor(ctx, c, c.UserID); err != nil {
		return User{}, err
	}
	return a.store.UserByID(ctx, c.UserID)
}

// ProveOwn is nil when the password is the caller's present one, or when their account has none. It is
// asked before the caller changes how they sign in, and is throttled like a login. A wrong password is
// fault.Invalid, and recorded.
func (a *Accounts) ProveOwn(ctx context.Context, c Caller, present string) error {
	u, err := a.Own(ctx, c)
	if err != nil || u.PasswordHash == "" {
		return err
	}
	ok, err := a.prove(ctx, u, present, c.IP)
	if err != nil || ok {
		return err
	}
	err = a.store.AppendRecords(ctx, newRecord(a.now(), audit.UserChanged, audit.Failure, c.Actor(),
		"Sign-in not changed: the present password was wrong."))
	if err != nil {
		return err
	}
	return fault.New(fault.Invalid, "The present password is not right.")
}
