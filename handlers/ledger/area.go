// Package ledger holds the pages of the audit log: its records, exports,
// proofs, reviews and saved searches, and the list of KMS callbacks.
package ledger

import (
	"context"
	"io"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/review"
)

// Area serves the pages under /audit, /reviews and /verifications.
type Area struct {
	*frame.Frame
	Deps
}

// Deps are the readers and services that these pages use.
type Deps struct {
	Audit         Audit
	Verifications Verifications

	// LogStatus says how far the log is signed and anchored. Optional.
	LogStatus func(ctx context.Context) (audit.LogStatus, error)

	// Reviews marks periods as reviewed and keeps searches. Optional: without
	// it there are neither.
	Reviews Reviews

	Log  Log        // Optional: without it there are no checkpoints and no proofs.
	Pack PackWriter // Optional: without it no evidence pack is offered.
}

// Audit reads the ledger. The exports are oldest first and in constant memory,
// and answer how many records they wrote.
type Audit interface {
	AuditLines(ctx context.Context, f audit.Filter, before int64, limit int) ([]audit.Line, error)
	AuditLinesAfter(ctx context.Context, f audit.Filter, after int64, limit int) ([]audit.Line, error)
	AuditEntry(ctx context.Context, auditID string) (audit.Entry, error)
	AuditCount(ctx context.Context, f audit.Filter, most int64) (n int64, exact bool, err error)
	TreeSize(ctx context.Context) (int64, error)
	// AuditTotals counts the records that match, up to most, and divides them.
	AuditTotals(ctx context.Context, f audit.Filter, most int64) (audit.Totals, error)
	// LatestCheckpoint is the newest that was signed, or nil.
	LatestCheckpoint(ctx context.Context) (*audit.KeptCheckpoint, error)
	ExportCSV(ctx context.Context, f audit.Filter, w io.Writer) (rows int64, err error)
	ExportJSONL(ctx context.Context, f audit.Filter, w io.Writer) (rows int64, err error)
}

// Verifications lists KMS callbacks, newest first: those before a Seq (0: from
// the newest), or those right after one.
type Verifications interface {
	Verifications(ctx context.Context, f encryption.VerificationFilter, before int64, limit int) ([]encryption.Verification, error)
	VerificationsAfter(ctx context.Context, f encryption.VerificationFilter, after int64, limit int) ([]encryption.Verification, error)
}

// Log signs checkpoints of the ledger and proves records under them.
type Log interface {
	// Checkpoint is a signed checkpoint of every record there is, as text.
	Checkpoint(ctx context.Context) (string, error)
	// Proof is one record's inclusion proof (C2SP tlog-proof).
	Proof(ctx context.Context, seq int64) ([]byte, error)
	VerifierKey() string
}

// PackWriter writes the evidence pack of the records that match, and answers
// how many they are.
type PackWriter interface {
	WritePack(ctx context.Context, f audit.Filter, w io.Writer) (rows int64, err error)
}

// Reviews marks periods as reviewed and keeps searches; *review.Service does.
type Reviews interface {
	Mark(ctx context.Context, caller access.Caller, r audit.Review) (audit.Record, error)
	Refuse(ctx context.Context, caller access.Caller, why error) error
	List(ctx context.Context, before int64, limit int) ([]review.Done, error)
	Progress(ctx context.Context) (review.Progress, error)
	Views(ctx context.Context, caller access.Caller) ([]review.View, error)
	Save(ctx context.Context, caller access.Caller, name, query string) (review.View, error)
	Delete(ctx context.Context, caller access.Caller, id int64) error
}

// New returns the area. It fails when a dependency is missing that is not optional.
func New(f *frame.Frame, d Deps) (*Area, error) {
	return &Area{f, d}, frame.Missing("Ledger", map[string]bool{"Audit": d.Audit == nil, "Verifications": d.Verifications == nil})
}

// Routes returns this area's part of the table of routes.
func (a *Area) Routes() []frame.Route {
	return []frame.Route{
		frame.Get("/audit", frame.Page, access.PermViewAll, a.audit),
		frame.Get("/audit.csv", frame.Stream, access.PermExport, a.exportCSV).OrDeny(a.ExportDenied("CSV")),
		frame.Get("/audit.jsonl", frame.Stream, access.PermExport, a.exportJSONL).OrDeny(a.ExportDenied("JSONL")),
		frame.Get("/audit/evidence.zip", frame.Stream, access.PermExport, a.exportPack).OrDeny(a.ExportDenied("Evidence pack")),
		frame.Get("/audit/checkpoint", frame.File, access.PermViewAll, a.checkpoint),
		frame.Get("/audit/:audit", frame.Page, access.PermViewAll, a.record),
		frame.Get("/audit/:audit/proof", frame.File, access.PermViewAll, a.proof),

		frame.Post("/audit/views", access.PermViewAll, a.saveView),
		frame.Post("/audit/views/:view/delete", access.PermViewAll,
			frame.Change(a.Frame, frame.Numbered("view"), a.deleteView, "The view is deleted.", frame.To[int64]("/audit"))),

		frame.Get("/reviews", frame.Page, access.PermViewAll, a.reviews),
		frame.Post("/reviews", access.PermReview, a.markReviewed).OrDeny(a.reviewDenied),

		frame.Get("/verifications", frame.Page, access.PermViewAll, a.verifications),
	}
}
