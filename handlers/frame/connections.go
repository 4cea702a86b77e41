package frame

import (
	"context"
	"slices"

	"cxseal/internal/fault"
	"cxseal/internal/inventory"
	"cxseal/web"
)

// Connection is one configured tenant, without its secrets.
type Connection struct {
	Name     string
	BaseURL  string
	Source   string // "environment" or "console"
	Mode     string // "client-credentials" or "access-key"
	Callback string // the callback URL's setting, without a token
	Signed   bool   // callbacks must be signed
}

// Connections returns the tenants that are configured, in a stable order.
func (f *Frame) Connections() []Connection { return f.cfg.Connections() }

// ConnectionOptions returns the choices of a connection filter.
func (f *Frame) ConnectionOptions() []web.Option {
	var options []web.Option
	for _, c := range f.Connections() {
		options = append(options, web.Option{Value: c.Name})
	}
	return options
}

// Connection returns the named connection, or the only one when name is empty.
func (f *Frame) Connection(name string) (string, error) {
	all := f.Connections()
	if name == "" {
		switch len(all) {
		case 0:
			return "", fault.New(fault.NotFound, "No connection to a tenant is configured.")
		case 1:
			return all[0].Name, nil
		}
		return "", fault.New(fault.Invalid, "There are several connections. Name the one that is meant.")
	}
	if !slices.ContainsFunc(all, func(c Connection) bool { return c.Name == name }) {
		return "", fault.New(fault.NotFound, "There is no connection of this name.")
	}
	return name, nil
}

// InPath returns the connection as an address names it: empty where there is only one.
func (f *Frame) InPath(connection string) string {
	if len(f.Connections()) > 1 {
		return connection
	}
	return ""
}

// ConnectionStates returns every connection with the result of its last synchronisation.
func (f *Frame) ConnectionStates(ctx context.Context) []web.ConnectionRow {
	syncs, err := f.cfg.Syncs.Syncs(ctx)
	if err != nil {
		f.cfg.Logger.ErrorContext(ctx, "the connections' state could not be read", "err", err)
	}
	var rows []web.ConnectionRow
	for _, c := range f.Connections() {
		row := web.ConnectionRow{Name: c.Name, BaseURL: c.BaseURL, Source: c.Source, Mode: c.Mode,
			Callback: c.Callback, Signed: c.Signed, State: "Not read yet"}
		for _, s := range syncs {
			if s.Connection == c.Name {
				describeSync(&row, s)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func describeSync(row *web.ConnectionRow, s inventory.Sync) {
	row.CheckedAt = s.StartedAt
	switch {
	case s.Error == "" && s.SucceededAt.IsZero():
		row.State = "Being read"
	case s.Error == "" || s.OffersNoList():
		row.Tone, row.State = web.ToneSuccess, "Reachable"
		if s.OffersNoList() {
			row.Detail = "This tenant does not list its data stores; tables are opened by their ids."
		}
	case s.Incomplete():
		row.Tone, row.State, row.Detail = web.ToneWarning, "Read, perhaps not whole", s.Error
	default:
		row.Tone, row.State, row.Detail = web.ToneWarning, "Not read", s.Error
		if !s.SucceededAt.IsZero() {
			row.State = "Not read since " + web.FormatTime(s.SucceededAt)
		}
	}
}
