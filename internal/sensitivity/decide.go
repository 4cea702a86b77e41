package sensitivity

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/internal/protection"
)

const (
	// MaxDecided bounds how many columns one order may be about.
	MaxDecided = 10_000
	// MaxReason bounds the reason of a decision, in characters.
	MaxReason = 500
)

// Key names a column.
type Key struct{ Connection, DatastoreID, TableID, Column string }

// Column is a column with what is proposed for it and what was decided.
type Column struct {
	Key
	TableName string
	Type      string
	Encrypted bool
	// Protection is how far the column is protected.
	Protection protection.State

	State         State // the decision where there is one, else the proposal
	Proposal      Proposal
	Decided       State // empty: nobody has decided
	DecidedBy     string
	DecidedAt     time.Time
	DecidedReason string // why; empty where none was needed or given
	ApprovedBy    string // the second person, where the decision needed one
}

// Filter narrows the list of columns; the zero value is every column that is
// still there.
type Filter struct {
	Connection, DatastoreID, TableID string

	Query     string // part of a column's name
	State     State
	Category  Category
	Decided   *bool // whether a person has decided
	Encrypted *bool

	Protection protection.State // how far it is protected; empty: however far
}

// Order is what a person asks for: a decision about columns.
type Order struct {
	Columns []Key   // the columns, where All is nil
	All     *Filter // every column that matches
	State   State   // Sensitive, NotSensitive, or Undecided to take a decision back
	Reason  string  // needed when a column is taken out of what counts

	// Confirmed says that the person has read what the order does. Seen is the
	// fingerprint of the plan that they read, empty when they do not say.
	Confirmed bool
	Seen      string
}

// Plan is what an order does. Nothing has been done yet.
type Plan struct {
	Changes     []Change
	Same        int      // columns that were decided so already
	Effects     []Effect // on each scope that is concerned, the narrowest first
	FourEyes    []string // the connections whose part needs a second person
	Fingerprint string
}

// Out counts the columns that are taken out of what counts.
func (p Plan) Out() int {
	out, _ := taken(p.Changes)
	return len(out)
}

// Effect is the effect on the narrowest scope.
func (p Plan) Effect() Effect { return p.Effects[0] }

// Done is what became of an order.
type Done struct {
	Decided  int       // columns that were decided about
	Same     int       // columns that were decided so already
	Requests []Request // what waits for a second person
}

// Waiting counts the columns that wait for a second person.
func (d Done) Waiting() int {
	n := 0
	for _, r := range d.Requests {
		n += r.Columns
	}
	return n
}

// UnconfirmedError is the refusal of an order that takes columns out of what counts
// and that nobody confirmed, with what it would do.
type UnconfirmedError struct {
	Plan
	err error
}

func (u *UnconfirmedError) Error() string { return u.err.Error() }

// Unwrap returns the refusal with its code.
func (u *UnconfirmedError) Unwrap() error { return u.err }

// Connections says what a connection asks for before something is changed.
type Connections interface {
	// FourEyes reports whether another person must approve, and how long a request
	// waits for that. ok is false for a connection that is not set up any more.
	FourEyes(connection string) (asked bool, life time.Duration, ok bool)
}

// Service keeps people's decisions.
type Service struct {
	store       Store
	connections Connections
	now         func() time.Time

	asking sync.Mutex // held from looking for the same request to keeping one
}

// NewService returns a Service on the given parts.
func NewService(store Store, connections Connections, now func() time.Time) *Service {
	return &Service{store: store, connections: connections, now: now}
}

// Plan says what an order would do.
func (s *Service) Plan(ctx context.Context, o Order) (Plan, error) {
	if o.State != Sensitive && o.State != NotSensitive && o.State != Undecided {
		return Plan{}, fault.New(fault.Invalid, "A column is sensitive, not_sensitive or undecided.")
	}
	columns, err := s.columns(ctx, o)
	if err != nil {
		return Plan{}, err
	}
	var p Plan
	p.Changes, p.Same = changesOf(columns, o.State)
	p.Fingerprint = fingerprint(p.Changes)
	asked := map[string]bool{}
	out, _ := taken(p.Changes)
	for _, c := range out {
		if _, known := asked[c.Connection]; known {
			continue
		}
		four, _, ok := s.connections.FourEyes(c.Connection)
		if !ok {
			return p, fault.New(fault.Conflict, "The connection %q is not set up now, so nobody can tell whether it asks for a second person. Set it up first.", c.Connection)
		}
		if asked[c.Connection] = four; four {
			p.FourEyes = append(p.FourEyes, c.Connection)
		}
	}
	p.Effects, err = s.effects(ctx, p.Changes)
	return p, err
}

// columns are the order's columns as they are now.
func (s *Service) columns(ctx context.Context, o Order) ([]Column, error) {
	if o.All != nil {
		return s.matching(ctx, *o.All)
	}
	switch {
	case len(o.Columns) == 0:
		return nil, fault.New(fault.Invalid, "Choose at least one column.")
	case len(o.Columns) > MaxDecided:
		return nil, fault.New(fault.TooLarge, "Decide about at most %d columns at once.", MaxDecided)
	}
	once, keys := map[Key]bool{}, make([]Key, 0, len(o.Columns))
	for _, k := range o.Columns {
		if !once[k] {
			once[k] = true
			keys = append(keys, k)
		}
	}
	return s.store.SensitivityOf(ctx, keys)
}

// matching is every column that matches, up to MaxDecided of them.
func (s *Service) matching(ctx context.Context, f Filter) ([]Column, error) {
	var list []Column
	var after *Key
	for {
		page, err := s.store.SensitivityColumns(ctx, f, after, 1000)
		if err != nil {
			return nil, err
		}
		list = append(list, page...)
		switch {
		case len(list) > MaxDecided:
			return nil, fault.New(fault.TooLarge, "More than %d columns match: narrow the filter first.", MaxDecided)
		case len(page) < 1000 && len(list) == 0:
			return nil, fault.New(fault.Invalid, "No column matches: choose at least one column.")
		case len(page) < 1000:
			return list, nil
		}
		after = &page[len(page)-1].Key
	}
}

// effects are what changes make of the coverage of each scope that they concern.
// A scope that holds as much as the one before says nothing more and is left out.
func (s *Service) effects(ctx context.Context, changes []Change) ([]Effect, error) {
	var list []Effect
	for _, scope := range scopesOf(changes) {
		before, err := s.store.CoverageOf(ctx, scope)
		if err != nil {
			return nil, err
		}
		if n := len(list); n == 0 || list[n-1].Before != before {
			list = append(list, effectOf(scope, before, changes))
		}
	}
	return list, nil
}

// Decide does what a person ordered, all of it or nothing, each decision with a
// record of its own. What takes a column out of what counts needs a reason and a
// confirmation, without which the answer is an *UnconfirmedError; on a connection that
// asks for four eyes that part waits for another person.
func (s *Service) Decide(ctx context.Context, caller access.Caller, o Order) (Done, error) {
	if err := s.allow(ctx, caller); err != nil {
		return Done{}, err
	}
	plan, err := s.Plan(ctx, o)
	if err != nil {
		return Done{}, err
	}
	reason, err := reasonOf(o.Reason)
	if err != nil && plan.Out() == 0 {
		return Done{}, err
	}
	if n := plan.Out(); n > 0 {
		refuse := func(code fault.Code, format string, args ...any) (Done, error) {
			return Done{}, &UnconfirmedError{plan, fault.New(code, format, args...)}
		}
		switch {
		case err != nil:
			return Done{}, &UnconfirmedError{plan, err}
		case !o.Confirmed:
			return refuse(fault.Conflict, "This %s. It is done when it is confirmed, with a reason.", plan.Effect().Sentence())
		case o.Seen != "" && o.Seen != plan.Fingerprint:
			return refuse(fault.PlanChanged, "The columns have changed since this was shown. Read again what it does; nothing was changed.")
		case reason == "":
			return refuse(fault.Invalid, "Say why: %s out of what counts as sensitive.", areTaken(n))
		}
	}
	return s.carryOut(ctx, caller, o, plan, reason)
}

func areTaken(n int) string {
	if n == 1 {
		return "1 column is taken"
	}
	return fmt.Sprintf("%d columns are taken", n)
}

// carryOut makes the changes that may be made and asks for the others.
func (s *Service) carryOut(ctx context.Context, caller access.Caller, o Order, plan Plan, reason string) (Done, error) {
	waits := map[string][]Change{}
	var now []Change
	for _, c := range plan.Changes {
		if c.TakesOut() && slices.Contains(plan.FourEyes, c.Connection) {
			waits[c.Connection] = append(waits[c.Connection], c)
		} else {
			now = append(now, c)
		}
	}
	b := s.batch(now, made{by: caller.Actor(), reason: reason})
	if out, _ := taken(now); len(out) > 0 {
		effects, err := s.effects(ctx, now)
		if err != nil {
			return Done{}, err
		}
		b.Records = s.records(b, effects[0].Sentence())
	}
	done := Done{Decided: len(now), Same: plan.Same}
	if len(plan.FourEyes) > 0 {
		s.asking.Lock()
		defer s.asking.Unlock()
	}
	for _, connection := range plan.FourEyes {
		request, record, err := s.ask(ctx, caller, connection, waits[connection], o.State, reason)
		if err != nil {
			return Done{}, err
		}
		b.Requests = append(b.Requests, NewRequest{request, waits[connection], record})
		done.Requests = append(done.Requests, request)
	}
	return done, s.store.Decide(ctx, b)
}

func (s *Service) allow(ctx context.Context, caller access.Caller) error {
	err := access.Require(caller, access.PermDecideSensitivity)
	if err == nil {
		return nil
	}
	record := audit.NewRecord(s.now(), audit.SensitivityDecided, audit.Denied, caller.Actor())
	record.Detail = fault.MessageOf(err)
	if failed := s.store.AppendRecords(ctx, record); failed != nil {
		return failed
	}
	return err
}

// reasonOf is a reason within its bound, without space around it; empty when there is nothing to read in it.
func reasonOf(text string) (string, error) {
	reason := strings.TrimSpace(text)
	if utf8.RuneCountInString(reason) > MaxReason || !audit.Plain(reason) {
		return "", fault.New(fault.Invalid, "A reason is a text of at most %d characters, without control characters.", MaxReason)
	}
	if !audit.Says(reason) {
		return "", nil
	}
	return reason, nil
}
