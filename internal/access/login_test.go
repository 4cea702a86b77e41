package access

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/argon2id"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// watchHashes calls do in the turn of each hash that is computed at a login.
func watchHashes(a *Accounts, do func()) {
	check := a.hash.check
	a.hash.check = func(password, hash string) (bool, *argon2id.Params, error) {
		do()
		return check(password, hash)
	}
}

func TestAStrangerCannotTellWhichAccountsExist(t *testing.T) {
	a, s, _ := newAccounts(t)
	if err := a.SetDisabled(t.Context(), Caller{Name: "cli", Role: System}, 2, true); err != nil {
		t.Fatal(err)
	}
	var hashes atomic.Int64
	watchHashes(a, func() { hashes.Add(1) })

	var answers []string
	for _, try := range []struct{ name, password string }{
		{"nobody", goodPassword},       // unknown
		{"ada", "wrong"},               // wrong
		{"olga", goodPassword},         // disabled, right
		{"olga", "wrong"},              // disabled, wrong
		{"ada\x00", goodPassword},      // no name at all
		{strings.Repeat("x", 1e5), ""}, // far too long
		{"nobody", strings.Repeat("x", 1e5)},
	} {
		before := hashes.Load()
		_, err := a.Authenticate(t.Context(), try.name, try.password, "10.0.0.1")
		wantCode(t, err, fault.Unauthenticated)
		answers = append(answers, err.Error())
		if n := hashes.Load() - before; n != 1 {
			t.Errorf("%.20q: %d hashes computed, want 1 in every case", try.name, n)
		}
		if r := s.lastRecord(t); len(r.Actor.Name) > 4*MaxNameLength || strings.ContainsRune(r.Actor.Name, 0) {
			t.Errorf("the ledger took %q", r.Actor.Name)
		}
	}
	for _, got := range answers {
		if got != answers[0] {
			t.Errorf("answers differ: %q and %q", answers[0], got)
		}
	}
}

func TestEveryLoginIsOnTheRecord(t *testing.T) {
	a, s, _ := newAccounts(t)
	c, err := a.Authenticate(t.Context(), " ADA ", goodPassword, "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if want := (Caller{UserID: 1, Name: "ada", Role: Admin, IP: "10.0.0.1"}); c != want {
		t.Errorf("caller %+v, want %+v", c, want)
	}
	_, err = a.Authenticate(t.Context(), "ada", "wrong", "10.0.0.2")
	wantCode(t, err, fault.Unauthenticated)
	if err := a.SetDisabled(t.Context(), c, 2, true); err != nil {
		t.Fatal(err)
	}
	_, err = a.Authenticate(t.Context(), "olga", goodPassword, "10.0.0.3")
	wantCode(t, err, fault.Unauthenticated)
	if err := a.Logout(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"LOGIN SUCCESS ada",
		"LOGIN FAILURE ada: Wrong name or password.",
		"USER_CHANGED SUCCESS ada: Account olga disabled.",
		"LOGIN DENIED olga: The account is disabled.",
		"LOGOUT SUCCESS ada",
	}
	if got := s.log(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("ledger:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if r := s.records[1]; r.Actor != (audit.Actor{Name: "ada", IP: "10.0.0.2"}) || r.AuditID == "" || r.Timestamp != "2026-03-02T09:00:00.000Z" {
		t.Errorf("failure's record: %+v; an unproven person has no role", r)
	}
}

func TestNobodyGetsInUnrecorded(t *testing.T) {
	a, s, _ := newAccounts(t)
	s.broken = errors.New("disk full")
	if _, err := a.Authenticate(t.Context(), "ada", goodPassword, ""); !errors.Is(err, s.broken) {
		t.Fatalf("signed in without a record: %v", err)
	}
	if _, err := a.Authenticate(t.Context(), "ada", "wrong", ""); !errors.Is(err, s.broken) {
		t.Fatalf("got %v", err)
	}
}

func TestGuessingAtOneAccountSlowsDown(t *testing.T) {
	a, s, c := newAccounts(t)
	for range pairLimit.free + 1 {
		_, err := a.Authenticate(t.Context(), "ada", "wrong", "10.0.0.1")
		wantCode(t, err, fault.Unauthenticated)
	}
	before := len(s.records)
	var wait *WaitError
	for range 3 {
		_, err := a.Authenticate(t.Context(), "ada", goodPassword, "10.0.0.1")
		wantCode(t, err, fault.TooMany)
		if !errors.As(err, &wait) || wait.After != time.Second {
			t.Fatalf("wait %+v, want 1s", wait)
		}
	}
	if got := s.log()[before:]; len(got) != 1 || !strings.HasPrefix(got[0], "LOGIN DENIED ada") {
		t.Errorf("three refusals in a row left %q; the first belongs there and no more", got)
	}
	if got := fault.MessageOf(wait); !strings.Contains(got, "Try again in 1 second.") {
		t.Errorf("sentence %q", got)
	}
	c.Add(time.Second)
	if _, err := a.Authenticate(t.Context(), "ada", goodPassword, "10.0.0.1"); err != nil {
		t.Errorf("the owner waited and was still refused: %v", err)
	}
	_, err := a.Authenticate(t.Context(), "ada", "wrong", "10.0.0.1")
	wantCode(t, err, fault.Unauthenticated) // a success made the tries free again
}

// TestABurstOfGuessesGetsNoMoreThanTheFreeOnes fails when prove does not ask the throttle again in its turn.
func TestABurstOfGuessesGetsNoMoreThanTheFreeOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _, _ := newAccounts(t)
		var tried atomic.Int64
		gate := make(chan struct{})
		watchHashes(a, func() {
			tried.Add(1)
			<-gate
		})
		var wg sync.WaitGroup
		for range 60 {
			wg.Go(func() { _, _ = a.Authenticate(t.Context(), "ada", "wrong", "10.0.0.1") })
		}
		synctest.Wait() // all sixty are past the first question and wait for a turn
		close(gate)
		wg.Wait()
		if n := tried.Load(); n > int64(pairLimit.free+hashesAtOnce) {
			t.Errorf("%d of 60 guesses at once were tried, want at most %d", n, pairLimit.free+hashesAtOnce)
		}
	})
}

func TestFiftyPeopleAtOnceGetInWithFewHashesInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _, _ := newAccounts(t)
		var inside atomic.Int64
		gate := make(chan struct{})
		watchHashes(a, func() {
			inside.Add(1)
			<-gate
		})
		errs := make(chan error, 50)
		for range 50 {
			go func() {
				_, err := a.Authenticate(t.Context(), "ada", goodPassword, "10.0.0.1")
				errs <- err
			}()
		}
		synctest.Wait() // everyone who can move has moved
		if n := inside.Load(); n != hashesAtOnce {
			t.Errorf("%d hashes at once, want %d", n, hashesAtOnce)
		}
		close(gate)
		for range 50 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestAQueueOfLoginsIsBounded(t *testing.T) {
	a, _, _ := newAccounts(t)
	for range hashesAtOnce {
		a.hash.slots <- struct{}{} // every turn is taken
	}
	a.hash.waiting.Store(hashesWaiting)
	_, err := a.Authenticate(t.Context(), "ada", goodPassword, "")
	wantCode(t, err, fault.TooMany)
}

func TestAHashOfAnotherCostIsReplacedAtLogin(t *testing.T) {
	a, s, c := newAccounts(t)
	old := s.users[0].PasswordHash
	dearer := NewAccounts(s, c.Now, HashCost{MemoryKiB: 16, Iterations: 1, Parallelism: 1})
	if _, err := dearer.Authenticate(t.Context(), "ada", goodPassword, ""); err != nil {
		t.Fatal(err)
	}
	if s.users[0].PasswordHash == old || !strings.Contains(s.users[0].PasswordHash, "m=16,") {
		t.Errorf("hash %q", s.users[0].PasswordHash)
	}
	if _, err := a.Authenticate(t.Context(), "ada", goodPassword, ""); err != nil {
		t.Errorf("the new hash does not match the old password: %v", err)
	}
}

func TestADisabledAccountLosesItsSessionsAtOnce(t *testing.T) {
	a, _, _ := newAccounts(t)
	if c, err := a.Current(t.Context(), 2, "10.0.0.1"); err != nil || c.Role != Officer {
		t.Fatalf("%+v, %v", c, err)
	}
	if err := a.SetDisabled(t.Context(), Caller{Name: "ada", Role: Admin}, 2, true); err != nil {
		t.Fatal(err)
	}
	_, err := a.Current(t.Context(), 2, "")
	wantCode(t, err, fault.Unauthenticated)
	_, err = a.Current(t.Context(), 99, "")
	wantCode(t, err, fault.Unauthenticated)
}
