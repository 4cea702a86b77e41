package handlers

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/internal/rotation"
	"cxseal/web"
)

// LedgerReader reads the rotation ledger, soonest due first.
type LedgerReader interface {
	// Ledger lists columns after the given one (nil: from the soonest).
	Ledger(ctx context.Context, f rotation.Filter, after *rotation.Column, limit int) ([]rotation.Column, error)
	// LedgerDates hands the columns after the key that are due between two
	// times to each, in the key's order and with only what a calendar shows,
	// and says how many. They may not be kept. The key is moved to the last.
	LedgerDates(ctx context.Context, from, until time.Time, after *rotation.Key, limit int, each func(*rotation.Column)) (int, error)
	// LedgerMark is another number after every change of the ledger.
	LedgerMark(ctx context.Context) (int64, error)
	// LedgerCounts counts columns that are overdue, due and due soon.
	LedgerCounts(ctx context.Context, now time.Time, leads rotation.Leads) (map[rotation.Status]int, error)
	// LedgerDays counts what is due on each UTC day, by its date.
	LedgerDays(ctx context.Context, f rotation.Filter) (map[string]int, error)
	// ColumnCategory is a column's sensitivity category, empty for none.
	ColumnCategory(ctx context.Context, key rotation.Key) (string, error)
}

// rotations lists the rotation ledger, soonest due first.
func (h *Console) rotations(c echo.Context) error {
	return h.showRotations(c, "")
}

// showRotations is the list, with the address of a calendar feed that was made
// just now.
func (h *Console) showRotations(c echo.Context, feedURL string) error {
	now, who := h.cfg.Now(), caller(c)
	q := readQuery(c)
	v := web.RotationsView{
		Chrome: h.chrome(c, "Rotations", web.NavRotations), Connections: h.connectionOptions(),
		Filter: web.RotationsFilter{Status: q.raw("status"), Connection: q.raw("connection"), TableID: q.raw("table_id"),
			From: q.raw("from"), Until: q.raw("until")},
		CanRotate: who.Can(access.PermLaunchRun),
		Feed:      web.FeedView{Offered: who.Can(access.PermExport) && who.UserID != 0 && who.Scope == nil, URL: feedURL},
	}
	filter := rotation.Filter{Connection: q.text("connection"), TableID: q.text("table_id"), Now: now, Leads: h.cfg.Leads,
		Status: q.rotationStatus("status"), From: q.day("from"), Until: q.day("until")}
	after := q.rotationCursor("after")
	if err := q.err(); err != nil {
		if wantsJSON(c.Request()) {
			return err
		}
		badFilter(&v.Chrome, err)
		return h.render(c, http.StatusBadRequest, web.RotationsPage(v))
	}
	if after != nil {
		v.Pager.Newer = v.Filter.Path()
	}
	ctx := c.Request().Context()
	columns, err := h.cfg.Ledger.Ledger(ctx, filter, after, pageRows+1)
	if err != nil {
		return err
	}
	if len(columns) > pageRows {
		columns = columns[:pageRows]
		v.Pager.Older = withParam(v.Filter.Path(), "after", encodeRotation(columns[pageRows-1]))
	}
	policies, err := h.cfg.Policies.Policies(ctx)
	if err != nil {
		return err
	}
	for _, col := range columns {
		row, err := h.ledgerRow(ctx, col, policies, now)
		if err != nil {
			return err
		}
		v.Rows = append(v.Rows, row)
	}
	if v.Feed.Offered && feedURL == "" {
		if v.Feed.Made, err = h.cfg.Feeds.Made(ctx, who); err != nil {
			return err
		}
	}
	return h.render(c, http.StatusOK, web.RotationsPage(v))
}

func (h *Console) ledgerRow(ctx context.Context, c rotation.Column, policies rotation.Policies, now time.Time) (web.RotationRow, error) {
	category := ""
	if policies.ByCategory() {
		var err error
		if category, err = h.cfg.Ledger.ColumnCategory(ctx, c.Key); err != nil {
			return web.RotationRow{}, err
		}
	}
	policy := "no policy: the default"
	if p := policies.For(c.Connection, c.DatastoreID, category); p.ID != 0 {
		policy = "policy for " + scopeText(p.Scope)
		if p.IntervalDays != c.IntervalDays || p.Strategy != c.Strategy {
			// What the tenant was told holds until it is told otherwise.
			policy += " (so far its grace)"
		}
	}
	return web.RotationRow{
		Connection: h.inPath(c.Connection), DatastoreID: c.DatastoreID, TableID: c.TableID, TableName: c.TableName, Column: c.Column,
		Strategy: c.Strategy, IntervalDays: c.IntervalDays, GraceDays: c.GraceDays, DueAt: c.DueAt,
		Status: string(c.StatusAt(now, h.cfg.Leads)), KeyVersion: c.KeyVersion, RunID: c.RunID, Key: encodeKey(c.Key), Policy: policy,
		SeenAt: c.SeenAt, RotatedAt: c.Rotated.At, RotatedHow: string(c.Rotated.How), Timeliness: string(c.Rotated.Timeliness),
		BackAt: c.BackAt, BackTo: c.BackTo,
	}, nil
}

// rotationStatus reads a status. “scheduled” is what an earlier release called
// dates that are not near.
func (q *query) rotationStatus(name string) rotation.Status {
	const scheduled = "scheduled"
	names := []string{scheduled}
	for _, s := range rotation.Statuses {
		names = append(names, string(s))
	}
	status := q.oneOf(name, names...)
	if status == scheduled {
		return rotation.StatusOnTime
	}
	return rotation.Status(status)
}

// day reads a date, in UTC.
func (q *query) day(name string) time.Time {
	text := q.values.Get(name)
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		q.wrong("“" + name + "” must be a date like 2026-01-31.")
	}
	return at
}

// A place in the list travels as base64 of a JSON array.
func encodeRotation(c rotation.Column) string {
	return encodeList(c.DueAt.UnixMicro(), c.Connection, c.DatastoreID, c.TableID, c.Column)
}

// encodeKey names a column in a form.
func encodeKey(k rotation.Key) string {
	return encodeList(k.Connection, k.DatastoreID, k.TableID, k.Column)
}

func encodeList(values ...any) string {
	raw, err := json.Marshal(values)
	if err != nil {
		panic(err) // numbers and strings
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func decodeList(text string, parts ...any) bool {
	n := len(parts)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && json.Unmarshal(raw, &parts) == nil && len(parts) == n
}

func (q *query) rotationCursor(name string) *rotation.Column {
	v := q.values.Get(name)
	if v == "" {
		return nil
	}
	var due int64
	var c rotation.Column
	if !decodeList(v, &due, &c.Connection, &c.DatastoreID, &c.TableID, &c.Column) {
		q.wrong("“" + name + "” is not a place in this list.")
		return nil
	}
	c.DueAt = time.UnixMicro(due).UTC()
	return &c
}

// maxRotate bounds the columns of one form; a page of the list has fewer.
const maxRotate = 1000

// rotateKeys launches rotation runs for the chosen columns, one for each table
// and rule.
func (h *Console) rotateKeys(c echo.Context) error {
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
		if !decodeList(text, &k.Connection, &k.DatastoreID, &k.TableID, &k.Column) {
			return fault.New(fault.Invalid, "A chosen column cannot be read. Reload the page and choose again.")
		}
		table := k
		table.Column = ""
		if _, read := tables[table]; !read {
			list, err := h.cfg.Ledger.Ledger(ctx, rotation.Filter{Connection: k.Connection, DatastoreID: k.DatastoreID, TableID: k.TableID}, nil, maxRotate)
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
		if _, err := h.cfg.Service.Launch(ctx, caller(c), request); err != nil {
			if fault.CodeOf(err) == fault.Internal || launched == 0 {
				return err
			}
			h.flash(c, web.ToneDanger, "The rotation on "+scope.TableID+" was not launched. "+fault.MessageOf(err))
			continue
		}
		launched++
	}
	h.flash(c, web.ToneSuccess, fmt.Sprintf("%s launched. A run outside of its low-traffic window waits; its page says until when.", web.Plural(launched, "rotation run", "rotation runs")))
	return h.redirect(c, "/runs?operation=KEY_ROTATION")
}

func findColumn(list []rotation.Column, name string) (rotation.Column, bool) {
	for _, c := range list {
		if c.Column == name {
			return c, true
		}
	}
	return rotation.Column{}, false
}
