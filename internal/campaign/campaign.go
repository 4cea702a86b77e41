// Package campaign encrypts many tables as one undertaking: it finds out which
// columns of which tables, shows what stands in the way, launches an ordinary
// run for each table, and can be paused, resumed and cancelled.
//
// It plans and launches through package encryption, and never sends anything
// to a tenant itself. All that it knows is in its rows: a console that was killed
// goes on where it stopped.
package campaign

import (
	"context"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/inventory"
	"cxseal/internal/sensitivity"
)

// State is where a campaign stands.
type State string

// The states. A paused one launches no further run; those launched go on.
const (
	Running   State = "running"
	Paused    State = "paused"
	Done      State = "done"
	Cancelled State = "cancelled"
)

// Ended reports whether the campaign is over.
func (s State) Ended() bool { return s == Done || s == Cancelled }

// States returns every state of a campaign.
func States() []State { return []State{Running, Paused, Done, Cancelled} }

// Target says which tables a campaign is about.
type Target string

// The targets (contract §3).
const (
	Tables    Target = "tables"    // those that were named
	Sensitive Target = "sensitive" // every table with a sensitive column that is not encrypted
)

// Targets returns every target.
func Targets() []Target { return []Target{Tables, Sensitive} }

// Campaign is a request to encrypt many tables, and how far it has come.
type Campaign struct {
	Seq          int64 // newest is highest
	ID           string
	Connection   string
	DatastoreID  string
	Target       Target
	IntervalDays int
	MaskIndexes  bool
	State        State
	Reason       string // why it is paused, when nobody asked for that
	RequestedBy  access.Caller
	RequestedAt  time.Time
	TakenBy      string // the admin who took it over, as its requester may no longer launch; empty: nobody
	FinishedAt   time.Time
	Progress     Progress
}

// Item is one table of a campaign.
type Item struct {
	Position    int
	DatastoreID string
	TableID     string
	TableName   string
	Columns     []string // to encrypt
	LeftOut     []string // sentences: columns that stay as they are, and why
	RunID       string   // empty: not launched
	Refused     string   // why no run was launched
	RunState    encryption.State
	RunError    string
}

// Without says where a table stands that has no run.
type Without string

// Where a table without a run stands.
const (
	NotLaunched Without = "not_launched" // no run was launched, and Refused says why
	ToCome      Without = "to_come"      // its run is still to be launched
)

// Withouts returns everything that a table without a run can be.
func Withouts() []Without { return []Without{NotLaunched, ToCome} }

// StateText is where the item stands, as the CSV and the glossary write it: its run's state, or what it is without one.
func (i Item) StateText() string {
	switch {
	case i.RunState != "":
		return string(i.RunState)
	case i.Refused != "":
		return string(NotLaunched)
	}
	return string(ToCome)
}

// Progress counts a campaign's items.
type Progress struct {
	Total   int
	Pending int // not launched
	Open    int // launched and not ended
	Refused int // no run was launched
	Ended   map[encryption.State]int
}

// Add counts n items that were refused, or whose run is in a state: an empty
// one for no run, which a run that was named and never stored is too.
func (p *Progress) Add(refused bool, state encryption.State, n int) {
	p.Total += n
	switch {
	case refused:
		p.Refused += n
	case state == "":
		p.Pending += n
	case state.Ended():
		if p.Ended == nil {
			p.Ended = map[encryption.State]int{}
		}
		p.Ended[state] += n
	default:
		p.Open += n
	}
}

// Closed counts the items about which nothing more is expected to happen.
func (p Progress) Closed() int { return p.Total - p.Pending - p.Open }

// The states of runs that a campaign asks for.
var (
	// atWork are the states that use the tenant, or will next.
	atWork   = []encryption.State{encryption.Queued, encryption.Checking, encryption.Patching}
	notBegun = []encryption.State{encryption.Awaiting, encryption.Queued, encryption.Held}
)

// Request is what a person asks for.
type Request struct {
	Connection   string
	DatastoreID  string
	Target       Target
	TableIDs     []string // for Tables
	IntervalDays int
	MaskIndexes  bool
}

// Store is what the service needs of a database. Every method is one
// transaction.
type Store interface {
	AddCampaign(ctx context.Context, c Campaign, items []Item, record audit.Record) error
	Campaign(ctx context.Context, id string) (Campaign, error)
	// CampaignItems lists items after a position (-1: from the first).
	CampaignItems(ctx context.Context, id string, after, limit int) ([]Item, error)
	// PendingItems are the next to launch: without a run, or with one that was
	// named and never stored.
	PendingItems(ctx context.Context, id string, limit int) ([]Item, error)
	// RunsIn lists the ids of the campaign's runs that are in one of the states.
	RunsIn(ctx context.Context, id string, states ...encryption.State) ([]string, error)
	// SetItem keeps an item's columns, run and refusal.
	SetItem(ctx context.Context, id string, item Item) error
	RunningCampaigns(ctx context.Context) ([]Campaign, error)
	// SetCampaignState is a compare-and-swap: fault.Conflict when the campaign
	// is not in from.
	SetCampaignState(ctx context.Context, id string, from, to State, reason string, at time.Time, records ...audit.Record) error
	// ResumeCampaign moves a paused campaign on in somebody's name, empty for that of who it goes by already. It is a
	// compare-and-swap like SetCampaignState.
	ResumeCampaign(ctx context.Context, id, takenBy string, records ...audit.Record) error
	// UserByName returns the account, or fault.NotFound.
	UserByName(ctx context.Context, name string) (access.User, error)
	AppendRecords(ctx context.Context, records ...audit.Record) error

	SensitivityColumns(ctx context.Context, f sensitivity.Filter, after *sensitivity.Key, limit int) ([]sensitivity.Column, error)
	Table(ctx context.Context, connection, datastoreID, tableID string) (inventory.Table, error)
}

// Runs is what the service needs of package encryption.
type Runs interface {
	Preflight(ctx context.Context, caller access.Caller, r encryption.Request) (encryption.Preview, error)
	NewRun(ctx context.Context, caller access.Caller, r encryption.Request) (encryption.Run, error)
	Enqueue(ctx context.Context, run encryption.Run) (encryption.Run, error)
	Cancel(ctx context.Context, caller access.Caller, runID string) error
	TakeOver(ctx context.Context, caller access.Caller, runID string) error
	WatchQueue() (<-chan struct{}, func())
}

// Reader reads a table that is not known yet.
type Reader interface {
	Read(ctx context.Context, connection, datastoreID, tableID string) (inventory.Live, error)
}
