package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/rotation"
	"cxseal/internal/sensitivity"
	"cxseal/web"
)

// policies lists rotation policies, with a form for one more.
func (h *Console) policies(c echo.Context) error {
	return h.showPolicies(c, http.StatusOK, web.PolicyForm{Strategy: rotation.DefaultRule.Strategy,
		IntervalDays: strconv.Itoa(rotation.DefaultRule.IntervalDays), GraceDays: strconv.Itoa(rotation.DefaultRule.GraceDays)})
}

const openingsShown = 5

func (h *Console) showPolicies(c echo.Context, status int, form web.PolicyForm) error {
	known, err := h.cfg.Policies.Policies(c.Request().Context())
	if err != nil {
		return err
	}
	v := web.PoliciesView{Chrome: h.chrome(c, "Rotation policies", web.NavRotations, web.Link{Text: "Rotations", Href: "/rotations"}),
		Default: ruleText(rotation.DefaultRule), Connections: h.connectionOptions(), CanManage: caller(c).Can(access.PermManageSettings), Form: form}
	for _, c := range sensitivity.Categories {
		v.Categories = append(v.Categories, web.Option{Value: string(c), Label: web.CategoryText(string(c))})
	}
	for _, p := range known {
		row := web.PolicyRow{ID: p.ID, Scope: scopeText(p.Scope), Rule: ruleText(p.Rule), Window: "at any time", UpdatedAt: p.UpdatedAt, UpdatedBy: p.UpdatedBy}
		if p.Window != (rotation.Window{}) {
			row.Window = p.Window.Cron + ", " + p.Window.Zone + ", for " + web.Plural(p.Window.Minutes, "minute", "minutes") + ". Next:"
			if s, err := p.Window.Schedule(); err == nil {
				row.Openings = openings(s, h.cfg.Now())
			}
		}
		v.Rows = append(v.Rows, row)
	}
	return h.render(c, status, web.RotationPoliciesPage(v))
}

// scopeText names a scope with the category as the other pages call it.
func scopeText(s rotation.Scope) string {
	if s.Category != "" {
		s.Category = web.CategoryText(s.Category)
	}
	return s.String()
}

func ruleText(r rotation.Rule) string {
	text := web.RoleText(strings.ToLower(r.Strategy)) + ", every " + web.Plural(r.IntervalDays, "day", "days") + ", " +
		web.Plural(r.GraceDays, "day", "days") + " of grace"
	if r.AutoRotate {
		text += ", rotated by this console"
	}
	return text + "."
}

// openings are shown in the window's own zone, with its offset at that time.
func openings(s rotation.Schedule, now time.Time) []string {
	var list []string
	for _, at := range s.Openings(now, openingsShown) {
		list = append(list, at.Format("Mon 2 Jan 2006, 15:04 MST"))
	}
	return list
}

// savePolicy keeps a policy, or only shows when its window would open.
func (h *Console) savePolicy(c echo.Context) error {
	form, policy, err := readPolicy(c.Request().PostForm)
	if err == nil && c.Request().PostForm.Get("check") == "1" {
		s, err := policy.Window.Schedule()
		if err == nil {
			form.Openings = openings(s, h.cfg.Now())
			return h.showPolicies(c, http.StatusOK, form)
		}
		form.Error = fault.MessageOf(err)
		return h.showPolicies(c, http.StatusUnprocessableEntity, form)
	}
	if err == nil {
		err = h.cfg.Policies.Save(c.Request().Context(), caller(c), policy)
	}
	if fault.CodeOf(err) == fault.Invalid && !wantsJSON(c.Request()) {
		form.Error = fault.MessageOf(err)
		return h.showPolicies(c, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	h.flash(c, web.ToneSuccess, "The policy for "+scopeText(policy.Scope)+" is saved.")
	return h.redirect(c, "/rotations/policies")
}

func readPolicy(post url.Values) (web.PolicyForm, rotation.Policy, error) {
	get := func(name string) string { return strings.TrimSpace(post.Get(name)) }
	f := web.PolicyForm{Connection: get("connection"), DatastoreID: get("datastore_id"), Category: get("category"), Strategy: get("strategy"),
		IntervalDays: get("interval_days"), GraceDays: get("grace_days"), AutoRotate: get("auto_rotate") == "1",
		WindowCron: get("window_cron"), WindowZone: get("window_zone"), WindowMinutes: get("window_minutes")}
	p := rotation.Policy{Scope: rotation.Scope{Connection: f.Connection, DatastoreID: f.DatastoreID, Category: f.Category},
		Rule: rotation.Rule{Strategy: f.Strategy, AutoRotate: f.AutoRotate}}
	if p.Strategy == "" {
		p.Strategy = encryption.Automatic
	}
	var err error
	number := func(text, what string, into *int) {
		n, bad := strconv.Atoi(text)
		if bad != nil && err == nil {
			err = fault.New(fault.Invalid, "%s must be a whole number.", what)
		}
		*into = n
	}
	number(f.IntervalDays, "The interval", &p.IntervalDays)
	number(f.GraceDays, "The grace", &p.GraceDays)
	if f.WindowCron != "" || f.WindowZone != "" || f.WindowMinutes != "" {
		p.Window = rotation.Window{Cron: f.WindowCron, Zone: f.WindowZone}
		number(f.WindowMinutes, "How long the window stays open", &p.Window.Minutes)
	}
	return f, p, err
}

// deletePolicy ends a policy.
func (h *Console) deletePolicy(c echo.Context) error {
	id, err := idParam(c, "policy")
	if err != nil {
		return err
	}
	if err := h.cfg.Policies.Delete(c.Request().Context(), caller(c), id); err != nil {
		return err
	}
	h.flash(c, web.ToneSuccess, "The policy is deleted.")
	return h.redirect(c, "/rotations/policies")
}

// idParam is a path parameter that is a row's number.
func idParam(c echo.Context, name string) (int64, error) {
	id, err := strconv.ParseInt(c.Param(name), 10, 64)
	if err != nil || id <= 0 {
		return 0, fault.New(fault.NotFound, "There is nothing at this address.")
	}
	return id, nil
}

// addPolicy fills in what the rotation policy of a table means for its forms.
func (h *Console) addPolicy(ctx context.Context, ref tableRef, v *web.TableView) error {
	policies, err := h.cfg.Policies.Policies(ctx)
	if err != nil {
		return err
	}
	rule := policies.For(ref.connection, ref.datastore, "").Rule
	begin(v.Encrypt, rule)
	if err := h.beginRotation(ctx, ref, v.Rotate, rule); err != nil {
		return err
	}
	now := h.cfg.Now()
	opens, scope, err := h.cfg.Policies.MayStart(ctx, ref.connection, ref.datastore, ref.table, nil, now)
	switch {
	case err != nil:
		return err
	case opens.After(now):
		v.WindowOpens = "The low-traffic window of " + scope + " is closed: a run waits until " + web.FormatTime(opens) + "."
		return nil
	case !policies.ByCategory():
		return nil
	}
	for _, col := range v.Columns {
		opens, scope, err := h.cfg.Policies.MayStart(ctx, ref.connection, ref.datastore, ref.table, []string{col.Name}, now)
		if err != nil {
			return err
		}
		if opens.After(now) {
			v.WindowOpens = "The low-traffic window of " + scope + " is closed: a run on such columns waits until " + web.FormatTime(opens) + "."
			return nil
		}
	}
	return nil
}

// begin fills in what a form does not say, by a rule; nil is no form.
func begin(f *web.RunForm, rule rotation.Rule) {
	if f == nil {
		return
	}
	if f.Strategy == "" {
		f.Strategy = rule.Strategy
	}
	if f.IntervalDays == "" {
		f.IntervalDays = strconv.Itoa(rule.IntervalDays)
	}
}

// beginRotation has the form for a rotation begin with what holds for the
// table's columns, where that is one thing for all: a rotation is not to change
// it unnoticed. Otherwise it begins with the policy's rule.
func (h *Console) beginRotation(ctx context.Context, ref tableRef, f *web.RunForm, rule rotation.Rule) error {
	if f == nil {
		return nil
	}
	dates, err := h.cfg.Ledger.Ledger(ctx, rotation.Filter{Connection: ref.connection, DatastoreID: ref.datastore, TableID: ref.table}, nil, 1000)
	if err != nil {
		return err
	}
	for i, d := range dates {
		if d.Strategy != dates[0].Strategy || d.IntervalDays != dates[0].IntervalDays {
			break
		}
		if i == len(dates)-1 {
			rule.Strategy, rule.IntervalDays = d.Strategy, d.IntervalDays
		}
	}
	begin(f, rule)
	return nil
}
