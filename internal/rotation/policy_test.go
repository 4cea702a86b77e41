package rotation_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/rotation"
)

// fixedPolicies is a store of policies and of the categories of columns.
type fixedPolicies struct {
	policies   rotation.Policies
	categories map[string]string
}

func (s fixedPolicies) Policies(context.Context) (rotation.Policies, error) { return s.policies, nil }
func (s fixedPolicies) SavePolicy(context.Context, rotation.Policy, ...audit.Record) error {
	return nil
}
func (s fixedPolicies) DeletePolicy(context.Context, int64, ...audit.Record) error { return nil }
func (s fixedPolicies) ColumnCategory(_ context.Context, key rotation.Key) (string, error) {
	return s.categories[key.Column], nil
}

func TestARunStartsWhenTheWindowsOfAllItsColumnsAreOpen(t *testing.T) {
	rule := rotation.Rule{Strategy: encryption.Automatic, IntervalDays: 90, GraceDays: 7}
	policy := func(id int64, scope rotation.Scope, cron string, minutes int) rotation.Policy {
		p := rotation.Policy{ID: id, Scope: scope, Rule: rule}
		if cron != "" {
			p.Window = rotation.Window{Cron: cron, Zone: "UTC", Minutes: minutes}
		}
		return p
	}
	store := fixedPolicies{
		policies: rotation.Policies{
			policy(1, rotation.Scope{Connection: "default"}, "0 1 * * *", 240),        // 01:00 to 05:00
			policy(2, rotation.Scope{Category: "card"}, "0 3 * * 6", 240),             // Saturdays, 03:00 to 07:00
			policy(3, rotation.Scope{Category: "secret"}, "", 0),                      // an interval only
			policy(4, rotation.Scope{Category: "health"}, "0 12 * * *", 60),           // noon: never with the others
			policy(5, rotation.Scope{Connection: "other", DatastoreID: "ds"}, "", 90), // not this one
		},
		categories: map[string]string{"pan": "card", "token": "secret", "diagnosis": "health"},
	}
	service := rotation.NewPolicyService(store, time.Now)
	monday := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		columns string
		want    time.Time
		scope   string
	}{
		{"", time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC), "connection default"},
		{"city", time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC), "connection default"},
		{"token", time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC), "connection default"}, // the data store's stays
		{"pan", time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC), "category card"},
		{"city pan token", time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC), "category card"},
		{"diagnosis", time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), "category health"},
	} {
		opens, scope, err := service.MayStart(t.Context(), "default", "ds", "tbl", strings.Fields(c.columns), monday)
		if err != nil || !opens.Equal(c.want) || scope != c.scope {
			t.Errorf("%q may start at %s for %q, %v; want %s for %q", c.columns, opens, scope, err, c.want, c.scope)
		}
	}
	if _, _, err := service.MayStart(t.Context(), "default", "ds", "tbl", []string{"diagnosis", "pan"}, monday); err == nil || !strings.Contains(err.Error(), "never open at the same time") {
		t.Errorf("windows that never meet: %v", err)
	}
	if opens, _, err := service.MayStart(t.Context(), "other", "ds", "tbl", []string{"city"}, monday); err != nil || !opens.Equal(monday) {
		t.Errorf("where there is no window: %s, %v", opens, err)
	}
}
