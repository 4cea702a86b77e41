package review

import (
	"testing"

	"cxseal/internal/fault"
)

func TestAPersonHasSoManyViewsAndNoMore(t *testing.T) {
	for n, want := range map[int]fault.Code{0: "", MaxViews - 1: "", MaxViews: fault.Conflict, MaxViews + 1: fault.Conflict} {
		if got := fault.CodeOf(MayAddView(n)); got != want {
			t.Errorf("another beside %d: %q, want %q", n, got, want)
		}
	}
}
