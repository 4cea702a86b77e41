//go:build bench

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"html/template"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"cxseal/internal/audit"
	"cxseal/web"
)

// plainPage draws the log's page by templ and by html/template. The latter has everything but the rows as fixed
// text, which is to its advantage.
type plainPage struct{ page *template.Template }

// rowTemplate is auditTable of web/audit_table.templ, row by row.
const rowTemplate = `{{range .Rows}}<tr><th scope="row"><a href="/audit/{{.ID}}">{{operation .Operation}}</a> {{if .Detail}}<span class="cx-sub cx-clip" title="{{.Detail}}">{{.Detail}}</span>{{end}}</th>` +
	`<td>{{with outcome .Outcome}}<span class="cx-badge {{.Class}}"><svg class="icon" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{{.Icon}}</svg> {{.Text}}</span>{{end}}</td>` +
	`<td>{{.Actor}} <span class="cx-sub">{{role .Role}}</span></td>` +
	`<td><time class="cx-nowrap" datetime="{{machine .At}}">{{person .At}}</time> <span class="cx-sub">no. {{number .Seq}}</span></td>` +
	`<td>{{if .TableID}}<a href="{{table .}}">{{.TableID}}</a> {{end}}` +
	`{{if .Columns}}<span class="cx-names">{{range head .Columns}}<code>{{.}}</code> {{end}}{{with rest .Columns}}<span class="text-secondary" title="{{.All}}">and {{.More}} more</span>{{end}}</span> {{end}}` +
	`{{if .RunID}}<span class="cx-sub"><a href="/runs/{{.RunID}}">Run {{short .RunID}}</a></span>{{end}}` +
	`{{if and (not .TableID) (not .RunID)}}<span class="text-secondary">—</span>{{end}}</td></tr>{{end}}`

type outcomeBadge struct {
	Class, Text string
	Icon        template.HTML
}

type moreNames struct{ All, More string }

// plainPage reads the fixed parts from the console's own page at path.
func (d *pageParts) plainPage(path string) (*plainPage, error) {
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	head, rest, found := strings.Cut(string(body), "<tbody>")
	rows, tail, closed := strings.Cut(rest, "</tbody>")
	if !found || !closed || strings.Count(rows, "<tr>") != 50 {
		return nil, errors.New("the page has no table of 50 records")
	}
	badges := map[string]outcomeBadge{}
	for outcome, b := range map[string]outcomeBadge{"SUCCESS": {"cx-tone-success", "Success", ""},
		"FAILURE": {"cx-tone-danger", "Failure", ""}, "DENIED": {"cx-tone-warning", "Denied", ""}} {
		b.Icon = `<path d="M5 12l5 5l10 -10" />`
		badges[outcome] = b
	}
	fixed := func(s string) string { return strings.ReplaceAll(s, "{{", `{{"{{"}}`) }
	page, err := template.New("audit").Funcs(template.FuncMap{
		"operation": web.OperationText, "role": web.RoleText, "person": web.FormatTime, "number": web.FormatNumber, "short": web.ShortID,
		"machine": func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") },
		"outcome": func(o string) outcomeBadge { return badges[o] },
		"table": func(r web.AuditRow) string {
			return "/datastores/" + url.PathEscape(r.DatastoreID) + "/tables/" + url.PathEscape(r.TableID) +
				"?connection=" + url.QueryEscape(r.Connection)
		},
		"head": func(list []string) []string { return list[:min(2, len(list))] },
		"rest": func(list []string) *moreNames {
			if len(list) <= 2 {
				return nil
			}
			return &moreNames{web.JoinNames(list), web.FormatNumber(int64(len(list) - 2))}
		},
	}).Parse(fixed(head) + "<tbody>" + rowTemplate + "</tbody>" + fixed(tail))
	if err != nil {
		return nil, err
	}
	p := &plainPage{page}
	return p, p.check(rows, d)
}

// check compares the rows that html/template draws with those of the page, and returns an error when they
// differ.
func (p *plainPage) check(want string, d *pageParts) error {
	entries, err := d.queries(context.Background())
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	if err := p.html(context.Background(), &buf, entries); err != nil {
		return err
	}
	_, rest, _ := strings.Cut(buf.String(), "<tbody>")
	got, _, _ := strings.Cut(rest, "</tbody>")
	text := func(s string) string { // without icons, white space and ways to escape
		for {
			before, after, found := strings.Cut(s, "<svg")
			_, after, closed := strings.Cut(after, "</svg>")
			if !found || !closed {
				break
			}
			s = before + after
		}
		return strings.Join(strings.Fields(strings.ReplaceAll(html.UnescapeString(s), ">", "> ")), "")
	}
	if a, b := text(want), text(got); a != b {
		at := 0
		for at < min(len(a), len(b)) && a[at] == b[at] {
			at++
		}
		return fmt.Errorf("the two pages differ at %q and %q", a[max(0, at-40):min(len(a), at+80)],
			b[max(0, at-40):min(len(b), at+80)])
	}
	return nil
}

func (p *plainPage) templ(ctx context.Context, w io.Writer, lines []audit.Line) error {
	return web.Render(ctx, web.AuditPage(plainView(lines)), func(page []byte) error {
		_, err := w.Write(page)
		return err
	})
}

func (p *plainPage) html(_ context.Context, w io.Writer, lines []audit.Line) error {
	return p.page.Execute(w, plainView(lines))
}
