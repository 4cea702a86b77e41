package ledger

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
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

// showReviews renders the page; form is what was typed, nil for the period that the address names or the next
// one to review.
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
	progress, err := a.Reviews.Progress(ctx)
	if err != nil {
		return err
	}
	v.Since, v.SinceTone, v.Months = "There was none yet", web.ToneWarning, reviewMonths(progress.Months)
	if due := review.Due(progress.Months); len(due) > 0 {
		v.Due = web.Plural(len(due), "month is", "months are") + " over and not reviewed to the end: " + monthNames(due) + "."
	}
	if progress.Latest != nil {
		v.Since, v.SinceTone = "Less than a day ago", web.ToneSuccess
		if progress.Days > 0 {
			v.Since = web.Plural(progress.Days, "day ago", "days ago")
		}
	}
	if v.Due != "" {
		v.SinceTone = web.ToneWarning
	}
	list, err := a.Reviews.List(ctx, before, frame.PageRows+1)
	if err != nil {
		return err
	}
	list, v.Pager = frame.OnePage(list, frame.Cursor{Before: before}, "/reviews", func(d review.Done) int64 { return d.Seq })
	if v.Pager.Newer != "" {
		v.Pager.Newer = "/reviews" // the list is short: back is back to its beginning
	}
	for _, d := range list {
		row := web.ReviewRow{ID: d.AuditID, At: d.At, By: d.By.Name, Role: d.By.Role, From: d.From, To: d.To, UpToSeq: d.UpToSeq, Size: d.Size, Note: d.Note}
		if d.Size > 0 {
			row.Root = audit.HexHash(d.Root)
		}
		v.Rows = append(v.Rows, row)
	}
	if frame.Caller(c).Can(access.PermReview) {
		if v.Form, err = a.reviewForm(c, form, progress.Months); err != nil {
			return err
		}
	}
	return a.Render(c, status, web.ReviewsPage(v))
}

// reviewMonths returns the months for the page, newest first.
func reviewMonths(months []review.Month) []web.ReviewMonth {
	var rows []web.ReviewMonth
	for _, m := range slices.Backward(months) {
		row := web.ReviewMonth{Month: m.First, Extent: string(m.Extent), Ended: m.Ended}
		for _, g := range m.Gaps {
			from, to := dates(g)
			row.Gaps = append(row.Gaps, web.Link{Text: daysText(from, to), Href: "/reviews?" + url.Values{"from": {from}, "to": {to}}.Encode()})
		}
		rows = append(rows, row)
	}
	return rows
}

// monthNames lists months by name.
func monthNames(months []review.Month) string {
	var names []string
	for _, m := range months {
		names = append(names, m.First.Format("January 2006"))
	}
	return strings.Join(names, ", ")
}

// dates returns the first and the last day of an interval, the last one included.
func dates(i review.Interval) (from, to string) {
	return i.From.UTC().Format(time.DateOnly), i.To.UTC().Add(-time.Millisecond).Format(time.DateOnly)
}

func daysText(from, to string) string {
	if from == to {
		return from
	}
	return from + " to " + to
}

// reviewForm returns the form with what is in its period. Without typed dates, in the form or in the address,
// the period is the next one to review: it begins at the oldest gap.
func (a *Area) reviewForm(c echo.Context, typed *web.ReviewForm, months []review.Month) (*web.ReviewForm, error) {
	ctx := c.Request().Context()
	size, err := a.Audit.TreeSize(ctx)
	if err != nil {
		return nil, err
	}
	q, form := frame.ReadQuery(c), typed
	if form == nil {
		form = &web.ReviewForm{From: q.Raw("from"), To: q.Raw("to"), UpToSeq: size}
	}
	if typed == nil && form.From == "" && form.To == "" {
		next, ok := review.Proposal(months)
		if !ok {
			next = review.Interval{From: a.Now().UTC().Truncate(24 * time.Hour), To: a.Now()}
		}
		form.From, form.To = dates(next)
	}
	from, to := frame.PeriodOf(form.From, form.To, q.Wrong)
	if from.IsZero() || to.IsZero() {
		q.Wrong("Say which period: a first and a last day.")
	}
	if err := q.Err(); err != nil {
		if form.Error == "" { // else the trouble with the posted form is shown
			form.Error = sentence(err)
		}
		return form, nil
	}
	form.Found, err = a.foundIn(ctx, form.From, form.To, audit.Filter{From: from, To: to})
	return form, err
}

// foundIn counts what a period holds, each count with the way to its records.
func (a *Area) foundIn(ctx context.Context, from, to string, f audit.Filter) ([]web.Link, error) {
	var found []web.Link
	for _, kind := range []struct {
		one, many, param, value string
		narrow                  func(*audit.Filter)
	}{
		{"record", "records", "", "", func(*audit.Filter) {}},
		{"failure", "failures", "outcome", string(audit.Failure), func(f *audit.Filter) { f.Outcome = string(audit.Failure) }},
		{"refusal", "refusals", "outcome", string(audit.Denied), func(f *audit.Filter) { f.Outcome = string(audit.Denied) }},
		{"finding of drift", "findings of drift", "operation", string(audit.DriftDetected), func(f *audit.Filter) { f.Operation = string(audit.DriftDetected) }},
	} {
		narrowed := f
		kind.narrow(&narrowed)
		n, exact, err := a.Audit.AuditCount(ctx, narrowed, countTo)
		if err != nil {
			return nil, err
		}
		text := web.Plural(int(n), kind.one, kind.many)
		if !exact {
			text = "more than " + text
		}
		query := url.Values{"from": {from}, "to": {to}}
		if kind.param != "" {
			query.Set(kind.param, kind.value)
		}
		found = append(found, web.Link{Text: text, Href: "/audit?" + query.Encode()})
	}
	return found, nil
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
