package connection

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"cxseal/cxone"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/inventory"
)

// Sources of a connection.
const (
	FromEnvironment = "environment"
	FromConsole     = "console"
)

// Known is a connection as the console uses it now: its settings and whether it can be used.
type Known struct {
	Settings Settings
	Source   string // FromEnvironment or FromConsole
	Disabled bool
	Version  int64  // of a managed one
	Secrets  int    // how many callback secrets are live
	Trouble  string // why it cannot be used, in a sentence; empty when it can
	Changed  time.Time

	callback string // the setting with its default filled in
}

// Callback returns the callback URL, this console's own where none is set.
func (k Known) Callback() string { return k.callback }

// Directory holds every connection that this process may use, from the environment and from the database,
// and follows changes while serving. It satisfies encryption.Connections and inventory.Tenants. Its methods
// are safe for concurrent use.
type Directory struct {
	publicURL string
	agent     string
	now       func() time.Time
	logger    *slog.Logger

	mu      sync.RWMutex
	entries map[string]*entry
}

type entry struct {
	known      Known
	client     *cxone.Client // nil when in trouble
	connection *encryption.Connection
}

var (
	_ encryption.Connections = (*Directory)(nil)
	_ inventory.Tenants      = (*Directory)(nil)
)

// NewDirectory returns a directory without an entry. publicURL is where this console's own callbacks are
// answered.
func NewDirectory(publicURL, userAgent string, now func() time.Time, logger *slog.Logger) *Directory {
	return &Directory{publicURL: publicURL, agent: userAgent, now: now, logger: logger, entries: map[string]*entry{}}
}

// UseEnvironment adds the environment's connection.
func (d *Directory) UseEnvironment(s Settings, x Secrets) error {
	s.Name = Environment
	e, err := d.build(Known{Settings: s, Source: FromEnvironment}, x)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The connection from the environment cannot be used: %s.", err)
	}
	d.put(e)
	return nil
}

func (d *Directory) build(known Known, x Secrets) (*entry, error) {
	s := known.Settings
	if err := x.CheckKMS(); err != nil {
		return nil, err
	}
	client, err := Client(s, x, d.agent, d.now)
	if err != nil {
		return nil, err
	}
	known.Secrets = len(x.KMS)
	known.callback = d.callbackOf(s)
	return &entry{known: known, client: client, connection: &encryption.Connection{
		Name: s.Name, Tenant: client, CallbackURL: known.callback, KMSSecrets: x.KMS, CallbackDeadline: s.CallbackDeadline,
		Concurrency: s.Concurrency, FourEyes: s.FourEyes, ApprovalLife: s.ApprovalLife, Disabled: known.Disabled,
		Redact: redactor(client.Redact, x),
	}}, nil
}

// redactor returns a function that removes secrets from a text: those of the client, and the callback
// secrets, which the client does not have.
func redactor(client func(string) string, x Secrets) func(string) string {
	return func(text string) string {
		for _, secret := range x.KMS {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
		return client(text)
	}
}

func (d *Directory) callbackOf(s Settings) string {
	if s.CallbackURL != "" {
		return s.CallbackURL
	}
	return d.publicURL + "/kms/callback"
}

func (d *Directory) put(e *entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if old := d.entries[e.known.Settings.Name]; old != nil && old.client != nil {
		old.client.CloseIdleConnections()
	}
	d.entries[e.known.Settings.Name] = e
}

// version returns the version of the managed connection that is in use, 0 when there is none.
func (d *Directory) version(name string) int64 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if e := d.entries[name]; e != nil && e.known.Source == FromConsole {
		return e.known.Version
	}
	return 0
}

// Names returns the names of the usable connections: the environment's first, then by name.
func (d *Directory) Names() []string {
	var names []string
	for _, k := range d.All() {
		if !k.Disabled && k.Trouble == "" {
			names = append(names, k.Settings.Name)
		}
	}
	return names
}

// All returns every connection: the environment's first, then by name.
func (d *Directory) All() []Known {
	d.mu.RLock()
	defer d.mu.RUnlock()
	all := make([]Known, 0, len(d.entries))
	for _, e := range d.entries {
		all = append(all, e.known)
	}
	slices.SortFunc(all, func(a, b Known) int {
		if a.Source != b.Source {
			if a.Source == FromEnvironment {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Settings.Name, b.Settings.Name)
	})
	return all
}

func (d *Directory) find(name string) (*entry, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	e := d.entries[name]
	switch {
	case e == nil && len(d.entries) == 0:
		return nil, fault.New(fault.NotFound,
			"No connection is configured yet. An admin adds one under Connections.")
	case e == nil:
		return nil, fault.New(fault.NotFound, "There is no connection %q.", name)
	case e.known.Trouble != "":
		return nil, fault.New(fault.Conflict, "The connection %q cannot be used: %s", name, e.known.Trouble)
	}
	return e, nil
}

// Connection returns a connection for runs. A disabled one is returned too, because callbacks of runs that
// were sent before are still judged.
func (d *Directory) Connection(name string) (*encryption.Connection, error) {
	e, err := d.find(name)
	if err != nil {
		return nil, err
	}
	return e.connection, nil
}

// Tenant returns an enabled connection's client for the inventory.
func (d *Directory) Tenant(name string) (inventory.Tenant, error) {
	e, err := d.find(name)
	if err != nil {
		return nil, err
	}
	if e.known.Disabled {
		return nil, fault.New(fault.Conflict, "The connection %q is disabled.", name)
	}
	return e.client, nil
}

// FourEyes reports whether a connection asks for a second person's approval, and how long a request waits for it.
// A connection that is disabled, or whose secrets do not open, asks as before; ok is false for one that is not known.
func (d *Directory) FourEyes(name string) (asked bool, life time.Duration, ok bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	e := d.entries[name]
	if e == nil {
		return false, 0, false
	}
	return e.known.Settings.FourEyes, e.known.Settings.ApprovalLife, true
}

// AutoRotate reports whether the console rotates overdue keys of the connection by itself.
func (d *Directory) AutoRotate(name string) bool {
	e, err := d.find(name)
	return err == nil && e.known.Settings.AutoRotate
}

// AutoRotateBy returns who set the connection to be rotated by the console itself; empty where it is not, or where the
// environment did.
func (d *Directory) AutoRotateBy(name string) string {
	e, err := d.find(name)
	if err != nil || !e.known.Settings.AutoRotate {
		return ""
	}
	return e.known.Settings.AutoRotateBy
}

// load brings the directory in step with the database: clients of changed connections are made anew, the
// others stay. A connection that cannot be used is kept, with the reason in Trouble.
func (d *Directory) load(ctx context.Context, stored []Stored, open func(context.Context, Stored) (Secrets, error)) {
	for _, c := range stored {
		if c.Settings.Name == Environment || d.version(c.Settings.Name) == c.Version {
			continue
		}
		known := Known{Settings: c.Settings, Source: FromConsole, Disabled: c.Disabled, Version: c.Version, Changed: c.UpdatedAt}
		secrets, err := open(ctx, c)
		var e *entry
		if err == nil {
			e, err = d.build(known, secrets)
		}
		if err != nil {
			d.logger.ErrorContext(ctx, "a connection cannot be used", "connection", c.Settings.Name, "err", err)
			known.Trouble = "Its secrets do not open with the sealing key that is in use. " +
				"Put the right key back, or enter the secrets again."
			known.callback = d.callbackOf(c.Settings)
			e = &entry{known: known}
		}
		d.put(e)
	}
}

// Close closes the clients' idle connections.
func (d *Directory) Close() {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, e := range d.entries {
		if e.client != nil {
			e.client.CloseIdleConnections()
		}
	}
}
