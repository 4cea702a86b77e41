package handlers

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/encryption"
	"cxseal/web"
)

// rotations lists rotation dates, soonest due first.
func (h *Console) rotations(c echo.Context) error {
	now := h.cfg.Now()
	q := readQuery(c)
	v := web.RotationsView{
		Chrome: h.chrome(c, "Rotations", web.NavRotations), Connections: h.connectionOptions(),
		Filter:    web.RotationsFilter{Status: q.raw("status"), Connection: q.raw("connection"), TableID: q.raw("table_id")},
		CanRotate: caller(c).Can(access.PermLaunchRun),
	}
	names := []string{rotationScheduled}
	for _, s := range rotationStatuses {
		names = append(names, s.name)
	}
	status := q.oneOf("status", names...)
	filter := RotationFilter{Connection: q.text("connection"), TableID: q.text("table_id")}
	after := q.rotationCursor("after")
	if err := q.err(); err != nil {
		if wantsJSON(c.Request()) {
			return err
		}
		badFilter(&v.Chrome, err)
		return h.render(c, http.StatusBadRequest, web.RotationsPage(v))
	}
	// The list is read soonest first, so a status is one stretch of it.
	from, until := statusBounds(status, now)
	if after != nil {
		v.Pager.Newer = v.Filter.Path()
	} else if !from.IsZero() {
		// Just before the stretch: the store compares microseconds.
		after = &encryption.RotationDate{DueAt: from.Add(-time.Microsecond), Connection: "\U0010FFFF"}
	}
	dates, err := h.cfg.Rotations(c.Request().Context(), filter, after, pageRows+1)
	if err != nil {
		return err
	}
	for i, d := range dates {
		if !until.IsZero() && !d.DueAt.Before(until) {
			break
		}
		if i == pageRows {
			v.Pager.Older = withParam(v.Filter.Path(), "after", encodeRotation(dates[i-1]))
			break
		}
		row := rotationRow(d, now)
		row.Connection = h.inPath(d.Connection)
		v.Rows = append(v.Rows, row)
	}
	return h.render(c, http.StatusOK, web.RotationsPage(v))
}

// statusBounds is the stretch of due dates that a status means, zero where it
// is open.
func statusBounds(status string, now time.Time) (from, until time.Time) {
	if status == "" {
		return from, until
	}
	for _, s := range rotationStatuses {
		until = now.Add(s.until)
		if s.name == status {
			return from, until
		}
		from = until
	}
	return from, time.Time{} // scheduled
}

// A place in the list travels as base64 of a JSON array.
func encodeRotation(d encryption.RotationDate) string {
	raw, err := json.Marshal([]any{d.DueAt.UnixMicro(), d.Connection, d.DatastoreID, d.TableID, d.Column})
	if err != nil {
		panic(err) // a number and four strings
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func (q *query) rotationCursor(name string) *encryption.RotationDate {
	v := q.values.Get(name)
	if v == "" {
		return nil
	}
	var due int64
	var d encryption.RotationDate
	parts := []any{&due, &d.Connection, &d.DatastoreID, &d.TableID, &d.Column}
	raw, err := base64.RawURLEncoding.DecodeString(v)
	if err != nil || json.Unmarshal(raw, &parts) != nil || len(parts) != 5 {
		q.wrong("“" + name + "” is not a place in this list.")
		return nil
	}
	d.DueAt = time.UnixMicro(due).UTC()
	return &d
}
