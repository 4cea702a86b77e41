package handlers

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/internal/sensitivity"
	"cxseal/web"
)

// ColumnReader lists columns by what they hold; see sensitivity.Store.
type ColumnReader interface {
	SensitivityColumns(ctx context.Context, f sensitivity.Filter, after *sensitivity.Key, limit int) ([]sensitivity.Column, error)
	SensitivityCount(ctx context.Context, f sensitivity.Filter) (int, error)
}

// mostColumns is how far columns are counted.
const mostColumns = 10_000

func categoryNames() []string {
	names := make([]string, len(sensitivity.Categories))
	for i, c := range sensitivity.Categories {
		names[i] = string(c)
	}
	return names
}

// sensitivityFilter reads the filter of the list, which a decision about all
// that match carries too.
func sensitivityFilter(q *query) (sensitivity.Filter, web.SensitivityFilter) {
	shown := web.SensitivityFilter{Query: q.raw("q"), State: q.raw("state"), Category: q.raw("category"), Decided: q.raw("decided"),
		Encrypted: q.raw("encrypted"), Connection: q.raw("connection"), DatastoreID: q.raw("datastore_id"), TableID: q.raw("table_id")}
	f := sensitivity.Filter{
		Connection: q.text("connection"), DatastoreID: q.text("datastore_id"), TableID: q.text("table_id"), Query: q.text("q"),
		State:    sensitivity.State(q.oneOf("state", string(sensitivity.Sensitive), string(sensitivity.NotSensitive), string(sensitivity.Undecided))),
		Category: sensitivity.Category(q.oneOf("category", categoryNames()...)),
		Decided:  q.yesNo("decided"), Encrypted: q.yesNo("encrypted"),
	}
	return f, shown
}

func (q *query) yesNo(name string) *bool {
	v := q.oneOf(name, "yes", "no")
	if v == "" {
		return nil
	}
	yes := v == "yes"
	return &yes
}

// sensitivity lists columns with what is proposed for them and was decided.
func (h *Console) sensitivity(c echo.Context) error {
	ctx := c.Request().Context()
	q := readQuery(c)
	f, shown := sensitivityFilter(q)
	after := q.columnCursor("after")
	v := web.SensitivityView{Chrome: h.chrome(c, "Sensitivity", web.NavSensitivity), Filter: shown, Connections: h.connectionOptions(),
		CanDecide: caller(c).Can(access.PermManageSettings), MaxDecided: sensitivity.MaxDecided}
	if err := q.err(); err != nil {
		if wantsJSON(c.Request()) {
			return err
		}
		badFilter(&v.Chrome, err)
		return h.render(c, http.StatusBadRequest, web.SensitivityPage(v))
	}
	rows, err := h.cfg.Columns.SensitivityColumns(ctx, f, after, pageRows+1)
	if err != nil {
		return err
	}
	if v.Total, err = h.cfg.Columns.SensitivityCount(ctx, f); err != nil {
		return err
	}
	if after != nil {
		v.Pager.Newer = shown.Path()
	}
	if len(rows) > pageRows {
		rows = rows[:pageRows]
		v.Pager.Older = withParam(shown.Path(), "after", encodeColumn(rows[pageRows-1].Key))
	}
	v.Pager.Total = web.FormatNumber(int64(v.Total))
	if v.Total > mostColumns {
		v.Pager.Total = "more than " + web.FormatNumber(mostColumns)
	}
	for _, r := range rows {
		v.Rows = append(v.Rows, h.sensitivityRow(r))
	}
	return h.render(c, http.StatusOK, web.SensitivityPage(v))
}

func (h *Console) sensitivityRow(c sensitivity.Column) web.SensitivityRow {
	return web.SensitivityRow{
		Key: encodeColumn(c.Key), Column: c.Column, Type: c.Type, TableName: c.TableName,
		TableHref: web.TablePath(h.inPath(c.Connection), c.DatastoreID, c.TableID), Connection: h.inPath(c.Connection), DatastoreID: c.DatastoreID,
		Encrypted: c.Encrypted, State: string(c.State), Category: string(c.Proposal.Category), Confidence: c.Proposal.Confidence,
		Reason: c.Proposal.Reason, Proposed: string(c.Proposal.State), Decided: c.Decided != "", DecidedBy: c.DecidedBy, DecidedAt: c.DecidedAt,
	}
}

// decideSensitivity keeps a decision about the ticked columns, or about every
// column that matches the filter.
func (h *Console) decideSensitivity(c echo.Context) error {
	ctx := c.Request().Context()
	post := c.Request().PostForm
	q := &query{values: post}
	f, shown := sensitivityFilter(q)
	state := sensitivity.State(q.oneOf("decision", string(sensitivity.Sensitive), string(sensitivity.NotSensitive), string(sensitivity.Undecided)))
	all := q.oneOf("all", "1") == "1"
	var keys []sensitivity.Key
	for _, text := range post["column"] {
		key, ok := decodeColumn(text)
		if !ok {
			q.wrong("“column” does not name a column.")
			break
		}
		keys = append(keys, key)
	}
	if err := q.err(); err != nil {
		return err
	}
	n := len(keys)
	var err error
	if all {
		n, err = h.cfg.Sensitivity.DecideAll(ctx, caller(c), f, state)
	} else {
		err = h.cfg.Sensitivity.Decide(ctx, caller(c), keys, state)
	}
	if err != nil {
		if wantsJSON(c.Request()) || fault.CodeOf(err) == fault.Internal {
			return err
		}
		h.flash(c, web.ToneDanger, fault.MessageOf(err))
		return h.redirect(c, shown.Path())
	}
	h.flash(c, web.ToneSuccess, web.Plural(n, "column is", "columns are")+" "+web.SensitivityText(string(state))+" now. The decision is in the audit log.")
	return h.redirect(c, shown.Path())
}

// addSensitivity hints on a table's page at what its open columns seem to hold.
func (h *Console) addSensitivity(ctx context.Context, ref tableRef, v *web.TableView) error {
	columns, err := h.cfg.Columns.SensitivityColumns(ctx, sensitivity.Filter{Connection: ref.connection, DatastoreID: ref.datastore,
		TableID: ref.table, State: sensitivity.Sensitive}, nil, 1000)
	if err != nil {
		return err
	}
	hints := make(map[string]string, len(columns))
	for _, col := range columns {
		if col.Decided != "" {
			hints[col.Column] = "Sensitive, by decision of " + col.DecidedBy
		} else {
			hints[col.Column] = "Sensitive: " + web.CategoryText(string(col.Proposal.Category))
		}
	}
	for i := range v.Columns {
		v.Columns[i].Hint = hints[v.Columns[i].Name]
	}
	return nil
}

// A column's key travels as base64 of a JSON array: names may hold anything.
func encodeColumn(k sensitivity.Key) string {
	raw, err := json.Marshal([]string{k.Connection, k.DatastoreID, k.TableID, k.Column})
	if err != nil {
		panic(err) // four strings
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func decodeColumn(text string) (sensitivity.Key, bool) {
	var parts []string
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(raw, &parts) != nil || len(parts) != 4 {
		return sensitivity.Key{}, false
	}
	return sensitivity.Key{Connection: parts[0], DatastoreID: parts[1], TableID: parts[2], Column: parts[3]}, true
}

func (q *query) columnCursor(name string) *sensitivity.Key {
	v := q.values.Get(name)
	if v == "" {
		return nil
	}
	key, ok := decodeColumn(v)
	if !ok {
		q.wrong("“" + name + "” is not a place in this list.")
		return nil
	}
	return &key
}

// unprotected is the list of sensitive columns that are not encrypted.
func unprotected() string {
	return "/sensitivity?" + url.Values{"state": {string(sensitivity.Sensitive)}, "encrypted": {"no"}}.Encode()
}
