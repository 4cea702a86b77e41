package encryption

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// However a run is driven, it ends; once verified or cancelled it stays so; and
// from no end is it sent, to the tenant or to another end but verified.
func TestEveryPathThroughTheStatesEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state := rapid.SampledFrom([]State{Awaiting, Queued}).Draw(t, "first")
		path := []State{state}
		for len(successors[state]) > 0 {
			if state == Failed && !slices.Contains(path, Patching) {
				break // never sent: no confirmation is taken for it
			}
			state = rapid.SampledFrom(successors[state]).Draw(t, "next")
			path = append(path, state)
			if len(path) > len(States) {
				t.Fatalf("a loop: %v", path)
			}
		}
		if !state.Ended() {
			t.Fatalf("stuck in %s: %v", state, path)
		}
		for i, s := range path[:len(path)-1] {
			if s.Ended() && path[i+1] != Verified {
				t.Fatalf("%s became %s: %v", s, path[i+1], path)
			}
		}
		if i := slices.Index(path, Verified); i >= 0 && !slices.Contains(path[:i], Patching) {
			t.Fatalf("verified and never sent: %v", path)
		}
	})
}

// Verified is reached from the wait for the KMS, or from an end that a late
// confirmation corrects: never without a verdict.
func TestOnlyAVerdictVerifies(t *testing.T) {
	want := []State{Verifying, Rejected, Unconfirmed, Failed}
	for _, s := range States {
		if s.CanBecome(Verified) != slices.Contains(want, s) {
			t.Errorf("from %s to verified: %v", s, s.CanBecome(Verified))
		}
		if s.CanBecome(Patching) != (s == Checking) {
			t.Errorf("from %s to patching: %v", s, s.CanBecome(Patching))
		}
	}
}

// The diagram in docs/architecture.md has the arrows of the state machine, and
// no other: an arrow that nothing uses is taken out of both.
func TestTheDocumentedArrowsAreTheArrows(t *testing.T) {
	page, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	var drawn, real []string
	for _, m := range regexp.MustCompile(`(?m)^\s+(\w+) --> (\w+)(?::|$)`).FindAllStringSubmatch(string(page), -1) {
		if from := State(m[1]); slices.Contains(States, from) {
			drawn = append(drawn, m[1]+" "+m[2])
		}
	}
	for from, to := range successors {
		for _, s := range to {
			real = append(real, fmt.Sprint(from, " ", s))
		}
	}
	slices.Sort(drawn)
	slices.Sort(real)
	if drawn = slices.Compact(drawn); !slices.Equal(drawn, real) {
		t.Errorf("drawn  %q\nreal   %q", drawn, real)
	}
}
