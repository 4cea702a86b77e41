package keys

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/handlers/rows"
	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/internal/rotation"
	"cxseal/web"
)

// rotations lists the rotation ledger, soonest due first.
func (a *Area) rotations(c echo.Context) error {
	return a.showFeed(c, http.StatusOK, web.FeedView{})
}

// showFeed is the list, with the address of a calendar feed that was made just
// now, or why none was.
func (a *Area) showFeed(c echo.Context, status int, feed web.FeedView) error {
	now, who := a.Now(), frame.Caller(c)
	q := frame.ReadQuery(c)
	v := web.RotationsView{
		Chrome: a.Chrome(c, "Rotations", web.NavRotations), Connections: a.ConnectionOptions(),
		Filter: web.RotationsFilter{Status: q.Raw("status"), Connection: q.Raw("connection"), TableID: q.Raw("table_id"),
			From: q.Raw("from"), Until: q.Raw("until")},
		CanRotate: who.Can(access.PermLaunchRun),
		Feed:      feed,
	}
	v.Feed.Offered = who.Can(access.PermExport) && who.UserID != 0 && who.Scope == nil
	filter := rotation.Filter{Connection: q.Text("connection"), TableID: q.Text("table_id"), Now: now, Leads: a.Leads,
		Status: readStatus(q, "status"), From: q.Day("from"), Until: q.Day("until")}
	after := readPlace(q, "after")
	if err := q.Err(); err != nil {
		return a.BadFilter(c, err, &v.Chrome, func() templ.Component { return web.RotationsPage(v) })
	}
	if after != nil {
		v.Pager.Newer = v.Filter.Path()
	}
	ctx := c.Request().Context()
	columns, err := a.Rotations.Ledger(ctx, filter, after, frame.PageRows+1)
	if err != nil {
		return err
	}
	columns, v.Pager.Older = frame.Onward(columns, v.Filter.Path(), "after", encodePlace)
	policies, err := a.Policies.Policies(ctx)
	if err != nil {
		return err
	}
	for _, col := range columns {
		row, err := a.ledgerRow(ctx, col, policies, now)
		if err != nil {
			return err
		}
		v.Rows = append(v.Rows, row)
	}
	if v.Feed.Offered && feed.URL == "" {
		if v.Feed.Made, err = a.Feeds.Made(ctx, who); err != nil {
			return err
		}
	}
	return a.Render(c, status, web.RotationsPage(v))
}

func (a *Area) ledgerRow(ctx context.Context, c rotation.Column, policies rotation.Policies,
	now time.Time) (web.RotationRow, error) {
	category := ""
	if policies.ByCategory() {
		var err error
		if category, err = a.Rotations.ColumnCategory(ctx, c.Key); err != nil {
			return web.RotationRow{}, err
		}
	}
	policy := "no policy: the default"
	if p := policies.For(c.Connection, c.DatastoreID, category); p.ID != 0 {
		policy = "policy for " + scopeText(p.Scope)
		if p.IntervalDays != c.IntervalDays || p.Strategy != c.Strategy {
			// The tenant keeps the interval of the last run until a run sends another one.
			policy += " (so far its grace)"
		}
	}
	return rows.Rotation(c, a.InPath(c.Connection), policy, now, a.Leads), nil
}

// readStatus reads a status. “scheduled” is what an earlier release called
// dates that are not near.
func readStatus(q *frame.Query, name string) rotation.Status {
	const scheduled = "scheduled"
	names := []string{scheduled}
	for _, s := range rotation.Statuses() {
		names = append(names, string(s))
	}
	status := q.OneOf(name, names...)
	if status == scheduled {
		return rotation.StatusOnTime
	}
	return rotation.Status(status)
}

// encodePlace writes a place in the list.
func encodePlace(c rotation.Column) string {
	return frame.EncodeKey(c.DueAt.UnixMicro(), c.Connection, c.DatastoreID, c.TableID, c.Column)
}

func readPlace(q *frame.Query, name string) *rotation.Column {
	var due int64
	var c rotation.Column
	if !q.Place(name, &due, &c.Connection, &c.DatastoreID, &c.TableID, &c.Column) {
		return nil
	}
	c.DueAt = time.UnixMicro(due).UTC()
	return &c
}

// maxRotate bounds the columns of one form; a page of the list has fewer.
const maxRotate = 1000

// rotate launches rotation runs for the chosen columns, one for each table
// and rule.
func (a *Area) rotate(c echo.Context) error {
	ctx, post := c.Request().Context(), c.Request().PostForm
	keys := post["column"]
	if len(keys) == 0 || len(keys) > maxRotate {
		return fault.New(fault.Invalid, "Choose 1 to %d columns whose keys are to be rotated.", maxRotate)
	}
	var order []rotation.RunScope
	chosen := map[rotation.RunScope][]rotation.Column{}
	tables := map[rotation.Key][]rotation.Column{}
	for _, text := range keys {
		var k rotation.Key
		if !frame.DecodeKey(text, &k.Connection, &k.DatastoreID, &k.TableID, &k.Column) {
			return fault.New(fault.Invalid, "A chosen column cannot be read. Reload the page and choose again.")
		}
		table := k
		table.Column = ""
		if _, read := tables[table]; !read {
			list, err := a.Rotations.Ledger(ctx,
				rotation.Filter{Connection: k.Connection, DatastoreID: k.DatastoreID, TableID: k.TableID}, nil, maxRotate)
			if err != nil {
				return err
			}
			tables[table] = list
		}
		col, ok := findColumn(tables[table], k.Column)
		if !ok {
			return fault.New(fault.NotFound, "A chosen column is no longer encrypted. Reload the page and choose again.")
		}
		scope := col.RunScope()
		if chosen[scope] == nil {
			order = append(order, scope)
		}
		chosen[scope] = append(chosen[scope], col)
	}
	launched := 0
	for _, scope := range order {
		request := rotation.Request(chosen[scope])
		request.IgnoreWindow = post.Get("ignore_window") == "1"
		if _, err := a.Launcher.Launch(ctx, frame.Caller(c), request); err != nil {
			if fault.CodeOf(err) == fault.Internal || launched == 0 {
				return err
			}
			a.Flash(c, web.ToneDanger, "The rotation on "+scope.TableID+" was not launched. "+fault.MessageOf(err))
			continue
		}
		launched++
	}
	a.Flash(c, web.ToneSuccess, fmt.Sprintf("%s launched. A run outside of its low-traffic window waits; its page says until when.", web.Plural(launched, "rotation run", "rotation runs")))
	return a.Redirect(c, "/runs?operation=KEY_ROTATION")
}

func findColumn(list []rotation.Column, name string) (rotation.Column, bool) {
	for _, c := range list {
		if c.Column == name {
			return c, true
		}
	}
	return rotation.Column{}, false
}
