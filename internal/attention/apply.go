package attention

import (
	"slices"

	"cxseal/internal/audit"
	"cxseal/internal/inventory"
)

// Operations lists the operations whose records Apply looks at. A month is opened by the calendar and resolved by an
// AUDIT_REVIEW (see Months).
func Operations() []audit.Operation {
	return []audit.Operation{audit.ColumnEncryption, audit.KeyRotation, audit.KMSCallback, audit.DriftDetected,
		audit.RotationOverdue, audit.RotationObserved, audit.AuditReview, audit.AttentionAcknowledged}
}

// Apply returns what a record makes of the findings: those that it opens (Seq 0) and those that it changes. known are
// the unresolved findings of the record's table, of the finding that it acknowledges, and every finding of its run.
func Apply(e audit.Entry, known []Item) []Item {
	b := book{entry: e, record: e.Record, known: slices.Clone(known), changed: map[int]bool{}}
	r := e.Record
	switch r.Operation {
	case audit.ColumnEncryption, audit.KeyRotation:
		b.ended()
	case audit.KMSCallback:
		b.confirmed()
	case audit.DriftDetected:
		b.drifted()
	case audit.RotationOverdue:
		if r.Outcome == audit.Failure {
			b.settle(BySupersedes, r.Columns, of(RotationOverdue))
			b.open(RotationOverdue)
		}
	case audit.RotationObserved:
		if r.Outcome == audit.Success {
			b.settle(ByRotation, r.Columns, of(RotationOverdue, KeyWentBack))
		}
	case audit.AttentionAcknowledged:
		b.acknowledged()
	}
	return b.result()
}

// book is what one record does to the findings.
type book struct {
	entry   audit.Entry
	record  audit.Record
	known   []Item
	changed map[int]bool
	opened  []Item
}

func (b *book) result() []Item {
	var list []Item
	for i := range b.known {
		if b.changed[i] {
			list = append(list, b.known[i])
		}
	}
	return append(list, b.opened...)
}

func (b *book) open(kind Kind) {
	r := b.record
	b.opened = append(b.opened, Item{ID: r.AuditID, Kind: kind, Connection: r.Connection, DatastoreID: r.DatastoreID, TableID: r.TableID,
		Columns: r.Columns, Left: r.Columns, RunID: r.RunID, Detail: r.Detail, OpenedAt: r.Time(), OpenedSeq: b.entry.Seq, OpenedBy: r.AuditID})
}

// settle takes columns out of the unresolved findings that which names, and resolves those of which none is left.
func (b *book) settle(how Resolution, columns []string, which func(Item) bool) {
	for i := range b.known {
		item := &b.known[i]
		if item.Resolution != Unresolved || item.Kind == MonthNotReviewed || !which(*item) {
			continue
		}
		left := slices.DeleteFunc(slices.Clone(item.Left), func(c string) bool { return slices.Contains(columns, c) })
		if len(left) == len(item.Left) {
			continue
		}
		item.Left, b.changed[i] = left, true
		if len(left) == 0 {
			b.resolve(item, how)
		}
	}
}

func (b *book) resolve(item *Item, how Resolution) {
	item.Resolution, item.ResolvedAt, item.ResolvedBy, item.ResolvedRun = how, b.record.Time(), b.record.AuditID, b.record.RunID
}

// of names the findings of some kinds.
func of(kinds ...Kind) func(Item) bool {
	return func(i Item) bool { return slices.Contains(kinds, i.Kind) }
}

// weight orders how a run can end without a confirmation: a later run speaks for the one before only if it tells as
// much. That a run failed says nothing of an encryption that the KMS refused.
func weight(kind Kind) int { return slices.Index([]Kind{RunFailed, RunUnconfirmed, RunRejected}, kind) }

// ended takes in the record that ends a run.
func (b *book) ended() {
	r := b.record
	if r.Outcome == audit.Success {
		b.verified(b.entry.Seq)
		return
	}
	if r.Outcome != audit.Failure {
		return
	}
	kind := RunFailed
	if r.KMS != nil {
		switch r.KMS.Status {
		case "REJECTED":
			kind = RunRejected
		case "UNCONFIRMED":
			kind = RunUnconfirmed
		}
	}
	b.settle(BySupersedes, r.Columns, func(i Item) bool { return weight(i.Kind) >= 0 && weight(i.Kind) <= weight(kind) })
	b.open(kind)
}

// verified settles what a verified run stands for: everything found on its columns before it ended. That a key was
// overdue is settled by a newer version, and by a first encryption, whose date is a new one.
func (b *book) verified(before int64) {
	b.settle(ByRun, b.record.Columns, func(i Item) bool {
		return i.OpenedSeq < before && (i.Kind != RotationOverdue || b.record.Operation == audit.ColumnEncryption)
	})
}

// confirmed takes in a callback that was accepted. Where the run had ended before, it is verified now: its own finding
// and what was found before its end is settled; what was found after it is not.
func (b *book) confirmed() {
	r := b.record
	if r.Outcome != audit.Success || r.RunID == "" {
		return
	}
	own := slices.IndexFunc(b.known, func(i Item) bool { return i.RunID == r.RunID && weight(i.Kind) >= 0 })
	if own < 0 {
		return // the run goes on, and its own record follows
	}
	if item := &b.known[own]; item.Resolution == Unresolved {
		item.Left, b.changed[own] = nil, true
		b.resolve(item, ByCallback)
	}
	b.verified(b.known[own].OpenedSeq)
}

// drifted takes in what a reading of a table found.
func (b *book) drifted() {
	r := b.record
	encrypted := of(RunRejected, RunUnconfirmed, KeyWentBack, RotationOverdue)
	switch inventory.FindingOf(r) {
	case inventory.Lost:
		// What was found of the encryption that is no more is nothing to act on: the loss is.
		b.settle(BySupersedes, r.Columns, func(i Item) bool { return i.Kind == ColumnLost || encrypted(i) })
		b.open(ColumnLost)
	case inventory.WentBack:
		b.settle(BySupersedes, r.Columns, of(KeyWentBack))
		b.open(KeyWentBack)
	case inventory.Gone:
		b.settle(ByGoing, r.Columns, func(Item) bool { return true })
	case inventory.Other:
	}
}

// acknowledged takes in that a person took a finding on.
func (b *book) acknowledged() {
	a, ok := audit.AcknowledgementOf(b.record)
	if !ok {
		return
	}
	for i := range b.known {
		if item := &b.known[i]; item.ID == a.Item && item.Resolution == Unresolved {
			item.Taken = Taken{By: b.record.Actor, At: b.record.Time(), Owner: a.Owner, Note: a.Note, AuditID: b.record.AuditID}
			b.changed[i] = true
		}
	}
}
