package handlers

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/alarm"
	"cxseal/internal/fault"
	"cxseal/web"
)

// AlarmReader reads alarms and what became of them.
type AlarmReader interface {
	// Alarms lists alarms, newest first: those before an id (0: from the newest).
	Alarms(ctx context.Context, kind alarm.Kind, before int64, limit int) ([]alarm.Alarm, error)
	Deliveries(ctx context.Context, alarmIDs []int64) ([]alarm.Delivery, error)
	LastTests(ctx context.Context) ([]alarm.Delivery, error)
	AlarmRoutes(ctx context.Context) ([]alarm.Route, error)
}

// alarms lists alarms with their fate, and the routes they take.
func (h *Console) alarms(c echo.Context) error {
	return h.showAlarms(c, http.StatusOK, web.RouteForm{})
}

func (h *Console) showAlarms(c echo.Context, status int, form web.RouteForm) error {
	ctx := c.Request().Context()
	q := readQuery(c)
	v := web.AlarmsView{Chrome: h.chrome(c, "Alarms", web.NavRotations, web.Link{Text: "Rotations", Href: "/rotations"}),
		Kind: q.raw("kind"), CanManage: caller(c).Can(access.PermManageSettings), Form: form}
	var kinds []string
	for _, k := range alarm.Kinds {
		kinds = append(kinds, string(k))
		v.Kinds = append(v.Kinds, web.Option{Value: string(k), Label: k.Text()})
	}
	kind := alarm.Kind(q.oneOf("kind", kinds...))
	before := q.alarmCursor("before")
	if err := q.err(); err != nil {
		if wantsJSON(c.Request()) {
			return err
		}
		badFilter(&v.Chrome, err)
		return h.render(c, http.StatusBadRequest, web.AlarmsPage(v))
	}
	list, err := h.cfg.Alarms.Alarms(ctx, kind, before, pageRows+1)
	if err != nil {
		return err
	}
	path := "/alarms"
	if kind != "" {
		path = withParam(path, "kind", string(kind))
	}
	if before > 0 {
		v.Pager.Newer = path
	}
	if len(list) > pageRows {
		list = list[:pageRows]
		v.Pager.Older = withParam(path, "before", strconv.FormatInt(list[pageRows-1].ID, 10))
	}
	if v.Rows, err = h.alarmRows(ctx, list); err != nil {
		return err
	}
	if v.Routes, err = h.routeRows(ctx); err != nil {
		return err
	}
	return h.render(c, status, web.AlarmsPage(v))
}

func (q *query) alarmCursor(name string) int64 {
	text := q.values.Get(name)
	if text == "" {
		return 0
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		q.wrong("“" + name + "” is not a place in this list.")
	}
	return id
}

func (h *Console) alarmRows(ctx context.Context, list []alarm.Alarm) ([]web.AlarmRow, error) {
	ids := make([]int64, len(list))
	for i, a := range list {
		ids[i] = a.ID
	}
	deliveries, err := h.cfg.Alarms.Deliveries(ctx, ids)
	if err != nil {
		return nil, err
	}
	of := map[int64][]web.DeliveryRow{}
	for _, d := range deliveries {
		of[d.AlarmID] = append(of[d.AlarmID], deliveryRow(d))
	}
	rows := make([]web.AlarmRow, len(list))
	for i, a := range list {
		rows[i] = web.AlarmRow{ID: a.ID, RaisedAt: a.RaisedAt, Kind: a.Kind.Text(), Tone: severityTone(a.Severity), Title: a.Title, Detail: a.Detail,
			Connection: h.inPath(a.Connection), DatastoreID: a.DatastoreID, TableID: a.TableID, Columns: a.Columns, RunID: a.RunID, Deliveries: of[a.ID]}
	}
	return rows, nil
}

func severityTone(s alarm.Severity) web.Tone {
	switch s {
	case alarm.Critical:
		return web.ToneDanger
	case alarm.Warning:
		return web.ToneWarning
	}
	return web.ToneInfo
}

func deliveryRow(d alarm.Delivery) web.DeliveryRow {
	row := web.DeliveryRow{Route: d.RouteName, State: string(d.State), Attempts: d.Attempts, At: d.SentAt, Error: d.Error,
		UnderWay: d.SendingSince, Doubts: d.Doubts}
	if d.State == alarm.Waiting {
		row.At = d.NextAt
	}
	return row
}

func (h *Console) routeRows(ctx context.Context) ([]web.RouteRow, error) {
	routes, err := h.cfg.Alarms.AlarmRoutes(ctx)
	if err != nil {
		return nil, err
	}
	tests, err := h.cfg.Alarms.LastTests(ctx)
	if err != nil {
		return nil, err
	}
	of := map[int64]web.DeliveryRow{}
	for _, d := range tests {
		of[d.RouteID] = deliveryRow(d)
	}
	rows := make([]web.RouteRow, len(routes))
	for i, r := range routes {
		rows[i] = web.RouteRow{ID: r.ID, Name: r.Name, Hint: r.Hint, Kinds: "every kind", Digest: r.Digest}
		var kinds []string
		for _, k := range r.Kinds {
			kinds = append(kinds, k.Text())
		}
		if len(kinds) > 0 {
			rows[i].Kinds = strings.Join(kinds, ", ")
		}
		if test, ok := of[r.ID]; ok {
			rows[i].Test = &test
		}
	}
	return rows, nil
}

// addRoute makes a route. What is wrong with it is shown on the page again,
// without its address.
func (h *Console) addRoute(c echo.Context) error {
	post := c.Request().PostForm
	form := web.RouteForm{Name: strings.TrimSpace(post.Get("name")), Way: post.Get("way"), Kinds: post["kinds"], Digest: post.Get("digest") == "1"}
	route := alarm.Route{Name: form.Name, Digest: form.Digest}
	for _, k := range form.Kinds {
		route.Kinds = append(route.Kinds, alarm.Kind(k))
	}
	address := alarm.Address{Way: alarm.Way(form.Way), URL: strings.TrimSpace(post.Get("url")), Secret: strings.TrimSpace(post.Get("secret"))}
	err := h.cfg.Desk.AddRoute(c.Request().Context(), caller(c), route, address)
	if code := fault.CodeOf(err); (code == fault.Invalid || code == fault.Conflict) && !wantsJSON(c.Request()) {
		form.Error = fault.MessageOf(err)
		return h.showAlarms(c, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	h.flash(c, web.ToneSuccess, "The route "+form.Name+" is added. Send a test over it.")
	return h.redirect(c, "/alarms#routes")
}

// testRoute sends a test over a route; the page says what became of it.
func (h *Console) testRoute(c echo.Context) error {
	id, err := idParam(c, "route")
	if err != nil {
		return err
	}
	if err := h.cfg.Desk.TestRoute(c.Request().Context(), caller(c), id); err != nil {
		return err
	}
	return h.redirect(c, "/alarms#routes")
}

// deleteRoute ends a route.
func (h *Console) deleteRoute(c echo.Context) error {
	id, err := idParam(c, "route")
	if err != nil {
		return err
	}
	if err := h.cfg.Desk.DeleteRoute(c.Request().Context(), caller(c), id); err != nil {
		return err
	}
	h.flash(c, web.ToneSuccess, "The route is deleted. What still waited for it is not sent.")
	return h.redirect(c, "/alarms#routes")
}
