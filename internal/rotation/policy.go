package rotation

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
)

// Policy is a rule for the columns of a scope, and when runs may change them.
type Policy struct {
	ID int64
	Scope
	Rule
	Window    Window
	UpdatedAt time.Time
	UpdatedBy string
}

// Scope says what a policy is for; an empty field means any.
type Scope struct {
	Connection  string
	DatastoreID string // only together with a connection
	Category    string // a column's sensitivity category, as the console guesses it
}

// holds reports whether the scope includes a column.
func (s Scope) holds(connection, datastoreID, category string) bool {
	return (s.Connection == "" || s.Connection == connection) && (s.DatastoreID == "" || s.DatastoreID == datastoreID) &&
		(s.Category == "" || s.Category == category)
}

// rank orders scopes: a category is of single columns and counts most, then
// the data store, then the connection.
func (s Scope) rank() int {
	rank := 0
	for i, named := range []bool{s.Connection != "", s.DatastoreID != "", s.Category != ""} {
		if named {
			rank += 1 << i
		}
	}
	return rank
}

// String names the scope for a page and for the ledger.
func (s Scope) String() string {
	var parts []string
	if s.Category != "" {
		parts = append(parts, "category "+s.Category)
	}
	if s.DatastoreID != "" {
		parts = append(parts, "data store "+s.DatastoreID)
	}
	if s.Connection != "" {
		parts = append(parts, "connection "+s.Connection)
	}
	if len(parts) == 0 {
		return "everything"
	}
	return strings.Join(parts, ", ")
}

// Policies are every policy there is.
type Policies []Policy

// For returns the policy that applies to a column: the one with the most specific scope,
// or the default, whose ID is 0.
func (ps Policies) For(connection, datastoreID, category string) Policy {
	best := Policy{Rule: DefaultRule}
	for _, p := range ps {
		if p.holds(connection, datastoreID, category) && (best.ID == 0 || p.rank() > best.rank()) {
			best = p
		}
	}
	return best
}

// ByCategory reports whether any policy is for a category.
func (ps Policies) ByCategory() bool {
	return slices.ContainsFunc(ps, func(p Policy) bool { return p.Category != "" })
}

// PolicyStore is what policies need of a database.
type PolicyStore interface {
	Policies(ctx context.Context) (Policies, error)
	// SavePolicy keeps the policy in place of the one with its scope, and has
	// the scan look again at every column of the scope.
	SavePolicy(ctx context.Context, p Policy, records ...audit.Record) error
	DeletePolicy(ctx context.Context, id int64, records ...audit.Record) error
	// ColumnCategory is a column's sensitivity category, empty for none.
	ColumnCategory(ctx context.Context, key Key) (string, error)
}

// Bounds of a policy.
const (
	maxPolicies  = 500
	maxGraceDays = 365
)

// PolicyService changes policies on behalf of people, and says when runs may
// start: it implements encryption.Windows.
type PolicyService struct {
	store PolicyStore
	now   func() time.Time
}

// NewPolicyService returns a service on the store.
func NewPolicyService(store PolicyStore, now func() time.Time) *PolicyService {
	return &PolicyService{store, now}
}

// Policies lists every policy.
func (s *PolicyService) Policies(ctx context.Context) (Policies, error) { return s.store.Policies(ctx) }

// Save makes or replaces the policy of a scope and records it.
func (s *PolicyService) Save(ctx context.Context, c access.Caller, p Policy) error {
	if err := access.Require(c, access.PermManageSettings); err != nil {
		return err
	}
	if err := p.check(); err != nil {
		return err
	}
	known, err := s.store.Policies(ctx)
	if err != nil {
		return err
	}
	if len(known) >= maxPolicies {
		return fault.New(fault.Conflict, "There are %d policies, which is the most: delete one first.", len(known))
	}
	p.UpdatedAt, p.UpdatedBy = s.now(), c.Name
	return s.store.SavePolicy(ctx, p, s.changed(c, p, "Rotation policy for "+p.String()+" set: "+p.describe()))
}

// Delete ends a policy and records it.
func (s *PolicyService) Delete(ctx context.Context, c access.Caller, id int64) error {
	if err := access.Require(c, access.PermManageSettings); err != nil {
		return err
	}
	known, err := s.store.Policies(ctx)
	if err != nil {
		return err
	}
	for _, p := range known {
		if p.ID == id {
			return s.store.DeletePolicy(ctx, id, s.changed(c, p, "Rotation policy for "+p.String()+" deleted."))
		}
	}
	return fault.New(fault.NotFound, "There is no such policy.")
}

func (s *PolicyService) changed(c access.Caller, p Policy, detail string) audit.Record {
	r := audit.NewRecord(s.now(), audit.SettingsChanged, audit.Success, c.Actor())
	r.Connection, r.DatastoreID, r.Detail = p.Connection, p.DatastoreID, detail
	return r
}

func (p Policy) check() error {
	if _, err := p.Window.Schedule(); err != nil {
		return err
	}
	for _, text := range []string{p.Connection, p.DatastoreID, p.Category} {
		if len(text) > 256 || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return fault.New(fault.Invalid, "A scope's name must be at most 256 bytes of printable text.")
		}
	}
	switch {
	case p.DatastoreID != "" && p.Connection == "":
		return fault.New(fault.Invalid, "A policy for a data store names its connection too.")
	case p.Strategy != encryption.Automatic && p.Strategy != encryption.Manual:
		return fault.New(fault.Invalid, "The rotation strategy is %s or %s.", encryption.Automatic, encryption.Manual)
	case p.IntervalDays < 1 || p.IntervalDays > encryption.MaxIntervalDays:
		return fault.New(fault.Invalid, "The rotation interval must be 1 to %d days.", encryption.MaxIntervalDays)
	case p.GraceDays < 0 || p.GraceDays > maxGraceDays:
		return fault.New(fault.Invalid, "The grace must be 0 to %d days.", maxGraceDays)
	}
	return nil
}

func (p Policy) describe() string {
	text := p.Strategy + ", every " + audit.CountOf(p.IntervalDays, "day") + ", " +
		audit.CountOf(p.GraceDays, "day") + " of grace"
	if p.AutoRotate {
		text += ", rotated by this console"
	}
	if p.Window != (Window{}) {
		text += ", changes only at “" + p.Window.Cron + "” " + p.Window.Zone + " for " + audit.CountOf(p.Window.Minutes, "minute")
	}
	return text + "."
}

// windowTries bounds the search for a moment at which several windows are open:
// daily ones that never meet are given up after years.
const windowTries = 2000

// MayStart implements encryption.Windows: at itself, or when the windows that
// apply are open next, with the scope of the one that delays.
func (s *PolicyService) MayStart(ctx context.Context, connection, datastoreID, tableID string, columns []string,
	at time.Time) (time.Time, string, error) {
	known, err := s.store.Policies(ctx)
	if err != nil {
		return at, "", err
	}
	apply, err := s.windows(ctx, known, Key{Connection: connection, DatastoreID: datastoreID, TableID: tableID}, columns)
	if err != nil {
		return at, "", err
	}
	schedules := make([]Schedule, len(apply))
	for i, p := range apply {
		if schedules[i], err = p.Window.Schedule(); err != nil {
			return at, "", err
		}
	}
	opens, delays := at, Policy{}
	for range windowTries {
		moved := false
		for i, schedule := range schedules {
			next, ok := schedule.OpenAt(opens)
			if !ok {
				return at, "", fault.New(fault.Invalid,
					"The low-traffic window of %s never opens again. Change the rotation policy.", apply[i].Scope)
			}
			if next.After(opens) {
				opens, delays, moved = next, apply[i], true
			}
		}
		if !moved {
			return opens, delays.String(), nil
		}
	}
	return at, "", fault.New(fault.Invalid, "The low-traffic windows of these columns are never open at the same time, that of %s among them. Change the columns in several runs, or the rotation policies.", delays.Scope)
}

// windows are the policies whose windows a run on the columns must keep: the
// data store's, and in its place for a column of a category that of the
// category's policy, where that one has a window.
func (s *PolicyService) windows(ctx context.Context, known Policies, table Key, columns []string) (Policies, error) {
	base := known.For(table.Connection, table.DatastoreID, "")
	if len(columns) == 0 || !known.ByCategory() {
		return Policies{base}, nil
	}
	var apply Policies
	for _, name := range columns {
		key := table
		key.Column = name
		category, err := s.store.ColumnCategory(ctx, key)
		if err != nil {
			return nil, err
		}
		p := known.For(table.Connection, table.DatastoreID, category)
		if p.Window == (Window{}) {
			p = base
		}
		if !slices.ContainsFunc(apply, func(a Policy) bool { return a.ID == p.ID }) {
			apply = append(apply, p)
		}
	}
	return apply, nil
}
