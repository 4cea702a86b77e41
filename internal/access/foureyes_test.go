package access

import (
	"testing"
	"time"

	"cxseal/internal/fault"
)

func TestASecondPersonIsNobodysHand(t *testing.T) {
	now := newClock().Now()
	ada, bob, cleo, dan := Party{1, "ada"}, Party{2, "bob"}, Party{3, "cleo"}, Party{4, "dan"}
	operator := Party{0, "cli:root"}
	of := func(by, account Party, kind TouchKind) Touch {
		return Touch{UserID: account.UserID, Name: account.Name, Kind: kind, By: by, At: now.Add(-time.Hour)}
	}
	aged := of(ada, bob, TouchPassword)
	aged.At = now.Add(-TouchLife)
	for _, x := range []struct {
		what          string
		first, second Party
		touches       []Touch
		ok            bool
	}{
		{"two people", ada, bob, nil, true},
		{"one person", ada, ada, nil, false},
		{"one name", ada, Party{9, "ADA"}, nil, false},
		{"by way of two others", ada, bob, []Touch{of(cleo, bob, TouchFactor), of(dan, cleo, TouchMade), of(ada, dan, TouchRole)}, false},
		{"a third one has one of them", ada, bob, []Touch{of(cleo, bob, TouchPassword)}, true},
		{"a third one has both", ada, bob, []Touch{of(cleo, bob, TouchPassword), of(cleo, ada, TouchPassword)}, false},
		{"a day ago", ada, bob, []Touch{aged}, true},
		{"made on the machine", ada, bob, []Touch{of(operator, bob, TouchMade)}, true},
		{"the requester was reset on the machine", ada, bob, []Touch{of(operator, ada, TouchPassword)}, true},
		{"the second was enabled on the machine", ada, bob, []Touch{of(operator, bob, TouchEnabled)}, false},
		{"the console asks", Party{0, "scheduler"}, bob, nil, true},
	} {
		err := SecondPerson(x.first, x.second, x.touches, now)
		if (err == nil) != x.ok || (err != nil && fault.CodeOf(err) != fault.Denied) {
			t.Errorf("%s: %v", x.what, err)
		}
	}
	for _, kind := range TouchKinds() {
		if touched[kind] == "" {
			t.Errorf("%s has no words", kind)
		}
		if SecondPerson(ada, bob, []Touch{of(ada, bob, kind)}, now) == nil || SecondPerson(bob, ada, []Touch{of(ada, bob, kind)}, now) == nil {
			t.Errorf("%s does not count", kind)
		}
	}
}

// Every way in which an admin changes another's account is a touch; one's own is none.
func TestEveryChangeOfAnAccountByAnotherIsATouch(t *testing.T) {
	a, s, _ := newAccounts(t)
	s.touches = nil
	ada := Caller{UserID: 1, Name: "ada", Role: Admin}
	for kind, change := range map[TouchKind]func() error{
		TouchPassword: func() error { return a.ChangePassword(t.Context(), ada, 2, "six loud otters") },
		TouchRole:     func() error { return a.SetRole(t.Context(), ada, 2, Approver) },
		TouchEnabled: func() error {
			if err := a.SetDisabled(t.Context(), ada, 2, true); err != nil {
				return err
			}
			return a.SetDisabled(t.Context(), ada, 2, false)
		},
		TouchMade: func() error { _, err := a.Create(t.Context(), ada, "new", "six loud otters", Viewer); return err },
	} {
		s.touches = nil
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if len(s.touches) != 1 || s.touches[0].Kind != kind || s.touches[0].By != (Party{1, "ada"}) {
			t.Errorf("%s: %+v", kind, s.touches)
		}
	}
	s.touches = nil
	if err := a.ChangeOwnPassword(t.Context(), Caller{UserID: 2, Name: "olga", Role: Approver}, "six loud otters", goodPassword); err != nil || len(s.touches) != 0 {
		t.Errorf("%v %+v", err, s.touches)
	}
}

// Mutation: without UpdatedAt in AuthenticateCode, a thief's right password outlives its reset.
func TestAPasswordThatWaitsForItsCodeDiesWithAReset(t *testing.T) {
	h := withFactor(t)
	p := h.pending(t)
	h.clock.Add(time.Second)
	if err := h.ChangePassword(t.Context(), Caller{UserID: 1, Name: "ada", Role: Admin}, p.UserID, "six loud otters"); err != nil {
		t.Fatal(err)
	}
	_, err := h.AuthenticateCode(t.Context(), p, h.code(t, 0), "10.0.0.2")
	wantCode(t, err, fault.Unauthenticated)
}

func TestNoAccountReadsLikeAPartOfTheConsole(t *testing.T) {
	for _, name := range []string{"cli:root", "CLI:x", "scheduler", "Inventory", "rotation", "console", "kms"} {
		wantCode(t, CheckName(name), fault.Invalid)
	}
}
