package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/web"
)

// people lists the accounts, for people who manage them.
func (h *Console) people(c echo.Context) error {
	return h.showPeople(c, http.StatusOK, web.PeopleView{})
}

func (h *Console) showPeople(c echo.Context, status int, v web.PeopleView) error {
	ctx, who := c.Request().Context(), caller(c)
	users, err := h.cfg.Accounts.List(ctx, who)
	if err != nil {
		return err
	}
	factors, err := h.cfg.WithFactor(ctx)
	if err != nil {
		return err
	}
	v.Chrome = h.chrome(c, "People", web.NavPeople)
	for _, u := range users {
		sessions, err := h.cfg.SignedIn.List(ctx, who, u.ID)
		if err != nil {
			return err
		}
		v.People = append(v.People, web.PersonRow{ID: u.ID, Name: u.Name, Role: string(u.Role), Disabled: u.Disabled, Own: u.ID == who.UserID,
			HasPassword: u.PasswordHash != "", Factor: factors[u.ID], Sessions: len(sessions), CreatedAt: u.CreatedAt})
	}
	for _, r := range access.Roles() {
		v.Roles = append(v.Roles, web.Option{Value: string(r), Label: web.RoleText(string(r)) + ": " + r.Description()})
	}
	return h.render(c, status, web.PeoplePage(v))
}

// refusePeople shows why a change was not made on the page itself.
func (h *Console) refusePeople(c echo.Context, v web.PeopleView, why error) error {
	switch fault.CodeOf(why) {
	case fault.Invalid, fault.Conflict:
		v.Error = fault.MessageOf(why)
		return h.showPeople(c, http.StatusUnprocessableEntity, v)
	}
	return why
}

func (h *Console) addPerson(c echo.Context) error {
	post := c.Request().PostForm
	name, role := post.Get("name"), access.Role(post.Get("role"))
	if _, err := h.cfg.Accounts.Create(c.Request().Context(), caller(c), name, post.Get("password"), role); err != nil {
		return h.refusePeople(c, web.PeopleView{Name: name, Role: string(role)}, err)
	}
	h.flash(c, web.ToneSuccess, "The account "+name+" is made.")
	return h.redirect(c, "/people")
}

// changePerson makes a handler of one change to one account.
func (h *Console) changePerson(done string, change func(c echo.Context, who access.Caller, id int64) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		id, err := idParam(c, "person")
		if err != nil {
			return err
		}
		if err := change(c, caller(c), id); err != nil {
			return h.refusePeople(c, web.PeopleView{}, err)
		}
		h.flash(c, web.ToneSuccess, done)
		return h.redirect(c, "/people")
	}
}

func (h *Console) personRole(c echo.Context, who access.Caller, id int64) error {
	role, err := access.ParseRole(c.Request().PostForm.Get("role"))
	if err != nil {
		return err
	}
	return h.cfg.Accounts.SetRole(c.Request().Context(), who, id, role)
}

func (h *Console) personPassword(c echo.Context, who access.Caller, id int64) error {
	return h.cfg.Accounts.ChangePassword(c.Request().Context(), who, id, c.Request().PostForm.Get("password"))
}

func (h *Console) personDisabled(disabled bool) func(echo.Context, access.Caller, int64) error {
	return func(c echo.Context, who access.Caller, id int64) error {
		return h.cfg.Accounts.SetDisabled(c.Request().Context(), who, id, disabled)
	}
}

func (h *Console) personFactor(c echo.Context, who access.Caller, id int64) error {
	return h.cfg.Accounts.RemoveSecondFactor(c.Request().Context(), who, id)
}

func (h *Console) personSessions(c echo.Context, who access.Caller, id int64) error {
	_, err := h.cfg.SignedIn.EndAll(c.Request().Context(), who, id)
	return err
}
