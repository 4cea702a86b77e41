package tables

import (
	"context"
	"errors"
	"net/http"
	"strings"

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
		CanDecide: frame.Caller(c).Can(access.PermDecideSensitivity), MaxDecided: sensitivity.MaxDecided}
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
		DecidedReason: c.DecidedReason, ApprovedBy: c.ApprovedBy,
	}
}

// decideSensitivity decides about the ticked columns, or about every column that matches the filter. What takes
// columns out of what counts is shown first, and done when it comes again confirmed and with a reason.
func (a *Area) decideSensitivity(c echo.Context) error {
	post := c.Request().PostForm
	q := frame.ReadForm(c)
	f, shown := sensitivityFilter(q)
	o := sensitivity.Order{Reason: post.Get("reason"), Seen: q.Text("seen"),
		State: sensitivity.State(q.OneOf("decision", string(sensitivity.Sensitive), string(sensitivity.NotSensitive), string(sensitivity.Undecided)))}
	if q.OneOf("all", "1") == "1" {
		o.All = &f
	}
	for _, text := range post["column"] {
		var key sensitivity.Key
		if !frame.DecodeKey(text, &key.Connection, &key.DatastoreID, &key.TableID, &key.Column) {
			q.Wrong("“column” does not name a column.")
			break
		}
		o.Columns = append(o.Columns, key)
	}
	var err error
	if o.Confirmed, err = frame.Ticked(post, "confirm"); err != nil {
		q.Wrong(fault.MessageOf(err))
	}
	if err := q.Err(); err != nil {
		return err
	}
	done, err := a.Sensitivity.Decide(c.Request().Context(), frame.Caller(c), o)
	var unconfirmed *sensitivity.UnconfirmedError
	switch {
	case err == nil:
		return a.Done(c, decided(done, o.State), shown.Path())
	case frame.WantsJSON(c.Request()) || fault.CodeOf(err) == fault.Internal:
		return err
	case errors.As(err, &unconfirmed):
		return a.askToConfirm(c, o, shown, unconfirmed)
	}
	a.Flash(c, web.ToneDanger, fault.MessageOf(err))
	return a.Redirect(c, shown.Path())
}

// decided says what became of an order.
func decided(done sensitivity.Done, state sensitivity.State) string {
	var said []string
	if done.Decided > 0 {
		said = append(said, web.Plural(done.Decided, "column is", "columns are")+" "+web.SensitivityText(string(state))+" now. The decision is in the audit log.")
	}
	if n := done.Waiting(); n > 0 {
		said = append(said, web.Plural(n, "column waits", "columns wait")+" for a second person, who finds it under Approvals.")
	}
	if done.Same > 0 {
		said = append(said, web.Plural(done.Same, "column was", "columns were")+" decided so already.")
	}
	return strings.Join(said, " ")
}

// shownChanges is how many columns of a decision are shown before it is made.
const shownChanges = 200

// askToConfirm shows what an order would do that nobody has confirmed, with the form that confirms it.
func (a *Area) askToConfirm(c echo.Context, o sensitivity.Order, shown web.SensitivityFilter, u *sensitivity.UnconfirmedError) error {
	v := web.SensitivityConfirmView{Chrome: a.Chrome(c, "Confirm the decision", web.NavSensitivity, web.Link{Text: "Sensitivity", Href: shown.Path()}),
		Filter: shown, All: o.All != nil, Decision: string(o.State), Columns: len(u.Changes), Out: u.Out(), Effects: effectViews(u.Effects),
		FourEyes: u.FourEyes, Fingerprint: u.Fingerprint, Reason: o.Reason, MaxReason: sensitivity.MaxReason}
	status := http.StatusOK
	if o.Confirmed || fault.CodeOf(u) == fault.Invalid {
		status = frame.StatusOf(fault.CodeOf(u))
		frame.ShowProblem(&v.Chrome, u)
	}
	if !v.All {
		for _, key := range o.Columns {
			v.Keys = append(v.Keys, encodeColumn(key))
		}
	}
	for _, change := range u.Changes {
		if change.TakesOut() && len(v.Rows) < shownChanges {
			v.Rows = append(v.Rows, a.sensitivityRow(change.Column))
		}
	}
	return a.Render(c, status, web.SensitivityConfirmPage(v))
}

func effectViews(effects []sensitivity.Effect) []web.EffectView {
	list := make([]web.EffectView, len(effects))
	for i, e := range effects {
		list[i] = web.EffectView{Scope: e.Scope.String(), Text: e.Text(), Counts: e.Counts()}
	}
	return list
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
