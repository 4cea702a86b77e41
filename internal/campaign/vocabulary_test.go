package campaign_test

import (
	"testing"

	"cxseal/internal/campaign"
	"cxseal/internal/vocabularytest"
)

// TestTheListsHoldEveryWord fails when a word is declared that its list lacks.
func TestTheListsHoldEveryWord(t *testing.T) {
	vocabularytest.Complete(t, campaign.States())
	vocabularytest.Complete(t, campaign.Targets())
	vocabularytest.Complete(t, campaign.Withouts())
}
