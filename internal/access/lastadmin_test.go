package access

import (
	"testing"
	"time"

	"cxseal/internal/fault"
)

func TestOnlyTheLastAdminIsKept(t *testing.T) {
	for _, c := range []struct {
		before, after int
		want          fault.Code
	}{{2, 1, ""}, {1, 1, ""}, {1, 0, fault.Conflict}, {2, 0, fault.Conflict}, {0, 0, ""}, {0, 1, ""}} {
		if got := fault.CodeOf(KeepAdmin(c.before, c.after)); got != c.want {
			t.Errorf("%d admins before and %d after: %q, want %q", c.before, c.after, got, c.want)
		}
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
