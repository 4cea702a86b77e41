package encryption_test

import (
	"testing"

	"cxseal/internal/encryption"
	"cxseal/internal/vocabularytest"
)

// TestTheListsHoldEveryWord fails when a word is declared that its list lacks.
func TestTheListsHoldEveryWord(t *testing.T) {
	vocabularytest.Complete(t, encryption.States())
	vocabularytest.Complete(t, encryption.KMSStatuses())
}
