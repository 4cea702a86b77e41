package keys

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/rotation"
	"cxseal/internal/sensitivity"
	"cxseal/web"
)

// policies lists rotation policies, with a form for one more.
func (a *Area) policies(c echo.Context) error {
	return a.showPolicies(c, http.StatusOK, web.PolicyForm{Strategy: rotation.DefaultRule.Strategy,
		IntervalDays: strconv.Itoa(rotation.DefaultRule.IntervalDays), GraceDays: strconv.Itoa(rotation.DefaultRule.GraceDays)})
}

const openingsShown = 5

func (a *Area) showPolicies(c echo.Context, status int, form web.PolicyForm) error {
	known, err := a.Policies.Policies(c.Request().Context())
	if err != nil {
		return err
	}
	v := web.PoliciesView{Chrome: a.Chrome(c, "Rotation policies", web.NavRotations,
		web.Link{Text: "Rotations", Href: "/rotations"}),
		Default: ruleText(rotation.DefaultRule), Connections: a.ConnectionOptions(), CanManage: frame.Caller(c).Can(access.PermManageSettings), Form: form}
	for _, c := range sensitivity.Categories() {
		v.Categories = append(v.Categories, web.Option{Value: string(c), Label: web.CategoryText(string(c))})
	}
	for _, p := range known {
		row := web.PolicyRow{ID: p.ID, Scope: scopeText(p.Scope), Rule: ruleText(p.Rule), Window: "at any time",
			UpdatedAt: p.UpdatedAt, UpdatedBy: p.UpdatedBy}
		if p.Window != (rotation.Window{}) {
			row.Window = p.Window.Cron + ", " + p.Window.Zone + ", for " +
				web.Plural(p.Window.Minutes, "minute", "minutes") + ". Next:"
			if s, err := p.Window.Schedule(); err == nil {
				row.Openings = openings(s, a.Now())
			}
		}
		v.Rows = append(v.Rows, row)
	}
	return a.Render(c, status, web.RotationPoliciesPage(v))
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
func (a *Area) savePolicy(c echo.Context) error {
	form, policy, err := readPolicy(c.Request().PostForm)
	if err == nil && c.Request().PostForm.Get("check") == "1" {
		s, err := policy.Window.Schedule()
		if err == nil {
			form.Openings = openings(s, a.Now())
			return a.showPolicies(c, http.StatusOK, form)
		}
		form.Error = fault.MessageOf(err)
		return a.showPolicies(c, http.StatusUnprocessableEntity, form)
	}
	if err == nil {
		err = a.Policies.Save(c.Request().Context(), frame.Caller(c), policy)
	}
	if fault.CodeOf(err) == fault.Invalid && !frame.WantsJSON(c.Request()) {
		form.Error = fault.MessageOf(err)
		return a.showPolicies(c, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	return a.Done(c, "The policy for "+scopeText(policy.Scope)+" is saved.", "/rotations/policies")
}

func readPolicy(post url.Values) (web.PolicyForm, rotation.Policy, error) {
	get := func(name string) string { return strings.TrimSpace(post.Get(name)) }
	f := web.PolicyForm{Connection: get("connection"), DatastoreID: get("datastore_id"),
		Category: get("category"), Strategy: get("strategy"),
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
