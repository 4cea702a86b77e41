package web

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"golang.org/x/net/html"
)

func writeTo(w io.Writer) func([]byte) error {
	return func(b []byte) error {
		_, err := w.Write(b)
		return err
	}
}

// sendTo keeps a page: its bytes are lent.
func sendTo(page *string) func([]byte) error {
	return func(b []byte) error {
		*page = string(b)
		return nil
	}
}

func draw(t *testing.T, c templ.Component) string {
	t.Helper()
	var page string
	if err := Render(context.Background(), c, sendTo(&page)); err != nil {
		t.Fatal(err)
	}
	return page
}

func parse(t *testing.T, markup string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(markup))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// checkInert reports everything in the document that a strict policy forbids,
// or that would run what came from outside.
func checkInert(t *testing.T, doc *html.Node) {
	t.Helper()
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script":
			src, ok := attr(n, "src")
			if !ok || !strings.HasPrefix(src, "/static/") || n.FirstChild != nil {
				t.Errorf("a script that is not one of our files: %q", src)
			}
		case "style", "iframe", "object", "embed", "base":
			t.Errorf("a page holds <%s>", n.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") {
				t.Errorf("<%s> has the attribute %s=%q", n.Data, a.Key, a.Val)
			}
			switch a.Key {
			case "href", "src", "action", "formaction", "hx-get", "hx-post", "sse-connect":
				if !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") || strings.HasPrefix(a.Val, "//") {
					t.Errorf("<%s %s=%q> leaves the console", n.Data, a.Key, a.Val)
				}
			}
		}
	}
}

func TestNoPageNeedsInlineScriptOrStyle(t *testing.T) {
	for _, p := range samplePages() {
		t.Run(p.name, func(t *testing.T) { checkInert(t, parse(t, draw(t, p.c))) })
	}
}

func TestEveryFormThatChangesSomethingCarriesTheToken(t *testing.T) {
	posts := 0
	for _, p := range samplePages() {
		for n := range parse(t, draw(t, p.c)).Descendants() {
			if n.Type != html.ElementNode || n.Data != "form" {
				continue
			}
			if method, _ := attr(n, "method"); method != "post" {
				continue
			}
			posts++
			sent := ""
			for field := range n.Descendants() {
				if name, _ := attr(field, "name"); name == "csrf_token" {
					sent, _ = attr(field, "value")
				}
			}
			if sent != "csrf-sample" {
				action, _ := attr(n, "action")
				t.Errorf("%s: the form to %s has csrf_token %q", p.name, action, sent)
			}
		}
	}
	if posts < len(samplePages()) {
		t.Errorf("only %d forms were looked at", posts)
	}
}

func TestIdsAreUniqueAndLabelsPointSomewhere(t *testing.T) {
	for _, p := range samplePages() {
		doc := parse(t, draw(t, p.c))
		ids := map[string]bool{}
		for n := range doc.Descendants() {
			if id, ok := attr(n, "id"); ok {
				if ids[id] {
					t.Errorf("%s: two elements have the id %q", p.name, id)
				}
				ids[id] = true
			}
		}
		for n := range doc.Descendants() {
			for _, name := range []string{"for", "aria-labelledby", "aria-describedby"} {
				if target, ok := attr(n, name); ok && !ids[target] {
					t.Errorf("%s: <%s %s=%q> points nowhere", p.name, n.Data, name, target)
				}
			}
		}
	}
}

// fill puts the text into every string that a view model holds, however deep.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Float64:
		v.SetFloat(37.5)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), text)
		fill(v.Index(1), text+"2")
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, key := range []string{text, "columns", "interval_days", "start_at"} {
			v.SetMapIndex(reflect.ValueOf(key), reflect.ValueOf(text))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(sampleNow))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	}
}

// hostilePages are all exported components of the templates, by name, each with a view that holds a text everywhere.
// TestTheHostileTextReachesEveryTemplate holds the list complete.
var hostilePages = map[string]func(text string) templ.Component{
	"AccountPage":            filled(AccountPage),
	"AlarmsPage":             filled(AlarmsPage),
	"AttentionPage":          filled(AttentionPage),
	"AuditPage":              filled(AuditPage),
	"AuditRecordPage":        filled(AuditRecordPage),
	"CampaignLive":           filled(CampaignLive),
	"CampaignPage":           filled(CampaignPage),
	"CampaignsPage":          filled(CampaignsPage),
	"ChartsPage":             filled(ChartsPage),
	"CodePage":               filled(CodePage),
	"ConnectionPage":         filled(ConnectionPage),
	"ConnectionsPage":        filled(ConnectionsPage),
	"DashboardPage":          filled(DashboardPage),
	"DatastoresPage":         filled(DatastoresPage),
	"ApprovalsPage":          filled(ApprovalsPage),
	"DecisionsPage":          filled(DecisionsPage),
	"ErrorFragment":          filled(ErrorFragment),
	"ErrorPage":              filled(ErrorPage),
	"GlossaryPage":           filled(GlossaryPage),
	"JobsPage":               filled(JobsPage),
	"KeptPage":               filled(KeptPage),
	"LinkPage":               filled(LinkPage),
	"LoginPage":              filled(LoginPage),
	"PeoplePage":             filled(PeoplePage),
	"Preflight":              filled(Preflight),
	"ReviewsPage":            filled(ReviewsPage),
	"RotationMonthPage":      filled(RotationMonthPage),
	"RotationPoliciesPage":   filled(RotationPoliciesPage),
	"RotationTimelinePage":   filled(RotationTimelinePage),
	"RotationsPage":          filled(RotationsPage),
	"RunLive":                filled(RunLive),
	"RunPage":                filled(RunPage),
	"RunsPage":               filled(RunsPage),
	"SensitivityConfirmPage": filled(SensitivityConfirmPage),
	"SensitivityPage":        filled(SensitivityPage),
	"SensitivityRequestPage": filled(SensitivityRequestPage),
	"SessionEndedPage":       filled(SessionEndedPage),
	"SetupPage":              filled(SetupPage),
	"SystemPage":             filled(SystemPage),
	"TablePage":              filled(TablePage),
	"VerificationsPage":      filled(VerificationsPage),
}

// filled makes views of a page with a text in every string.
func filled[V any](page func(V) templ.Component) func(string) templ.Component {
	return func(text string) templ.Component {
		var v V
		fill(reflect.ValueOf(&v).Elem(), text)
		return page(v)
	}
}

// Fails when a template's exported component is left out of TestHostileTextStaysText, or when a component that no
// other one draws is not exported and so reached by nothing (tried by taking CodePage out).
func TestTheHostileTextReachesEveryTemplate(t *testing.T) {
	files, err := filepath.Glob("*_templ.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	drawn, declared := map[string]bool{}, []string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Type.Results != nil && types.ExprString(f.Type.Results.List[0].Type) == "templ.Component" {
				declared = append(declared, f.Name.Name)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				drawn[types.ExprString(call.Fun)] = true
			}
			return true
		})
	}
	exported := 0
	for _, name := range declared {
		switch {
		case ast.IsExported(name) && hostilePages[name] == nil:
			t.Errorf("%s is drawn with no hostile text", name)
		case ast.IsExported(name):
			exported++
		case !drawn[name]:
			t.Errorf("%s is drawn by no other component", name)
		}
	}
	if exported != len(hostilePages) {
		t.Errorf("%d of the %d components that are drawn exist", exported, len(hostilePages))
	}
}

func TestHostileTextStaysText(t *testing.T) {
	texts := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `" onload="alert(1)`, `javascript:alert(1)`, `//evil.example/x`,
		`'; DROP TABLE runs`, "a,\"b\"\nc", `=cmd()|x`, `</title></textarea></style><script src=//evil.example></script>`, "\u202e\x00\ufeff", `{{.}}`,
	}
	for _, text := range texts {
		for name, page := range hostilePages {
			markup := draw(t, page(text))
			doc := parse(t, markup)
			for n := range doc.Descendants() {
				if n.Type != html.ElementNode {
					continue
				}
				if n.Data == "img" {
					t.Errorf("%s: %q made an <img>", name, text)
				}
				for _, a := range n.Attr {
					if strings.HasPrefix(a.Key, "on") {
						t.Errorf("%s: %q made the attribute %s", name, text, a.Key)
					}
					link := a.Key == "href" || a.Key == "action" || a.Key == "formaction" || a.Key == "src"
					if link && strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
						t.Errorf("%s: %q made a link that runs: %s=%q", name, text, a.Key, a.Val)
					}
				}
				if n.Data == "script" {
					if src, _ := attr(n, "src"); !strings.HasPrefix(src, "/static/") {
						t.Errorf("%s: %q made a script", name, text)
					}
				}
			}
		}
	}
}

func TestHostileIdsStayInsideTheirPathSegment(t *testing.T) {
	for got, want := range map[string]string{
		TablePath("", "a/../b", "c?d#e"):      "/datastores/a%2F..%2Fb/tables/c%3Fd%23e",
		TablePath("my tenant&x", "ds", "t"):   "/datastores/ds/tables/t?connection=my+tenant%26x",
		PreflightPath("", "<ds>", "t t"):      "/datastores/%3Cds%3E/tables/t%20t/preflight",
		RunPath("//evil.example"):             "/runs/%2F%2Fevil.example",
		AuditProofPath(`"`):                   "/audit/%22/proof",
		AuditFilter{Query: "a&b"}.Path("/x"):  "/x?q=a%26b",
		RunsFilter{State: "failed"}.Path():    "/runs?state=failed",
		AuditFilter{}.Path("/audit.csv"):      "/audit.csv",
		RotationsFilter{Status: "due"}.Path(): "/rotations?status=due",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestFacetLinksNarrowAndWidenTheLog(t *testing.T) {
	f := AuditFilter{Query: "ssn", Outcome: "FAILURE"}
	if got := f.toggle("actor", "admin"); got != "/audit?actor=admin&outcome=FAILURE&q=ssn" {
		t.Error(got)
	}
	if got := f.toggle("outcome", "FAILURE"); got != "/audit?q=ssn" {
		t.Error(got)
	}
}

func TestAFailingPageIsNeverWrittenInPart(t *testing.T) {
	broken := templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		if _, err := io.WriteString(w, "half a page"); err != nil {
			return err
		}
		return errors.New("boom")
	})
	var page string
	if err := Render(context.Background(), broken, sendTo(&page)); err == nil || page != "" {
		t.Errorf("error %v, %d bytes written", err, len(page))
	}
	if err := Render(context.Background(), icon("check"), sendTo(&page)); err != nil || strings.Contains(page, "half") {
		t.Errorf("a buffer was handed on with what it held: %v %s", err, page)
	}
}

func TestOfficersSeeNoFormThatLaunches(t *testing.T) {
	v := sampleTable()
	v.User = User{"olivia", "officer"}
	markup := draw(t, TablePage(v))
	if strings.Contains(markup, `action="/runs"`) || strings.Contains(markup, `type="checkbox" class="form-check-input" name="columns"`) {
		t.Error("the form is there")
	}
	if !strings.Contains(markup, "Only administrators launch runs") {
		t.Error("nothing says why")
	}
}

func TestABlockedPlanCannotBeSentAndSaysWhyBesideTheColumn(t *testing.T) {
	v := sampleTable()
	v.Encrypt = &RunForm{Chosen: []string{"iban"}, Preflight: samplePreflight(true)}
	doc := parse(t, draw(t, TablePage(v)))
	said := false
	for n := range doc.Descendants() {
		if id, _ := attr(n, "id"); id == "shortcuts" {
			n.Parent.RemoveChild(n) // its Close button launches nothing
			break
		}
	}
	for n := range doc.Descendants() {
		if id, _ := attr(n, "id"); id == findingID(false, "iban") {
			for x := range n.Descendants() {
				said = said || strings.Contains(x.Data, "read-only index idx_iban")
			}
		}
		if n.Data != "form" {
			continue
		}
		for x := range n.Descendants() {
			class, _ := attr(x, "class")
			if _, off := attr(x, "disabled"); x.Data == "button" && strings.Contains(class, "btn-primary") && !off {
				t.Error("a launch button is enabled")
			}
		}
	}
	if !said {
		t.Error("the blocker does not stand beside its column")
	}
}

func TestStepsNeverPromiseMoreThanTheStateHolds(t *testing.T) {
	for state, want := range map[string]string{
		"queued": "now todo todo todo todo", "verifying": "done done done now todo", "verified": "done done done done done",
		"rejected": "done done done failed todo", "unconfirmed": "done done done warned todo",
	} {
		var got []string
		for _, s := range runSteps(sampleRun(state)) {
			got = append(got, s.how)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", state, got, want)
		}
	}
	failed := sampleRun("failed")
	failed.Events = failed.Events[:2]
	if s := runSteps(failed)[1]; s.how != "failed" || s.note != "Failed here" {
		t.Errorf("a run that failed while checking is marked %+v", s)
	}
}
