package attention

import (
	"context"
	"slices"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// MaxAtOnce is how many findings are acknowledged together: a page of them.
const MaxAtOnce = 50

// Store is the database that acknowledgements need.
type Store interface {
	// AttentionItem returns a finding as the ledger has it now, or fault.NotFound.
	AttentionItem(ctx context.Context, id string) (Item, error)
	AppendRecords(ctx context.Context, records ...audit.Record) error
}

// Service acknowledges findings.
type Service struct {
	store Store
	now   func() time.Time
}

// NewService returns the service on a store.
func NewService(store Store, now func() time.Time) *Service { return &Service{store: store, now: now} }

// Acknowledge records that the caller took on findings, a record each however often it is named, all of them or none. The owner is the caller
// where none is named. A finding that is resolved by now is fault.Conflict: there is nothing left to take on. A caller
// who may not is refused, and that is recorded.
func (s *Service) Acknowledge(ctx context.Context, caller access.Caller, ids []string, owner, note string) error {
	if err := access.Require(caller, access.PermAcknowledge); err != nil {
		return s.Refuse(ctx, caller, err)
	}
	switch {
	case len(ids) == 0:
		return fault.New(fault.Invalid, "Choose what is acknowledged.")
	case len(ids) > MaxAtOnce:
		return fault.New(fault.TooLarge, "%d items are more than the %d that can be acknowledged at a time.", len(ids), MaxAtOnce)
	}
	if owner == "" {
		owner = caller.Name
	}
	var records []audit.Record
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		item, err := s.store.AttentionItem(ctx, id)
		if err != nil {
			return err
		}
		if item.State() == Resolved {
			return fault.New(fault.Conflict, "An item was resolved by the facts meanwhile: open the page again.")
		}
		r, err := audit.Acknowledgement{Item: item.ID, Owner: owner, Note: note}.Record(s.now(), caller.Actor())
		if err != nil {
			return err
		}
		r.Connection, r.DatastoreID, r.TableID, r.Columns, r.RunID = item.Connection, item.DatastoreID, item.TableID, item.Columns, item.RunID
		records = append(records, r)
	}
	return s.store.AppendRecords(ctx, records...)
}

// Refuse records that a caller may not acknowledge, and returns why.
func (s *Service) Refuse(ctx context.Context, caller access.Caller, why error) error {
	r := audit.NewRecord(s.now(), audit.AttentionAcknowledged, audit.Denied, caller.Actor())
	r.Detail = fault.MessageOf(why)
	if err := s.store.AppendRecords(ctx, r); err != nil {
		return err
	}
	return why
}
