package main

import (
	"context"
	"hash/fnv"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/encryption"
	"cxseal/internal/rotation"
)

// tenantRotates is what the demo's tenant does about keys that are due: most
// are rotated, a few late, and a few never, so that the ledger has something
// to tell. Which ones depends on their names alone.
func (h *history) tenantRotates(ctx context.Context) error {
	now := h.clock.Now()
	due, err := h.console.Store.Ledger(ctx, rotation.Filter{Until: now}, nil, 1000)
	if err != nil {
		return err
	}
	for _, c := range due {
		hash := fnv.New32a()
		hash.Write([]byte(c.TableID + "\x1f" + c.Column)) //nolint:errcheck // never fails
		twelfth := hash.Sum32() % 12
		late := twelfth == 1 && now.Before(c.OverdueAt().Add(3*24*time.Hour))
		if c.Strategy != encryption.Automatic || twelfth == 0 || late {
			continue
		}
		if err := h.tenant.Mutate(c.DatastoreID, c.TableID,
			sandbox.Mutation{Action: sandbox.Rotate, Column: c.Column}); err != nil {
			return err
		}
	}
	return nil
}
