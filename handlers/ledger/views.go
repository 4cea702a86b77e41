package ledger

import (
	"context"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/handlers/rows"
	"cxseal/internal/access"
	"cxseal/web"
)

// addSurroundings adds to the log's page how far the log is anchored, and the caller's saved searches.
func (a *Area) addSurroundings(c echo.Context, v *web.AuditView) error {
	var err error
	ctx := c.Request().Context()
	if v.Log, err = a.logState(ctx); err != nil || a.Reviews == nil {
		return err
	}
	v.Reviews = true
	who := frame.Caller(c)
	if v.CanSave = who.UserID != 0; !v.CanSave {
		return nil
	}
	views, err := a.Reviews.Views(ctx, who)
	for _, x := range views {
		v.Views = append(v.Views, web.SavedView{ID: x.ID, Name: x.Name, Href: "/audit?" + x.Query})
	}
	return err
}

// saveView keeps the search that the page stood on.
func (a *Area) saveView(c echo.Context) error {
	if a.Reviews == nil {
		return errNoReviews
	}
	form := c.Request().PostForm
	v, err := a.Reviews.Save(c.Request().Context(), frame.Caller(c), form.Get("name"), form.Get("query"))
	if err != nil {
		return err
	}
	return a.Done(c, "The search is kept as “"+v.Name+"”.", "/audit?"+v.Query)
}

// deleteView forgets one of the caller's views.
func (a *Area) deleteView(c echo.Context, who access.Caller, id int64) error {
	if a.Reviews == nil {
		return errNoReviews
	}
	return a.Reviews.Delete(c.Request().Context(), who, id)
}

// logState is how far the log is signed and anchored.
func (a *Area) logState(ctx context.Context) (web.LogState, error) {
	if a.LogStatus == nil {
		return web.LogState{}, nil
	}
	s, err := a.LogStatus(ctx)
	return rows.LogState(s), err
}
