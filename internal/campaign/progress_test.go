package campaign

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cxseal/internal/encryption"
)

func TestEveryItemIsCountedOnceByWhatBecameOfIt(t *testing.T) {
	var p Progress
	p.Add(true, "", 2)
	p.Add(true, encryption.Failed, 1)
	p.Add(false, "", 4)
	n := 10
	want := Progress{Total: 7, Refused: 3, Pending: 4, Ended: map[encryption.State]int{}}
	for _, state := range encryption.States() {
		p.Add(false, state, n)
		if want.Total += n; state.Ended() {
			want.Ended[state] = n
		} else {
			want.Open += n
		}
		n++
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
	if closed := p.Closed(); closed != want.Total-want.Open-want.Pending {
		t.Errorf("%d closed", closed)
	}
}

func TestACampaignIsOverWhenItIsDoneOrCancelled(t *testing.T) {
	for state, want := range map[State]bool{Running: false, Paused: false, Done: true, Cancelled: true} {
		if state.Ended() != want {
			t.Errorf("%s has ended: %v", state, !want)
		}
	}
}
