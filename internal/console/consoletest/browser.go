package consoletest

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/connection"
)

// Browser uses a console as a browser without scripts does: it keeps cookies,
// sends forms with their token, and follows no redirect by itself.
type Browser struct {
	T      testing.TB
	URL    string // of the console
	Client *http.Client
}

// NewBrowser returns a browser that nobody is signed in with.
func NewBrowser(t testing.TB, base string) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	Must(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &Browser{t, base, &http.Client{Jar: jar, Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Browser returns a browser that nobody is signed in with.
func (c *Console) Browser() *Browser { return NewBrowser(c.T, c.URL) }

// As returns a browser in which a person of the role is signed in; with an empty
// role nobody is.
func (c *Console) As(role access.Role) *Browser {
	c.T.Helper()
	b := c.Browser()
	if role != "" {
		b.SignIn(string(role)+"-1", Password)
	}
	return b
}

// SignIn signs a person in.
func (b *Browser) SignIn(name, password string) {
	b.T.Helper()
	a := b.Submit("/login", "/login", url.Values{"username": {name}, "password": {password}})
	if a.Status != http.StatusSeeOther || strings.HasPrefix(a.Header.Get("Location"), "/login") {
		b.T.Fatalf("signing in as %s answered %d to %q: %s", name, a.Status, a.Header.Get("Location"), a.Body)
	}
}

// Answer is a response, read whole.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Do sends a request and reads its answer. header is names and values in turn.
func (b *Browser) Do(method, path string, body io.Reader, header ...string) Answer {
	b.T.Helper()
	req, err := http.NewRequestWithContext(b.T.Context(), method, b.URL+path, body)
	Must(b.T, err)
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
			continue
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := b.Client.Do(req)
	Must(b.T, err)
	defer func() { Must(b.T, resp.Body.Close()) }()
	raw, err := io.ReadAll(resp.Body)
	Must(b.T, err)
	return Answer{resp.StatusCode, resp.Header, string(raw)}
}

// Get opens a page.
func (b *Browser) Get(path string, header ...string) Answer {
	b.T.Helper()
	return b.Do(http.MethodGet, path, nil, header...)
}

// Post sends a form as it is given, without a token of its own.
func (b *Browser) Post(path string, form url.Values, header ...string) Answer {
	b.T.Helper()
	return b.Do(http.MethodPost, path, strings.NewReader(form.Encode()),
		append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)...)
}

var tokenField = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

// Token is the token of a page's forms.
func (b *Browser) Token(page string) string {
	b.T.Helper()
	a := b.Get(page)
	m := tokenField.FindStringSubmatch(a.Body)
	if m == nil {
		b.T.Fatalf("%s answered %d without a csrf_token:\n%.2000s", page, a.Status, a.Body)
	}
	return m[1]
}

// Submit fills in a form as it stands on a page and sends it.
func (b *Browser) Submit(page, action string, form url.Values, header ...string) Answer {
	b.T.Helper()
	if form == nil {
		form = url.Values{}
	}
	form.Set("csrf_token", b.Token(page))
	return b.Post(action, form, header...)
}

// TablePath is the page of the table that Launch encrypts columns of.
const TablePath = "/datastores/" + sandbox.ContactsDataStore + "/tables/" + sandbox.ContactsTable

// RunForm is the form that launches a run on columns of that table.
func RunForm(columns ...string) url.Values {
	return url.Values{"connection": {connection.Environment}, "datastore_id": {sandbox.ContactsDataStore},
		"table_id": {sandbox.ContactsTable},
		"columns":  columns, "interval_days": {"90"}}
}

// Launch launches a run from the table's page and returns the path of its dossier.
func (b *Browser) Launch(columns ...string) string {
	b.T.Helper()
	return b.launch(TablePath, RunForm(columns...))
}

// LaunchForm launches a run with the form as it is given and returns the path
// of its dossier. The form's token comes from a page that asks no tenant.
func (b *Browser) LaunchForm(form url.Values) string {
	b.T.Helper()
	return b.launch("/account", form)
}

func (b *Browser) launch(page string, form url.Values) string {
	b.T.Helper()
	a := b.Submit(page, "/runs", form)
	if a.Status != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), "/runs/") {
		b.T.Fatalf("launch answered %d %q: %s", a.Status, a.Header.Get("Location"), a.Body)
	}
	return a.Header.Get("Location")
}
