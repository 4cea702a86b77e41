package access

import (
	"context"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// Session is one browser in which a person is signed in.
type Session struct {
	// ID names the session on pages and in records. It is made from the hash
	// of the token and does not sign anybody in.
	ID        string
	UserID    int64
	IP        string    // where it signed in from
	UserAgent string    // as the browser called itself then; bounded, never trusted
	CreatedAt time.Time // the login
	SeenAt    time.Time // the newest request
}

// signInTime is how long after a sign-in its session may still be written for
// the first time.
const signInTime = time.Minute

// MayBegin reports whether the session may be written where there is none. One
// that somebody signed in to longer ago and that is not there was ended, and a
// request that was under way meanwhile must not bring it back.
func (s Session) MayBegin(now time.Time) bool {
	return s.UserID == 0 || now.Sub(s.CreatedAt) <= signInTime
}

// SessionLimits say when a session ends by itself.
type SessionLimits struct {
	Idle     time.Duration // after the newest request
	Absolute time.Duration // after the login, however busy
}

// DefaultSessionLimits follow NIST SP 800-63B (AAL2): 30 minutes idle and 12
// hours at most.
var DefaultSessionLimits = SessionLimits{Idle: 30 * time.Minute, Absolute: 12 * time.Hour}

// Check is nil when the limits make sense.
func (l SessionLimits) Check() error {
	switch {
	case l.Idle < time.Minute || l.Absolute < time.Minute:
		return fault.New(fault.Invalid, "A session must be allowed to last a minute at least.")
	case l.Absolute > 30*24*time.Hour:
		return fault.New(fault.Invalid, "A session may last 30 days at most.")
	case l.Idle > l.Absolute:
		return fault.New(fault.Invalid, "A session cannot be idle for longer than it may last.")
	}
	return nil
}

// EndsAt is when the session ends if nothing more is asked of it.
func (l SessionLimits) EndsAt(s Session) time.Time {
	idle, absolute := s.SeenAt.Add(l.Idle), s.CreatedAt.Add(l.Absolute)
	if idle.Before(absolute) {
		return idle
	}
	return absolute
}

// Alive says whether the session still counts at the time. One that claims to
// begin in the future does not: a clock was moved, or the row was.
func (l SessionLimits) Alive(s Session, now time.Time) bool {
	return now.Before(l.EndsAt(s)) && !s.CreatedAt.After(now.Add(time.Minute))
}

// SessionStore is what ending sessions needs of a database. Making and
// refreshing them is the session middleware's, on the same table.
type SessionStore interface {
	// ListSessions returns the person's sessions, the newest login first.
	ListSessions(ctx context.Context, userID int64) ([]Session, error)

	// EndSession deletes the person's session with the public id; one of
	// another person is fault.NotFound.
	EndSession(ctx context.Context, userID int64, id string, records ...audit.Record) error

	// EndSessions deletes all of the person's sessions but the one with the
	// public id except (empty: all) and says how many. The records are
	// appended also when there were none.
	EndSessions(ctx context.Context, userID int64, except string, records ...audit.Record) (int, error)
}

// Sessions lists and ends sessions: one's own, or for people who manage
// people, anybody's.
type Sessions struct {
	store    SessionStore
	accounts *Accounts
	limits   SessionLimits
}

// NewSessions returns the service.
func NewSessions(store SessionStore, accounts *Accounts, limits SessionLimits) (*Sessions, error) {
	if err := limits.Check(); err != nil {
		return nil, err
	}
	return &Sessions{store: store, accounts: accounts, limits: limits}, nil
}

// List returns the person's sessions that are alive.
func (s *Sessions) List(ctx context.Context, c Caller, userID int64) ([]Session, error) {
	if err := s.accounts.requireFor(ctx, c, userID); err != nil {
		return nil, err
	}
	all, err := s.store.ListSessions(ctx, userID)
	if err != nil {
		return nil, err
	}
	alive := make([]Session, 0, len(all))
	for _, x := range all {
		if s.limits.Alive(x, s.accounts.now()) {
			alive = append(alive, x)
		}
	}
	return alive, nil
}

// End ends one session of the person.
func (s *Sessions) End(ctx context.Context, c Caller, userID int64, id string) error {
	detail, err := s.whose(ctx, c, userID, "A session of ", " ended.")
	if err != nil {
		return err
	}
	return s.store.EndSession(ctx, userID, id, s.accounts.changed(c, detail))
}

// EndAll ends the person's sessions, except the one the caller came with, and
// says how many.
func (s *Sessions) EndAll(ctx context.Context, c Caller, userID int64) (int, error) {
	detail, err := s.whose(ctx, c, userID, "All other sessions of ", " ended.")
	if err != nil {
		return 0, err
	}
	return s.store.EndSessions(ctx, userID, c.SessionID, s.accounts.changed(c, detail))
}

func (s *Sessions) whose(ctx context.Context, c Caller, userID int64, before, after string) (string, error) {
	if err := s.accounts.requireFor(ctx, c, userID); err != nil {
		return "", err
	}
	u, err := s.accounts.store.UserByID(ctx, userID)
	return before + u.Name + after, err
}

// requireFor asks for PermOwnAccount where the caller is the person, and for
// PermManagePeople where not. An API token changes no account, its own neither.
func (a *Accounts) requireFor(ctx context.Context, c Caller, userID int64) error {
	if c.UserID == userID && userID != 0 && c.Scope == nil {
		return a.require(ctx, c, PermOwnAccount)
	}
	return a.require(ctx, c, PermManagePeople)
}
