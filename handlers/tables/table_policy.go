package tables

import (
	"context"
	"strconv"

	"cxseal/internal/rotation"
	"cxseal/web"
)

// addPolicy fills in what the rotation policy of a table means for its forms.
func (a *Area) addPolicy(ctx context.Context, ref tableRef, v *web.TableView) error {
	policies, err := a.Policies.Policies(ctx)
	if err != nil {
		return err
	}
	rule := policies.For(ref.connection, ref.datastore, "").Rule
	begin(v.Encrypt, rule)
	if err := a.beginRotation(ctx, ref, v.Rotate, rule); err != nil {
		return err
	}
	now := a.Now()
	opens, scope, err := a.Policies.MayStart(ctx, ref.connection, ref.datastore, ref.table, nil, now)
	switch {
	case err != nil:
		return err
	case opens.After(now):
		v.WindowOpens = "The low-traffic window of " + scope + " is closed: a run waits until " + web.FormatTime(opens) + "."
		return nil
	case !policies.ByCategory():
		return nil
	}
	for _, col := range v.Columns {
		opens, scope, err := a.Policies.MayStart(ctx, ref.connection, ref.datastore, ref.table, []string{col.Name}, now)
		if err != nil {
			return err
		}
		if opens.After(now) {
			v.WindowOpens = "The low-traffic window of " + scope + " is closed: a run on such columns waits until " + web.FormatTime(opens) + "."
			return nil
		}
	}
	return nil
}

// begin fills in the fields that a form lacks from a rule. A nil form is left alone.
func begin(f *web.RunForm, rule rotation.Rule) {
	if f == nil {
		return
	}
	if f.Strategy == "" {
		f.Strategy = rule.Strategy
	}
	if f.IntervalDays == "" {
		f.IntervalDays = strconv.Itoa(rule.IntervalDays)
	}
}

// beginRotation fills in the form for a rotation with the strategy and interval that the table's columns
// have, where all have the same, so that a rotation does not change them unnoticed; otherwise with the
// policy's rule.
func (a *Area) beginRotation(ctx context.Context, ref tableRef, f *web.RunForm, rule rotation.Rule) error {
	if f == nil {
		return nil
	}
	dates, err := a.Rotations.Ledger(ctx, rotation.Filter{Connection: ref.connection, DatastoreID: ref.datastore, TableID: ref.table}, nil, 1000)
	if err != nil {
		return err
	}
	for i, d := range dates {
		if d.Strategy != dates[0].Strategy || d.IntervalDays != dates[0].IntervalDays {
			break
		}
		if i == len(dates)-1 {
			rule.Strategy, rule.IntervalDays = d.Strategy, d.IntervalDays
		}
	}
	begin(f, rule)
	return nil
}
