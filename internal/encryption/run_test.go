package encryption

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// However a run is driven, it ends; once verified it stays so; and nothing is
// ever sent for a run that was cancelled or failed.
func TestEveryPathThroughTheStatesEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state, path := Queued, []State{Queued}
		for len(successors[state]) > 0 {
			state = rapid.SampledFrom(successors[state]).Draw(t, "next")
			path = append(path, state)
			if len(path) > len(States) {
				t.Fatalf("a loop: %v", path)
			}
		}
		if !state.Ended() {
			t.Fatalf("stuck in %s: %v", state, path)
		}
		if i := slices.Index(path, Verified); i >= 0 && i != len(path)-1 {
			t.Fatalf("verified was left: %v", path)
		}
	})
}

func TestNoStateCanBeSkipped(t *testing.T) {
	for _, s := range []State{Queued, Checking, Patching} {
		if s.CanBecome(Verified) {
			t.Errorf("%s becomes verified without a verdict", s)
		}
	}
	if Queued.CanBecome(Patching) {
		t.Error("a run is sent without having been checked")
	}
}
