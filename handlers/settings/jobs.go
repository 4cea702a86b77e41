package settings

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/web"
)

// jobs shows the background jobs.
func (a *Area) jobs(c echo.Context) error {
	list, err := a.Jobs.Status(c.Request().Context())
	if err != nil {
		return err
	}
	v := web.JobsView{Chrome: a.Chrome(c, "Background jobs", web.NavRotations,
		web.Link{Text: "Rotations", Href: "/rotations"}), Leading: a.Jobs.Leading()}
	for _, j := range list {
		v.Rows = append(v.Rows, web.JobRow{Name: j.Name, Does: j.Does, State: string(j.Condition()),
			Every: every(j.Every), LastAt: j.Last.StartedAt,
			TookMs: j.Last.Duration.Milliseconds(), NextAt: j.NextAt, Error: j.Last.Error, Failures: j.Last.Failures})
	}
	return a.Render(c, http.StatusOK, web.JobsPage(v))
}

// every returns an interval in words, such as "5 minutes".
func every(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return web.Plural(int(d/time.Hour), "hour", "hours")
	case d%time.Minute == 0:
		return web.Plural(int(d/time.Minute), "minute", "minutes")
	}
	return web.Plural(int(d/time.Second), "second", "seconds")
}
