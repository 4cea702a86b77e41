package ledger

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/internal/review"
	"cxseal/web"
)

var errNoReviews = fault.New(fault.NotFound, "This console keeps no reviews.")

// reviews lists the reviews, with the form to mark another for who may.
func (a *Area) reviews(c echo.Context) error {
	return a.showReviews(c, http.StatusOK, nil)
}

// showReviews draws the page; form is what was typed, nil for a fresh one.
func (a *Area) showReviews(c echo.Context, status int, form *web.ReviewForm) error {
	if a.Reviews == nil {
		return errNoReviews
	}
	ctx := c.Request().Context()
	q := frame.ReadQuery(c)
	before := q.Seq("before")
	if err := q.Err(); err != nil {
		return err
	}
	v := web.ReviewsView{Chrome: a.Chrome(c, "Reviews", web.NavAudit, web.Link{Text: "Audit log", Href: "/audit"})}
	v.Lead = "Which parts of the log a person went through, and what they found."
	latest, err := a.Reviews.Latest(ctx)
	if err != nil {
		return err
	}
	v.Since, v.SinceTone = "There was none yet", web.ToneWarning
	if latest != nil {
		v.Since, v.SinceTone = a.sinceReview(*latest)
	}
	list, err := a.Reviews.List(ctx, before, frame.PageRows+1)
	if err != nil {
		return err
	}
	list, v.Pager = frame.OnePage(list, frame.Cursor{Before: before}, "/reviews", func(d review.Done) int64 { return d.Seq })
	if v.Pager.Newer != "" {
		v.Pager.Newer = "/reviews" // the list cannot be read backwards
	}
	for _, d := range list {
		v.Rows = append(v.Rows, web.ReviewRow{ID: d.AuditID, At: d.At, By: d.By.Name, Role: d.By.Role,
			From: d.From, To: d.To, UpToSeq: d.UpToSeq, Note: d.Note})
	}
	if frame.Caller(c).Can(access.PermReview) {
		if form == nil {
			if form, err = a.freshReview(ctx, latest); err != nil {
				return err
			}
		}
		v.Form = form
	}
	return a.Render(c, status, web.ReviewsPage(v))
}

func (a *Area) sinceReview(d review.Done) (string, web.Tone) {
	switch days := a.Reviews.DaysSince(d); {
	case days == 0:
		return "Less than a day ago", web.ToneSuccess
	case days < review.OverdueDays:
		return web.Plural(days, "day ago", "days ago"), web.ToneSuccess
	default:
		return web.Plural(days, "day ago", "days ago"), web.ToneWarning
	}
}

// freshReview proposes the period from the end of the newest review to today.
func (a *Area) freshReview(ctx context.Context, latest *review.Done) (*web.ReviewForm, error) {
	size, err := a.Audit.TreeSize(ctx)
	if err != nil {
		return nil, err
	}
	form := &web.ReviewForm{UpToSeq: size, To: a.Now().UTC().Format(time.DateOnly)}
	if latest != nil {
		form.From = latest.To.UTC().Format(time.DateOnly)
		return form, nil
	}
	first, err := audit.Began(ctx, a.Audit)
	if err == nil && !first.IsZero() {
		form.From = first.Format(time.DateOnly)
	}
	return form, err
}

// markReviewed records a review. What is wrong with the form is shown on it,
// with what was typed.
func (a *Area) markReviewed(c echo.Context) error {
	if a.Reviews == nil {
		return errNoReviews
	}
	form := frame.ReadForm(c)
	upTo := form.Seq("up_to")
	shown := &web.ReviewForm{From: form.Raw("from"), To: form.Raw("to"), Note: c.Request().PostForm.Get("note"), UpToSeq: upTo}
	from, to := form.Period()
	err := form.Err()
	if err == nil {
		_, err = a.Reviews.Mark(c.Request().Context(), frame.Caller(c), audit.Review{From: from, To: to, UpToSeq: upTo, Note: shown.Note})
	}
	switch {
	case err == nil:
		return a.Done(c, "The period is marked as reviewed.", "/reviews")
	case fault.CodeOf(err) == fault.Invalid || fault.CodeOf(err) == fault.TooLarge:
		if frame.WantsJSON(c.Request()) {
			return err
		}
		shown.Error = sentence(err)
		return a.showReviews(c, http.StatusUnprocessableEntity, shown)
	}
	return err
}

func sentence(err error) string {
	message := fault.MessageOf(err)
	if last := message[len(message)-1]; last != '.' && last != '!' {
		message += "."
	}
	return message
}

// reviewDenied records the refusal of a caller who may not review.
func (a *Area) reviewDenied(c echo.Context, who access.Caller, why error) error {
	if a.Reviews == nil {
		return errNoReviews
	}
	return a.Reviews.Refuse(c.Request().Context(), who, why)
}
