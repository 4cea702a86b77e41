package handlers

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/prometheus/client_golang/prometheus"

	"cxseal/internal/access"
	"cxseal/internal/alarm"
	"cxseal/internal/audit"
	"cxseal/internal/campaign"
	"cxseal/internal/connection"
	"cxseal/internal/encryption"
	"cxseal/internal/inventory"
	"cxseal/internal/review"
	"cxseal/internal/rotation"
	"cxseal/internal/sensitivity"
)

// Config is everything the console is handed. What says "optional" may be nil
// or zero; the rest must be there.
type Config struct {
	Service   *encryption.Service
	Accounts  *access.Accounts
	Inventory *inventory.Service
	Sessions  scs.Store // sees hashed tokens only

	SignedIn *access.Sessions     // who is signed in where
	Factors  *access.SecondFactor // codes beside the password
	Tokens   *access.Tokens       // of programs
	SSO      *access.SSO          // without a provider: none is offered
	Managed  *connection.Manager  // the connections that people manage

	// RequireFactor lets people who signed in with a password do nothing before
	// they have a second factor.
	RequireFactor bool

	// WithFactor tells the accounts that have a confirmed second factor.
	WithFactor func(ctx context.Context) (map[int64]bool, error)

	// Reseal changes the key that secrets in the database are sealed with and
	// answers how many it sealed anew. Optional.
	Reseal func(ctx context.Context, who access.Caller) (int, error)

	Runs          RunReader
	Verifications VerificationReader
	Audit         AuditReader
	Tables        InventoryReader
	Trends        TrendReader
	Columns       ColumnReader
	Records       Recorder

	// Sensitivity keeps what people decided about columns.
	Sensitivity *sensitivity.Service

	// Campaign encrypts many tables at once, and Campaigns reads what became of
	// them.
	Campaign  *campaign.Service
	Campaigns CampaignReader

	// The rotation ledger, its policies and calendar feeds.
	Ledger   LedgerReader
	Policies *rotation.Keeper
	Feeds    *rotation.Feeds
	Leads    rotation.Leads // how long before a due date it is announced

	Alarms AlarmReader
	Desk   *alarm.Desk
	Jobs   Jobs

	// Facets divides the records that match by operation, outcome, actor and
	// connection. Optional: without it the log is shown without facets.
	Facets func(ctx context.Context, f audit.Filter) (audit.Facets, error)

	// Connections lists the tenants that are configured, in a stable order.
	Connections func() []Connection

	// LogStatus says how far the log is signed and anchored. Optional.
	LogStatus func(ctx context.Context) (audit.LogStatus, error)

	// Reviews marks periods as reviewed and keeps searches. Optional: without
	// it there are neither.
	Reviews *review.Service

	Log  Log        // optional: without it there are no checkpoints and no proofs
	Pack PackWriter // optional: without it no evidence pack is offered

	// Facts are labelled values for the system page. Optional.
	Facts func(ctx context.Context) []Fact

	// Ready is nil when the console can serve, and otherwise says why not in a
	// sentence that anyone may read.
	Ready func(ctx context.Context) error

	// PublicURL is the address that people and the KMS use, such as
	// https://seal.example.org. When it is set, requests for another host are
	// refused, and https makes cookies Secure and sends HSTS. Optional.
	PublicURL string

	// TrustedProxies may say in X-Forwarded-For who the client is. Empty: the
	// client is whoever opened the connection.
	TrustedProxies []netip.Prefix

	Version  string
	DemoNote string // shown below the sign-in form; empty outside of demo
	Now      func() time.Time
	Logger   *slog.Logger
	Metrics  *prometheus.Registry
}

// Connection is one configured tenant, without its secrets.
type Connection struct {
	Name     string
	BaseURL  string
	Source   string // "environment" or "console"
	Mode     string // "client-credentials" or "access-key"
	Callback string // the callback URL's setting, without a token
	Signed   bool   // callbacks must be signed
}

// Fact is one labelled value of the system page.
type Fact struct{ Label, Value string }

// RunReader reads runs and their dossiers. Pages are newest first: those
// before a Seq (0: from the newest), or those right after one.
type RunReader interface {
	Run(ctx context.Context, id string) (encryption.Run, error)
	Runs(ctx context.Context, f encryption.RunFilter, before int64, limit int) ([]encryption.RunLine, error)
	RunsAfter(ctx context.Context, f encryption.RunFilter, after int64, limit int) ([]encryption.RunLine, error)
	RunCount(ctx context.Context, f encryption.RunFilter) (int64, error)
	RunCounts(ctx context.Context) (map[encryption.State]int64, error)
	RunEvents(ctx context.Context, runID string, afterSeq int64) ([]encryption.Event, error)
	RunVerifications(ctx context.Context, runID string) ([]encryption.Verification, error)
}

// VerificationReader lists KMS callbacks, paged as runs are.
type VerificationReader interface {
	Verifications(ctx context.Context, f encryption.VerificationFilter, before int64, limit int) ([]encryption.Verification, error)
	VerificationsAfter(ctx context.Context, f encryption.VerificationFilter, after int64, limit int) ([]encryption.Verification, error)
}

// AuditReader reads the ledger. The exports are oldest first and in constant
// memory, and answer how many records they wrote.
type AuditReader interface {
	AuditLines(ctx context.Context, f audit.Filter, before int64, limit int) ([]audit.Line, error)
	AuditLinesAfter(ctx context.Context, f audit.Filter, after int64, limit int) ([]audit.Line, error)
	AuditEntry(ctx context.Context, auditID string) (audit.Entry, error)
	AuditCount(ctx context.Context, f audit.Filter, most int64) (n int64, exact bool, err error)
	TreeSize(ctx context.Context) (int64, error)
	// LatestCheckpoint is the newest that was signed, or nil.
	LatestCheckpoint(ctx context.Context) (*audit.KeptCheckpoint, error)
	ExportCSV(ctx context.Context, f audit.Filter, w io.Writer) (rows int64, err error)
	ExportJSONL(ctx context.Context, f audit.Filter, w io.Writer) (rows int64, err error)
}

// InventoryReader reads what the tenants were last seen to hold; see
// inventory.Store for the meaning of each method.
type InventoryReader interface {
	Syncs(ctx context.Context) ([]inventory.Sync, error)
	Table(ctx context.Context, connection, datastoreID, tableID string) (inventory.Table, error)
	Columns(ctx context.Context, connection, datastoreID, tableID string) ([]inventory.Column, error)
	Datastores(ctx context.Context, connection string) ([]inventory.Datastore, error)
	Tables(ctx context.Context, f inventory.Filter, after *inventory.Cursor, backwards bool, limit int) ([]inventory.Table, error)
	Totals(ctx context.Context) (inventory.Totals, error)
}

// Recorder appends audit records that stand alone: denials and exports.
type Recorder interface {
	AppendRecords(ctx context.Context, records ...audit.Record) error
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
