package rotation_test

import (
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/alarm"
	"cxseal/internal/audit"
	"cxseal/internal/connection"
	"cxseal/internal/console"
	"cxseal/internal/rotation"
	"cxseal/store"
)

const day = 24 * time.Hour

// habit is how a tenant treats one column's key.
type habit int

const (
	onTime habit = iota
	late
	never
)

// model is what the test knows of a column by itself.
type model struct {
	habit     habit
	offset    time.Duration // when it rotates, from the due date
	due       time.Time
	rotations int
	overdue   int // times that it was overdue
	dueAlarms int
	isOverdue bool
	isDue     bool
}

// organisation is a console and its tenant, whose clock is moved.
type organisation struct {
	t       *testing.T
	now     time.Time
	path    string // of the database
	url     string // of the tenant
	tenant  *sandbox.Sandbox
	console *console.Console
	store   *store.Store // the console's
}

func (y *organisation) clock() time.Time { return y.now }

func (y *organisation) must(err error) {
	y.t.Helper()
	if err != nil {
		y.t.Fatal(err)
	}
}

// open puts a console together on the database, as after a restart. Its
// background jobs are done by hand.
func (y *organisation) open() {
	y.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(y.t.Context(), "tcp", "127.0.0.1:0")
	y.must(err)
	env := &console.Tenant{Settings: connection.Defaults(), Secrets: connection.Secrets{ClientSecret: sandbox.DefaultClientSecret}}
	env.BaseURL, env.ClientID, env.Realm, env.Rate = y.url, sandbox.DefaultClientID, sandbox.DefaultRealm, 0
	y.console, err = console.New(y.t.Context(), console.Config{DB: y.path, Listener: listener, Tenant: env, NoJobs: true,
		Now: y.clock, Logger: slog.New(slog.DiscardHandler)})
	y.must(err)
	y.store = y.console.Store
}

const (
	yearTables  = 10 / scale
	yearColumns = 50 // a table
)

// A year with 500 columns of which 90 % are rotated on time, 5 % late and 5 %
// never, the console restarted now and then.
func TestAYearTellsWhichKeysWereRotatedAndWhichWereNot(t *testing.T) {
	y := &organisation{t: t, now: time.Date(2026, 1, 5, 6, 0, 0, 0, time.UTC), path: filepath.Join(t.TempDir(), "cxseal.db")}
	y.tenant = sandbox.New(sandbox.Config{Tables: yearTables - 1, Seed: 1, Now: y.clock})
	defer y.tenant.Close()
	api := httptest.NewServer(y.tenant)
	defer api.Close()
	y.url = api.URL
	y.open()
	defer func() { y.must(y.console.Close()) }()

	models := y.furnish()
	if len(models) != 500/scale {
		t.Fatalf("%d columns", len(models))
	}
	for step := range 73 {
		y.live(models)
		if step%15 == 14 { // a restart, and everything looked at once more
			y.must(y.console.Close())
			y.open()
			y.must(y.console.Rotations.Tick(t.Context()))
		}
		y.now = y.now.Add(5 * day)
	}
	y.now = y.now.Add(-5 * day)
	y.compare(models)
}

// furnish gives every table of the tenant fifty encrypted columns of ours and
// decrypts what the tables came with.
func (y *organisation) furnish() map[rotation.Key]*model {
	models := map[rotation.Key]*model{}
	i := 0
	for _, table := range y.tenant.Tables() {
		shape, _, _ := y.tenant.Table(table.DatastoreID, table.ID)
		change := func(m sandbox.Mutation) { y.must(y.tenant.Mutate(table.DatastoreID, table.ID, m)) }
		for _, c := range shape.Columns {
			if c.Encrypted {
				change(sandbox.Mutation{Action: sandbox.Decrypt, Column: c.Name})
			}
		}
		for n := range yearColumns {
			name := fmt.Sprintf("kept_%02d", n)
			change(sandbox.Mutation{Action: sandbox.AddColumn, Column: name, Type: "string"})
			change(sandbox.Mutation{Action: sandbox.Encrypt, Column: name})
			m := &model{offset: time.Duration(i%7-5) * day, due: y.now.Add(90 * day)}
			switch i % 20 {
			case 18:
				m.habit, m.offset = late, 12*day // 7 days of grace and 5 more
			case 19:
				m.habit = never
			}
			models[rotation.Key{Connection: "default", DatastoreID: table.DatastoreID, TableID: table.ID, Column: name}] = m
			i++
		}
	}
	return models
}

// live is one step of the year: the tenant rotates as it is used to, the
// inventory is read and the clock's transitions are made.
func (y *organisation) live(models map[rotation.Key]*model) {
	for key, m := range models {
		if m.habit == never || y.now.Before(m.due.Add(m.offset)) {
			continue
		}
		y.must(y.tenant.Mutate(key.DatastoreID, key.TableID, sandbox.Mutation{Action: sandbox.Rotate, Column: key.Column}))
		m.due, m.isDue, m.isOverdue = y.now.Add(90*day), false, false
		m.rotations++
	}
	for _, m := range models {
		switch {
		case !m.isOverdue && !y.now.Before(m.due.Add(7*day)):
			m.isOverdue, m.isDue = true, true
			m.overdue++
		case !m.isDue && !y.now.Before(m.due):
			m.isDue = true
			m.dueAlarms++
		}
	}
	y.must(y.console.Inventory.Sync(y.t.Context(), "default", 0))
	y.must(y.console.Rotations.Tick(y.t.Context()))
}

func (y *organisation) compare(models map[rotation.Key]*model) {
	ctx := y.t.Context()
	observed, overdue := y.records(audit.RotationObserved), y.records(audit.RotationOverdue)
	alarms := map[alarm.Kind]map[rotation.Key]int{}
	for before := int64(0); ; {
		page, err := y.store.Alarms(ctx, "", before, 1000)
		y.must(err)
		if len(page) == 0 {
			break
		}
		for _, a := range page {
			before = a.ID
			if alarms[a.Kind] == nil {
				alarms[a.Kind] = map[rotation.Key]int{}
			}
			for _, c := range a.Columns {
				alarms[a.Kind][rotation.Key{Connection: a.Connection, DatastoreID: a.DatastoreID, TableID: a.TableID, Column: c}]++
			}
		}
	}
	columns := 0
	for after := (*rotation.Column)(nil); ; {
		page, err := y.store.Ledger(ctx, rotation.Filter{}, after, 1000)
		y.must(err)
		for _, c := range page {
			columns++
			y.compareOne(c, models[c.Key], observed[c.Key], overdue[c.Key])
			if n := alarms[alarm.RotationOverdue][c.Key]; n != models[c.Key].overdue {
				y.t.Errorf("%s.%s: %d alarms for overdue, want %d", c.TableID, c.Column, n, models[c.Key].overdue)
			}
			if n := alarms[alarm.RotationDue][c.Key]; n != models[c.Key].dueAlarms {
				y.t.Errorf("%s.%s: %d alarms for due, want %d", c.TableID, c.Column, n, models[c.Key].dueAlarms)
			}
		}
		if len(page) < 1000 {
			break
		}
		after = &page[len(page)-1]
	}
	if columns != len(models) {
		y.t.Errorf("the ledger has %d columns, want %d", columns, len(models))
	}
}

func (y *organisation) compareOne(c rotation.Column, m *model, observed, overdue int) {
	y.t.Helper()
	name := c.TableID + "." + c.Column
	if observed != m.rotations || overdue != m.overdue {
		y.t.Errorf("%s: %d rotations and %d times overdue on record, want %d and %d", name, observed, overdue, m.rotations, m.overdue)
	}
	want := map[habit]rotation.Timeliness{onTime: rotation.OnTime, late: rotation.Late, never: ""}[m.habit]
	if c.Rotated.Timeliness != want || !c.DueAt.Equal(m.due) {
		y.t.Errorf("%s: rotated %q, due %s; want %q, %s", name, c.Rotated.Timeliness, c.DueAt, want, m.due)
	}
	status := c.StatusAt(y.now, rotation.DefaultLeads)
	if (status == rotation.StatusOverdue) != m.isOverdue {
		y.t.Errorf("%s: %s, overdue by the model: %v", name, status, m.isOverdue)
	}
	// The list's filter says the same as the column itself.
	found, err := y.store.Ledger(y.t.Context(), rotation.Filter{DatastoreID: c.DatastoreID, TableID: c.TableID, Status: status,
		Now: y.now, Leads: rotation.DefaultLeads}, nil, 1000)
	y.must(err)
	if !slices.ContainsFunc(found, func(f rotation.Column) bool { return f.Key == c.Key }) {
		y.t.Errorf("%s is %s, and the list of those does not have it", name, status)
	}
}

func (y *organisation) records(op audit.Operation) map[rotation.Key]int {
	counts := map[rotation.Key]int{}
	for before := int64(0); ; {
		page, err := y.store.AuditPage(y.t.Context(), audit.Filter{Operation: string(op)}, before, 1000)
		y.must(err)
		if len(page) == 0 {
			return counts
		}
		for _, e := range page {
			before = e.Seq
			r := e.Record
			counts[rotation.Key{Connection: r.Connection, DatastoreID: r.DatastoreID, TableID: r.TableID, Column: r.Columns[0]}]++
		}
	}
}
