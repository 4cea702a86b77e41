package web

import (
	"context"
	"io"
	"time"

	"github.com/a-h/templ"
)

// when is a time in UTC that the reader may switch to local time. A list draws hundreds of them: written by
// hand, it takes a third of what a template takes.
type when struct {
	time.Time
	mark   string // an attribute that tells scripts how to write it
	layout string
}

func moment(t time.Time) templ.Component { return when{t, ``, momentLayout} }

// instant is a moment with seconds.
func instant(t time.Time) templ.Component { return when{t, ` data-precise`, instantLayout} }

// day is a date, for what is due on a day and not at a minute.
func day(t time.Time) templ.Component { return when{t, ` data-day`, dayLayout} }

// Render implements templ.Component.
func (t when) Render(_ context.Context, w io.Writer) error {
	if t.IsZero() {
		_, err := io.WriteString(w, `<span class="text-secondary">—</span>`)
		return err
	}
	utc, b := t.UTC(), make([]byte, 0, 128)
	b = append(append(b, `<time class="cx-nowrap"`...), t.mark...)
	b = utc.AppendFormat(append(b, ` datetime="`...), machineLayout)
	b = utc.AppendFormat(append(b, `">`...), t.layout)
	_, err := w.Write(append(b, `</time>`...))
	return err
}
