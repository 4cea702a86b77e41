package schedule_test

import (
	"testing"
	"time"

	"cxseal/internal/schedule"
	"cxseal/internal/vocabularytest"
)

// TestTheListsHoldEveryWord fails when a word is declared that its list lacks.
func TestTheListsHoldEveryWord(t *testing.T) { vocabularytest.Complete(t, schedule.Conditions()) }

// TestAJobsConditionIsItsMostPressing fails when a job that hangs or failed is shown as fine (tried by
// swapping the first two cases).
func TestAJobsConditionIsItsMostPressing(t *testing.T) {
	ran := schedule.State{StartedAt: time.Unix(1, 0)}
	failed := schedule.State{StartedAt: time.Unix(1, 0), Error: "disk full"}
	for want, status := range map[schedule.Condition]schedule.Status{
		schedule.Waiting: {}, schedule.Fine: {Last: ran}, schedule.Failed: {Last: failed},
		schedule.Running: {Last: failed, Running: true}, schedule.Hangs: {Last: failed, Running: true, Hung: true},
	} {
		if got := status.Condition(); got != want {
			t.Errorf("%+v is %q, want %q", status, got, want)
		}
	}
}
