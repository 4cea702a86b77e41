package alarm_test

import (
	"testing"

	"cxseal/internal/alarm"
	"cxseal/internal/vocabularytest"
)

// TestTheListsHoldEveryWord fails when a word is declared that its list lacks.
func TestTheListsHoldEveryWord(t *testing.T) {
	vocabularytest.Complete(t, alarm.Kinds(), alarm.Test)
	vocabularytest.Complete(t, alarm.Severities())
	vocabularytest.Complete(t, alarm.States())
	vocabularytest.Complete(t, alarm.Ways())
}
