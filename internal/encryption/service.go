package encryption

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// Bounds of a request. They are far above what the guide's tenants allow and
// only keep a hostile form from costing memory.
const (
	maxColumns      = 500
	maxNameBytes    = 1024
	maxAllNames     = 32 << 10 // a run's names together; its audit record holds them all
	maxRefusedNames = 1200     // of columns in the record of a refusal, in bytes: the record is at most 4 KiB
	maxStartAhead   = 366 * 24 * time.Hour
)

// Service takes requests and callbacks. The Runner does the work.
type Service struct {
	store       Store
	connections Connections
	now         func() time.Time
	logger      *slog.Logger
	windows     Windows // nil: always open
	bus         bus
	shown       shownPlans
	strangers   *rate.Limiter // bounds what callbacks without a run may write
	turnedAway  tally
	accounts    string                        // their stamp as HoldStranded saw it last
	lookUntil   time.Time                     // HoldStranded looks until then
	prove       func(challenge string) string // nil: this process cannot prove whose it is
}

// NewService returns a Service on the given parts.
func NewService(store Store, connections Connections, now func() time.Time, logger *slog.Logger) *Service {
	return &Service{
		store: store, connections: connections, now: now, logger: logger,
		strangers: rate.NewLimiter(rate.Every(time.Second), 20),
	}
}

// Request is what a person, a script or a policy asks for.
type Request struct {
	Operation   audit.Operation // ColumnEncryption when empty
	Connection  string
	DatastoreID string
	TableID     string
	Columns     []string
	MaskIndexes bool

	IntervalDays int       // 1 to MaxIntervalDays; 0 means DefaultIntervalDays
	Strategy     string    // Automatic when empty
	StartAt      time.Time // zero or past: at once

	// IgnoreWindow starts the run though the low-traffic window is closed. The
	// choice is recorded.
	IgnoreWindow bool

	// Fingerprint is the plan the person was shown; empty when none was.
	Fingerprint string

	// Behind are the people whose standing order this request follows (a rotation policy): they count as
	// requesters under four eyes.
	Behind []access.Party
}

// Windows says when changes may be sent to columns of a table.
type Windows interface {
	// MayStart is at itself while every window that applies is open or where
	// there is none, and otherwise when they are open next, with the name of
	// the scope of the one that delays. Without columns it is about those that
	// no window singles out.
	MayStart(ctx context.Context, connection, datastoreID, tableID string, columns []string, at time.Time) (opens time.Time, scope string, err error)
}

// UseWindows makes every run wait for its low-traffic window. It is called
// before anything runs.
func (s *Service) UseWindows(w Windows) { s.windows = w }

// untilOpen is when a run may start that is to start at a time: never earlier,
// and in a window. closed names the window's scope when it is not open then.
func (s *Service) untilOpen(ctx context.Context, connection, datastoreID, tableID string, columns []string, at time.Time) (opens time.Time, closed string, err error) {
	if s.windows == nil {
		return at, "", nil
	}
	opens, scope, err := s.windows.MayStart(ctx, connection, datastoreID, tableID, columns, at)
	if err != nil || !opens.After(at) {
		return at, "", err
	}
	return opens, scope, nil
}

// starts is when what is asked for may start, and the scope of the low-traffic
// window that delays it, empty for none.
func (s *Service) starts(ctx context.Context, r Request) (opens time.Time, closed string, err error) {
	start := r.StartAt
	if start.IsZero() {
		start = s.now()
	}
	return s.untilOpen(ctx, r.Connection, r.DatastoreID, r.TableID, r.Columns, start)
}

func (r Request) change() Change {
	return Change{Operation: r.Operation, Columns: r.Columns, MaskIndexes: r.MaskIndexes}
}

// Preview is a plan and the payload that would be sent now. The callback URL
// in it carries no token: a run's own is made when it is requested.
type Preview struct {
	Plan         Plan
	Payload      []byte
	NextRotation time.Time

	// WaitsFor is the scope of the low-traffic window that is closed at the time
	// asked for, empty for none or by choice, and Opens when it opens.
	WaitsFor string
	Opens    time.Time
}

// Preflight reads the table and its indexes and plans the request without
// recording or changing anything.
func (s *Service) Preflight(ctx context.Context, caller access.Caller, request Request) (Preview, error) {
	if err := access.Require(caller, access.PermLaunchRun); err != nil {
		return Preview{}, err
	}
	connection, err := s.validate(&request)
	if err != nil {
		return Preview{}, err
	}
	plan, err := readPlan(ctx, connection.Tenant, request.DatastoreID, request.TableID, request.change())
	if err != nil {
		return Preview{}, codedError(err)
	}
	if err := s.nameRuns(ctx, request.Connection, request.DatastoreID, request.TableID, &plan); err != nil {
		return Preview{}, err
	}
	s.shown.keep(plan)
	next := NextRotation(s.now(), request.IntervalDays)
	opens, closed, err := s.starts(ctx, request)
	if err != nil {
		return Preview{}, err
	}
	if request.IgnoreWindow {
		closed = ""
	}
	return Preview{
		WaitsFor:     closed,
		Opens:        opens,
		Plan:         plan,
		NextRotation: next,
		Payload: Payload(request.TableID, plan.Targets, request.Strategy, request.IntervalDays, next,
			CallbackURL(connection.CallbackURL, "…")),
	}, nil
}

// nameRuns says of a column that is encrypted already which run of this console
// was sent for it: a second try after one that ended badly is told that its own
// change came after all.
func (s *Service) nameRuns(ctx context.Context, connection, datastoreID, tableID string, plan *Plan) error {
	if !slices.ContainsFunc(plan.Blockers, func(b Blocker) bool { return b.Code == AlreadyEncrypted }) {
		return nil
	}
	sent, err := s.store.SentFor(ctx, connection, datastoreID, tableID)
	if err != nil {
		return err
	}
	for i, b := range plan.Blockers {
		if run, ok := sent[b.Column]; ok && b.Code == AlreadyEncrypted {
			plan.Blockers[i].Message = fmt.Sprintf("%q is already encrypted: run %s of this console was sent for it on %s and is %s.",
				b.Column, run.RunID, run.RequestedAt.UTC().Format(time.DateOnly), run.State)
		}
	}
	return nil
}

// Launch records the request and queues its run. A refused request is recorded
// too: DENIED for a caller without the right, FAILURE for a malformed one.
func (s *Service) Launch(ctx context.Context, caller access.Caller, request Request) (Run, error) {
	run, err := s.NewRun(ctx, caller, request)
	if err != nil {
		return Run{}, err
	}
	return s.Enqueue(ctx, run)
}

// NewRun checks the request and makes its run without queueing it.
func (s *Service) NewRun(ctx context.Context, caller access.Caller, request Request) (Run, error) {
	if err := access.Require(caller, access.PermLaunchRun); err != nil {
		return Run{}, s.Refuse(ctx, caller, request, err)
	}
	connection, err := s.validate(&request)
	if err != nil {
		return Run{}, s.Refuse(ctx, caller, request, err)
	}
	opens, closed, err := s.starts(ctx, request)
	if err != nil {
		return Run{}, err
	}
	switch {
	case closed == "":
		request.IgnoreWindow = false // there was nothing to ignore
	case !request.IgnoreWindow:
		request.StartAt = opens
	}
	run := Run{
		ID:               audit.NewID(s.now()),
		Operation:        request.Operation,
		Connection:       request.Connection,
		DatastoreID:      request.DatastoreID,
		TableID:          request.TableID,
		Columns:          request.Columns,
		MaskIndexes:      request.MaskIndexes,
		Strategy:         request.Strategy,
		IntervalDays:     request.IntervalDays,
		StartAt:          request.StartAt,
		IgnoreWindow:     request.IgnoreWindow,
		ShownFingerprint: request.Fingerprint,
		Plan:             s.shown.find(request.Fingerprint),
		State:            Queued,
		RequestedBy:      caller.Actor(),
		RequestedAt:      s.now(),
		IdempotencyKey:   uuid.NewString(),
		CallbackToken:    newToken(),
		Timings:          Timings{TokenMs: -1, ChecksMs: -1, PatchMs: -1, KMSMs: -1},
	}
	if connection.FourEyes {
		if err := s.askForApproval(ctx, caller, connection, &run, request.Behind); err != nil {
			return Run{}, s.Refuse(ctx, caller, request, err)
		}
	}
	return run, nil
}

// Enqueue stores a run made by NewRun with its RUN_REQUESTED record.
func (s *Service) Enqueue(ctx context.Context, run Run) (Run, error) {
	record := s.record(run, audit.RunRequested, audit.Success)
	record.Actor = run.RequestedBy
	manual := ""
	if run.Strategy == Manual {
		manual = "manual "
	}
	record.Detail = fmt.Sprintf("%s of %s asked for, %skey rotation every %d days.",
		label(run.Operation), audit.CountOf(len(run.Columns), "column"), manual, run.IntervalDays)
	message := "Queued."
	if !run.StartAt.IsZero() {
		record.Detail += " To start at " + audit.FormatTime(run.StartAt) + "."
		message = "Queued, to start at " + audit.FormatTime(run.StartAt) + "."
	}
	if run.IgnoreWindow {
		record.Detail += " The low-traffic window is closed; it starts now by choice of " + run.RequestedBy.Name + "."
		message += " The low-traffic window is closed: it starts now by choice."
	}
	if run.State == Awaiting {
		run.bindApproval() // its id may have been set after NewRun
		message = "Waits until " + audit.FormatTime(run.Approval.ExpiresAt) + " for another person's approval."
		record.Detail += " " + message
	}
	run, err := s.store.AddRun(ctx, run, []Event{s.event(run, "state", message)}, []audit.Record{record})
	if err != nil {
		return Run{}, err
	}
	s.bus.publish(run.ID)
	s.bus.publish(runnerTopic)
	return run, nil
}

// Cancel ends a run that has not started. A run that has is past recall:
// fault.Conflict says so.
func (s *Service) Cancel(ctx context.Context, caller access.Caller, runID string) error {
	run, err := s.store.Run(ctx, runID)
	if err != nil {
		return err
	}
	record := s.record(run, audit.RunCancelled, audit.Success)
	record.Actor = caller.Actor()
	if err := access.Require(caller, access.PermCancelRun); err != nil {
		record.Outcome, record.Detail = audit.Denied, fault.MessageOf(err)
		return firstError(s.store.AppendRecords(ctx, record), err)
	}
	from := run.State
	if from != Held && !slices.Contains(Waiting(), from) {
		return fault.New(fault.Conflict, "This run is %s: only a queued run can be cancelled.", run.State)
	}
	if run.Approval != nil && from != Held {
		withdrawn, err := run.Approval.Withdraw(caller, access.PermCancelRun)
		if err != nil {
			return err
		}
		run.Approval = &withdrawn
	}
	run.State, run.HeldWhy, run.FinishedAt = Cancelled, "", s.now()
	record.Detail = "Cancelled before it started; nothing was sent to the tenant."
	return s.commit(ctx, Transition{Run: run, From: from,
		Events:  []Event{s.event(run, "state", "Cancelled by "+caller.Name+".")},
		Records: []audit.Record{record}})
}

// Watch returns a channel that receives whenever the run moves in this
// process, and a function that ends the watch. Another process may move it
// too, so watchers also look now and then.
func (s *Service) Watch(runID string) (<-chan struct{}, func()) { return s.bus.watch(runID) }

// commit advances a run and tells who watches it.
func (s *Service) commit(ctx context.Context, t Transition) error {
	if t.From != t.Run.State && !t.From.CanBecome(t.Run.State) {
		return fmt.Errorf("encryption: no arrow from %s to %s", t.From, t.Run.State)
	}
	if err := s.store.Advance(ctx, t); err != nil {
		return err
	}
	s.bus.publish(t.Run.ID)
	if t.Run.State.Ended() {
		s.bus.publish(runnerTopic) // its table is free for the next run
	}
	return nil
}

// Refuse records a request that was not accepted and returns why: DENIED for a
// caller without the right, FAILURE for anything else. It launches nothing,
// whatever the caller may do.
func (s *Service) Refuse(ctx context.Context, caller access.Caller, request Request, why error) error {
	outcome := audit.Failure
	if fault.CodeOf(why) == fault.Denied {
		outcome = audit.Denied
	}
	record := audit.NewRecord(s.now(), audit.RunRequested, outcome, caller.Actor())
	record.Connection = clip(request.Connection)
	record.DatastoreID = clip(request.DatastoreID)
	record.TableID = clip(request.TableID)
	room := maxRefusedNames // a refusal keeps enough to recognise the request by
	for _, c := range request.Columns {
		c = clip(c)
		size := len(mustJSON(c)) + 1 // as the record has it, with its comma
		if size > room {
			break
		}
		room -= size
		record.Columns = append(record.Columns, c)
	}
	record.Detail = fault.MessageOf(why)
	return firstError(s.store.AppendRecords(ctx, record), why)
}

// validate fills the defaults in and refuses what no tenant could accept.
func (s *Service) validate(r *Request) (*Connection, error) {
	if r.Operation == "" {
		r.Operation = audit.ColumnEncryption
	}
	if r.Strategy == "" {
		r.Strategy = Automatic
	}
	if r.IntervalDays == 0 {
		r.IntervalDays = DefaultIntervalDays
	}
	if !r.StartAt.After(s.now()) {
		r.StartAt = time.Time{}
	}
	switch {
	case !slices.Contains(Operations(), r.Operation):
		return nil, fault.New(fault.Invalid, "A run encrypts columns or rotates their keys; %q is neither.", clip(string(r.Operation)))
	case r.Strategy != Automatic && r.Strategy != Manual:
		return nil, fault.New(fault.Invalid, "The rotation strategy is %s or %s.", Automatic, Manual)
	case r.IntervalDays < 1 || r.IntervalDays > MaxIntervalDays:
		return nil, fault.New(fault.Invalid, "The rotation interval must be 1 to %d days.", MaxIntervalDays)
	case r.StartAt.Sub(s.now()) > maxStartAhead:
		return nil, fault.New(fault.Invalid, "The start must lie within a year from now.")
	case len(r.Columns) == 0:
		return nil, fault.New(fault.Invalid, "Choose at least one column.")
	case len(r.Columns) > maxColumns:
		return nil, fault.New(fault.Invalid, "Choose at most %d columns in one run.", maxColumns)
	case !GoodID(r.DatastoreID):
		return nil, fault.New(fault.Invalid, "Name the data store: its id is missing or malformed.")
	case !GoodID(r.TableID):
		return nil, fault.New(fault.Invalid, "Name the table: its id is missing or malformed.")
	}
	total := 0
	for _, c := range r.Columns {
		if c == "" || len(c) > maxNameBytes || !utf8.ValidString(c) {
			return nil, fault.New(fault.Invalid, "A column's name must be 1 to %d bytes of UTF-8 text.", maxNameBytes)
		}
		total += len(c)
	}
	if total > maxAllNames {
		return nil, fault.New(fault.Invalid, "The columns' names are too long together (%d KiB at most). Split them over several runs.", maxAllNames>>10)
	}
	connection, err := s.connections.Connection(r.Connection)
	if err == nil && connection.Disabled {
		err = fault.New(fault.Conflict, "The connection %q is disabled: nothing is sent to its tenant.", r.Connection)
	}
	return connection, err
}

// GoodID reports whether an id may go into a path and into the ledger. An
// element "." or ".." could lead to another path, so the client sends none.
func GoodID(id string) bool {
	for element := range strings.FieldsFuncSeq(id, func(r rune) bool { return r == '/' || r == '\\' }) {
		if element == "." || element == ".." {
			return false
		}
	}
	return id != "" && len(id) <= maxNameBytes && utf8.ValidString(id) && !strings.ContainsFunc(id, unicode.IsControl)
}

// newToken is 256 random bits for a URL that must not be guessed.
func newToken() string {
	b := make([]byte, 32)
	rand.Read(b) //nolint:errcheck // documented never to fail
	return base64.RawURLEncoding.EncodeToString(b)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
