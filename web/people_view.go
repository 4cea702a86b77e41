package web

import (
	"strconv"
	"time"
)

// PeopleView lists the accounts.
type PeopleView struct {
	Chrome
	People []PersonRow
	Roles  []Option

	Providers []Option // of single sign-on; an account may be linked with one

	Error string // why the last change was refused
	Name  string // of the new account, as typed
	Role  string
}

// PersonRow is one account.
type PersonRow struct {
	ID          int64
	Name        string
	Role        string
	Disabled    bool
	Own         bool // this is the reader's own account
	HasPassword bool
	Factor      bool // a second factor is on
	Sessions    int
	CreatedAt   time.Time
	Linked      bool      // signs in through a provider
	LinkUntil   time.Time // an admin permits linking until then; zero: not

	Tokens   []TokenRow // their API tokens, without the values
	FeedMade time.Time  // of their calendar address; zero: none

	// Touched says what was done to the account that counts against four eyes until TouchedUntil.
	Touched      []string
	TouchedUntil time.Time
}

func (p PersonRow) label() label {
	if p.Disabled {
		return label{"Disabled", ToneWarning, "ban"}
	}
	return label{"Enabled", ToneSuccess, "check"}
}

func (p PersonRow) signsIn() string {
	switch {
	case !p.HasPassword:
		return "through the organisation"
	case p.Linked && p.Factor:
		return "through the organisation, or password and second factor"
	case p.Linked:
		return "through the organisation, or password"
	case p.Factor:
		return "password and second factor"
	}
	return "password"
}

// mayBeLinked reports whether the account can be linked with a provider.
func (p PersonRow) mayBeLinked() bool { return p.HasPassword && !p.Linked && !p.Disabled }

// shortRoles are the roles without their descriptions.
func shortRoles(options []Option) []Option {
	out := make([]Option, len(options))
	for i, o := range options {
		out[i] = Option{o.Value, RoleText(o.Value)}
	}
	return out
}

// removal is the last part of the address at which an admin removes the token.
func (t TokenRow) removal() string { return "tokens/" + strconv.FormatInt(t.ID, 10) + "/remove" }
