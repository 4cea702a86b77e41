package handlers

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/internal/review"
	"cxseal/web"
)

var errNoReviews = fault.New(fault.NotFound, "This console keeps no reviews.")

// reviewOverdue is how many days after a review its number is shown as a
// warning. The standards ask for periodic review and leave the period to the
// organisation; a month is the longest that auditors usually accept.
const reviewOverdue = 30

// reviews lists the reviews, with the form to mark another for who may.
func (h *Console) reviews(c echo.Context) error {
	return h.showReviews(c, http.StatusOK, nil)
}

// showReviews draws the page; form is what was typed, nil for a fresh one.
func (h *Console) showReviews(c echo.Context, status int, form *web.ReviewForm) error {
	if h.cfg.Reviews == nil {
		return errNoReviews
	}
	ctx := c.Request().Context()
	q := readQuery(c)
	before := q.seq("before")
	if err := q.err(); err != nil {
		return err
	}
	v := web.ReviewsView{Chrome: h.chrome(c, "Reviews", web.NavAudit, web.Link{Text: "Audit log", Href: "/audit"})}
	v.Lead = "Which parts of the log a person went through, and what they found."
	latest, err := h.cfg.Reviews.Latest(ctx)
	if err != nil {
		return err
	}
	v.Since, v.SinceTone = "There was none yet", web.ToneWarning
	if latest != nil {
		v.Since, v.SinceTone = h.sinceReview(*latest)
	}
	list, err := h.cfg.Reviews.List(ctx, before, pageRows+1)
	if err != nil {
		return err
	}
	list, v.Pager = onePage(list, cursor{before: before}, "/reviews", func(d review.Done) int64 { return d.Seq })
	if v.Pager.Newer != "" {
		v.Pager.Newer = "/reviews" // the list is short: back is back to its beginning
	}
	for _, d := range list {
		v.Rows = append(v.Rows, web.ReviewRow{ID: d.AuditID, At: d.At, By: d.By.Name, Role: d.By.Role,
			From: d.From, To: d.To, UpToSeq: d.UpToSeq, Note: d.Note})
	}
	if caller(c).Can(access.PermReview) {
		if form == nil {
			if form, err = h.freshReview(ctx, latest); err != nil {
				return err
			}
		}
		v.Form = form
	}
	return h.render(c, status, web.ReviewsPage(v))
}

func (h *Console) sinceReview(d review.Done) (string, web.Tone) {
	switch days := h.cfg.Reviews.DaysSince(d); {
	case days == 0:
		return "Less than a day ago", web.ToneSuccess
	case days < reviewOverdue:
		return web.Plural(days, "day ago", "days ago"), web.ToneSuccess
	default:
		return web.Plural(days, "day ago", "days ago"), web.ToneWarning
	}
}

// freshReview proposes the period from the end of the newest review to today.
func (h *Console) freshReview(ctx context.Context, latest *review.Done) (*web.ReviewForm, error) {
	size, err := h.cfg.Audit.TreeSize(ctx)
	if err != nil {
		return nil, err
	}
	form := &web.ReviewForm{UpToSeq: size, To: h.cfg.Now().UTC().Format(time.DateOnly)}
	if latest != nil {
		form.From = latest.To.UTC().Format(time.DateOnly)
		return form, nil
	}
	first, err := h.firstRecord(ctx)
	if err == nil && !first.IsZero() {
		form.From = first.Format(time.DateOnly)
	}
	return form, err
}

// firstRecord is when the log begins, zero for an empty one.
func (h *Console) firstRecord(ctx context.Context) (time.Time, error) {
	list, err := h.cfg.Audit.AuditLinesAfter(ctx, audit.Filter{}, 0, 1)
	if err != nil || len(list) == 0 {
		return time.Time{}, err
	}
	return list[0].Time(), nil // zero too when someone edited the file; the verification says so
}

// markReviewed records a review. What is wrong with the form is shown on it,
// with what was typed.
func (h *Console) markReviewed(c echo.Context) error {
	if h.cfg.Reviews == nil {
		return errNoReviews
	}
	form := readForms(c)
	upTo := form.seq("up_to")
	shown := &web.ReviewForm{From: form.raw("from"), To: form.raw("to"), Note: form.values.Get("note"), UpToSeq: upTo}
	from, to := form.period()
	err := form.err()
	if err == nil {
		_, err = h.cfg.Reviews.Mark(c.Request().Context(), caller(c), audit.Review{From: from, To: to, UpToSeq: upTo, Note: shown.Note})
	}
	switch {
	case err == nil:
		h.flash(c, web.ToneSuccess, "The period is marked as reviewed.")
		return h.redirect(c, "/reviews")
	case fault.CodeOf(err) == fault.Invalid || fault.CodeOf(err) == fault.TooLarge:
		if wantsJSON(c.Request()) {
			return err
		}
		shown.Error = sentence(err)
		return h.showReviews(c, http.StatusUnprocessableEntity, shown)
	}
	return err
}

// readForms reads the fields of a posted form as readQuery does an address's.
func readForms(c echo.Context) *query { return &query{values: c.Request().PostForm} }

func sentence(err error) string {
	message := fault.MessageOf(err)
	if last := message[len(message)-1]; last != '.' && last != '!' {
		message += "."
	}
	return message
}

// reviewDenied records that someone wanted to review and may not.
func (h *Console) reviewDenied(c echo.Context, who access.Caller) error {
	if h.cfg.Reviews == nil {
		return errNoReviews
	}
	return h.cfg.Reviews.Refuse(c.Request().Context(), who, access.Require(who, access.PermReview))
}

// reviewStat is the dashboard's number of days since the last review, or since
// the log began when there was none. Nil: the console keeps no reviews.
func (h *Console) reviewStat(ctx context.Context) (*web.Stat, error) {
	if h.cfg.Reviews == nil {
		return nil, nil
	}
	latest, err := h.cfg.Reviews.Latest(ctx)
	if err != nil {
		return nil, err
	}
	stat := &web.Stat{Label: "days since the last review of the log", Href: "/reviews"}
	if latest != nil {
		stat.Value = h.cfg.Reviews.DaysSince(*latest)
	} else {
		first, err := h.firstRecord(ctx)
		if err != nil {
			return nil, err
		}
		stat.Label, stat.Note = "days without a review of the log", "none yet"
		if !first.IsZero() {
			stat.Value = int(h.cfg.Now().Sub(first) / (24 * time.Hour))
		}
	}
	if stat.Value >= reviewOverdue {
		stat.Tone = web.ToneWarning
	}
	return stat, nil
}

// logState is how far the log is signed and anchored.
func (h *Console) logState(ctx context.Context) (web.LogState, error) {
	if h.cfg.LogStatus == nil {
		return web.LogState{}, nil
	}
	s, err := h.cfg.LogStatus(ctx)
	if err != nil {
		return web.LogState{}, err
	}
	state := web.LogState{Size: s.Size, Anchors: s.Anchors, NotAnchored: s.NotAnchored, Error: s.AnchorError, FailedSince: s.FailedSince}
	if s.Checkpoint != nil {
		state.Checkpoint, state.CheckpointAt = s.Checkpoint.Size, s.Checkpoint.CreatedAt
	}
	if s.Anchored != nil {
		state.Anchored, state.AnchoredAt, state.Where = s.Anchored.Size, s.Anchored.AnchoredAt, s.Anchored.Anchor
	}
	return state, nil
}

// addDesk adds to the log's page what surrounds the records: how far they are
// anchored, and the reader's own views.
func (h *Console) addDesk(c echo.Context, v *web.AuditView) error {
	var err error
	ctx := c.Request().Context()
	if v.Log, err = h.logState(ctx); err != nil || h.cfg.Reviews == nil {
		return err
	}
	v.Reviews = true
	who := caller(c)
	if v.CanSave = who.UserID != 0; !v.CanSave {
		return nil
	}
	views, err := h.cfg.Reviews.Views(ctx, who)
	for _, x := range views {
		v.Views = append(v.Views, web.SavedView{ID: x.ID, Name: x.Name, Href: "/audit?" + x.Query})
	}
	return err
}

// saveView keeps the search that the page stood on.
func (h *Console) saveView(c echo.Context) error {
	if h.cfg.Reviews == nil {
		return errNoReviews
	}
	form := c.Request().PostForm
	v, err := h.cfg.Reviews.Save(c.Request().Context(), caller(c), form.Get("name"), form.Get("query"))
	if err != nil {
		return err
	}
	h.flash(c, web.ToneSuccess, "The search is kept as “"+v.Name+"”.")
	return h.redirect(c, "/audit?"+v.Query)
}

// deleteView forgets one of the caller's views.
func (h *Console) deleteView(c echo.Context) error {
	if h.cfg.Reviews == nil {
		return errNoReviews
	}
	id, err := strconv.ParseInt(c.Param("view"), 10, 64)
	if err != nil {
		return fault.New(fault.NotFound, "There is no such saved view.")
	}
	if err := h.cfg.Reviews.Delete(c.Request().Context(), caller(c), id); err != nil {
		return err
	}
	h.flash(c, web.ToneSuccess, "The view is deleted.")
	return h.redirect(c, "/audit")
}
