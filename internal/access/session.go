package access

import (
	"context"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// Session is one browser in which a person is signed in.
type Session struct {
	// ID names the session on pages and in records. It is made from the hash of the token and does not sign
	// anybody in.
	ID        string
	UserID    int64
	IP        string    // where it signed in from
	UserAgent string    // as the browser called itself then; bounded, never trusted
	CreatedAt time.Time // the login
	SeenAt    time.Time // the newest request
}

// signInTime is how long after a sign-in its session may be written for the first time.
const signInTime = time.Minute

// MayBegin reports whether the session may be inserted. A session whose sign-in is longer ago and that is
// not in the database was ended, and a request that was under way meanwhile must not write it again.
func (s Session) MayBegin(now time.Time) bool {
	return s.UserID == 0 || now.Sub(s.CreatedAt) <= signInTime
}

// SessionLimits are the times after which a session ends by itself.
type SessionLimits struct {
	Idle     time.Duration // after the newest request
	Absolute time.Duration // after the login, however busy
}

// DefaultSessionLimits are those of NIST SP 800-63B (AAL2): 30 minutes without a request, 12 hours at most.
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

// EndsAt returns when the session ends if no further request comes.
func (l SessionLimits) EndsAt(s Session) time.Time {
	idle, absolute := s.SeenAt.Add(l.Idle), s.CreatedAt.Add(l.Absolute)
	if idle.Before(absolute) {
		return idle
	}
	return absolute
}

// Alive reports whether the session is valid at the time. One that begins in the future is not: the clock
// or the row was changed.
func (l SessionLimits) Alive(s Session, now time.Time) bool {
	return now.Before(l.EndsAt(s)) && !s.CreatedAt.After(now.Add(time.Minute))
}

// SessionStore is what listing and ending sessions needs of a database. The session middleware writes the
// sessions, into the same table.
type SessionStore interface {
	// ListSessions returns the person's sessions, the newest login first.
	ListSessions(ctx context.Context, userID int64) ([]Session, error)

	// EndSession deletes the person's session with the public id; one of another person is fault.NotFound.
	EndSession(ctx context.Context, userID int64, id string, records ...audit.Record) error

	// EndSessions deletes all of the person's sessions but the one with the public id except (empty: all)
	// and says how many. The records are appended also when there were none.
	EndSessions(ctx context.Context, userID int64, except string, records ...audit.Record) (int, error)
}

// Sessions is the service that lists and ends sessions: the caller's own, and anybody's for a caller with
// PermManagePeople.
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
	detail, err := s.recordDetail(ctx, c, userID, "A session of ", " ended.")
	if err != nil {
		return err
	}
	return s.store.EndSession(ctx, userID, id, s.accounts.changed(c, detail))
}

// EndAll ends the person's sessions, except the one the caller came with, and says how many.
func (s *Sessions) EndAll(ctx context.Context, c Caller, userID int64) (int, error) {
	detail, err := s.recordDetail(ctx, c, userID, "All other sessions of ", " ended.")
	if err != nil {
		return 0, err
	}
	return s.store.EndSessions(ctx, userID, c.SessionID, s.accounts.changed(c, detail))
}

// recordDetail returns the detail of a record about the person, once the caller may end their sessions.
func (s *Sessions) recordDetail(ctx context.Context, c Caller, userID int64, before, after string) (string, error) {
	if err := s.accounts.requireFor(ctx, c, userID); err != nil {
		return "", err
	}
	u, err := s.accounts.store.UserByID(ctx, userID)
	return before + u.Name + after, err
}

// requireFor requires PermOwnAccount where the account is the caller's own, and PermManagePeople where it
// is not. A caller with an API token needs PermManagePeople in both cases, which no token has.
func (a *Accounts) requireFor(ctx context.Context, c Caller, userID int64) error {
	if c.UserID == userID && userID != 0 && c.Scope == nil {
		return a.require(ctx, c, PermOwnAccount)
	}
	return a.require(ctx, c, PermManagePeople)
}
