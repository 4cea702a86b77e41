package settings

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/connection"
	"cxseal/internal/fault"
	"cxseal/web"
)

// connections lists every connection, for people who manage them.
func (a *Area) connections(c echo.Context) error {
	all, err := a.Deps.Connections.List(c.Request().Context(), frame.Caller(c))
	if err != nil {
		return err
	}
	v := web.ConnectionsView{Chrome: a.Chrome(c, "Connections", web.NavConnections)}
	for _, k := range all {
		v.Rows = append(v.Rows, connectionRow(k))
	}
	return a.Render(c, http.StatusOK, web.ConnectionsPage(v))
}

func connectionRow(k connection.Known) web.ManagedConnection {
	s := k.Settings
	address := s.BaseURL
	if s.Mode == connection.AccessKey {
		address = s.Issuer
	}
	return web.ManagedConnection{Name: s.Name, Source: k.Source, Mode: s.Mode, Address: address,
		Disabled: k.Disabled, Trouble: k.Trouble,
		FourEyes: s.FourEyes, Secrets: k.Secrets, Callback: k.Callback(), Managed: k.Source == connection.FromConsole, ChangedAt: k.Changed}
}

// newConnection is the empty form.
func (a *Area) newConnection(c echo.Context) error {
	return a.showConnection(c, http.StatusOK, web.ConnectionView{Form: formOf(connection.Defaults()), New: true})
}

// connection is one connection with its form.
func (a *Area) connection(c echo.Context) error {
	known, err := a.knownConnection(c)
	if err != nil {
		return err
	}
	return a.showKnown(c, http.StatusOK, known, web.ConnectionView{})
}

func (a *Area) knownConnection(c echo.Context) (connection.Known, error) {
	name, err := frame.Param(c, "connection")
	if err != nil {
		return connection.Known{}, err
	}
	return a.Deps.Connections.Find(c.Request().Context(), frame.Caller(c), name)
}

func (a *Area) showKnown(c echo.Context, status int, known connection.Known, v web.ConnectionView) error {
	v.Row = connectionRow(known)
	if v.Form.Name == "" {
		v.Form = formOf(known.Settings)
		v.Form.Version = known.Version
	}
	return a.showConnection(c, status, v)
}

func (a *Area) showConnection(c echo.Context, status int, v web.ConnectionView) error {
	for _, issuer := range connection.Issuers() {
		v.Issuers = append(v.Issuers, web.Option{Value: issuer.URL, Label: issuer.Name})
	}
	title := "New connection"
	if !v.New {
		title = "Connection " + v.Row.Name
	}
	v.Chrome = a.Chrome(c, title, web.NavConnections, web.Link{Text: "Connections", Href: "/connections"})
	return a.Render(c, status, web.ConnectionPage(v))
}

// addConnection stores a new connection.
func (a *Area) addConnection(c echo.Context) error {
	form, settings, secrets, err := readConnection(c)
	if err == nil {
		err = a.Deps.Connections.Add(c.Request().Context(), frame.Caller(c), settings, secrets)
	}
	if refusable(err) {
		return a.showConnection(c, http.StatusUnprocessableEntity,
			web.ConnectionView{Form: form, New: true, Error: fault.MessageOf(err)})
	}
	if err != nil {
		return err
	}
	return a.Done(c, "The connection is in use. Test it before you rely on it.", web.ConnectionPath(settings.Name))
}

// editConnection replaces a connection's settings.
func (a *Area) editConnection(c echo.Context) error {
	known, err := a.knownConnection(c)
	if err != nil {
		return err
	}
	form, settings, secrets, err := readConnection(c)
	form.Name, settings.Name = known.Settings.Name, known.Settings.Name
	version, _ := strconv.ParseInt(c.Request().PostForm.Get("version"), 10, 64) // what is none matches none
	form.Version = version
	if err == nil {
		err = a.Deps.Connections.Edit(c.Request().Context(), frame.Caller(c), settings, secrets, version)
	}
	if refusable(err) {
		return a.showKnown(c, http.StatusUnprocessableEntity, known, web.ConnectionView{Form: form, Error: fault.MessageOf(err)})
	}
	if err != nil {
		return err
	}
	return a.Done(c, "The connection is changed, from the next request on.", web.ConnectionPath(settings.Name))
}

func refusable(err error) bool {
	switch fault.CodeOf(err) {
	case fault.Invalid, fault.Conflict:
		return true
	}
	return false
}

// testConnection examines a connection live and shows each finding.
func (a *Area) testConnection(c echo.Context) error {
	known, err := a.knownConnection(c)
	if err != nil {
		return err
	}
	findings, err := a.Deps.Connections.Test(c.Request().Context(), frame.Caller(c), known.Settings.Name)
	if refusable(err) {
		return a.showKnown(c, http.StatusUnprocessableEntity, known, web.ConnectionView{Error: fault.MessageOf(err)})
	}
	if err != nil {
		return err
	}
	v := web.ConnectionView{Tested: true}
	for _, f := range findings {
		v.Findings = append(v.Findings, web.Finding{Name: f.Name, Verdict: string(f.Verdict), Detail: f.Detail, Mend: f.Mend})
	}
	return a.showKnown(c, http.StatusOK, known, v)
}

func (a *Area) connectionDisabled(disabled bool) echo.HandlerFunc {
	return func(c echo.Context) error {
		known, err := a.knownConnection(c)
		if err != nil {
			return err
		}
		if err := a.Deps.Connections.SetDisabled(c.Request().Context(), frame.Caller(c), known.Settings.Name,
			disabled); err != nil {
			return err
		}
		message := "The connection is enabled."
		if disabled {
			message = "The connection is disabled: nothing is sent to its tenant."
		}
		return a.Done(c, message, web.ConnectionPath(known.Settings.Name))
	}
}

// newCallbackSecret makes a callback secret and shows it this once.
func (a *Area) newCallbackSecret(c echo.Context) error {
	known, err := a.knownConnection(c)
	if err != nil {
		return err
	}
	secret, err := a.Deps.Connections.NewCallbackSecret(c.Request().Context(), frame.Caller(c), known.Settings.Name)
	if err != nil {
		return err
	}
	if known, err = a.knownConnection(c); err != nil {
		return err
	}
	return a.showKnown(c, http.StatusOK, known, web.ConnectionView{NewSecret: secret})
}

func (a *Area) dropCallbackSecrets(c echo.Context) error {
	known, err := a.knownConnection(c)
	if err != nil {
		return err
	}
	if err := a.Deps.Connections.DropOldCallbackSecrets(c.Request().Context(), frame.Caller(c), known.Settings.Name); err != nil {
		return err
	}
	return a.Done(c, "Only the newest callback secret is accepted now.", web.ConnectionPath(known.Settings.Name))
}

// readConnection reads the form. The secrets are not in what is shown again.
func readConnection(c echo.Context) (web.ConnectionForm, connection.Settings, connection.Secrets, error) {
	post := c.Request().PostForm
	text := func(name string) string { return strings.TrimSpace(post.Get(name)) }
	f := web.ConnectionForm{Name: text("name"), Mode: text("mode"), ClientID: text("client_id"),
		Realm: text("realm"), BaseURL: text("base_url"),
		TokenURL: text("token_url"), PathPrefix: text("path_prefix"), Issuer: text("issuer"), AccessKeyID: text("access_key_id"),
		DatastoreID: text("datastore_id"), TableID: text("table_id"), CallbackURL: text("callback_url"), CallbackDeadline: text("callback_deadline"),
		Rate: text("rate"), Concurrency: text("concurrency"), FourEyes: text("four_eyes") == "1", AutoRotate: text("auto_rotate") == "1", ApprovalLife: text("approval_life")}
	s := connection.Settings{Name: f.Name, Mode: f.Mode, ClientID: f.ClientID, Realm: f.Realm,
		BaseURL:  strings.TrimRight(f.BaseURL, "/"),
		TokenURL: f.TokenURL, PathPrefix: f.PathPrefix, Issuer: f.Issuer, AccessKeyID: f.AccessKeyID, DatastoreID: f.DatastoreID,
		TableID: f.TableID, CallbackURL: f.CallbackURL, FourEyes: f.FourEyes, AutoRotate: f.AutoRotate}
	if s.Mode == connection.AccessKey {
		s.BaseURL, s.TokenURL, s.Realm = "", "", "" // discovered
	} else {
		s.Issuer, s.AccessKeyID = "", ""
	}
	x := connection.Secrets{ClientSecret: post.Get("client_secret"), AccessKeySecret: post.Get("access_key_secret")}
	var err error
	if s.Rate, err = strconv.ParseFloat(f.Rate, 64); err != nil || s.Rate != s.Rate {
		return f, s, x, fault.New(fault.Invalid, "The rate must be a number of requests a second.")
	}
	if s.Concurrency, err = strconv.Atoi(f.Concurrency); err != nil {
		return f, s, x, fault.New(fault.Invalid, "The number of runs at a time must be a whole number.")
	}
	if s.CallbackDeadline, err = time.ParseDuration(f.CallbackDeadline); err != nil {
		return f, s, x, fault.New(fault.Invalid, "The callback deadline must be a duration such as 10m or 2h.")
	}
	if s.ApprovalLife, err = time.ParseDuration(f.ApprovalLife); err != nil {
		return f, s, x, fault.New(fault.Invalid, "The time for an approval must be a duration such as 24h.")
	}
	return f, s, x, nil
}

func formOf(s connection.Settings) web.ConnectionForm {
	return web.ConnectionForm{Name: s.Name, Mode: s.Mode, ClientID: s.ClientID, Realm: s.Realm,
		BaseURL: s.BaseURL, TokenURL: s.TokenURL,
		PathPrefix: s.PathPrefix, Issuer: s.Issuer, AccessKeyID: s.AccessKeyID, DatastoreID: s.DatastoreID, TableID: s.TableID,
		CallbackURL: s.CallbackURL, CallbackDeadline: web.FormatDuration(s.CallbackDeadline), Rate: strconv.FormatFloat(s.Rate, 'f', -1, 64),
		Concurrency: strconv.Itoa(s.Concurrency), FourEyes: s.FourEyes, AutoRotate: s.AutoRotate, ApprovalLife: web.FormatDuration(s.ApprovalLife)}
}
