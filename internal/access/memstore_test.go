package access

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// memStore keeps the promises of AccountStore in memory; package store's own tests hold the real one to the
// same promises. broken makes every write fail.
type memStore struct {
	mu      sync.Mutex
	users   []User
	records []audit.Record
	touches []Touch
	broken  error
}

func (s *memStore) write(f func() error, records []audit.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	if err := f(); err != nil {
		return err
	}
	s.records = append(s.records, records...)
	return nil
}

func (s *memStore) AddUser(_ context.Context, u User, by Touch, records ...audit.Record) (User, error) {
	err := s.write(func() error {
		for _, other := range s.users {
			if NameKey(other.Name) == NameKey(u.Name) {
				return fault.New(fault.Conflict, "taken")
			}
		}
		u.ID = int64(len(s.users) + 1)
		s.users = append(s.users, u)
		if by != (Touch{}) {
			by.UserID = u.ID
		}
		s.touch(by)
		return nil
	}, records)
	return u, err
}

func (s *memStore) find(match func(User) bool) (User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.users {
		if match(u) {
			return u, nil
		}
	}
	return User{}, fault.New(fault.NotFound, "no such account")
}

func (s *memStore) UserByName(_ context.Context, name string) (User, error) {
	return s.find(func(u User) bool { return NameKey(u.Name) == NameKey(name) })
}

func (s *memStore) UserByID(_ context.Context, id int64) (User, error) {
	return s.find(func(u User) bool { return u.ID == id })
}

func (s *memStore) ListUsers(context.Context) ([]User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.users), nil
}

func (s *memStore) CountUsers(context.Context) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.users), nil
}

func (s *memStore) change(id int64, by Touch, records []audit.Record, f func(*User)) error {
	return s.write(func() error {
		i := slices.IndexFunc(s.users, func(u User) bool { return u.ID == id })
		if i < 0 {
			return fault.New(fault.NotFound, "no such account")
		}
		before := s.users[i]
		f(&s.users[i])
		if before.Role == Admin && !before.Disabled && !slices.ContainsFunc(s.users, func(u User) bool { return u.Role == Admin && !u.Disabled }) {
			s.users[i] = before
			return fault.New(fault.Conflict, "no enabled admin would be left")
		}
		s.touch(by)
		return nil
	}, records)
}

func (s *memStore) SetPassword(_ context.Context, id int64, hash string, at time.Time, by Touch, records ...audit.Record) error {
	return s.change(id, by, records, func(u *User) { u.PasswordHash, u.UpdatedAt = hash, at })
}

func (s *memStore) SetRole(_ context.Context, id int64, role Role, at time.Time, by Touch, records ...audit.Record) error {
	return s.change(id, by, records, func(u *User) { u.Role, u.UpdatedAt = role, at })
}

func (s *memStore) SetDisabled(_ context.Context, id int64, disabled bool, at time.Time, by Touch, records ...audit.Record) error {
	return s.change(id, by, records, func(u *User) { u.Disabled, u.UpdatedAt = disabled, at })
}

func (s *memStore) RemoveKeys(context.Context, int64, ...audit.Record) (int, error) { return 0, nil }

func (s *memStore) AppendRecords(_ context.Context, records ...audit.Record) error {
	return s.write(func() error { return nil }, records)
}

func (s *memStore) touch(t Touch) {
	if t != (Touch{}) {
		t.ID = int64(len(s.touches) + 1)
		s.touches = append(s.touches, t)
	}
}

func (s *memStore) Touches(_ context.Context, since time.Time) ([]Touch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.touches), func(t Touch) bool { return !t.At.After(since) }), nil
}

func (s *memStore) LiftTouches(_ context.Context, ids []int64, _ Party, _ time.Time, records ...audit.Record) error {
	return s.write(func() error {
		s.touches = slices.DeleteFunc(s.touches, func(t Touch) bool { return slices.Contains(ids, t.ID) })
		return nil
	}, records)
}

// log is the ledger as lines of "OPERATION OUTCOME actor: detail".
func (s *memStore) log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, r := range s.records {
		lines = append(lines, strings.TrimRight(string(r.Operation)+" "+string(r.Outcome)+" "+r.Actor.Name+": "+r.Detail, ": "))
	}
	return lines
}

func (s *memStore) lastRecord(t *testing.T) audit.Record {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.records) == 0 {
		t.Fatal("nothing is on the record")
	}
	return s.records[len(s.records)-1]
}

var cheap = HashCost{MemoryKiB: 8, Iterations: 1, Parallelism: 1}

const goodPassword = "three grey geese"

// newAccounts returns accounts with an admin ("ada") and an officer ("olga"), the store below them and their clock.
func newAccounts(t *testing.T) (*Accounts, *memStore, *clock) {
	t.Helper()
	s, c := &memStore{}, newClock()
	a := NewAccounts(s, c.Now, cheap)
	for _, u := range []struct {
		name string
		role Role
	}{{"ada", Admin}, {"olga", Officer}} {
		if _, err := a.Create(t.Context(), Caller{Name: "cli", Role: System}, u.name, goodPassword, u.role); err != nil {
			t.Fatal(err)
		}
	}
	s.records = nil
	return a, s, c
}

func wantCode(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if got := fault.CodeOf(err); got != code {
		t.Fatalf("got code %q (%v), want %q", got, err, code)
	}
}
