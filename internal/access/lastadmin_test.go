package access

import (
	"testing"

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
