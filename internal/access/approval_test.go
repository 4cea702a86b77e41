package access

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cxseal/internal/fault"
)

var (
	bob    = Caller{UserID: 2, Name: "bob", Role: Admin}
	apollo = Caller{UserID: 3, Name: "apollo", Role: Approver}
)

func asked(t *testing.T, now time.Time) Approval {
	t.Helper()
	a, err := RequestApproval(ada, PermLaunchRun, "a1", "run1", "fp1", now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Fails when isOwn is taken out of mayDecide (tried).
func TestNobodyApprovesTheirOwnRequestAdminsIncluded(t *testing.T) {
	now := newClock().Now()
	a := asked(t, now)
	sameName := Caller{UserID: 9, Name: "ADA", Role: Approver}
	token := apollo
	token.Scope = &Scope{Permissions: Permissions()}
	for _, c := range []Caller{
		ada, sameName, token, // herself, herself after a restore, a program
		{UserID: 1, Name: "ada", Role: Approver}, // herself in another role
		{UserID: 4, Name: "olga", Role: Officer},
		{UserID: 5, Name: "vera", Role: Viewer},
		{Name: "cli", Role: System},
		{Name: "nobody", Role: Admin}, // no account
		{},
	} {
		next, err := a.Approve(c, "fp1", nil, now)
		if fault.CodeOf(err) != fault.Denied || !reflect.DeepEqual(next, a) {
			t.Errorf("%+v: %v, %v", c, next.State, err)
		}
		if _, err := a.Decline(c, "no", now); fault.CodeOf(err) != fault.Denied {
			t.Errorf("%+v declined: %v", c, err)
		}
	}
	for _, c := range []Caller{bob, apollo} {
		if next, err := a.Approve(c, "fp1", nil, now); err != nil || next.State != Approved || next.DecidedBy.Name != c.Name {
			t.Errorf("%s: %+v, %v", c.Name, next, err)
		}
	}
}

// Fails when Use does not compare the fingerprint (tried), or Approve does not.
func TestAnApprovalHoldsForOnePlanOnlyOnceAndNotForEver(t *testing.T) {
	now := newClock().Now()
	a := asked(t, now)
	_, err := a.Approve(bob, "fp2", nil, now)
	wantCode(t, err, fault.PlanChanged)
	_, err = a.Approve(bob, "fp1", nil, now.Add(time.Hour))
	wantCode(t, err, fault.Conflict)
	_, err = a.Use("run1", "fp1", now)
	wantCode(t, err, fault.Denied)

	ok, err := a.Approve(bob, "fp1", nil, now)
	if err != nil {
		t.Fatal(err)
	}
	_, err = ok.Approve(apollo, "fp1", nil, now)
	wantCode(t, err, fault.Conflict)
	_, err = ok.Use("run1", "fp2", now)
	wantCode(t, err, fault.PlanChanged)
	_, err = ok.Use("run2", "fp1", now)
	wantCode(t, err, fault.Denied)
	_, err = ok.Use("run1", "fp1", now.Add(time.Hour))
	wantCode(t, err, fault.Denied)
	forged := ok
	forged.DecidedBy = forged.RequestedBy
	_, err = forged.Use("run1", "fp1", now)
	wantCode(t, err, fault.Denied)
	used, err := ok.Use("run1", "fp1", now.Add(time.Hour-1))
	if err != nil || used.State != Used {
		t.Fatal(used, err)
	}
	_, err = used.Use("run1", "fp1", now)
	wantCode(t, err, fault.Denied)
	_, err = used.Withdraw(ada, PermCancelRun)
	wantCode(t, err, fault.Conflict)
	_, err = ok.Withdraw(Caller{UserID: 9, Name: "vera", Role: Approver}, PermCancelRun)
	wantCode(t, err, fault.Denied)
	if w, err := ok.Withdraw(ada, PermCancelRun); err != nil || w.State != Withdrawn {
		t.Error(w, err)
	}
	_, err = a.Decline(bob, " ", now)
	wantCode(t, err, fault.Invalid)
	if d, err := a.Decline(bob, " too many columns ", now); err != nil || d.State != Declined || d.Reason != "too many columns" {
		t.Error(d, err)
	}
	_, err = RequestApproval(apollo, PermLaunchRun, "a", "r", "f", now, time.Hour)
	wantCode(t, err, fault.Denied)
	_, err = RequestApproval(ada, PermLaunchRun, "a", "r", "", now, time.Hour)
	wantCode(t, err, fault.Invalid)
	_, err = RequestApproval(ada, PermLaunchRun, "a", "r", "f", now, time.Second)
	wantCode(t, err, fault.Invalid)
}

// Whatever anybody does in whatever order: what was used was approved by a second person, for the same
// plan, in time, and is used once.
func TestWhatIsSentWasSeenByFourEyes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := newClock()
		people := []Caller{ada, bob, apollo, {UserID: 4, Name: "olga", Role: Officer}, {Name: "cli", Role: System}}
		requester := rapid.SampledFrom([]Caller{ada, bob, people[4]}).Draw(rt, "requester")
		a, err := RequestApproval(requester, PermLaunchRun, "a", "run", "fp", c.Now(), time.Hour)
		if err != nil {
			rt.Fatal(err)
		}
		uses, final := 0, false
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			who := rapid.SampledFrom(people).Draw(rt, "who")
			fp := rapid.SampledFrom([]string{"fp", "fp", "fp", "other", ""}).Draw(rt, "fingerprint")
			before, next := a, a
			var err error
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0:
				next, err = a.Approve(who, fp, nil, c.Now())
			case 1:
				next, err = a.Decline(who, "no", c.Now())
			case 2:
				next, err = a.Withdraw(who, PermCancelRun)
			case 3:
				next, _ = a.Expire(c.Now())
			case 4:
				if next, err = a.Use("run", fp, c.Now()); err == nil {
					uses++
					if fp != "fp" || !c.Now().Before(next.ExpiresAt) || next.DecidedBy.UserID == 0 || next.DecidedBy.UserID == requester.UserID {
						rt.Fatalf("used: %+v", next)
					}
				}
			case 5:
				c.Add(time.Duration(rapid.IntRange(0, 50).Draw(rt, "minutes")) * time.Minute)
			}
			if err != nil && !reflect.DeepEqual(next, before) {
				rt.Fatalf("refused and changed: %+v", next)
			}
			if final && !reflect.DeepEqual(next, before) {
				rt.Fatalf("%s was not final: %+v", before.State, next)
			}
			a = next
			final = a.State != Requested && a.State != Approved
		}
		if uses > 1 {
			rt.Fatalf("used %d times", uses)
		}
	})
}
