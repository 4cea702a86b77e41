package inventory

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"cxseal/cxone"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
)

// Tenant is what the inventory needs of CXone; *cxone.Client is one.
type Tenant interface {
	DataStores(ctx context.Context) iter.Seq2[cxone.DataStore, error]
	Tables(ctx context.Context, datastoreID string) iter.Seq2[cxone.TableRef, error]
	Table(ctx context.Context, datastoreID, tableID string) (*cxone.Table, error)
	Indexes(ctx context.Context, datastoreID, tableID string) ([]cxone.Index, error)
}

// Tenants finds the tenant of a connection.
type Tenants interface {
	Tenant(connection string) (Tenant, error)
	Names() []string
}

// pageSize is how many listed entries are saved in one transaction.
const pageSize = 100

// Service synchronises the inventory and reads single tables live.
type Service struct {
	store   Store
	tenants Tenants
	now     func() time.Time
	logger  *slog.Logger
}

// NewService returns a Service on the given parts.
func NewService(store Store, tenants Tenants, now func() time.Time, logger *slog.Logger) *Service {
	return &Service{store: store, tenants: tenants, now: now, logger: logger}
}

// Live is a table read from the tenant this moment.
type Live struct {
	Table   Table
	Columns []cxone.Column
	Indexes []cxone.Index
}

// Read reads a table and its indexes from the tenant and keeps what it saw.
func (s *Service) Read(ctx context.Context, connection, datastoreID, tableID string) (Live, error) {
	tenant, err := s.tenants.Tenant(connection)
	if err != nil {
		return Live{}, err
	}
	table, err := tenant.Table(ctx, datastoreID, tableID)
	if err != nil {
		s.noteFailure(ctx, connection, datastoreID, tableID, err)
		return Live{}, err
	}
	saved, err := s.save(ctx, connection, datastoreID, tableID, table)
	if err != nil {
		return Live{}, err
	}
	indexes, err := tenant.Indexes(ctx, datastoreID, tableID)
	return Live{Table: saved, Columns: table.Columns, Indexes: indexes}, err
}

// Observe reads a table from the tenant, without its indexes, and keeps what it
// saw.
func (s *Service) Observe(ctx context.Context, connection, datastoreID, tableID string) error {
	tenant, err := s.tenants.Tenant(connection)
	if err != nil {
		return err
	}
	table, err := tenant.Table(ctx, datastoreID, tableID)
	if err != nil {
		s.noteFailure(ctx, connection, datastoreID, tableID, err)
		return err
	}
	_, err = s.save(ctx, connection, datastoreID, tableID, table)
	return err
}

// noteFailure keeps why a table could not be read. A request that was given up
// says nothing about the table.
func (s *Service) noteFailure(ctx context.Context, connection, datastoreID, tableID string, failure error) {
	if ctx.Err() != nil {
		return
	}
	err := s.store.SaveReadError(ctx, connection, datastoreID, tableID, failure.Error(), s.now())
	if err != nil && fault.CodeOf(err) != fault.NotFound {
		s.logger.ErrorContext(ctx, "a failed read was not noted", "table", tableID, "err", err)
	}
}

// save keeps a table that was read and records what changed without a run.
//
// Where the tenant's word on a column cannot be read, what was known before
// stands, and the table's reading is noted as incomplete.
func (s *Service) save(ctx context.Context, connection, datastoreID, tableID string, read *cxone.Table) (Table, error) {
	if err := s.keepKnown(ctx, connection, datastoreID, tableID, read); err != nil {
		return Table{}, err
	}
	columns := make([]Column, len(read.Columns))
	table := Table{Connection: connection, DatastoreID: datastoreID, TableID: tableID, Name: read.Name,
		MaxFields: read.Metadata.MaxEncryptedFields, Total: len(columns), LastSeen: s.now(), ReadAt: s.now()}
	for i, c := range read.Columns {
		columns[i] = columnOf(c)
		if c.EncryptionConfiguration != nil && c.EncryptionConfiguration.KeyRotationDirective != nil {
			d := c.EncryptionConfiguration.KeyRotationDirective
			columns[i].directive(d, s.now())
		}
		if c.Encrypted {
			table.Encrypted++
		}
	}
	records, err := s.drift(ctx, table, columns)
	if errors.Is(err, errOlder) {
		s.noteFailure(ctx, connection, datastoreID, tableID, err)
		return table, nil
	}
	if err != nil {
		return Table{}, err
	}
	if err := s.store.SaveTable(ctx, s.now(), table, columns, records...); err != nil {
		return table, err
	}
	if len(read.Unreadable) > 0 {
		table.ReadError = unreadable(read.Unreadable)
		s.noteFailure(ctx, connection, datastoreID, tableID, errors.New(table.ReadError))
	}
	return table, nil
}

// SyncAll synchronises every connection in the background, one after the other,
// and returns what failed of it.
func (s *Service) SyncAll(ctx context.Context, maxAge time.Duration) error {
	var failed []error
	for _, name := range s.tenants.Names() {
		if err := s.Sync(cxone.InBackground(ctx), name, maxAge); err != nil {
			failed = append(failed, fmt.Errorf("connection %s: %w", name, err))
		}
	}
	return errors.Join(failed...)
}

// Sync lists the connection's data stores and tables, then reads every table
// that was not read within maxAge. What cannot be listed or read is noted and
// passed over, and the tables that are known are read all the same; only a tenant
// that lets nobody in, or does not answer, ends it. A listing that may be
// incomplete is noted too: then nothing is taken to be gone.
func (s *Service) Sync(ctx context.Context, connection string, maxAge time.Duration) error {
	tenant, err := s.tenants.Tenant(connection)
	if err != nil {
		return err
	}
	started := s.now()
	if err := s.store.BeginSync(ctx, connection, started); err != nil {
		return err
	}
	doubts, listErr := s.list(ctx, tenant, connection)
	failure := strings.Join(doubts, ". ")
	if listErr != nil {
		failure = listErr.Error()
	}
	if err := s.store.EndSync(context.WithoutCancel(ctx), connection, s.now(), failure); err != nil {
		return err
	}
	if ctx.Err() != nil || outOfReach(listErr) {
		return listErr
	}
	if errors.Is(listErr, cxone.ErrNoListing) {
		s.logger.InfoContext(ctx, "the tenant lists nothing; tables are known by the ids people type", "connection", connection)
		listErr = nil
	}
	return errors.Join(s.readStale(ctx, connection, started.Add(-maxAge)), listErr)
}

// outOfReach reports whether an error is about the tenant as a whole: no other
// request would fare better.
func outOfReach(err error) bool {
	var (
		auth        *cxone.AuthError
		scope       *cxone.ScopeError
		transport   *cxone.TransportError
		unavailable *cxone.UnavailableError
	)
	return errors.As(err, &auth) || errors.As(err, &scope) || errors.As(err, &transport) || errors.As(err, &unavailable)
}

// list keeps what the tenant lists. doubts says of each listing that may be
// incomplete why.
func (s *Service) list(ctx context.Context, tenant Tenant, connection string) (doubts []string, err error) {
	var incomplete *cxone.IncompleteError
	var stores []Datastore
	for d, err := range tenant.DataStores(ctx) {
		if errors.As(err, &incomplete) {
			doubts = append(doubts, incompleteList+" (data stores): "+strings.Join(incomplete.Reasons, "; "))
			break
		}
		if err != nil {
			return doubts, err
		}
		stores = append(stores, Datastore{Connection: connection, ID: d.ID, Name: d.Name})
	}
	if err := s.store.SaveDatastores(ctx, s.now(), stores); err != nil {
		return doubts, err
	}
	listed, first := 0, error(nil)
	for _, d := range stores {
		err := s.listTables(ctx, tenant, connection, d.ID)
		var notKept *notKeptError
		if ctx.Err() != nil || errors.As(err, &notKept) || outOfReach(err) {
			return doubts, err
		}
		failure := ""
		switch {
		case errors.As(err, &incomplete):
			failure = incompleteList + ": " + strings.Join(incomplete.Reasons, "; ")
			doubts = append(doubts, fmt.Sprintf("%s (tables of %q): %s", incompleteList, d.ID, strings.Join(incomplete.Reasons, "; ")))
			listed++
		case err != nil:
			failure = err.Error()
			if first == nil {
				first = fmt.Errorf("listing the tables of %q: %w", d.ID, err)
			}
		default:
			listed++
		}
		if err := s.store.SaveListing(ctx, connection, d.ID, s.now(), failure, codeOf(err)); err != nil {
			return doubts, err
		}
	}
	if listed == 0 {
		return doubts, first // nothing could be listed: the trouble is the tenant's
	}
	return doubts, nil
}

// codeOf is the code that the advice about a listing goes by.
func codeOf(err error) fault.Code {
	switch {
	case err == nil:
		return ""
	case errors.As(err, new(*cxone.IncompleteError)):
		return fault.TenantUnreadable
	}
	return fault.CodeOf(encryption.Explain(err))
}

// notKeptError is a store of ours that failed, not the tenant's listing.
type notKeptError struct{ error }

func (e *notKeptError) Unwrap() error { return e.error }

// listTables keeps what a data store lists, also when the listing breaks off.
func (s *Service) listTables(ctx context.Context, tenant Tenant, connection, datastoreID string) error {
	page := make([]Table, 0, pageSize)
	flush := func() error {
		err := s.store.SaveTables(ctx, s.now(), page)
		page = page[:0]
		if err != nil {
			return &notKeptError{err}
		}
		return nil
	}
	var broken error
	for t, err := range tenant.Tables(ctx, datastoreID) {
		if err != nil {
			broken = err
			break
		}
		page = append(page, Table{Connection: connection, DatastoreID: datastoreID, TableID: t.ID, Name: t.Name})
		if len(page) == pageSize {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return broken
}

// readers is how many tables are read at a time: enough that the tenant's rate
// and not its latency sets the pace.
const readers = 8

// readStale reads tables in small batches, so that 10,000 are never held at
// once and an interrupted pass goes on where it stopped.
func (s *Service) readStale(ctx context.Context, connection string, before time.Time) error {
	for {
		stale, err := s.store.StaleTables(ctx, connection, before, pageSize)
		if err != nil || len(stale) == 0 {
			return err
		}
		tenant, err := s.tenants.Tenant(connection)
		if err != nil {
			return err
		}
		if err := s.readAll(ctx, tenant, stale); err != nil {
			return err
		}
	}
}

// readAll reads tables, a few at a time. One that cannot be read is noted and
// passed over; what cannot be kept ends the pass.
func (s *Service) readAll(ctx context.Context, tenant Tenant, tables []Table) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for _, t := range tables {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			read, err := tenant.Table(ctx, t.DatastoreID, t.TableID)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				s.noteFailure(ctx, t.Connection, t.DatastoreID, t.TableID, err)
				return nil
			}
			_, err = s.save(ctx, t.Connection, t.DatastoreID, t.TableID, read)
			return err
		})
	}
	return group.Wait()
}

// errOlder is why a reading is not kept: it is older than what is known.
var errOlder = errors.New("the table shows an older state than a run of this console was told; it is read again later")

// drift compares a table with what was known of it. What a run of ours explains
// is not drift; neither is the first time a table is read. errOlder means that
// the reading is not to be kept.
func (s *Service) drift(ctx context.Context, now Table, columns []Column) ([]audit.Record, error) {
	before, err := s.store.Columns(ctx, now.Connection, now.DatastoreID, now.TableID)
	if err != nil || len(before) == 0 || len(Compare(before, columns, nil)) == 0 {
		return nil, err
	}
	ours, err := s.store.SentFor(ctx, now.Connection, now.DatastoreID, now.TableID)
	if err != nil {
		return nil, err
	}
	changes := Compare(before, columns, ours)
	if slices.ContainsFunc(changes, func(c Change) bool { return unsettled(c, ours, s.now()) }) {
		return nil, errOlder
	}
	known, err := s.store.Table(ctx, now.Connection, now.DatastoreID, now.TableID)
	if err != nil {
		return nil, err
	}
	return recordsOf(s.now(), now, known.ReadError, changes), nil
}
