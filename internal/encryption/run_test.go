package encryption

import (
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"
)

// paths returns every way through the state machine from a state to an end
// that nothing follows. It fails on a way that comes back to where it was.
func paths(t *testing.T, way []State) [][]State {
	t.Helper()
	last := way[len(way)-1]
	if slices.Contains(way[:len(way)-1], last) && slices.Contains(way, Held) {
		return nil // around once more takes a person, each time
	}
	if slices.Contains(way[:len(way)-1], last) {
		t.Fatalf("a loop: %v", way)
	}
	if len(successors[last]) == 0 {
		return [][]State{way}
	}
	var all [][]State
	for _, next := range successors[last] {
		all = append(all, paths(t, append(slices.Clone(way), next))...)
	}
	return all
}

// A run begins queued or awaiting. On every way from there it ends; an end is
// left for verified only, and verified and cancelled for nothing; and every
// state is on some way.
func TestEveryPathThroughTheStatesEnds(t *testing.T) {
	seen := map[State]bool{}
	for _, way := range slices.Concat(paths(t, []State{Awaiting}), paths(t, []State{Queued})) {
		for i, s := range way {
			seen[s] = true
			last := i == len(way)-1
			if last && !s.Ended() {
				t.Errorf("stuck in %s: %v", s, way)
			}
			if !last && s.Ended() && way[i+1] != Verified {
				t.Errorf("%s became %s: %v", s, way[i+1], way)
			}
			if (s == Verified || s == Cancelled) && !last {
				t.Errorf("%s became %s: %v", s, way[i+1], way)
			}
			if sent := slices.Index(way, Patching); s == Cancelled && sent >= 0 {
				t.Errorf("sent, and cancelled after that: %v", way)
			}
		}
	}
	for _, s := range States() {
		if !seen[s] {
			t.Errorf("no run is ever %s", s)
		}
	}
}

// noStore fails the test on any use: an embedded nil interface panics.
type noStore struct{ Store }

// The service commits no transition that the state machine lacks: the row
// would be in a state that nothing expects.
func TestATransitionWithoutAnArrowIsNotCommitted(t *testing.T) {
	s := NewService(noStore{}, nil, time.Now, slog.New(slog.DiscardHandler))
	refused := 0
	for _, from := range States() {
		for _, to := range States() {
			if from == to || slices.Contains(successors[from], to) {
				continue
			}
			refused++
			if err := s.commit(t.Context(), Transition{From: from, Run: Run{ID: "r", State: to}}); err == nil {
				t.Errorf("from %s to %s: committed", from, to)
			}
		}
	}
	if arrows := len(States())*(len(States())-1) - refused; arrows < len(States()) {
		t.Errorf("only %d arrows are left", arrows)
	}
}

// Verified is reached from the wait for the KMS, or from an end that a late
// confirmation corrects: never without a verdict.
func TestOnlyAVerdictVerifies(t *testing.T) {
	want := []State{Verifying, Rejected, Unconfirmed, Failed}
	for _, s := range States() {
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
		if from := State(m[1]); slices.Contains(States(), from) {
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
