package people

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/web"
)

// people lists the accounts, for people who manage them.
func (a *Area) people(c echo.Context) error {
	return a.showPeople(c, http.StatusOK, web.PeopleView{})
}

func (a *Area) showPeople(c echo.Context, status int, v web.PeopleView) error {
	ctx, who := c.Request().Context(), frame.Caller(c)
	users, err := a.Accounts.List(ctx, who)
	if err != nil {
		return err
	}
	factors, err := a.WithFactor(ctx)
	if err != nil {
		return err
	}
	links, err := a.SSO.LinkStates(ctx, who)
	if err != nil {
		return err
	}
	touches, err := a.Accounts.Touches(ctx, who)
	if err != nil {
		return err
	}
	v.Chrome = a.Chrome(c, "People", web.NavPeople)
	for _, p := range a.SSO.Providers() {
		v.Providers = append(v.Providers, web.Option{Value: p.ID, Label: p.Label})
	}
	for _, u := range users {
		sessions, err := a.SignedIn.List(ctx, who, u.ID)
		if err != nil {
			return err
		}
		row := web.PersonRow{ID: u.ID, Name: u.Name, Role: string(u.Role), Disabled: u.Disabled, Own: u.ID == who.UserID,
			HasPassword: u.PasswordHash != "", Factor: factors[u.ID], Sessions: len(sessions), CreatedAt: u.CreatedAt,
			Linked: links[u.ID].Linked, LinkUntil: links[u.ID].PermittedUntil}
		tokens, err := a.Tokens.List(ctx, who, u.ID)
		if err != nil {
			return err
		}
		for _, t := range tokens {
			row.Tokens = append(row.Tokens, web.TokenRow{ID: t.ID, Label: t.Label, Hint: t.Hint, ExpiresAt: t.ExpiresAt})
		}
		if row.FeedMade, err = a.Feeds.MadeOf(ctx, who, u.ID); err != nil {
			return err
		}
		for _, t := range touches {
			if t.UserID == u.ID {
				row.Touched = append(row.Touched, t.String())
				row.TouchedUntil = later(row.TouchedUntil, t.At.Add(access.TouchLife))
			}
		}
		v.People = append(v.People, row)
	}
	for _, r := range access.Roles() {
		v.Roles = append(v.Roles, web.Option{Value: string(r), Label: web.RoleText(string(r)) + ": " + r.Description()})
	}
	return a.Render(c, status, web.PeoplePage(v))
}

// refusePeople shows why a change was not made on the page itself.
func (a *Area) refusePeople(c echo.Context, v web.PeopleView, why error) error {
	switch fault.CodeOf(why) {
	case fault.Invalid, fault.Conflict:
		v.Error = fault.MessageOf(why)
		return a.showPeople(c, http.StatusUnprocessableEntity, v)
	}
	return why
}

func (a *Area) addPerson(c echo.Context) error {
	post := c.Request().PostForm
	name, role := post.Get("name"), access.Role(post.Get("role"))
	if _, err := a.Accounts.Create(c.Request().Context(), frame.Caller(c), name, post.Get("password"), role); err != nil {
		return a.refusePeople(c, web.PeopleView{Name: name, Role: string(role)}, err)
	}
	return a.Done(c, "The account "+name+" is made.", "/people")
}

// changePerson makes a handler of one change to one account.
func (a *Area) changePerson(done string, change func(c echo.Context, who access.Caller, id int64) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		id, err := frame.Numbered("person")(c)
		if err != nil {
			return err
		}
		if err := change(c, frame.Caller(c), id); err != nil {
			return a.refusePeople(c, web.PeopleView{}, err)
		}
		return a.Done(c, done, "/people")
	}
}

func (a *Area) personRole(c echo.Context, who access.Caller, id int64) error {
	role, err := access.ParseRole(c.Request().PostForm.Get("role"))
	if err != nil {
		return err
	}
	return a.Accounts.SetRole(c.Request().Context(), who, id, role)
}

func (a *Area) personPassword(c echo.Context, who access.Caller, id int64) error {
	return a.Accounts.ChangePassword(c.Request().Context(), who, id, c.Request().PostForm.Get("password"))
}

func (a *Area) personDisabled(disabled bool) func(echo.Context, access.Caller, int64) error {
	return func(c echo.Context, who access.Caller, id int64) error {
		return a.Accounts.SetDisabled(c.Request().Context(), who, id, disabled)
	}
}

func (a *Area) personFactor(c echo.Context, who access.Caller, id int64) error {
	return a.Accounts.RemoveSecondFactor(c.Request().Context(), who, id)
}

func (a *Area) personLink(c echo.Context, who access.Caller, id int64) error {
	return a.SSO.PermitLink(c.Request().Context(), who, id, c.Request().PostForm.Get("provider"))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// personLift lets an account count as a second person again.
func (a *Area) personLift(c echo.Context, who access.Caller, id int64) error {
	return a.Accounts.LiftTouches(c.Request().Context(), who, id)
}

func (a *Area) personSessions(c echo.Context, who access.Caller, id int64) error {
	_, err := a.SignedIn.EndAll(c.Request().Context(), who, id)
	return err
}
