package trend_test

import (
	"testing"

	"cxseal/internal/trend"
	"cxseal/internal/vocabularytest"
)

// TestTheListsHoldEveryWord fails when a word is declared that its list lacks.
func TestTheListsHoldEveryWord(t *testing.T) {
	vocabularytest.Complete(t, trend.Kinds())
}
