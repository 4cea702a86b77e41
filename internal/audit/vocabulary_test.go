package audit_test

import (
	"testing"

	"cxseal/internal/audit"
	"cxseal/internal/vocabularytest"
)

// TestTheListsHoldEveryWord fails when a word is declared that its list lacks.
func TestTheListsHoldEveryWord(t *testing.T) {
	vocabularytest.Complete(t, audit.Operations())
	vocabularytest.Complete(t, audit.Outcomes())
	vocabularytest.Complete(t, audit.Fields())
}
