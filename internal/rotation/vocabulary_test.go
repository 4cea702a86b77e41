package rotation_test

import (
	"testing"

	"cxseal/internal/rotation"
	"cxseal/internal/vocabularytest"
)

// TestTheListsHoldEveryWord fails when a word is declared that its list lacks.
func TestTheListsHoldEveryWord(t *testing.T) {
	vocabularytest.Complete(t, rotation.Statuses())
	vocabularytest.Complete(t, rotation.Hows())
	vocabularytest.Complete(t, rotation.Timelinesses())
}
