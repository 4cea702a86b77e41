package tables

import (
	"context"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/internal/protection"
	"cxseal/internal/sensitivity"
	"cxseal/web"
)

// mostColumns is how far columns are counted.
const mostColumns = 10_000

func categoryNames() []string {
	names := make([]string, len(sensitivity.Categories()))
	for i, c := range sensitivity.Categories() {
		names[i] = string(c)
	}
	return names
}

func protectionNames() []string {
	states := protection.States()
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = string(s)
	}
	return names
}

// sensitivityFilter reads the filter of the list, which a decision about all
// that match carries too.
func sensitivityFilter(q *frame.Query) (sensitivity.Filter, web.SensitivityFilter) {
	shown := web.SensitivityFilter{Query: q.Raw("q"), State: q.Raw("state"), Category: q.Raw("category"), Decided: q.Raw("decided"),
		Protection: q.Raw("protection"), Encrypted: q.Raw("encrypted"), Connection: q.Raw("connection"), DatastoreID: q.Raw("datastore_id"), TableID: q.Raw("table_id")}
	f := sensitivity.Filter{
		Connection: q.Text("connection"), DatastoreID: q.Text("datastore_id"), TableID: q.Text("table_id"), Query: q.Text("q"),
		State:    sensitivity.State(q.OneOf("state", string(sensitivity.Sensitive), string(sensitivity.NotSensitive), string(sensitivity.Undecided))),
		Category: sensitivity.Category(q.OneOf("category", categoryNames()...)),
		Decided:  q.YesNo("decided"), Encrypted: q.YesNo("encrypted"),
		Protection: protection.State(q.OneOf("protection", protectionNames()...)),
	}
	return f, shown
}

// sensitivity lists columns with what is proposed for them and was decided.
func (a *Area) sensitivity(c echo.Context) error {
	ctx := c.Request().Context()
	q := frame.ReadQuery(c)
	f, shown := sensitivityFilter(q)
	after := readColumn(q, "after")
	v := web.SensitivityView{Chrome: a.Chrome(c, "Sensitivity", web.NavSensitivity), Filter: shown, Connections: a.ConnectionOptions(),
		CanDecide: frame.Caller(c).Can(access.PermManageSettings), MaxDecided: sensitivity.MaxDecided}
	if err := q.Err(); err != nil {
		return a.BadFilter(c, err, &v.Chrome, func() templ.Component { return web.SensitivityPage(v) })
	}
	rows, err := a.Columns.SensitivityColumns(ctx, f, after, frame.PageRows+1)
	if err != nil {
		return err
	}
	if v.Total, err = a.Columns.SensitivityCount(ctx, f); err != nil {
		return err
	}
	if after != nil {
		v.Pager.Newer = shown.Path()
	}
	rows, v.Pager.Older = frame.Onward(rows, shown.Path(), "after", func(c sensitivity.Column) string { return encodeColumn(c.Key) })
	v.Pager.Total = web.FormatNumber(int64(v.Total))
	if v.Total > mostColumns {
		v.Pager.Total = "more than " + web.FormatNumber(mostColumns)
	}
	for _, r := range rows {
		v.Rows = append(v.Rows, a.sensitivityRow(r))
	}
	return a.Render(c, http.StatusOK, web.SensitivityPage(v))
}

func (a *Area) sensitivityRow(c sensitivity.Column) web.SensitivityRow {
	return web.SensitivityRow{
		Key: encodeColumn(c.Key), Column: c.Column, Type: c.Type, TableName: c.TableName,
		TableHref: web.TablePath(a.InPath(c.Connection), c.DatastoreID, c.TableID), Connection: a.InPath(c.Connection), DatastoreID: c.DatastoreID,
		Protection: string(c.Protection), State: string(c.State), Category: string(c.Proposal.Category), Confidence: c.Proposal.Confidence,
		Reason: c.Proposal.Reason, Proposed: string(c.Proposal.State), Decided: c.Decided != "", DecidedBy: c.DecidedBy, DecidedAt: c.DecidedAt,
	}
}

// decideSensitivity keeps a decision about the ticked columns, or about every
// column that matches the filter.
func (a *Area) decideSensitivity(c echo.Context) error {
	ctx := c.Request().Context()
	post := c.Request().PostForm
	q := frame.ReadForm(c)
	f, shown := sensitivityFilter(q)
	state := sensitivity.State(q.OneOf("decision", string(sensitivity.Sensitive), string(sensitivity.NotSensitive), string(sensitivity.Undecided)))
	all := q.OneOf("all", "1") == "1"
	var keys []sensitivity.Key
	for _, text := range post["column"] {
		var key sensitivity.Key
		if !frame.DecodeKey(text, &key.Connection, &key.DatastoreID, &key.TableID, &key.Column) {
			q.Wrong("“column” does not name a column.")
			break
		}
		keys = append(keys, key)
	}
	if err := q.Err(); err != nil {
		return err
	}
	n := len(keys)
	var err error
	if all {
		n, err = a.Sensitivity.DecideAll(ctx, frame.Caller(c), f, state)
	} else {
		err = a.Sensitivity.Decide(ctx, frame.Caller(c), keys, state)
	}
	if err != nil {
		if frame.WantsJSON(c.Request()) || fault.CodeOf(err) == fault.Internal {
			return err
		}
		a.Flash(c, web.ToneDanger, fault.MessageOf(err))
		return a.Redirect(c, shown.Path())
	}
	return a.Done(c, web.Plural(n, "column is", "columns are")+" "+web.SensitivityText(string(state))+" now. The decision is in the audit log.", shown.Path())
}

// addSensitivity hints on a table's page at what its open columns seem to hold.
func (a *Area) addSensitivity(ctx context.Context, ref tableRef, v *web.TableView) error {
	columns, err := a.Columns.SensitivityColumns(ctx, sensitivity.Filter{Connection: ref.connection, DatastoreID: ref.datastore,
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

func encodeColumn(k sensitivity.Key) string {
	return frame.EncodeKey(k.Connection, k.DatastoreID, k.TableID, k.Column)
}

func readColumn(q *frame.Query, name string) *sensitivity.Key {
	var k sensitivity.Key
	if !q.Place(name, &k.Connection, &k.DatastoreID, &k.TableID, &k.Column) {
		return nil
	}
	return &k
}
