package settings

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/alarm"
	"cxseal/internal/fault"
	"cxseal/web"
)

// alarms lists alarms with their deliveries, and the routes.
func (a *Area) alarms(c echo.Context) error {
	return a.showAlarms(c, http.StatusOK, web.RouteForm{})
}

func (a *Area) showAlarms(c echo.Context, status int, form web.RouteForm) error {
	ctx := c.Request().Context()
	q := frame.ReadQuery(c)
	v := web.AlarmsView{Chrome: a.Chrome(c, "Alarms", web.NavRotations, web.Link{Text: "Rotations", Href: "/rotations"}),
		Kind: q.Raw("kind"), CanManage: frame.Caller(c).Can(access.PermManageSettings), Form: form}
	var kinds []string
	for _, k := range alarm.Kinds() {
		kinds = append(kinds, string(k))
		v.Kinds = append(v.Kinds, web.Option{Value: string(k), Label: k.Text()})
	}
	kind := alarm.Kind(q.OneOf("kind", kinds...))
	before := q.Seq("before")
	if err := q.Err(); err != nil {
		return a.BadFilter(c, err, &v.Chrome, func() templ.Component { return web.AlarmsPage(v) })
	}
	list, err := a.Alarms.Alarms(ctx, kind, before, frame.PageRows+1)
	if err != nil {
		return err
	}
	path := "/alarms"
	if kind != "" {
		path = frame.WithParam(path, "kind", string(kind))
	}
	if before > 0 {
		v.Pager.Newer = path
	}
	list, v.Pager.Older = frame.Onward(list, path, "before", func(a alarm.Alarm) string { return strconv.FormatInt(a.ID, 10) })
	if v.Rows, err = a.alarmRows(ctx, list); err != nil {
		return err
	}
	if v.Routes, err = a.routeRows(ctx); err != nil {
		return err
	}
	return a.Render(c, status, web.AlarmsPage(v))
}

func (a *Area) alarmRows(ctx context.Context, list []alarm.Alarm) ([]web.AlarmRow, error) {
	ids := make([]int64, len(list))
	for i, one := range list {
		ids[i] = one.ID
	}
	deliveries, err := a.Alarms.Deliveries(ctx, ids)
	if err != nil {
		return nil, err
	}
	of := map[int64][]web.DeliveryRow{}
	for _, d := range deliveries {
		of[d.AlarmID] = append(of[d.AlarmID], deliveryRow(d))
	}
	rows := make([]web.AlarmRow, len(list))
	for i, one := range list {
		rows[i] = web.AlarmRow{ID: one.ID, RaisedAt: one.RaisedAt, Kind: one.Kind.Text(),
			Tone: severityTone(one.Severity), Title: one.Title,
			Detail: one.Detail, Connection: a.InPath(one.Connection), DatastoreID: one.DatastoreID, TableID: one.TableID, Columns: one.Columns,
			RunID: one.RunID, Deliveries: of[one.ID]}
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

func (a *Area) routeRows(ctx context.Context) ([]web.RouteRow, error) {
	routes, err := a.Alarms.AlarmRoutes(ctx)
	if err != nil {
		return nil, err
	}
	tests, err := a.Alarms.LastTests(ctx)
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

// addRoute adds a route. A form that is refused is shown again with the reason, without the route's address, which
// may hold a secret.
func (a *Area) addRoute(c echo.Context) error {
	post := c.Request().PostForm
	form := web.RouteForm{Name: strings.TrimSpace(post.Get("name")), Way: post.Get("way"), Kinds: post["kinds"],
		Digest: post.Get("digest") == "1"}
	route := alarm.Route{Name: form.Name, Digest: form.Digest}
	for _, k := range form.Kinds {
		route.Kinds = append(route.Kinds, alarm.Kind(k))
	}
	address := alarm.Address{Way: alarm.Way(form.Way), URL: strings.TrimSpace(post.Get("url")),
		Secret: strings.TrimSpace(post.Get("secret"))}
	err := a.Routing.AddRoute(c.Request().Context(), frame.Caller(c), route, address)
	if code := fault.CodeOf(err); (code == fault.Invalid || code == fault.Conflict) && !frame.WantsJSON(c.Request()) {
		form.Error = fault.MessageOf(err)
		return a.showAlarms(c, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	return a.Done(c, "The route "+form.Name+" is added. Send a test over it.", "/alarms#routes")
}
