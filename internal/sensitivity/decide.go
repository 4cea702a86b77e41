package sensitivity

import (
	"context"
	"fmt"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/internal/protection"
)

// MaxDecided bounds how many columns one decision may be about.
const MaxDecided = 5000

// Key names a column.
type Key struct{ Connection, DatastoreID, TableID, Column string }

// Column is a column with what is proposed for it and what was decided.
type Column struct {
	Key
	TableName string
	Type      string
	Encrypted bool
	// Protection is how far the column is protected.
	Protection protection.State

	State     State // the decision where there is one, else the proposal
	Proposal  Proposal
	Decided   State // empty: nobody has decided
	DecidedBy string
	DecidedAt time.Time
}

// Filter narrows the list of columns; the zero value is every column that is
// still there.
type Filter struct {
	Connection, DatastoreID, TableID string

	Query     string // part of a column's name
	State     State
	Category  Category
	Decided   *bool // whether a person has decided
	Encrypted *bool

	Protection protection.State // how far it is protected; empty: however far
}

// Decision is one table's columns that a person decided about at once.
type Decision struct {
	Columns []Key // of one table
	State   State // Undecided takes earlier decisions back
	By      string
	At      time.Time
	Record  audit.Record
}

// Store is what the service needs of a database.
type Store interface {
	// SensitivityColumns lists columns in the order of their keys: those after
	// the given one (nil: from the first), limit at most.
	SensitivityColumns(ctx context.Context, f Filter, after *Key, limit int) ([]Column, error)
	// Decide keeps the decisions and their records in one transaction. A column
	// that is not known is fault.NotFound, and then nothing is kept.
	Decide(ctx context.Context, decisions []Decision) error
	AppendRecords(ctx context.Context, records ...audit.Record) error
}

// Service keeps people's decisions.
type Service struct {
	store Store
	now   func() time.Time
}

// NewService returns a Service on the given parts.
func NewService(store Store, now func() time.Time) *Service { return &Service{store: store, now: now} }

// Decide keeps what a person decided about columns: Sensitive, NotSensitive, or
// Undecided to take a decision back. Each table's part is a record of its own.
func (s *Service) Decide(ctx context.Context, caller access.Caller, columns []Key, state State) error {
	if err := access.Require(caller, access.PermManageSettings); err != nil {
		record := audit.NewRecord(s.now(), audit.SettingsChanged, audit.Denied, caller.Actor())
		record.Detail = fault.MessageOf(err)
		if failed := s.store.AppendRecords(ctx, record); failed != nil {
			return failed
		}
		return err
	}
	switch {
	case state != Sensitive && state != NotSensitive && state != Undecided:
		return fault.New(fault.Invalid, "A column is sensitive, not_sensitive or undecided.")
	case len(columns) == 0:
		return fault.New(fault.Invalid, "Choose at least one column.")
	case len(columns) > MaxDecided:
		return fault.New(fault.TooLarge, "Decide about at most %d columns at once.", MaxDecided)
	}
	var order []Key
	byTable := map[Key][]Key{}
	for _, c := range columns {
		table := Key{c.Connection, c.DatastoreID, c.TableID, ""}
		if byTable[table] == nil {
			order = append(order, table)
		}
		byTable[table] = append(byTable[table], c)
	}
	decisions := make([]Decision, len(order))
	for i, table := range order {
		decisions[i] = s.decision(caller, table, byTable[table], state)
	}
	return s.store.Decide(ctx, decisions)
}

// DecideAll decides about every column that matches, up to MaxDecided of them,
// and answers how many they were.
func (s *Service) DecideAll(ctx context.Context, caller access.Caller, f Filter, state State) (int, error) {
	var keys []Key
	var after *Key
	for {
		page, err := s.store.SensitivityColumns(ctx, f, after, 1000)
		if err != nil {
			return 0, err
		}
		for _, c := range page {
			keys = append(keys, c.Key)
		}
		if len(keys) > MaxDecided {
			return 0, fault.New(fault.TooLarge, "More than %d columns match: narrow the filter first.", MaxDecided)
		}
		if len(page) < 1000 {
			return len(keys), s.Decide(ctx, caller, keys, state)
		}
		after = &page[len(page)-1].Key
	}
}

var verdicts = map[State]string{Sensitive: "sensitive", NotSensitive: "not sensitive", Undecided: "undecided again"}

func (s *Service) decision(caller access.Caller, table Key, columns []Key, state State) Decision {
	r := audit.NewRecord(s.now(), audit.SettingsChanged, audit.Success, caller.Actor())
	r.Connection, r.DatastoreID, r.TableID = table.Connection, table.DatastoreID, table.TableID
	for _, c := range columns {
		r.Columns = append(r.Columns, c.Column)
	}
	noun := "columns are"
	if len(columns) == 1 {
		noun = "column is"
	}
	r.Detail = fmt.Sprintf("%d %s %s now, by decision of %s.", len(columns), noun, verdicts[state], caller.Name)
	return Decision{Columns: columns, State: state, By: caller.Name, At: s.now(), Record: r}
}
