package store

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxseal/internal/access"
	"cxseal/internal/fault"
)

func addUser(t testing.TB, s *Store, name string, role access.Role) access.User {
	t.Helper()
	u, err := s.AddUser(t.Context(), access.User{Name: name, Role: role, PasswordHash: "$argon2id$", CreatedAt: noon, UpdatedAt: noon}, access.Touch{}, record(noon))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestAccountNamesAreOneWhateverTheirCase(t *testing.T) {
	s := open(t)
	want := addUser(t, s, "Müller", access.Admin)
	got, err := s.UserByName(t.Context(), "mÜLLER")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err = s.AddUser(t.Context(), access.User{Name: "MÜLLER", Role: access.Viewer, CreatedAt: noon, UpdatedAt: noon}, access.Touch{}, record(noon))
	wantCode(t, err, fault.Conflict)
	_, err = s.UserByName(t.Context(), "nobody")
	wantCode(t, err, fault.NotFound)
	_, err = s.UserByID(t.Context(), 99)
	wantCode(t, err, fault.NotFound)
	addUser(t, s, "anna", access.Officer)
	list, err := s.ListUsers(t.Context())
	if err != nil || len(list) != 2 || list[0].Name != "anna" {
		t.Errorf("list %v, %v", list, err)
	}
	if n, err := s.CountUsers(t.Context()); n != 2 || err != nil {
		t.Errorf("%d accounts, %v", n, err)
	}
	if n, _ := s.TreeSize(t.Context()); n != 2 {
		t.Errorf("%d records, want 2: one an account, none for the refused one", n)
	}
}

func TestLastAdminCannotBeTakenAway(t *testing.T) {
	s := open(t)
	a, b := addUser(t, s, "a", access.Admin), addUser(t, s, "b", access.Admin)
	errs := make([]error, 2)
	var wg sync.WaitGroup
	wg.Go(func() { errs[0] = s.SetRole(t.Context(), a.ID, access.Viewer, noon, access.Touch{}, record(noon)) })
	wg.Go(func() { errs[1] = s.SetDisabled(t.Context(), b.ID, true, noon, access.Touch{}, record(noon)) })
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("of two who end each other's rights, one must win: %v, %v", errs[0], errs[1])
	}
	for _, err := range errs {
		if err != nil {
			wantCode(t, err, fault.Conflict)
		}
	}
	if n, _ := s.TreeSize(t.Context()); n != 3 {
		t.Errorf("%d records, want 3", n)
	}
	wantCode(t, s.SetRole(t.Context(), 99, access.Viewer, noon, access.Touch{}), fault.NotFound)
}

func TestPasswordChangeAndLockoutEndSessions(t *testing.T) {
	now := noon
	s := open(t)
	s.now = func() time.Time { return now }
	addUser(t, s, "root", access.Admin)
	u := addUser(t, s, "eve", access.Officer)
	sessions := s.Sessions(func(data []byte) access.Session {
		if string(data) == "eve" {
			return access.Session{UserID: u.ID, CreatedAt: now}
		}
		return access.Session{}
	})
	signIn := func() {
		t.Helper()
		for token, data := range map[string]string{"t1": "eve", "t2": "eve", "t3": "guest"} {
			if err := sessions.CommitCtx(t.Context(), token, []byte(data), now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
	alive := func() (n int) {
		t.Helper()
		for _, token := range []string{"t1", "t2", "t3"} {
			if _, found, err := sessions.FindCtx(t.Context(), token); err != nil {
				t.Fatal(err)
			} else if found {
				n++
			}
		}
		return n
	}
	signIn()
	if err := s.SetPassword(t.Context(), u.ID, "new", now, access.Touch{}, record(now)); err != nil {
		t.Fatal(err)
	}
	if n := alive(); n != 1 {
		t.Errorf("%d sessions after a new password, want the guest's", n)
	}
	signIn()
	if err := s.SetDisabled(t.Context(), u.ID, true, now, access.Touch{}, record(now)); err != nil {
		t.Fatal(err)
	}
	if n := alive(); n != 1 {
		t.Errorf("%d sessions after the account was disabled, want the guest's", n)
	}
	got, err := s.UserByID(t.Context(), u.ID)
	if err != nil || !got.Disabled || got.PasswordHash != "new" {
		t.Errorf("account %+v, %v", got, err)
	}

	if err := sessions.CommitCtx(t.Context(), "t3", []byte("guest"), now.Add(3*time.Hour)); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Hour)
	if n := alive(); n != 1 {
		t.Error("a session that was prolonged is gone")
	}
	now = now.Add(time.Hour)
	if n := alive(); n != 0 {
		t.Error("an expired session is still found")
	}
	if n, err := s.DeleteExpiredSessions(t.Context()); n != 1 || err != nil {
		t.Errorf("%d expired sessions deleted, %v", n, err)
	}
	if err := sessions.DeleteCtx(t.Context(), "none"); err != nil {
		t.Errorf("deleting an absent session: %v", err)
	}
}

func TestSessionThatOnlyWasUsedAgainIsNotWritten(t *testing.T) {
	s := open(t)
	sessions := s.Sessions(func([]byte) access.Session { return access.Session{} })
	if err := sessions.CommitCtx(t.Context(), "t", []byte("data"), noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	before := walCommits(t, s)
	for range 10 {
		if err := sessions.CommitCtx(t.Context(), "t", []byte("data"), noon.Add(time.Hour+30*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if n := walCommits(t, s) - before; n != 0 {
		t.Errorf("%d commits", n)
	}
	if err := sessions.CommitCtx(t.Context(), "t", []byte("other"), noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if data, _, _ := sessions.FindCtx(t.Context(), "t"); string(data) != "other" {
		t.Errorf("data %q", data)
	}
}
