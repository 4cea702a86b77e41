package sensitivity_test

import (
	"testing"

	"cxseal/internal/sensitivity"
	"cxseal/internal/vocabularytest"
)

// TestTheListsHoldEveryWord fails when a word is declared that its list lacks.
func TestTheListsHoldEveryWord(t *testing.T) {
	vocabularytest.Complete(t, sensitivity.States())
	vocabularytest.Complete(t, sensitivity.Categories(), sensitivity.Not)
}
