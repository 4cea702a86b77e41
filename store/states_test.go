package store

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"cxseal/internal/campaign"
	"cxseal/internal/encryption"
	"cxseal/migrations"
)

// TestStatesInSQLAreTheVocabularys: a state that is added to the vocabulary and
// not to the partial indexes would make every claim scan the history.
func TestStatesInSQLAreTheVocabularys(t *testing.T) {
	for _, state := range encryption.States() {
		worked := slices.Contains(encryption.WorkStates(), state)
		if worked != (!state.Ended() && state != encryption.Awaiting && state != encryption.Held) {
			t.Errorf("%s: a worker moves it on: %v", state, worked)
		}
	}
	for file, wants := range map[string][]string{
		"00102_runs.sql": {"WHERE state IN " + openStates, "CREATE INDEX runs_awaiting ON runs (seq) WHERE state = " + literals(encryption.Awaiting)},
		"00114_held.sql": {"WHERE state IN (" + literals(encryption.Waiting()...) + ")"},
		"00107_campaigns.sql": {"CHECK (state IN (" + literals(campaign.States()...) + "))",
			"WHERE state = " + literals(campaign.Running)},
	} {
		text, err := fs.ReadFile(migrations.Files, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s does not have %q", file, want)
			}
		}
	}
	// The list of running campaigns is found by its partial index.
	s := open(t)
	for index, query := range map[string]string{
		"campaigns_running": `SELECT ` + campaignColumns + ` FROM campaigns WHERE state = ` + literals(campaign.Running) + ` ORDER BY seq`,
	} {
		steps, err := collect(t.Context(), s, func(row scanner) (step string, err error) {
			var id, parent, unused int
			return step, row.Scan(&id, &parent, &unused, &step)
		}, `EXPLAIN QUERY PLAN `+query)
		if err != nil || !strings.Contains(strings.Join(steps, "; "), index) {
			t.Errorf("%s: %q, %v; want %s", query, steps, err, index)
		}
	}
}
