package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cxseal/cxone"
	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/campaign"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/protection"
	"cxseal/internal/sensitivity"
)

// history is the demo's past: an organisation that encrypts its tables one
// after the other, has bad days, loses some ground and wins it back. Nothing
// is written into the database by hand: each step is a run, a callback or a
// synchronisation on the moved clock.
type history struct {
	*demo
	start time.Time
	days  int
	runs  int

	decryptedTables []cxone.TableRef    // whose encryption is lost for some days
	lost            map[string][]string // their columns that were encrypted, by table
	rules           *sensitivity.Rules
}

var (
	demoAdmin    = access.Caller{Name: "admin", Role: access.Admin, IP: "127.0.0.1"}
	demoMigrator = []string{"ssn", "credit_card", "medical_record_number"}
)

// live walks through the days. Day numbers are of 180 and scaled to days.
func (h *history) live(ctx context.Context) error {
	if err := h.sync(ctx, 0); err != nil {
		return err
	}
	tables := h.tenant.Tables()
	day := 3
	for i, t := range tables {
		if t.ID == "tbl-contacts" {
			continue
		}
		if err := h.encryptOne(ctx, day, t, i); err != nil {
			return err
		}
		day += 5
	}
	return h.badDays(ctx, tables)
}

// encryptOne encrypts some columns of one table, the sensitive ones first.
func (h *history) encryptOne(ctx context.Context, day int, t cxone.TableRef, i int) error {
	h.moveTo(day, 9+i%8)
	columns := h.open(t)
	if len(columns) == 0 {
		return nil
	}
	if i%9 == 4 { // now and then somebody asks for what is not there
		if err := h.run(ctx, t, encryption.Request{Columns: append(columns[:1:1], "legacy_ref")}, encryption.Failed); err != nil {
			return err
		}
	}
	if err := h.run(ctx, t, encryption.Request{Columns: columns[:min(len(columns), 3+i%4)]}, encryption.Verified); err != nil {
		return err
	}
	return h.sync(ctx, day)
}

// badDays are the days that an auditor asks about, and the way back.
func (h *history) badDays(ctx context.Context, tables []cxone.TableRef) error {
	victim := h.find(tables, func(t cxone.TableRef) bool { return t.ID != "tbl-contacts" && len(h.encrypted(t)) > 0 })
	h.decryptedTables = tables[:min(len(tables), 6)]
	for _, step := range []func() error{
		func() error { return h.refused(ctx, 150, victim) },
		func() error { return h.silent(ctx, 154, h.other(tables, victim)) },
		func() error { return h.decrypted(ctx, 158) },
		func() error { return h.repaired(ctx, 164) },
		func() error { return h.decided(ctx, 165) },
		func() error { return h.rotated(ctx, 170, tables) },
		func() error { return h.takenOn(ctx, 172) },
		func() error { return h.campaign(ctx, 175) },
		func() error { return h.leftRefused(ctx, 176) },
		func() error { return h.leftUnverified(ctx, 177) },
		func() error { return h.contacts(ctx, 178) },
		func() error { return h.leftWaiting(ctx, 178) },
		func() error { return h.sync(ctx, 179) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// refused makes a run of which the KMS reports a weaker algorithm than was asked for.
func (h *history) refused(ctx context.Context, day int, t cxone.TableRef) error {
	h.moveTo(day, 11)
	columns := h.open(t)
	if len(columns) == 0 {
		return nil
	}
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSWrongAlgorithm, Times: 1})
	defer h.tenant.ClearFaults()
	return h.run(ctx, t, encryption.Request{Columns: columns[:1]}, encryption.Rejected)
}

// silent makes a run of which the KMS says nothing until the deadline has passed.
func (h *history) silent(ctx context.Context, day int, t cxone.TableRef) error {
	h.moveTo(day, 14)
	columns := h.open(t)
	if len(columns) == 0 {
		return nil
	}
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: 1})
	run, err := h.launch(ctx, t, encryption.Request{Columns: columns[:1]})
	if err != nil {
		return err
	}
	if _, err := h.wait(ctx, run.ID, func(r encryption.Run) bool { return r.State == encryption.Verifying }); err != nil {
		return err
	}
	h.clock.moveTo(h.clock.Now().Add(encryption.DefaultCallbackDeadline + time.Minute))
	return h.expect(ctx, run.ID, encryption.Unconfirmed)
}

// leftRefused rotates the key of a verified column, and the KMS reports a weaker algorithm. Nobody has looked
// into it by the end of the story.
func (h *history) leftRefused(ctx context.Context, day int) error {
	t, column, err := h.sensitive(ctx, protection.Verified, h.encrypted)
	if err != nil || column == "" {
		return err
	}
	h.moveTo(day, 11)
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSWrongAlgorithm, Times: 1})
	defer h.tenant.ClearFaults()
	return h.run(ctx, t, encryption.Request{Operation: audit.KeyRotation, Columns: []string{column}}, encryption.Rejected)
}

// leftUnverified has somebody at the tenant encrypt a column without this console, so that nobody asked the KMS.
func (h *history) leftUnverified(ctx context.Context, day int) error {
	t, column, err := h.sensitive(ctx, protection.Unprotected, h.open)
	if err != nil || column == "" {
		return err
	}
	if err := h.tenant.Mutate(t.DatastoreID, t.ID, sandbox.Mutation{Action: sandbox.Encrypt, Column: column}); err != nil {
		return err
	}
	return h.sync(ctx, day)
}

// sensitive returns the first sensitive column in a state that is among those that of lists, outside of the
// contacts, with its table; column is empty where there is none.
func (h *history) sensitive(ctx context.Context, state protection.State, of func(cxone.TableRef) []string) (t cxone.TableRef, column string, err error) {
	list, err := h.console.Store.SensitivityColumns(ctx, sensitivity.Filter{State: sensitivity.Sensitive, Protection: state}, nil, 1000)
	if err != nil {
		return t, "", err
	}
	for _, c := range list {
		t = cxone.TableRef{ID: c.TableID, Name: c.TableName, DatastoreID: c.DatastoreID}
		if c.TableID != "tbl-contacts" && slices.Contains(of(t), c.Column) {
			return t, c.Column, nil
		}
	}
	return t, "", nil
}

// decrypted has tables restored from an old copy, which takes their
// encryption away, and the next synchronisation finds out.
func (h *history) decrypted(ctx context.Context, day int) error {
	h.lost = map[string][]string{}
	for _, t := range h.decryptedTables {
		for _, column := range h.encrypted(t) {
			if err := h.tenant.Mutate(t.DatastoreID, t.ID,
				sandbox.Mutation{Action: sandbox.Decrypt, Column: column}); err != nil {
				return err
			}
			h.lost[t.ID] = append(h.lost[t.ID], column)
		}
	}
	return h.sync(ctx, day)
}

// repaired encrypts again what decrypted has lost.
func (h *history) repaired(ctx context.Context, day int) error {
	for i, t := range h.decryptedTables {
		if columns := h.lost[t.ID]; len(columns) > 0 {
			h.moveTo(day, 9+i)
			if err := h.run(ctx, t, encryption.Request{Columns: columns}, encryption.Verified); err != nil {
				return err
			}
		}
	}
	return nil
}

// rotated rotates the key of one table at a person's request.
func (h *history) rotated(ctx context.Context, day int, tables []cxone.TableRef) error {
	h.moveTo(day, 15)
	t := h.find(tables, func(t cxone.TableRef) bool { return len(h.encrypted(t)) > 1 })
	return h.run(ctx, t, encryption.Request{Operation: audit.KeyRotation, Columns: h.encrypted(t)}, encryption.Verified)
}

// campaign encrypts at once what is still open in one data store.
func (h *history) campaign(ctx context.Context, day int) error {
	h.moveTo(day, 9)
	c, err := h.console.Campaigns.Launch(ctx, demoAdmin,
		campaign.Request{Connection: defaultConnection, DatastoreID: "ds-telecom", Target: campaign.Sensitive})
	if fault.CodeOf(err) == fault.Invalid {
		return nil // nothing is left open there
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		now, err := h.console.Store.Campaign(ctx, c.ID)
		if err != nil || now.State == campaign.Done {
			h.runs += now.Progress.Total - now.Progress.Refused
			return err
		}
		if now.State != campaign.Running {
			return fmt.Errorf("the campaign is %s: %s", now.State, now.Reason)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// contacts encrypts the guide's own example, all but one column, which is left for
// the person who tries the demo.
func (h *history) contacts(ctx context.Context, day int) error {
	h.moveTo(day, 10)
	t := cxone.TableRef{ID: "tbl-contacts", DatastoreID: "ds-customers"}
	return h.run(ctx, t, encryption.Request{Columns: demoMigrator[:1]}, encryption.Verified)
}

func (h *history) moveTo(day, hour int) {
	at := h.start.Add(time.Duration(float64(day) / 180 * float64(h.days) * float64(24*time.Hour)))
	h.clock.moveTo(time.Date(at.Year(), at.Month(), at.Day(), hour, 12, 0, 0, time.UTC))
}

func (h *history) sync(ctx context.Context, day int) error {
	h.moveTo(day, 6)
	if err := h.tenantRotates(ctx); err != nil {
		return err
	}
	if err := h.console.Inventory.Sync(ctx, defaultConnection, 0); err != nil {
		return err
	}
	// What the clock brought since the day before.
	return errors.Join(h.console.Rotations.Tick(ctx), h.console.Alarms.ReadLedger(ctx))
}

// open lists the columns of a table that a run may encrypt now, the sensitive
// ones first.
func (h *history) open(t cxone.TableRef) []string {
	table, indexes, ok := h.tenant.Table(t.DatastoreID, t.ID)
	if !ok {
		return nil
	}
	described := sensitivity.Table{Name: t.Name}
	for _, c := range table.Columns {
		described.Columns = append(described.Columns, sensitivity.Header{Name: c.Name, Type: c.Type})
	}
	proposed := h.rules.Propose(described)
	var first, rest []string
	for i, c := range table.Columns {
		if c.Encrypted || len(encryption.NewPlan(&table, indexes, encryption.Change{Columns: []string{c.Name}}).Blockers) > 0 {
			continue
		}
		if proposed[i].State == sensitivity.Sensitive {
			first = append(first, c.Name)
		} else if c.Type == "string" {
			rest = append(rest, c.Name)
		}
	}
	room := table.Metadata.MaxEncryptedFields
	if room == 0 {
		room = cxone.DefaultMaxEncryptedFields
	}
	all := append(first, rest...)
	return all[:max(0, min(len(all), room-len(h.encrypted(t))))]
}

func (h *history) encrypted(t cxone.TableRef) []string {
	table, _, _ := h.tenant.Table(t.DatastoreID, t.ID)
	var names []string
	for _, c := range table.Columns {
		if c.Encrypted {
			names = append(names, c.Name)
		}
	}
	return names
}

func (h *history) find(tables []cxone.TableRef, ok func(cxone.TableRef) bool) cxone.TableRef {
	for _, t := range tables {
		if ok(t) {
			return t
		}
	}
	return tables[0]
}

func (h *history) other(tables []cxone.TableRef, not cxone.TableRef) cxone.TableRef {
	return h.find(tables, func(t cxone.TableRef) bool {
		return t.ID != not.ID && t.ID != "tbl-contacts" && len(h.open(t)) > 0
	})
}

func (h *history) launch(ctx context.Context, t cxone.TableRef, r encryption.Request) (encryption.Run, error) {
	r.Connection, r.DatastoreID, r.TableID = defaultConnection, t.DatastoreID, t.ID
	h.runs++
	return h.console.Encryption.Launch(ctx, demoAdmin, r)
}

// run launches a run and waits until it has ended as the story says.
func (h *history) run(ctx context.Context, t cxone.TableRef, r encryption.Request, want encryption.State) error {
	run, err := h.launch(ctx, t, r)
	if err != nil {
		return err
	}
	return h.expect(ctx, run.ID, want)
}

func (h *history) expect(ctx context.Context, id string, want encryption.State) error {
	run, err := h.wait(ctx, id, func(r encryption.Run) bool { return r.State.Ended() })
	if err == nil && run.State != want {
		err = fmt.Errorf("run on %s is %s (%s), not %s", run.TableID, run.State, run.ErrorMessage, want)
	}
	return err
}

func (h *history) wait(ctx context.Context, id string, ok func(encryption.Run) bool) (encryption.Run, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	moved, stop := h.console.Encryption.Watch(id)
	defer stop()
	for {
		run, err := h.console.Store.Run(ctx, id)
		if err != nil || ok(run) {
			return run, err
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return run, ctx.Err()
		}
	}
}
