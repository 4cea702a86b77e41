// Package people holds the pages of who may come in: signing in and out, the
// first account, one's own account, and the people who have one.
package people

import (
	"context"
	"net/url"
	"time"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
)

// Area is the pages under /login, /setup, /sso, /account and /people.
type Area struct {
	*frame.Frame
	Deps
}

// Deps are the services that these pages use.
type Deps struct {
	Accounts Accounts
	SignedIn SignedIn
	Factors  Factors
	Tokens   Tokens
	Feeds    Feeds
	SSO      SSO

	// WithFactor tells the accounts that have a confirmed second factor.
	WithFactor func(ctx context.Context) (map[int64]bool, error)

	DemoNote string // Optional: shown below the sign-in form.
}

// Accounts are the people who may sign in; *access.Accounts keeps them.
type Accounts interface {
	Authenticate(ctx context.Context, name, password, ip string) (access.Caller, error)
	AuthenticateCode(ctx context.Context, pending access.CodeNeededError, code, ip string) (access.Caller, error)
	Logout(ctx context.Context, caller access.Caller) error

	AwaitsFirst(ctx context.Context) (bool, error)
	CheckSetupToken(token string) error
	CompleteSetup(ctx context.Context, token, name, password, ip string) (access.Caller, error)

	Own(ctx context.Context, caller access.Caller) (access.User, error)
	ProveOwn(ctx context.Context, caller access.Caller, present string) error
	ChangeOwnPassword(ctx context.Context, caller access.Caller, present, password string) error

	List(ctx context.Context, caller access.Caller) ([]access.User, error)
	Create(ctx context.Context, caller access.Caller, name, password string, role access.Role) (access.User, error)
	SetRole(ctx context.Context, caller access.Caller, id int64, role access.Role) error
	ChangePassword(ctx context.Context, caller access.Caller, id int64, password string) error
	SetDisabled(ctx context.Context, caller access.Caller, id int64, disabled bool) error
	RemoveSecondFactor(ctx context.Context, caller access.Caller, id int64) error

	RemoveKeys(ctx context.Context, caller access.Caller, id int64) (int, error)
	Touches(ctx context.Context, caller access.Caller) ([]access.Touch, error)
	LiftTouches(ctx context.Context, caller access.Caller, id int64) error
}

// SignedIn lists and ends who is signed in where; *access.Sessions does.
type SignedIn interface {
	List(ctx context.Context, caller access.Caller, userID int64) ([]access.Session, error)
	End(ctx context.Context, caller access.Caller, userID int64, id string) error
	EndAll(ctx context.Context, caller access.Caller, userID int64) (int, error)
}

// Factors keeps people's second factors; *access.SecondFactor does.
type Factors interface {
	On(ctx context.Context, userID int64) (bool, error)
	Begin(ctx context.Context, caller access.Caller) (access.Enrolment, error)
	Confirm(ctx context.Context, caller access.Caller, code string) ([]string, error)
	NewRecoveryCodes(ctx context.Context, caller access.Caller, code string) ([]string, error)
	TurnOff(ctx context.Context, caller access.Caller, code string) error
}

// Tokens keeps the API tokens of programs; *access.Tokens does.
type Tokens interface {
	Create(ctx context.Context, caller access.Caller, proof access.Proof, label string, scopes []access.Permission, life time.Duration) (secret string, t access.APIToken, err error)
	List(ctx context.Context, caller access.Caller, userID int64) ([]access.APIToken, error)
	Remove(ctx context.Context, caller access.Caller, userID, id int64) error
}

// Feeds sees and ends people's calendar feeds; *rotation.Feeds does.
type Feeds interface {
	MadeOf(ctx context.Context, caller access.Caller, userID int64) (time.Time, error)
	RevokeOf(ctx context.Context, caller access.Caller, userID int64) error
}

// SSO signs people in through providers; *access.SSO does. Without a provider
// none is offered.
type SSO interface {
	Providers() []access.ProviderConfig
	Begin(ctx context.Context, provider, ip string) (address, kept string, err error)
	Finish(ctx context.Context, provider, sessionState string, params url.Values, ip string) (access.Caller, error)
	Link(ctx context.Context, need access.LinkNeededError, password, code, ip string) (access.Caller, error)
	PermitLink(ctx context.Context, caller access.Caller, userID int64, provider string) error
	LinkStates(ctx context.Context, caller access.Caller) (map[int64]access.LinkState, error)
}

// New returns the area. It is an error when something is missing that is not
// optional.
func New(f *frame.Frame, d Deps) (*Area, error) {
	return &Area{f, d}, frame.Missing("People", map[string]bool{
		"Accounts": d.Accounts == nil, "SignedIn": d.SignedIn == nil, "Factors": d.Factors == nil, "Tokens": d.Tokens == nil, "Feeds": d.Feeds == nil,
		"SSO": d.SSO == nil, "WithFactor": d.WithFactor == nil,
	})
}

// Routes are this area's part of the table of routes.
func (a *Area) Routes() []frame.Route {
	own := frame.To[int64]("/account")
	return []frame.Route{
		frame.Get("/login", frame.Page, frame.Everyone, a.loginPage),
		frame.Post("/login", frame.Everyone, a.login).WhenSignedIn(a.alreadyIn),
		frame.Get("/login/code", frame.Page, frame.Everyone, a.codePage),
		frame.Post("/login/code", frame.Everyone, a.loginCode).WhenSignedIn(a.alreadyIn),
		frame.Get("/setup", frame.Page, frame.Everyone, a.setupPage),
		frame.Post("/setup", frame.Everyone, a.setup),
		frame.Get("/sso/:provider/begin", frame.Page, frame.Everyone, a.ssoBegin),
		frame.Get(SSOCallbackPath, frame.Page, frame.Everyone, a.ssoCallback),
		frame.Get("/sso/link", frame.Page, frame.Everyone, a.linkPage),
		frame.Post("/sso/link", frame.Everyone, a.link),
		frame.Post("/logout", access.PermOwnAccount, a.logout),
		frame.Get(frame.KeptPath, frame.Page, access.PermOwnAccount, a.kept),
		frame.Post("/kept/discard", access.PermOwnAccount, a.discardKept),

		frame.Get("/account", frame.Page, access.PermOwnAccount, a.account),
		frame.Post("/account/password", access.PermOwnAccount, a.changePassword),
		frame.Post("/account/sessions/end", access.PermOwnAccount, a.endOtherSessions),
		frame.Post("/account/sessions/:session/end", access.PermOwnAccount,
			frame.Change(a.Frame, frame.Named("session"), a.endSession, "The session has ended.", frame.To[string]("/account"))),
		frame.Post("/account/factor/begin", access.PermOwnAccount, a.factorBegin),
		frame.Post("/account/factor/confirm", access.PermOwnAccount, a.factorConfirm),
		frame.Post("/account/factor/codes", access.PermOwnAccount, a.factorCodes),
		frame.Post("/account/factor/off", access.PermOwnAccount, a.factorOff),
		frame.Post("/account/tokens", access.PermOwnAccount, a.addToken),
		frame.Post("/account/tokens/:token/remove", access.PermOwnAccount,
			frame.Change(a.Frame, frame.Numbered("token"), a.removeToken, "The token is removed and no longer accepted.", own)),

		frame.Get("/people", frame.Page, access.PermManagePeople, a.people),
		frame.Post("/people", access.PermManagePeople, a.addPerson),
		frame.Post("/people/:person/role", access.PermManagePeople, a.changePerson("The role is changed.", a.personRole)),
		frame.Post("/people/:person/password", access.PermManagePeople,
			a.changePerson("The password is set, the person signed out everywhere, and their API tokens and calendar address are removed.", a.personPassword)),
		frame.Post("/people/:person/link", access.PermManagePeople, a.changePerson("The person may link the account within a day.", a.personLink)),
		frame.Post("/people/:person/disable", access.PermManagePeople, a.changePerson("The account is disabled.", a.personDisabled(true))),
		frame.Post("/people/:person/enable", access.PermManagePeople, a.changePerson("The account is enabled.", a.personDisabled(false))),
		frame.Post("/people/:person/factor/remove", access.PermManagePeople, a.changePerson("The second factor is removed.", a.personFactor)),
		frame.Post("/people/:person/end", access.PermManagePeople,
			a.changePerson("The person is signed out everywhere, and their API tokens and calendar address are removed.", a.endEverything)),
		frame.Post("/people/:person/tokens/:token/remove", access.PermManagePeople, a.changePerson("The token is removed.", a.removeOthersToken)),
		frame.Post("/people/:person/feed/revoke", access.PermManagePeople, a.changePerson("The calendar address is revoked.", a.revokeOthersFeed)),
		frame.Post("/people/:person/lift", access.PermManagePeople,
			a.changePerson("The account counts as a second person again.", a.personLift)),
		frame.Post("/people/:person/sessions/end", access.PermManagePeople, a.changePerson("The person is signed out everywhere.", a.personSessions)),
	}
}
