package access

import (
	"context"
	"errors"
	"net/url"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// LinkedIdentity ties an account to what a provider calls the person.
type LinkedIdentity struct {
	UserID      int64
	Issuer      string
	Subject     string
	LastLoginAt time.Time
}

// IdentityStore is what single sign-on needs of a database. (Issuer, Subject) is unique.
type IdentityStore interface {
	// UserByIdentity is fault.NotFound when nobody is linked.
	UserByIdentity(ctx context.Context, issuer, subject string) (User, error)

	// AddLinkedUser inserts the account and its link in one transaction. A name that is taken is
	// fault.Conflict.
	AddLinkedUser(ctx context.Context, u User, link LinkedIdentity, records ...audit.Record) (User, error)

	TouchIdentity(ctx context.Context, issuer, subject string, at time.Time) error

	// PermitLink keeps the permit in place of the account's former one.
	PermitLink(ctx context.Context, permit LinkPermit, by Touch, records ...audit.Record) error

	// LinkPermits returns every permit, expired ones too.
	LinkPermits(ctx context.Context) ([]LinkPermit, error)

	// LinkIdentity inserts the link and spends the account's permit for the provider, in one transaction. It is
	// fault.Conflict without a permit that holds at LastLoginAt.
	LinkIdentity(ctx context.Context, link LinkedIdentity, provider string, records ...audit.Record) error

	ListIdentities(ctx context.Context) ([]LinkedIdentity, error)
}

// SSO is the service that signs people in through providers. An account is made at the first login, its
// role follows the person's groups at every login, and it is found again by issuer and subject alone: a
// name or a mail address may be given to somebody else one day.
type SSO struct {
	store     IdentityStore
	accounts  *Accounts
	providers []*OIDC

	begins   *Bucket     // by address
	failures *Bucket     // by address: those beyond are folded
	repeats  *audit.Fold // of failures
}

// NewSSO returns the service. The ids of the providers differ.
func NewSSO(store IdentityStore, accounts *Accounts, providers ...*OIDC) (*SSO, error) {
	seen := make(map[string]bool)
	for _, p := range providers {
		if seen[p.config.ID] {
			return nil, fault.New(fault.Invalid, "Two sign-in providers have the id %q.", p.config.ID)
		}
		seen[p.config.ID] = true
	}
	return &SSO{store: store, accounts: accounts, providers: providers,
		begins: NewBucket(60, time.Second, accounts.now), failures: NewBucket(20, 2*time.Minute, accounts.now),
		repeats: audit.NewFold(accounts.store, accounts.now)}, nil
}

// Providers are the configurations, without secrets, for the login page.
func (s *SSO) Providers() []ProviderConfig {
	out := make([]ProviderConfig, len(s.providers))
	for i, p := range s.providers {
		out[i] = p.Config()
	}
	return out
}

func (s *SSO) provider(id string) (*OIDC, error) {
	for _, p := range s.providers {
		if p.config.ID == id {
			return p, nil
		}
	}
	return nil, fault.New(fault.NotFound, "There is no such sign-in provider.")
}

// Begin starts a login with the provider for a browser at the address ip; see OIDC.AuthCodeURL. Begins are limited by
// address, and store nothing.
func (s *SSO) Begin(ctx context.Context, provider, ip string) (address, kept string, err error) {
	p, err := s.provider(provider)
	if err != nil {
		return "", "", err
	}
	if err := s.begins.Take(AddressGroup(ip), "Too many sign-ins were begun from your address."); err != nil {
		return "", "", err
	}
	return p.AuthCodeURL(ctx)
}

// Finish ends a login with the provider and returns the person as a caller from the address ip; see
// OIDC.Exchange. Every try is on the record as LOGIN.
func (s *SSO) Finish(ctx context.Context, provider, sessionState string, params url.Values, ip string) (Caller, error) {
	p, err := s.provider(provider)
	if err != nil {
		return Caller{}, err
	}
	stranger := audit.Actor{Name: "anonymous", IP: ip}
	through := "Through " + p.config.ID
	id, err := p.Exchange(ctx, sessionState, params)
	if err != nil {
		if rerr := s.failed(ctx, stranger, through+": the provider's answer was refused."); rerr != nil {
			return Caller{}, rerr
		}
		return Caller{}, err
	}
	u, err := s.accountOf(ctx, id)
	var link *LinkNeededError
	if errors.As(err, &link) {
		return Caller{}, err // the login goes on with Link
	}
	if err != nil {
		if rerr := s.accounts.login(ctx, audit.Denied, identityActor(id, ip), through+": "+fault.MessageOf(err)); rerr != nil {
			return Caller{}, rerr
		}
		return Caller{}, err
	}
	return s.accounts.admit(ctx, u, ip, through+".")
}

// failed records a failed sign-in. Those of one address beyond some are folded: the first in an hour is a record, and
// the number of the others becomes one.
func (s *SSO) failed(ctx context.Context, who audit.Actor, detail string) error {
	if s.failures.Take(AddressGroup(who.IP), "") == nil {
		return s.accounts.login(ctx, audit.Failure, who, detail)
	}
	if err := s.repeats.Flush(ctx); err != nil {
		return err
	}
	return s.repeats.Note(ctx, newRecord(s.accounts.now(), audit.Login, audit.Failure, who, detail))
}

// FlushRepeats records the numbers of failures that were folded; a console that stops calls it.
func (s *SSO) FlushRepeats(ctx context.Context) error { return s.repeats.FlushAll(ctx) }

// identityActor is the actor in the record of a proven identity that was refused.
func identityActor(id Identity, ip string) audit.Actor {
	name := typedName(id.Name)
	if name == "" {
		name = typedName(id.Subject)
	}
	return audit.Actor{Name: name, IP: ip}
}

// theConsole is the actor of what a sign-in changes by itself.
var theConsole = Caller{Name: "console", Role: System}

// accountOf finds or makes the account of the identity and gives it the role that the person's groups have
// now.
func (s *SSO) accountOf(ctx context.Context, id Identity) (User, error) {
	if id.Role == "" {
		return User{}, id.noRole
	}
	a := s.accounts
	a.changing.Lock()
	defer a.changing.Unlock()
	now := a.now()
	u, err := s.store.UserByIdentity(ctx, id.Issuer, id.Subject)
	switch {
	case fault.CodeOf(err) == fault.NotFound && id.noName != nil:
		return User{}, id.noName
	case fault.CodeOf(err) == fault.NotFound:
		if err := CheckName(id.Name); err != nil {
			return User{}, fault.Wrap(err, fault.Denied,
				"Your organisation gives no name that an account here could have. Ask an admin.")
		}
		u, err = s.store.AddLinkedUser(ctx,
			User{Name: id.Name, Role: id.Role, CreatedAt: now, UpdatedAt: now},
			LinkedIdentity{Issuer: id.Issuer, Subject: id.Subject, LastLoginAt: now},
			a.changed(theConsole, "Account "+id.Name+" created as "+string(id.Role)+
				" at its first sign-in through "+id.Provider+"."))
		if fault.CodeOf(err) == fault.Conflict {
			return User{}, s.mayLink(ctx, id, err)
		}
		return u, err
	case err != nil:
		return User{}, err
	case u.Disabled:
		return User{}, fault.New(fault.Denied, "Your account is disabled. Ask an admin.")
	}
	if err := s.store.TouchIdentity(ctx, id.Issuer, id.Subject, now); err != nil {
		return User{}, err
	}
	return s.followGroups(ctx, u, id.Role, id.Provider)
}

// followGroups gives the account the role that the person's groups have now.
func (s *SSO) followGroups(ctx context.Context, u User, role Role, provider string) (User, error) {
	if u.Role == role {
		return u, nil
	}
	a := s.accounts
	detail := "Role of " + u.Name + " changed from " + string(u.Role) + " to " + string(role) +
		" by the groups of " + provider + "."
	if err := a.store.SetRole(ctx, u.ID, role, a.now(), Touch{}, a.changed(theConsole, detail)); err != nil {
		return User{}, err // also the last admin's: their groups say they are none
	}
	u.Role = role
	return u, nil
}

// MaySwitchOffPasswords is nil when an enabled admin has signed in through a provider that is configured
// now. Otherwise switching local accounts off would lock every admin out.
func (s *SSO) MaySwitchOffPasswords(ctx context.Context) error {
	links, err := s.store.ListIdentities(ctx)
	if err != nil {
		return err
	}
	for _, l := range links {
		u, err := s.accounts.store.UserByID(ctx, l.UserID)
		if err != nil {
			return err
		}
		if u.Role == Admin && !u.Disabled && !l.LastLoginAt.IsZero() && s.current(l.Issuer) {
			return nil
		}
	}
	return fault.New(fault.Conflict,
		"No admin has signed in through a provider yet. Do that once, then switch passwords off.")
}

func (s *SSO) current(issuer string) bool {
	for _, p := range s.providers {
		if sameIssuer(p.config.Issuer, issuer) {
			return true
		}
	}
	return false
}
