package access

import (
	"context"
	"errors"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// LinkPermit is an admin's permission that the person of an account links it with what a provider calls them.
// Linking needs three proofs: this one, a sign-in at the provider under the account's name, and the account's
// own password and second factor.
type LinkPermit struct {
	UserID    int64
	Provider  string // ProviderConfig.ID
	ExpiresAt time.Time
}

// holds reports whether the permit is for the account at the provider and has not expired.
func (p LinkPermit) holds(userID int64, provider string, now time.Time) bool {
	return p.UserID == userID && p.Provider == provider && now.Before(p.ExpiresAt)
}

// linkPermitLife is how long a permit lasts: the person is asked to use it within a day.
const linkPermitLife = 24 * time.Hour

// LinkNeededError says that a person proved an identity whose name an account has, and that an admin permits
// to link the two. Keep it in the browser's session, on the server, and pass it to Link with what the person
// enters. It is fault.Unauthenticated: nobody is signed in yet.
type LinkNeededError struct {
	UserID   int64
	Name     string // the account's
	Provider string
	Label    string // the provider's
	Issuer   string
	Subject  string
	Role     Role // by the groups
	Code     bool // the account's second factor is on: its code is needed beside the password
	Since    time.Time
}

func (e *LinkNeededError) Error() string { return e.Unwrap().Error() }

// Unwrap returns the fault with the sentence.
func (e *LinkNeededError) Unwrap() error {
	return fault.New(fault.Unauthenticated, "Enter the password of your account here to link it.")
}

// PermitLink lets the person of the account link it with what the provider calls them, for a day and once.
// The caller needs PermManagePeople. It is fault.Conflict for an account that has no password to prove, is
// disabled, or is linked with the provider already.
func (s *SSO) PermitLink(ctx context.Context, c Caller, userID int64, provider string) error {
	a := s.accounts
	if err := a.require(ctx, c, PermManagePeople); err != nil {
		return err
	}
	p, err := s.provider(provider)
	if err != nil {
		return err
	}
	u, err := a.store.UserByID(ctx, userID)
	if err != nil {
		return err
	}
	linked, err := s.linked(ctx, userID, p)
	switch {
	case err != nil:
		return err
	case linked:
		return fault.New(fault.Conflict, "The account %s is linked with %s already.", u.Name, p.config.Label)
	case u.PasswordHash == "" || u.Disabled:
		return fault.New(fault.Conflict, "Only an enabled account with a password can be linked: its person must prove that it is theirs.")
	}
	until := a.now().Add(linkPermitLife)
	return s.store.PermitLink(ctx, LinkPermit{UserID: userID, Provider: provider, ExpiresAt: until},
		a.touch(c, u.ID, u.Name, TouchLink), a.changed(c, "Account "+u.Name+" may be linked with its person's identity at "+provider+
			" until "+audit.FormatTime(until)+"."))
}

// linked reports whether the account is linked with an identity of the provider.
func (s *SSO) linked(ctx context.Context, userID int64, p *OIDC) (bool, error) {
	links, err := s.store.ListIdentities(ctx)
	for _, l := range links {
		if l.UserID == userID && sameIssuer(l.Issuer, p.config.Issuer) {
			return true, err
		}
	}
	return false, err
}

// LinkState is what the page of people shows about an account and the providers.
type LinkState struct {
	Linked         bool      // with an identity of a provider
	PermittedUntil time.Time // zero without a permit that holds
}

// LinkStates returns the state of each account that is linked or may be. The caller needs PermManagePeople.
func (s *SSO) LinkStates(ctx context.Context, c Caller) (map[int64]LinkState, error) {
	if err := s.accounts.require(ctx, c, PermManagePeople); err != nil {
		return nil, err
	}
	links, err := s.store.ListIdentities(ctx)
	if err != nil {
		return nil, err
	}
	permits, err := s.store.LinkPermits(ctx)
	if err != nil {
		return nil, err
	}
	states := make(map[int64]LinkState)
	for _, p := range permits {
		if p.holds(p.UserID, p.Provider, s.accounts.now()) {
			states[p.UserID] = LinkState{PermittedUntil: p.ExpiresAt}
		}
	}
	for _, l := range links {
		state := states[l.UserID]
		state.Linked = true
		states[l.UserID] = state
	}
	return states, nil
}

// mayLink returns a *LinkNeededError when the account that has the identity's name may be linked with it, and
// otherwise a denial that says what to ask an admin for. taken is the store's refusal of the name.
func (s *SSO) mayLink(ctx context.Context, id Identity, taken error) error {
	a := s.accounts
	u, err := a.store.UserByName(ctx, id.Name)
	if err != nil {
		return err
	}
	permits, err := s.store.LinkPermits(ctx)
	if err != nil {
		return err
	}
	p, err := s.provider(id.Provider)
	if err != nil {
		return err
	}
	for _, permit := range permits {
		if !permit.holds(u.ID, id.Provider, a.now()) || u.Disabled {
			continue
		}
		need := &LinkNeededError{UserID: u.ID, Name: u.Name, Provider: id.Provider, Label: p.config.Label,
			Issuer: id.Issuer, Subject: id.Subject, Role: id.Role, Since: a.now()}
		if a.factors != nil {
			if need.Code, err = a.factors.On(ctx, u.ID); err != nil {
				return err
			}
		}
		return need
	}
	return fault.Wrap(taken, fault.Denied, "Another account has your name here. "+
		"If it is yours, ask an admin to permit linking it under People, then sign in this way again.")
}

// Link ends a login that Finish left with a LinkNeededError: the password of the account, and the code of its
// second factor where that is on, prove that it is the person's. Tries are throttled like logins and recorded
// as LOGIN. A wrong password or code leaves the login and the permit as they are.
func (s *SSO) Link(ctx context.Context, need LinkNeededError, password, code, ip string) (Caller, error) {
	a := s.accounts
	again := fault.New(fault.Unauthenticated, "That took too long. Sign in again.")
	if need.Since.IsZero() || a.now().Sub(need.Since) > codeTime {
		return Caller{}, again
	}
	u, err := a.store.UserByID(ctx, need.UserID)
	if fault.CodeOf(err) == fault.NotFound || (err == nil && u.Disabled) {
		return Caller{}, again
	}
	if err != nil {
		return Caller{}, err
	}
	if err := s.proveLink(ctx, u, need.Provider, password, code, ip); err != nil {
		return Caller{}, err
	}
	a.changing.Lock()
	defer a.changing.Unlock()
	err = s.store.LinkIdentity(ctx,
		LinkedIdentity{UserID: u.ID, Issuer: need.Issuer, Subject: need.Subject, LastLoginAt: a.now()}, need.Provider,
		a.changed(u.Caller(ip), "Account "+u.Name+" linked with its person's identity at "+need.Provider+
			" ("+typedName(need.Subject)+"), as an admin had permitted."))
	if fault.CodeOf(err) == fault.Conflict {
		return Caller{}, fault.Wrap(err, fault.Denied, "The admin's permission to link this account is over. Ask for it again.")
	}
	if err != nil {
		return Caller{}, err
	}
	if u, err = s.followGroups(ctx, u, need.Role, need.Provider); err != nil {
		return Caller{}, err
	}
	return a.admit(ctx, u, ip, "Through "+need.Provider+".")
}

// proveLink proves the account by its password and, where it is on, its second factor, and records what
// fails.
func (s *SSO) proveLink(ctx context.Context, u User, provider, password, code, ip string) error {
	a := s.accounts
	through := "Through " + provider + ", to link the account: "
	ok, err := a.prove(ctx, u, password, ip)
	if err == nil && !ok {
		err = fault.New(fault.Unauthenticated, "The password of the account %s is not right.", u.Name)
	}
	if err == nil && a.factors != nil {
		var on bool
		if on, err = a.factors.On(ctx, u.ID); err == nil && on {
			_, err = a.factors.check(ctx, u.ID, code, ip)
		}
	}
	var wait *WaitError
	switch {
	case errors.As(err, &wait) && wait.first:
		return errors.Join(a.login(ctx, audit.Denied, u.Caller(ip).Actor(), through+"too many failed tries; must wait."), err)
	case fault.CodeOf(err) == fault.Unauthenticated:
		if rerr := a.login(ctx, audit.Failure, audit.Actor{Name: u.Name, IP: ip}, through+"wrong password or code."); rerr != nil {
			return rerr
		}
	}
	return err
}
