package campaign

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/sensitivity"
)

// MaxTables bounds a campaign.
const MaxTables = 20_000

// Service plans campaigns, and launches their runs in the background.
type Service struct {
	store  Store
	runs   Runs
	reader Reader
	now    func() time.Time
	logger *slog.Logger

	wake   chan struct{}
	stop   context.CancelFunc
	worker sync.WaitGroup
}

// NewService returns a Service on the given parts. Start lets it launch.
func NewService(store Store, runs Runs, reader Reader, now func() time.Time, logger *slog.Logger) *Service {
	return &Service{store: store, runs: runs, reader: reader, now: now, logger: logger, wake: make(chan struct{}, 1)}
}

// Launch records a campaign and begins to launch its runs.
func (s *Service) Launch(ctx context.Context, caller access.Caller, r Request) (Campaign, error) {
	if err := access.Require(caller, access.PermLaunchRun); err != nil {
		return Campaign{}, s.Refuse(ctx, caller, r, err)
	}
	items, err := s.items(ctx, &r)
	if err != nil {
		if fault.CodeOf(err) == fault.Invalid {
			return Campaign{}, s.Refuse(ctx, caller, r, err)
		}
		return Campaign{}, err
	}
	c := Campaign{ID: audit.NewID(s.now()), Connection: r.Connection, DatastoreID: r.DatastoreID, Target: r.Target,
		IntervalDays: r.IntervalDays, MaskIndexes: r.MaskIndexes, State: Running, RequestedBy: caller, RequestedAt: s.now()}
	columns := 0
	for _, i := range items {
		columns += len(i.Columns)
	}
	record := s.record(c, caller, audit.Success)
	record.Detail = fmt.Sprintf("Campaign %s launched: %d columns of %d tables, key rotation every %d days.",
		c.ID, columns, len(items), c.IntervalDays)
	if err := s.store.AddCampaign(ctx, c, items, record); err != nil {
		return Campaign{}, err
	}
	s.wakeWorker()
	return c, nil
}

// Refuse records a campaign that was not accepted and returns why: DENIED for
// a caller without the right, FAILURE for anything else. It launches nothing,
// whatever the caller may do.
func (s *Service) Refuse(ctx context.Context, caller access.Caller, r Request, why error) error {
	outcome := audit.Failure
	if fault.CodeOf(why) == fault.Denied {
		outcome = audit.Denied
	}
	record := s.record(Campaign{Connection: bounded(r.Connection), DatastoreID: bounded(r.DatastoreID)}, caller, outcome)
	record.Detail = fault.MessageOf(why)
	if err := s.store.AppendRecords(ctx, record); err != nil {
		return err
	}
	return why
}

// bounded keeps the first 256 characters of an id that a request names, for the
// ledger.
func bounded(s string) string {
	const most = 256
	r := []rune(s)
	return string(r[:min(len(r), most)])
}

func (s *Service) record(c Campaign, caller access.Caller, outcome audit.Outcome) audit.Record {
	r := audit.NewRecord(s.now(), audit.CampaignChanged, outcome, caller.Actor())
	r.Connection, r.DatastoreID = c.Connection, c.DatastoreID
	return r
}

// items are the tables of a request with the columns that are to be encrypted:
// the sensitive ones that are not.
func (s *Service) items(ctx context.Context, r *Request) ([]Item, error) {
	if r.IntervalDays == 0 {
		r.IntervalDays = encryption.DefaultIntervalDays
	}
	switch {
	case r.IntervalDays < 1 || r.IntervalDays > encryption.MaxIntervalDays:
		return nil, fault.New(fault.Invalid, "The rotation interval must be 1 to %d days.", encryption.MaxIntervalDays)
	case r.DatastoreID == "":
		return nil, fault.New(fault.Invalid, "Name the data store.")
	case r.Target != Tables && r.Target != Sensitive:
		return nil, fault.New(fault.Invalid, "The target is “tables” or “sensitive”.")
	case r.Target == Tables && len(r.TableIDs) == 0:
		return nil, fault.New(fault.Invalid, "Choose at least one table.")
	case len(r.TableIDs) > MaxTables:
		return nil, fault.New(fault.Invalid, "A campaign may have at most %d tables.", MaxTables)
	}
	var items []Item
	if r.Target == Sensitive {
		var err error
		if items, err = s.open(ctx, sensitivity.Filter{Connection: r.Connection, DatastoreID: r.DatastoreID}); err != nil {
			return nil, err
		}
		if len(items) == 0 {
			return nil, fault.New(fault.Invalid,
				"No sensitive column of this data store is known that is not encrypted. Read the tenant's tables first if they are new.")
		}
		if len(items) > MaxTables {
			return nil, fault.New(fault.Invalid, "A campaign may have at most %d tables.", MaxTables)
		}
		return number(items), nil
	}
	seen := map[string]bool{}
	for _, id := range r.TableIDs {
		if id == "" || seen[id] {
			continue
		}
		seen[id] = true
		item, err := s.named(ctx, r, id)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	if len(items) == 0 {
		return nil, fault.New(fault.Invalid, "Choose at least one table.")
	}
	return number(items), nil
}

func number(items []Item) []Item {
	for i := range items {
		items[i].Position = i
	}
	return items
}

// named is a table that a person chose. One that was never read is read now.
func (s *Service) named(ctx context.Context, r *Request, id string) (Item, error) {
	table, err := s.store.Table(ctx, r.Connection, r.DatastoreID, id)
	if err != nil && fault.CodeOf(err) != fault.NotFound {
		return Item{}, err
	}
	if err != nil || table.Total == 0 {
		live, err := s.reader.Read(ctx, r.Connection, r.DatastoreID, id)
		if err != nil {
			return Item{}, fault.Wrap(err, fault.Invalid, "The table %s cannot be read: %s", id,
				fault.MessageOf(encryption.Explain(err)))
		}
		table = live.Table
	}
	items, err := s.open(ctx, sensitivity.Filter{Connection: r.Connection, DatastoreID: r.DatastoreID, TableID: id})
	if err != nil {
		return Item{}, err
	}
	if len(items) == 1 {
		return items[0], nil
	}
	return Item{DatastoreID: r.DatastoreID, TableID: id, TableName: table.Name, Columns: []string{},
		Refused: "No sensitive column of this table is left to encrypt."}, nil
}

// open lists tables with their sensitive columns that are not encrypted, those
// of a type that cannot be left out.
func (s *Service) open(ctx context.Context, f sensitivity.Filter) ([]Item, error) {
	no := false
	f.State, f.Encrypted = sensitivity.Sensitive, &no
	var items []Item
	var after *sensitivity.Key
	const page = 1000
	for {
		columns, err := s.store.SensitivityColumns(ctx, f, after, page)
		if err != nil {
			return nil, err
		}
		for _, c := range columns {
			if n := len(items); n == 0 || items[n-1].TableID != c.TableID || items[n-1].DatastoreID != c.DatastoreID {
				items = append(items, Item{DatastoreID: c.DatastoreID, TableID: c.TableID,
					TableName: c.TableName, Columns: []string{}})
			}
			item := &items[len(items)-1]
			if encryption.CanEncryptType(c.Type) {
				item.Columns = append(item.Columns, c.Column)
			} else {
				item.LeftOut = append(item.LeftOut,
					fmt.Sprintf("%q has type %q, which cannot be encrypted as a column.", c.Column, c.Type))
			}
		}
		if len(columns) < page {
			break
		}
		after = &columns[len(columns)-1].Key
	}
	for i := range items {
		if len(items[i].Columns) == 0 {
			items[i].Refused = "Its sensitive columns have types that cannot be encrypted."
		}
	}
	return items, nil
}

// Pause launches no further run. Those that were launched go on.
func (s *Service) Pause(ctx context.Context, caller access.Caller, id string) error {
	return s.change(ctx, caller, id, Paused, "paused", Running)
}

// Resume goes on with a paused campaign. One whose requester may no longer launch runs goes on in the caller's name,
// and so do its runs that are held.
func (s *Service) Resume(ctx context.Context, caller access.Caller, id string) error {
	if err := s.change(ctx, caller, id, Running, "resumed", Paused); err != nil {
		return err
	}
	s.wakeWorker()
	held, err := s.store.RunsIn(ctx, id, encryption.Held)
	if err != nil {
		return err
	}
	for _, run := range held {
		if err := s.runs.TakeOver(ctx, caller, run); err != nil && fault.CodeOf(err) == fault.Internal {
			return err // any other is that run's own: it stays held, and its page says why
		}
	}
	return nil
}

// Cancel ends a campaign: nothing more is launched, and its runs that have not
// begun are cancelled. Those at work go on to their end.
func (s *Service) Cancel(ctx context.Context, caller access.Caller, id string) error {
	if err := s.change(ctx, caller, id, Cancelled, "cancelled", Running, Paused); err != nil {
		return err
	}
	queued, err := s.store.RunsIn(ctx, id, notBegun...)
	if err != nil {
		return err
	}
	for _, run := range queued {
		if err := s.runs.Cancel(ctx, caller, run); err != nil && fault.CodeOf(err) != fault.Conflict {
			return err // a conflict: it has begun meanwhile
		}
	}
	return nil
}

func (s *Service) change(ctx context.Context, caller access.Caller, id string, to State, word string, from ...State) error {
	c, err := s.store.Campaign(ctx, id)
	if err != nil {
		return err
	}
	record := s.record(c, caller, audit.Success)
	record.Detail = fmt.Sprintf("Campaign %s %s.", id, word)
	perm := access.PermLaunchRun
	if to == Cancelled {
		perm = access.PermCancelRun
	}
	if err := access.Require(caller, perm); err != nil {
		record.Outcome, record.Detail = audit.Denied, fault.MessageOf(err)
		if failed := s.store.AppendRecords(ctx, record); failed != nil {
			return failed
		}
		return err
	}
	for _, f := range from {
		if c.State == f && to == Running {
			takenBy := ""
			if _, err := s.answering(ctx, c); fault.CodeOf(err) == fault.Denied {
				takenBy = caller.Name
				record.Detail += " It goes on in the name of " + caller.Name + ": " + fault.MessageOf(err)
			} else if err != nil {
				return err
			}
			return s.store.ResumeCampaign(ctx, id, takenBy, record)
		}
		if c.State == f {
			return s.store.SetCampaignState(ctx, id, f, to, "", s.now(), record)
		}
	}
	return fault.New(fault.Conflict, "This campaign is %s: it cannot be %s.", c.State, word)
}

func (s *Service) wakeWorker() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
