package access_test

import (
	"testing"

	"cxseal/internal/access"
	"cxseal/internal/vocabularytest"
)

// TestTheListsHoldEveryWord fails when a word is declared that its list lacks.
func TestTheListsHoldEveryWord(t *testing.T) {
	vocabularytest.Complete(t, access.Roles(), access.System)
	vocabularytest.Complete(t, access.Permissions())
	vocabularytest.Complete(t, access.ApprovalStates())
}
