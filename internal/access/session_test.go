package access

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// memSessions is a SessionStore in memory.
type memSessions struct {
	ledger *memStore
	rows   []Session
}

func (m *memSessions) ListSessions(_ context.Context, userID int64) ([]Session, error) {
	var out []Session
	for _, s := range m.rows {
		if s.UserID == userID {
			out = append(out, s)
		}
	}
	return out, nil
}

func (m *memSessions) EndSession(ctx context.Context, userID int64, id string, records ...audit.Record) error {
	i := slices.IndexFunc(m.rows, func(s Session) bool { return s.UserID == userID && s.ID == id })
	if i < 0 {
		return fault.New(fault.NotFound, "no such session")
	}
	m.rows = slices.Delete(m.rows, i, i+1)
	return m.ledger.AppendRecords(ctx, records...)
}

func (m *memSessions) EndSessions(ctx context.Context, userID int64, except string, records ...audit.Record) (int, error) {
	before := len(m.rows)
	m.rows = slices.DeleteFunc(m.rows, func(s Session) bool { return s.UserID == userID && s.ID != except })
	return before - len(m.rows), m.ledger.AppendRecords(ctx, records...)
}

func (m *memSessions) ids() string {
	var ids []string
	for _, s := range m.rows {
		ids = append(ids, s.ID)
	}
	return strings.Join(ids, " ")
}

func TestSessionsEndIdleAndAbsolute(t *testing.T) {
	l := DefaultSessionLimits
	at := newClock().Now()
	s := Session{CreatedAt: at, SeenAt: at}
	for _, c := range []struct {
		seen, now time.Duration
		alive     bool
	}{
		{0, 0, true}, {0, 30*time.Minute - 1, true}, {0, 30 * time.Minute, false},
		{11*time.Hour + 50*time.Minute, 12*time.Hour - 1, true},
		{11*time.Hour + 50*time.Minute, 12 * time.Hour, false},
		{0, -2 * time.Minute, false},
	} {
		s.SeenAt = at.Add(c.seen)
		if got := l.Alive(s, at.Add(c.now)); got != c.alive {
			t.Errorf("seen after %v, now %v: alive %v", c.seen, c.now, got)
		}
	}
	for _, bad := range []SessionLimits{{}, {time.Hour, time.Minute}, {time.Second, time.Hour}, {time.Hour, 1000 * time.Hour}} {
		wantCode(t, bad.Check(), fault.Invalid)
	}
}

func TestOnlyAFreshSignInMakesASession(t *testing.T) {
	start := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		what  string
		s     Session
		wants bool
	}{
		{"nobody is signed in", Session{}, true},
		{"signed in now", Session{UserID: 1, CreatedAt: start}, true},
		{"signed in a minute ago", Session{UserID: 1, CreatedAt: start.Add(-signInTime)}, true},
		{"signed in before that", Session{UserID: 1, CreatedAt: start.Add(-signInTime - 1)}, false},
	} {
		if got := c.s.MayBegin(start); got != c.wants {
			t.Errorf("%s: %v", c.what, got)
		}
	}
}

func TestEndingSessionsIsForTheirOwnerAndForAdmins(t *testing.T) {
	a, ledger, c := newAccounts(t)
	m := &memSessions{ledger: ledger}
	s, err := NewSessions(m, a, DefaultSessionLimits)
	if err != nil {
		t.Fatal(err)
	}
	at := c.Now()
	row := func(id string, user int64, seen time.Duration) Session {
		return Session{ID: id, UserID: user, CreatedAt: at.Add(seen), SeenAt: at.Add(seen)}
	}
	m.rows = []Session{row("a1", 1, 0), row("o1", 2, 0), row("o2", 2, 0), row("old", 2, -time.Hour), row("o3", 2, 0)}
	olga := Caller{UserID: 2, Name: "olga", Role: Officer, SessionID: "o1"}
	if got, err := s.List(t.Context(), olga, 2); err != nil || len(got) != 3 {
		t.Errorf("%v, %v", got, err)
	}
	_, err = s.List(t.Context(), olga, 1)
	wantCode(t, err, fault.Denied)
	wantCode(t, s.End(t.Context(), olga, 1, "a1"), fault.Denied)
	wantCode(t, s.End(t.Context(), olga, 2, "a1"), fault.NotFound)
	token := olga
	token.Scope = &Scope{Permissions: Permissions()}
	wantCode(t, s.End(t.Context(), token, 2, "o2"), fault.Denied) // a program ends no sessions
	if err := s.End(t.Context(), olga, 2, "o2"); err != nil {
		t.Fatal(err)
	}
	if n, err := s.EndAll(t.Context(), olga, 2); err != nil || n != 2 || m.ids() != "a1 o1" {
		t.Errorf("%d ended, left %q, %v", n, m.ids(), err)
	}
	if err := s.End(t.Context(), ada, 2, "o1"); err != nil {
		t.Error(err)
	}
	if got := ledger.log(); !slices.Contains(got, "USER_CHANGED SUCCESS ada: A session of olga ended.") {
		t.Errorf("ledger %q", got)
	}
}

func TestANewPasswordThrowsTheThiefOut(t *testing.T) {
	_, ledger, c := newAccounts(t)
	m := &memSessions{ledger: ledger, rows: []Session{{ID: "mine", UserID: 2}, {ID: "thief", UserID: 2}, {ID: "ada", UserID: 1}}}
	a := NewAccounts(ledger, c.Now, cheap, WithSessions(m))
	olga := Caller{UserID: 2, Name: "olga", Role: Officer, SessionID: "mine"}
	if err := a.ChangeOwnPassword(t.Context(), olga, goodPassword, "seven swans asleep"); err != nil || m.ids() != "mine ada" {
		t.Errorf("left %q, %v", m.ids(), err)
	}
	if err := a.SetDisabled(t.Context(), ada, 2, true); err != nil || m.ids() != "ada" {
		t.Errorf("left %q, %v", m.ids(), err)
	}
}

func TestLocalAccountsCanBeSwitchedOff(t *testing.T) {
	_, ledger, c := newAccounts(t)
	on := false
	a := NewAccounts(ledger, c.Now, cheap, WithLocalLogin(func(context.Context) (bool, error) { return on, nil }))
	_, err := a.Authenticate(t.Context(), "ada", goodPassword, "")
	wantCode(t, err, fault.Denied)
	if r := ledger.lastRecord(t); r.Operation != audit.Login || r.Outcome != audit.Denied {
		t.Errorf("%+v", r)
	}
	on = true
	if _, err := a.Authenticate(t.Context(), "ada", goodPassword, ""); err != nil {
		t.Error(err)
	}
}
