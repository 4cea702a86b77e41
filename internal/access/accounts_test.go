package access

import (
	"strings"
	"sync"
	"testing"
	"time"

	"cxseal/internal/fault"
)

var (
	cli = Caller{Name: "cli", Role: System}
	ada = Caller{UserID: 1, Name: "ada", Role: Admin, IP: "10.0.0.1"}
)

func TestOnlyAdminsManagePeopleAndDenialsAreRecorded(t *testing.T) {
	for _, role := range []Role{Viewer, Officer, Approver, "", "root"} {
		a, s, _ := newAccounts(t)
		c := Caller{UserID: 9, Name: "eve", Role: role, IP: "10.0.0.9"}
		for what, do := range map[string]func() error{
			"list":     func() error { _, err := a.List(t.Context(), c); return err },
			"find":     func() error { _, err := a.Find(t.Context(), c, "ada"); return err },
			"create":   func() error { _, err := a.Create(t.Context(), c, "mallory", goodPassword, Admin); return err },
			"password": func() error { return a.ChangePassword(t.Context(), c, 1, goodPassword) },
			"role":     func() error { return a.SetRole(t.Context(), c, 2, Admin) },
			"disable":  func() error { return a.SetDisabled(t.Context(), c, 2, true) },
		} {
			before, users := len(s.records), len(s.users)
			wantCode(t, do(), fault.Denied)
			if got := s.log()[before:]; len(got) != 1 || got[0] != "ACCESS_DENIED DENIED eve: May not manage people (people:manage)." {
				t.Errorf("%s as %s: ledger %q", what, role, got)
			}
			if len(s.users) != users || s.users[1].Role != Officer || s.users[1].Disabled {
				t.Errorf("%s as %s changed something: %+v", what, role, s.users)
			}
		}
	}
}

func TestEveryChangeOfAPersonIsOnTheRecord(t *testing.T) {
	a, s, _ := newAccounts(t)
	if _, err := a.Create(t.Context(), ada, "Vera", goodPassword, Viewer); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		a.SetRole(t.Context(), ada, 3, Officer),
		a.SetRole(t.Context(), ada, 3, Officer), // no change, no record
		a.ChangePassword(t.Context(), ada, 3, "another good password"),
		a.SetDisabled(t.Context(), ada, 3, true),
		a.SetDisabled(t.Context(), ada, 3, false),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := `USER_CHANGED SUCCESS ada: Account Vera created as viewer.
USER_CHANGED SUCCESS ada: Role of Vera changed from viewer to officer.
USER_CHANGED SUCCESS ada: Password of Vera set.
USER_CHANGED SUCCESS ada: Account Vera disabled.
USER_CHANGED SUCCESS ada: Account Vera enabled.`
	if got := strings.Join(s.log(), "\n"); got != want {
		t.Errorf("ledger:\n%s\nwant:\n%s", got, want)
	}
	if _, err := a.Authenticate(t.Context(), "vera", "another good password", ""); err != nil {
		t.Errorf("the new password: %v", err)
	}
	for _, r := range s.records {
		if strings.Contains(r.Detail, "password") && strings.Contains(r.Detail, "another") {
			t.Errorf("a password is on the record: %q", r.Detail)
		}
	}
	_, err := a.Create(t.Context(), ada, "VERA", goodPassword, Viewer)
	wantCode(t, err, fault.Conflict)
	_, err = a.Create(t.Context(), ada, "root", goodPassword, System)
	wantCode(t, err, fault.Invalid)
	wantCode(t, a.SetRole(t.Context(), ada, 2, System), fault.Invalid)
	wantCode(t, a.SetRole(t.Context(), ada, 99, Viewer), fault.NotFound)
}

func TestTheLastEnabledAdminStays(t *testing.T) {
	a, s, _ := newAccounts(t)
	wantCode(t, a.SetRole(t.Context(), ada, 1, Viewer), fault.Conflict)
	wantCode(t, a.SetDisabled(t.Context(), ada, 1, true), fault.Conflict)
	if err := a.SetRole(t.Context(), ada, 2, Admin); err != nil {
		t.Fatal(err)
	}
	// Two admins turn on each other at once: one must remain.
	var wg sync.WaitGroup
	wg.Go(func() { _ = a.SetRole(t.Context(), ada, 2, Viewer) })
	wg.Go(func() { _ = a.SetDisabled(t.Context(), Caller{UserID: 2, Name: "olga", Role: Admin}, 1, true) })
	wg.Wait()
	left := 0
	for _, u := range s.users {
		if u.Role == Admin && !u.Disabled {
			left++
		}
	}
	if left != 1 {
		t.Errorf("%d enabled admins left: %+v", left, s.users)
	}
}

func TestAPersonChangesTheirOwnPasswordOnlyKnowingIt(t *testing.T) {
	a, s, _ := newAccounts(t)
	olga := Caller{UserID: 2, Name: "olga", Role: Officer, IP: "10.0.0.2"}
	const next = "seven swans asleep"
	wantCode(t, a.ChangeOwnPassword(t.Context(), olga, "wrong", next), fault.Invalid)
	if got := s.lastRecord(t); got.Outcome != "FAILURE" {
		t.Errorf("the failure's record: %+v", got)
	}
	token := olga
	token.Scope = &Scope{Permissions: Permissions()}
	wantCode(t, a.ChangeOwnPassword(t.Context(), token, goodPassword, next), fault.Denied)
	wantCode(t, a.ChangeOwnPassword(t.Context(), olga, goodPassword, "short"), fault.Invalid)
	if err := a.ChangeOwnPassword(t.Context(), olga, goodPassword, next); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Authenticate(t.Context(), "olga", next, ""); err != nil {
		t.Error(err)
	}
	for range pairLimit.free + 1 {
		_ = a.ChangeOwnPassword(t.Context(), olga, "wrong", next)
	}
	wantCode(t, a.ChangeOwnPassword(t.Context(), olga, next, goodPassword), fault.TooMany)
}

func TestAdminPasswordOfTheEnvironmentNeverResetsAnything(t *testing.T) {
	s, c := &memStore{}, newClock()
	a := NewAccounts(s, c.Now, cheap)
	_, err := a.EnsureAdmin(t.Context(), "")
	wantCode(t, err, fault.Invalid)
	_, err = a.EnsureAdmin(t.Context(), "password")
	wantCode(t, err, fault.Invalid)
	if made, err := a.EnsureAdmin(t.Context(), "8 chars!"); err != nil || !made {
		t.Fatal(made, err)
	}
	if made, err := a.EnsureAdmin(t.Context(), "another password"); err != nil || made {
		t.Fatal(made, err)
	}
	if c, err := a.Authenticate(t.Context(), "admin", "8 chars!", ""); err != nil || c.Role != Admin {
		t.Fatal(c, err)
	}
	_, err = a.Authenticate(t.Context(), "admin", "another password", "")
	wantCode(t, err, fault.Unauthenticated)
}

func TestSetupLinkMakesOneAdminOnce(t *testing.T) {
	s, c := &memStore{}, newClock()
	a := NewAccounts(s, c.Now, cheap)
	try := func(token, name, password string) error {
		_, err := a.CompleteSetup(t.Context(), token, name, password, "10.0.0.1")
		return err
	}
	wantCode(t, a.CheckSetupToken(""), fault.NotFound) // none is out
	first, err := a.SetupToken(t.Context())
	if err != nil || len(first) < 43 {
		t.Fatal(first, err)
	}
	second, _ := a.SetupToken(t.Context())
	wantCode(t, try(first, "ada", goodPassword), fault.NotFound)
	wantCode(t, try(second+"x", "ada", goodPassword), fault.NotFound)
	wantCode(t, try(second, "ada", "short"), fault.Invalid)
	wantCode(t, try(second, "ada", ""), fault.Invalid)
	wantCode(t, try(second, "scheduler", goodPassword), fault.Invalid)
	c.Add(setupTokenLife)
	wantCode(t, a.CheckSetupToken(second), fault.NotFound)
	third, _ := a.SetupToken(t.Context())
	if err := a.CheckSetupToken(third); err != nil {
		t.Fatal(err)
	}

	// Two people with the link at once: one account.
	errs := make(chan error, 2)
	for _, name := range []string{"ada", "bob"} {
		go func() { errs <- try(third, name, goodPassword) }()
	}
	e1, e2 := <-errs, <-errs
	if (e1 == nil) == (e2 == nil) || len(s.users) != 1 || s.users[0].Role != Admin {
		t.Fatalf("%v, %v, %+v", e1, e2, s.users)
	}
	wantCode(t, a.CheckSetupToken(third), fault.NotFound)
	if token, err := a.SetupToken(t.Context()); token != "" || err != nil {
		t.Errorf("a link beside an account: %q, %v", token, err)
	}
	if got := s.log(); len(got) != 2 || !strings.HasPrefix(got[0], "USER_CHANGED SUCCESS setup") || !strings.HasPrefix(got[1], "LOGIN SUCCESS") {
		t.Errorf("ledger %q", got)
	}
}

func TestSetupLinkIsDeadOnceAnAccountExists(t *testing.T) {
	s, c := &memStore{}, newClock()
	a := NewAccounts(s, c.Now, cheap)
	token, _ := a.SetupToken(t.Context())
	// The command line, another process, was quicker.
	if _, err := NewAccounts(s, c.Now, cheap).Create(t.Context(), cli, "olga", goodPassword, Officer); err != nil {
		t.Fatal(err)
	}
	_, err := a.CompleteSetup(t.Context(), token, "mallory", goodPassword, "")
	wantCode(t, err, fault.NotFound)
	if len(s.users) != 1 {
		t.Errorf("%+v", s.users)
	}
}

func TestSetupLinkIsSpentByItsUse(t *testing.T) {
	s, c := &memStore{}, newClock()
	a := NewAccounts(s, c.Now, cheap)
	token, _ := a.SetupToken(t.Context())
	caller, err := a.CompleteSetup(t.Context(), token, "ada", goodPassword, "10.0.0.1")
	if err != nil || caller.Role != Admin || caller.UserID != 1 || caller.IP != "10.0.0.1" {
		t.Fatal(caller, err)
	}
	wantCode(t, a.CheckSetupToken(token), fault.NotFound)
}

func TestAnAccountWithoutAPasswordCannotUseOne(t *testing.T) {
	a, s, _ := newAccounts(t)
	if _, err := a.Create(t.Context(), ada, "sso", "", Officer); err != nil {
		t.Fatal(err)
	}
	if s.users[2].PasswordHash != "" {
		t.Fatal("a hash of nothing")
	}
	for _, p := range []string{"", goodPassword} {
		_, err := a.Authenticate(t.Context(), "sso", p, "")
		wantCode(t, err, fault.Unauthenticated)
	}
}

func TestWaitsAreInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Millisecond: "1 second", 2 * time.Second: "2 seconds", 90 * time.Second: "90 seconds",
		91 * time.Second: "2 minutes", 5 * time.Minute: "5 minutes",
	} {
		if got := fault.MessageOf(tooMany(d, "Wait.")); got != "Wait. Try again in "+want+"." {
			t.Errorf("%v: %q", d, got)
		}
	}
}
