package encryption

import "testing"

// Contract §4: the risk is HIGH above 80 percent, and LOW at 80.
func TestTheQueryRiskIsHighAboveEightyPercent(t *testing.T) {
	for _, c := range []struct {
		encrypted, total int
		want             string
	}{{0, 1, "LOW"}, {8, 10, "LOW"}, {8001, 10_000, "HIGH"}, {81, 100, "HIGH"}, {1, 1, "HIGH"}} {
		after := make([]ColumnState, c.total)
		for i := range c.encrypted {
			after[i].Encrypted = true
		}
		m := metrics(Run{State: Verified, After: after})
		if m.QueryDegradationRisk != c.want {
			t.Errorf("%d of %d (%v): %s, want %s", c.encrypted, c.total, m.CoverageRate, m.QueryDegradationRisk, c.want)
		}
	}
}
