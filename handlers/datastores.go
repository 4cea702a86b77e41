package handlers

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/inventory"
	"cxseal/web"
)

// syncMaxAge is how old a table's columns may be before a synchronisation that
// a person asked for reads them again, and syncTime how long one may take.
const (
	syncMaxAge = time.Minute
	syncTime   = 30 * time.Minute
)

// datastores lists the tables that are known.
func (h *Console) datastores(c echo.Context) error {
	return h.showDatastores(c, web.OpenForm{})
}

func (h *Console) showDatastores(c echo.Context, open web.OpenForm) error {
	ctx := c.Request().Context()
	q := readQuery(c)
	v := web.DatastoresView{
		Chrome:      h.chrome(c, "Data stores", web.NavDatastores),
		Connections: h.connectionOptions(), Connection: q.text("connection"), Open: open,
	}
	if open == (web.OpenForm{}) { // the open form names a table, not a filter
		v.DatastoreID, v.Query, v.Untouched = q.text("datastore_id"), q.text("q"), q.oneOf("untouched", "1") == "1"
	}
	before, after := q.tableCursor("before"), q.tableCursor("after")
	status := http.StatusOK
	if err := q.err(); err != nil {
		badFilter(&v.Chrome, err)
		status = http.StatusBadRequest
	}
	if open.Error != "" {
		status = http.StatusBadRequest
	}
	if err := h.fillDatastores(ctx, &v); err != nil {
		return err
	}
	if q.err() == nil {
		filter := inventory.Filter{Connection: v.Connection, DatastoreID: v.DatastoreID, Query: v.Query, Untouched: v.Untouched}
		if err := h.fillTables(ctx, &v, filter, before, after); err != nil {
			return err
		}
	}
	return h.render(c, status, web.DatastoresPage(v))
}

// fillDatastores fills in the filter's choices and how fresh the list is.
func (h *Console) fillDatastores(ctx context.Context, v *web.DatastoresView) error {
	stores, err := h.cfg.Tables.Datastores(ctx, v.Connection)
	if err != nil {
		return err
	}
	for _, d := range stores {
		v.Datastores = append(v.Datastores, web.Option{Value: d.ID, Label: d.Name})
	}
	syncs, err := h.cfg.Tables.Syncs(ctx)
	if err != nil {
		return err
	}
	v.Sync.CanSync = len(v.Connections) > 0
	for _, o := range v.Connections {
		if v.Connection != "" && o.Value != v.Connection {
			continue
		}
		v.Sync.Running = v.Sync.Running || h.syncs.isRunning(o.Value)
		i := slices.IndexFunc(syncs, func(s inventory.Sync) bool { return s.Connection == o.Value })
		if i < 0 {
			continue
		}
		s := syncs[i]
		if v.Sync.At.IsZero() || s.SucceededAt.Before(v.Sync.At) {
			v.Sync.At = s.SucceededAt
		}
		switch {
		case listsNothing(s):
			v.Open.Wanted = true
		case s.Error != "":
			v.Sync.Error = o.Value + ": " + s.Error
			v.Sync.Code = string(fault.TenantDown)
			if s.Incomplete() {
				v.Sync.Code = string(fault.TenantUnreadable)
			}
		}
	}
	return nil
}

func (h *Console) fillTables(ctx context.Context, v *web.DatastoresView, f inventory.Filter, before, after *inventory.Cursor) error {
	at, backwards := after, false
	if before != nil {
		at, backwards = before, true
	}
	tables, err := h.cfg.Tables.Tables(ctx, f, at, backwards, pageRows+1)
	if err != nil {
		return err
	}
	more := len(tables) > pageRows
	switch {
	case more && backwards:
		tables = tables[1:]
	case more:
		tables = tables[:pageRows]
	}
	path := datastoresPath(*v)
	if len(tables) > 0 {
		if after != nil || backwards && more {
			v.Pager.Newer = withParam(path, "before", encodeCursor(inventory.CursorOf(tables[0])))
		}
		if backwards || more {
			v.Pager.Older = withParam(path, "after", encodeCursor(inventory.CursorOf(tables[len(tables)-1])))
		}
	} else if at != nil {
		v.Pager.Newer = path
	}
	for _, t := range tables {
		row := web.TableRow{DatastoreID: t.DatastoreID, DatastoreName: t.DatastoreName, TableID: t.TableID, Name: t.Name,
			Read: !t.ReadAt.IsZero(), Coverage: coverage(encryption.NewCoverage(t.Encrypted, t.Total)), LastSeen: t.LastSeen}
		if len(v.Connections) > 1 {
			row.Connection = t.Connection
		}
		v.Tables = append(v.Tables, row)
	}
	return nil
}

func datastoresPath(v web.DatastoresView) string {
	q := url.Values{}
	for name, value := range map[string]string{"connection": v.Connection, "datastore_id": v.DatastoreID, "q": v.Query} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if v.Untouched {
		q.Set("untouched", "1")
	}
	if len(q) == 0 {
		return "/datastores"
	}
	return "/datastores?" + q.Encode()
}

// A place in the list of tables travels as base64 of a JSON array: names may
// hold anything.
func encodeCursor(c inventory.Cursor) string {
	raw, err := json.Marshal([]string{c.Connection, c.DatastoreID, c.Name, c.TableID})
	if err != nil {
		panic(err) // four strings
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func (q *query) tableCursor(name string) *inventory.Cursor {
	v := q.values.Get(name)
	if v == "" {
		return nil
	}
	var parts []string
	raw, err := base64.RawURLEncoding.DecodeString(v)
	if err != nil || json.Unmarshal(raw, &parts) != nil || len(parts) != 4 {
		q.wrong("“" + name + "” is not a place in this list.")
		return nil
	}
	return &inventory.Cursor{Connection: parts[0], DatastoreID: parts[1], Name: parts[2], TableID: parts[3]}
}

// openTable leads to a table whose ids were typed by hand.
func (h *Console) openTable(c echo.Context) error {
	q := readQuery(c)
	connection, datastore, table := q.text("connection"), q.text("datastore_id"), q.text("table_id")
	form := web.OpenForm{DatastoreID: q.raw("datastore_id"), TableID: q.raw("table_id")}
	err := q.err()
	if err == nil && (badID(datastore) || badID(table)) {
		err = fault.New(fault.Invalid, "Type the ids of the data store and of the table, as CXone shows them.")
	}
	if err == nil {
		connection, err = h.connection(connection)
	}
	if err != nil {
		form.Error = fault.MessageOf(err)
		return h.showDatastores(c, form)
	}
	return h.redirect(c, web.TablePath(h.inPath(connection), datastore, table))
}

// badID reports whether an id cannot stand in a path.
func badID(id string) bool { return !encryption.GoodID(id) }

// connection is the named connection, or the only one when none is named.
func (h *Console) connection(name string) (string, error) {
	all := h.cfg.Connections()
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

// inPath is the connection as an address names it: not at all where there is
// only one.
func (h *Console) inPath(connection string) string {
	if len(h.cfg.Connections()) > 1 {
		return connection
	}
	return ""
}

// syncDatastores starts to read the tenant's tables in the background.
func (h *Console) syncDatastores(c echo.Context) error {
	wanted := c.Request().PostForm.Get("connection")
	names := []string{wanted}
	back := "/datastores"
	if wanted == "" {
		names = nil
		for _, o := range h.connectionOptions() {
			names = append(names, o.Value)
		}
	} else {
		if _, err := h.connection(wanted); err != nil {
			return err
		}
		back += "?connection=" + url.QueryEscape(wanted)
	}
	for _, name := range names {
		h.syncs.start(name, func() {
			ctx, cancel := context.WithTimeout(h.stop, syncTime)
			defer cancel()
			if err := h.cfg.Inventory.Sync(ctx, name, syncMaxAge); err != nil && !errors.Is(err, context.Canceled) {
				h.cfg.Logger.WarnContext(ctx, "a tenant could not be read", "connection", name, "err", err)
			}
		})
	}
	h.flash(c, web.ToneInfo, "Reading the tenant's tables. Reload this page in a moment.")
	return h.redirect(c, back)
}
