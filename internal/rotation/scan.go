package rotation

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/alarm"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
)

// Store is what the scanner needs of a database. Every method is one
// transaction.
type Store interface {
	// DueColumns lists columns whose next transition has come.
	DueColumns(ctx context.Context, now time.Time, limit int) ([]Column, error)
	// StepRotations makes those transitions and says how many columns it looked at.
	StepRotations(ctx context.Context, now time.Time, o ScanOptions, limit int) (int, error)

	// WantedRuns lists columns that wait for a run of ours, those of one run
	// together; limit counts runs.
	WantedRuns(ctx context.Context, limit int) ([]Column, error)
	RunWasLaunched(ctx context.Context, runID string) error

	// Policies, ColumnCategory and UserByName tell whose policy a column follows.
	Policies(ctx context.Context) (Policies, error)
	ColumnCategory(ctx context.Context, key Key) (string, error)
	UserByName(ctx context.Context, name string) (access.User, error)

	Raise(ctx context.Context, alarms ...alarm.Alarm) error
}

// Reader looks at a table once more; what it sees goes into the ledger.
type Reader interface {
	Observe(ctx context.Context, connection, datastoreID, tableID string) error
}

// Launcher makes runs; *encryption.Service is one.
type Launcher interface {
	NewRun(ctx context.Context, c access.Caller, r encryption.Request) (encryption.Run, error)
	Enqueue(ctx context.Context, run encryption.Run) (encryption.Run, error)
}

// Scanner makes the transitions that time brings: due dates that come near, are
// reached and pass. It also launches the rotation runs that follow from them.
type Scanner struct {
	store   Store
	reader  Reader
	runs    Launcher
	options ScanOptions
	now     func() time.Time
	logger  *slog.Logger
}

// NewScanner returns a Scanner on the given parts.
func NewScanner(store Store, reader Reader, runs Launcher, o ScanOptions, now func() time.Time, logger *slog.Logger) *Scanner {
	return &Scanner{store: store, reader: reader, runs: runs, options: o, now: now, logger: logger}
}

// scanBatch is how many columns step in one transaction.
const scanBatch = 500

// Tick scans once. It looks once more at tables whose columns are about to be called overdue,
// makes every transition that has come, and launches the runs that are ours.
func (s *Scanner) Tick(ctx context.Context) error {
	for {
		now := s.now()
		due, err := s.store.DueColumns(ctx, now, scanBatch)
		if err != nil {
			return err
		}
		if len(due) == 0 {
			break
		}
		s.lookAgain(ctx, now, due)
		n, err := s.store.StepRotations(ctx, s.now(), s.options, scanBatch)
		if err != nil {
			return err
		}
		if n < scanBatch || ctx.Err() != nil {
			break
		}
	}
	return s.launch(ctx)
}

// maxFailures is how many tables of a connection may fail to be read in a row
// before the rest is called overdue by what is known.
const maxFailures = 3

// lookAgain reads the tables of columns that would become overdue now and were
// not seen since they did: a rotation that happened must not be called overdue
// because the table was not read.
func (s *Scanner) lookAgain(ctx context.Context, now time.Time, due []Column) {
	type table struct{ connection, datastore, id string }
	looked := map[table]bool{}
	failures := map[string]int{}
	for _, c := range due {
		t := table{c.Connection, c.DatastoreID, c.TableID}
		if c.Phase == Overdue || now.Before(c.OverdueAt()) || !c.SeenAt.Before(c.OverdueAt()) || looked[t] ||
			failures[t.connection] >= maxFailures {
			continue
		}
		looked[t] = true
		err := s.reader.Observe(ctx, t.connection, t.datastore, t.id)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			failures[t.connection]++
			s.logger.WarnContext(ctx, "a table was not read before its rotation is called overdue", "table", t.id, "err", err)
			continue
		}
		failures[t.connection] = 0
	}
}

// scheduler is the caller of the runs that a scan launches.
var scheduler = access.Caller{Name: "scheduler", Role: access.System}

// launch makes the runs that columns wait for (Column.WantsRun). A run's id was
// chosen when the column began to wait, so that a crash between launching it and
// noting that does not launch it twice.
func (s *Scanner) launch(ctx context.Context) error {
	columns, err := s.store.WantedRuns(ctx, scanBatch)
	if err != nil {
		return err
	}
	for len(columns) > 0 {
		n := 1
		for n < len(columns) && columns[n].WantsRun == columns[0].WantsRun {
			n++
		}
		if err := s.launchOne(ctx, columns[:n]); err != nil {
			return err
		}
		columns = columns[n:]
	}
	return nil
}

func (s *Scanner) launchOne(ctx context.Context, columns []Column) error {
	id := columns[0].WantsRun
	request := Request(columns)
	behind, err := s.authors(ctx, columns)
	if err != nil {
		return err
	}
	request.Behind = behind
	run, err := s.runs.NewRun(ctx, scheduler, request)
	if err == nil {
		run.ID = id
		_, err = s.runs.Enqueue(ctx, run)
	}
	switch fault.CodeOf(err) {
	case "", fault.Conflict: // launched now, or before a crash
	case fault.Internal:
		return err // the column still waits: the next scan tries again
	default:
		c := columns[0]
		if err := s.store.Raise(ctx, alarm.Alarm{Dedupe: "run\x1f" + id, Kind: alarm.RunFailed, Severity: alarm.Warning,
			Title: fmt.Sprintf("The rotation of %s could not be launched", c.TableID), Detail: fault.MessageOf(err),
			Connection: c.Connection, DatastoreID: c.DatastoreID, TableID: c.TableID, RaisedAt: s.now()}); err != nil {
			return err
		}
	}
	return s.store.RunWasLaunched(ctx, id)
}

// authors returns who has this console rotate the columns by itself: whose policies they follow, and who set their
// connection to. Under four eyes they count as requesters of the run.
func (s *Scanner) authors(ctx context.Context, columns []Column) ([]access.Party, error) {
	policies, err := s.store.Policies(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	if s.options.AutoRotateBy != nil {
		names = append(names, s.options.AutoRotateBy(columns[0].Connection))
	}
	for _, c := range columns {
		category, err := s.store.ColumnCategory(ctx, c.Key)
		if err != nil {
			return nil, err
		}
		names = append(names, policies.For(c.Connection, c.DatastoreID, category).UpdatedBy)
	}
	var list []access.Party
	for _, name := range names {
		if name == "" || slices.ContainsFunc(list, func(p access.Party) bool { return p.Name == name }) {
			continue
		}
		u, err := s.store.UserByName(ctx, name)
		if err != nil && fault.CodeOf(err) != fault.NotFound {
			return nil, err
		}
		list = append(list, access.Party{UserID: u.ID, Name: name})
	}
	return list, nil
}

// Request is the rotation run of columns that share a RunScope.
func Request(columns []Column) encryption.Request {
	c := columns[0]
	r := encryption.Request{Operation: audit.KeyRotation, Connection: c.Connection, DatastoreID: c.DatastoreID,
		TableID:  c.TableID,
		Strategy: c.Strategy, IntervalDays: c.IntervalDays}
	for _, c := range columns {
		r.Columns = append(r.Columns, c.Column)
	}
	return r
}
