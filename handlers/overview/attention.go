package overview

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/attention"
	"cxseal/internal/fault"
	"cxseal/web"
)

// attention lists what needed a person, with the form to acknowledge for who may.
func (a *Area) attention(c echo.Context) error {
	q := frame.ReadQuery(c)
	typed := web.AttentionFilter{State: q.Raw("state"), Kind: q.Raw("kind"), Connection: q.Raw("connection"), TableID: q.Raw("table_id"),
		Owner: q.Raw("owner"), From: q.Raw("from"), To: q.Raw("to")}
	f := attention.Filter{State: attention.State(q.OneOf("state", strs(attention.States())...)),
		Kind:       attention.Kind(q.OneOf("kind", strs(attention.Findings())...)),
		Connection: q.Text("connection"), TableID: q.Text("table_id"), Owner: q.Text("owner")}
	f.From, f.To = q.Period()
	cur := q.Cursor()
	status, err := http.StatusOK, q.Err()
	if err != nil {
		if frame.WantsJSON(c.Request()) {
			return err
		}
		status = http.StatusBadRequest
	}
	return a.showAttention(c, status, err, typed, f, cur, nil)
}

func strs[T ~string](words []T) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out
}

// showAttention renders the list; problem is what is wrong with its filter, form what was typed to acknowledge, nil for
// a new form.
func (a *Area) showAttention(c echo.Context, status int, problem error, typed web.AttentionFilter, f attention.Filter,
	cur frame.Cursor, form *web.AttentionForm) error {
	ctx, who := c.Request().Context(), frame.Caller(c)
	v := web.AttentionView{Chrome: a.Chrome(c, "Attention", web.NavAttention), Filter: typed, Connections: a.ConnectionOptions()}
	v.Lead = "What needed a person, from the record that opened it to the one that resolved it. " + frame.PeriodHelp
	if problem != nil {
		frame.ShowProblem(&v.Chrome, problem)
		return a.Render(c, status, web.AttentionPage(v))
	}
	counts, err := a.Items.AttentionCounts(ctx)
	if err != nil {
		return err
	}
	v.Totals = attentionTotals(counts)
	list, err := frame.ReadPage(ctx, cur, f, a.Items.Attention, a.Items.AttentionAfter)
	if err != nil {
		return err
	}
	list, v.Pager = frame.OnePage(list, cur, typed.Path(), func(i attention.Item) int64 { return i.Seq })
	for _, i := range list {
		v.Rows = append(v.Rows, a.attentionRow(i))
	}
	if a.Acknowledge != nil && who.Can(access.PermAcknowledge) {
		if v.Form = form; form == nil {
			v.Form = &web.AttentionForm{Owner: who.Name}
		}
	}
	return a.Render(c, status, web.AttentionPage(v))
}

func (a *Area) attentionRow(i attention.Item) web.AttentionRow {
	row := web.AttentionRow{ID: i.ID, Kind: string(i.Kind), State: string(i.State()), Connection: a.InPath(i.Connection),
		DatastoreID: i.DatastoreID, TableID: i.TableID, TableName: i.TableName, Columns: i.Columns, Left: len(i.Left), RunID: i.RunID,
		Detail: i.Detail, OpenedAt: i.OpenedAt, OpenedBy: i.OpenedBy,
		Resolution: string(i.Resolution), ResolvedAt: i.ResolvedAt, ResolvedBy: i.ResolvedBy, ResolvedRun: i.ResolvedRun,
		Owner: i.Taken.Owner, Note: i.Taken.Note, TakenBy: i.Taken.By.Name, TakenAt: i.Taken.At, TakenRecord: i.Taken.AuditID}
	if month, ok := i.MonthOf(); ok {
		row.Month = month.Format("January 2006")
	}
	return row
}

var errNoAcknowledging = fault.New(fault.NotFound, "This console acknowledges nothing.")

// acknowledge takes on the chosen items. What is wrong with the form is shown on it, with what was typed, beside the
// open items.
func (a *Area) acknowledge(c echo.Context) error {
	if a.Acknowledge == nil {
		return errNoAcknowledging
	}
	form := c.Request().PostForm
	ids, owner, note := form["item"], strings.TrimSpace(form.Get("owner")), form.Get("note")
	err := a.Acknowledge.Acknowledge(c.Request().Context(), frame.Caller(c), ids, owner, note)
	switch code := fault.CodeOf(err); {
	case err == nil:
		return a.Done(c, web.Plural(len(ids), "item is", "items are")+" acknowledged.", web.AttentionFilter{State: string(attention.Acknowledged)}.Path())
	case (code == fault.Invalid || code == fault.TooLarge || code == fault.Conflict) && !frame.WantsJSON(c.Request()):
		f := attention.Filter{State: attention.Open}
		return a.showAttention(c, http.StatusUnprocessableEntity, nil, web.AttentionFilter{State: string(f.State)}, f, frame.Cursor{},
			&web.AttentionForm{Owner: owner, Note: note, Error: fault.MessageOf(err)})
	}
	return err
}

// acknowledgeDenied records the refusal of a caller who may not acknowledge.
func (a *Area) acknowledgeDenied(c echo.Context, who access.Caller, why error) error {
	if a.Acknowledge == nil {
		return errNoAcknowledging
	}
	return a.Acknowledge.Refuse(c.Request().Context(), who, why)
}
