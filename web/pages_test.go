package web

import (
	"context"
	"errors"
	"io"
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

func hostile[V any](page func(V) templ.Component, text string) templ.Component {
	var v V
	fill(reflect.ValueOf(&v).Elem(), text)
	return page(v)
}

func TestHostileTextStaysText(t *testing.T) {
	texts := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `" onload="alert(1)`, `javascript:alert(1)`, `//evil.example/x`,
		`'; DROP TABLE runs`, "a,\"b\"\nc", `=cmd()|x`, `</title></textarea></style><script src=//evil.example></script>`, "\u202e\x00\ufeff", `{{.}}`,
	}
	for _, text := range texts {
		pages := map[string]templ.Component{
			"login": hostile(LoginPage, text), "dashboard": hostile(DashboardPage, text), "datastores": hostile(DatastoresPage, text),
			"table": hostile(TablePage, text), "preflight": hostile(Preflight, text), "run": hostile(RunPage, text), "run live": hostile(RunLive, text),
			"runs": hostile(RunsPage, text), "rotations": hostile(RotationsPage, text), "month": hostile(RotationMonthPage, text), "timeline": hostile(RotationTimelinePage, text),
			"policies": hostile(RotationPoliciesPage, text), "alarms": hostile(AlarmsPage, text), "jobs": hostile(JobsPage, text), "audit": hostile(AuditPage, text), "record": hostile(AuditRecordPage, text),
			"verifications": hostile(VerificationsPage, text), "system": hostile(SystemPage, text), "reviews": hostile(ReviewsPage, text), "error": hostile(ErrorPage, text), "error fragment": hostile(ErrorFragment, text),
		}
		for name, c := range pages {
			markup := draw(t, c)
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
