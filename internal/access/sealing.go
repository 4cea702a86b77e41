package access

import (
	"context"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/seal"
)

// SealingStore is what changing the sealing key needs of a database.
type SealingStore interface {
	seal.Store
	AppendRecords(ctx context.Context, records ...audit.Record) error
}

// Sealing is the service that changes the sealing key while the console serves.
type Sealing struct {
	sealer *seal.Sealer
	store  SealingStore
	now    func() time.Time
}

// NewSealing returns the service on the given parts.
func NewSealing(sealer *seal.Sealer, store SealingStore, now func() time.Time) *Sealing {
	return &Sealing{sealer: sealer, store: store, now: now}
}

// ChangeKey records and makes a change of the sealing key, and returns how many secrets were sealed anew.
// The caller needs PermManageSettings.
func (s *Sealing) ChangeKey(ctx context.Context, who Caller) (int, error) {
	if err := Require(who, PermManageSettings); err != nil {
		return 0, err
	}
	record := newRecord(s.now(), audit.SettingsChanged, audit.Success, who.Actor(), "Sealing key changed.")
	if err := s.store.AppendRecords(ctx, record); err != nil {
		return 0, err
	}
	return s.sealer.ChangeKey(ctx, s.store)
}
