package tables

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/handlers/rows"
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
func (a *Area) datastores(c echo.Context) error {
	return a.showDatastores(c, web.OpenForm{})
}

func (a *Area) showDatastores(c echo.Context, open web.OpenForm) error {
	ctx := c.Request().Context()
	q := frame.ReadQuery(c)
	v := web.DatastoresView{
		Chrome:      a.Chrome(c, "Data stores", web.NavDatastores),
		Connections: a.ConnectionOptions(), Connection: q.Text("connection"), Open: open,
	}
	if open == (web.OpenForm{}) { // the open form names a table, not a filter
		v.DatastoreID, v.Query, v.Untouched = q.Text("datastore_id"), q.Text("q"), q.OneOf("untouched", "1") == "1"
	}
	before, after := readPlace(q, "before"), readPlace(q, "after")
	status := http.StatusOK
	if err := q.Err(); err != nil {
		frame.ShowProblem(&v.Chrome, err)
		status = http.StatusBadRequest
	}
	if open.Error != "" {
		status = http.StatusBadRequest
	}
	if err := a.fillDatastores(ctx, &v); err != nil {
		return err
	}
	if q.Err() == nil {
		filter := inventory.Filter{Connection: v.Connection, DatastoreID: v.DatastoreID, Query: v.Query, Untouched: v.Untouched}
		if err := a.fillTables(ctx, &v, filter, before, after); err != nil {
			return err
		}
	}
	return a.Render(c, status, web.DatastoresPage(v))
}

// fillDatastores fills in the filter's choices and how fresh the list is.
func (a *Area) fillDatastores(ctx context.Context, v *web.DatastoresView) error {
	stores, err := a.Tables.Datastores(ctx, v.Connection)
	if err != nil {
		return err
	}
	for _, d := range stores {
		v.Datastores = append(v.Datastores, web.Option{Value: d.ID, Label: d.Name})
		row := web.StoreRow{ID: d.ID, Name: d.Name, Tables: d.Tables, Unread: d.Unread, ListedAt: d.ListedAt, OldestRead: d.OldestRead,
			Error: d.ListError, Advice: web.ListingAdviceFor(string(d.ListCode))}
		if len(v.Connections) > 1 {
			row.Connection = d.Connection
		}
		v.Stores = append(v.Stores, row)
	}
	syncs, err := a.Tables.Syncs(ctx)
	if err != nil {
		return err
	}
	v.Sync.CanSync = len(v.Connections) > 0
	for _, o := range v.Connections {
		if v.Connection != "" && o.Value != v.Connection {
			continue
		}
		v.Sync.Running = v.Sync.Running || a.syncs.isRunning(o.Value)
		i := slices.IndexFunc(syncs, func(s inventory.Sync) bool { return s.Connection == o.Value })
		if i < 0 {
			continue
		}
		s := syncs[i]
		if v.Sync.At.IsZero() || s.SucceededAt.Before(v.Sync.At) {
			v.Sync.At = s.SucceededAt
		}
		switch {
		case s.OffersNoList():
			v.Open.Wanted = true
		case s.Error != "":
			v.Sync.Error = o.Value + ": " + s.Error
			v.Sync.Code = string(s.FaultCode())
		}
	}
	return nil
}

func (a *Area) fillTables(ctx context.Context, v *web.DatastoresView, f inventory.Filter, before, after *inventory.Cursor) error {
	at, backwards := after, false
	if before != nil {
		at, backwards = before, true
	}
	tables, err := a.Tables.Tables(ctx, f, at, backwards, frame.PageRows+1)
	if err != nil {
		return err
	}
	more := len(tables) > frame.PageRows
	switch {
	case more && backwards:
		tables = tables[1:]
	case more:
		tables = tables[:frame.PageRows]
	}
	path := datastoresPath(*v)
	if len(tables) > 0 {
		if after != nil || backwards && more {
			v.Pager.Newer = frame.WithParam(path, "before", encodePlace(inventory.CursorOf(tables[0])))
		}
		if backwards || more {
			v.Pager.Older = frame.WithParam(path, "after", encodePlace(inventory.CursorOf(tables[len(tables)-1])))
		}
	} else if at != nil {
		v.Pager.Newer = path
	}
	for _, t := range tables {
		row := web.TableRow{DatastoreID: t.DatastoreID, DatastoreName: t.DatastoreName, TableID: t.TableID, Name: t.Name,
			Read: !t.ReadAt.IsZero(), Coverage: rows.Coverage(encryption.NewCoverage(t.Encrypted, t.Total)), LastSeen: t.LastSeen}
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

// encodePlace writes a place in the list of tables.
func encodePlace(c inventory.Cursor) string {
	return frame.EncodeKey(c.Connection, c.DatastoreID, c.Name, c.TableID)
}

func readPlace(q *frame.Query, name string) *inventory.Cursor {
	var c inventory.Cursor
	if !q.Place(name, &c.Connection, &c.DatastoreID, &c.Name, &c.TableID) {
		return nil
	}
	return &c
}

// openTable leads to a table whose ids were typed by hand.
func (a *Area) openTable(c echo.Context) error {
	q := frame.ReadQuery(c)
	connection, datastore, table := q.Text("connection"), q.Text("datastore_id"), q.Text("table_id")
	form := web.OpenForm{DatastoreID: q.Raw("datastore_id"), TableID: q.Raw("table_id")}
	err := q.Err()
	if err == nil && (badID(datastore) || badID(table)) {
		err = fault.New(fault.Invalid, "Type the ids of the data store and of the table, as CXone shows them.")
	}
	if err == nil {
		connection, err = a.Connection(connection)
	}
	if err != nil {
		form.Error = fault.MessageOf(err)
		return a.showDatastores(c, form)
	}
	return a.Redirect(c, web.TablePath(a.InPath(connection), datastore, table))
}

// badID reports whether an id cannot be used in a path.
func badID(id string) bool { return !encryption.GoodID(id) }

// syncDatastores starts synchronisations of the named connection, or of all, in the background.
func (a *Area) syncDatastores(c echo.Context) error {
	wanted := c.Request().PostForm.Get("connection")
	names := []string{wanted}
	back := "/datastores"
	if wanted == "" {
		names = nil
		for _, o := range a.ConnectionOptions() {
			names = append(names, o.Value)
		}
	} else {
		if _, err := a.Connection(wanted); err != nil {
			return err
		}
		back += "?connection=" + url.QueryEscape(wanted)
	}
	for _, name := range names {
		a.syncs.start(name, func() {
			ctx, cancel := context.WithTimeout(a.Closing(), syncTime)
			defer cancel()
			if err := a.Tenants.Sync(ctx, name, syncMaxAge); err != nil && !errors.Is(err, context.Canceled) {
				a.Logger().WarnContext(ctx, "a tenant could not be read", "connection", name, "err", err)
			}
		})
	}
	a.Flash(c, web.ToneInfo, "Reading the tenant's tables. Reload this page in a moment.")
	return a.Redirect(c, back)
}
