package handlers

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"cxseal/handlers/frame"
	"cxseal/handlers/keys"
	"cxseal/handlers/ledger"
	"cxseal/handlers/overview"
	"cxseal/handlers/people"
	"cxseal/handlers/runs"
	"cxseal/handlers/settings"
	"cxseal/handlers/tables"
	"cxseal/internal/access"
	"cxseal/internal/encryption"
)

// SSOCallbackPath is where providers send people back: the redirect address to
// register with them is the public address followed by it.
const SSOCallbackPath = people.SSOCallbackPath

// Console is the whole console as an http.Handler.
type Console struct {
	frame  *frame.Frame
	tables *tables.Area
	routes []frame.Route // every route with its permission
}

// New returns a Console of the frame and the areas. It fails when a required dependency is missing or a route
// names no permission.
func New(cfg Config) (*Console, error) {
	f, err := frame.New(cfg.Frame)
	if err != nil {
		return nil, err
	}
	tables, tablesErr := tables.New(f, cfg.Tables)
	runs, runsErr := runs.New(f, cfg.Runs)
	ledger, ledgerErr := ledger.New(f, cfg.Ledger)
	keys, keysErr := keys.New(f, cfg.Keys)
	people, peopleErr := people.New(f, cfg.People)
	overview, overviewErr := overview.New(f, cfg.Overview)
	settings, settingsErr := settings.New(f, cfg.Settings)
	if err := errors.Join(tablesErr, runsErr, ledgerErr, keysErr, peopleErr, overviewErr, settingsErr); err != nil {
		return nil, err
	}
	routes := slices.Concat(f.Routes(), people.Routes(), overview.Routes(), tables.Routes(), runs.Routes(),
		ledger.Routes(), keys.Routes(), settings.Routes())
	return &Console{f, tables, routes}, f.Mount(routes)
}

// ServeHTTP implements http.Handler.
func (h *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.frame.ServeHTTP(w, r) }

// Close ends the event streams and the synchronisations that people started,
// and waits for the latter.
func (h *Console) Close() {
	h.frame.Close()
	h.tables.Close()
}

// DescribeSession decodes a session's stored data, so that a store can list and end a person's sessions. Its
// UserID is 0 when nobody is signed in.
func DescribeSession(data []byte) access.Session { return frame.DescribeSession(data) }

// Callbacks answers KMS callbacks and nothing else, for a command that waits
// for one while no console is serving.
func Callbacks(service *encryption.Service, logger *slog.Logger) http.Handler {
	return runs.Callbacks(service, logger)
}
