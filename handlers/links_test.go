package handlers_test

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"cxseal/internal/access"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
)

// TestNoPageOffersALinkThatItsReaderMayNotFollow fails when a page offers somebody a link that is refused to
// them (tried with the links of a viewer's dashboard, and with an approver's link to a campaign's CSV).
func TestNoPageOffersALinkThatItsReaderMayNotFollow(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	h.WaitFor(admin.Launch("ssn"), encryption.Verified)
	a := admin.Submit(consoletest.TablePath, "/runs", consoletest.RunForm("no_such_column"))
	h.WaitFor(a.Header.Get("Location"), encryption.Failed)
	campaign := consoletest.RunForm()
	campaign.Del("columns")
	campaign.Set("target", "tables")
	if a := admin.Submit("/campaigns", "/campaigns", campaign); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	for _, role := range access.Roles() {
		b := h.As(role)
		pages, followed := 0, 0
		seen := map[string]bool{"/": true}
		for queue := []string{"/"}; len(queue) > 0; queue = queue[1:] {
			a := b.Get(queue[0])
			if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
				continue
			}
			pages++
			for _, to := range linksOf(t, a.Body) {
				if seen[to] {
					continue
				}
				seen[to] = true
				followed++
				found := b.Get(to)
				if found.Status == http.StatusForbidden || found.Status == http.StatusUnauthorized {
					t.Errorf("%s offers a %s %s, which answers %d", queue[0], role, to, found.Status)
				}
				if len(seen) < 150 && !strings.Contains(to, "?") {
					queue = append(queue, to)
				}
			}
		}
		t.Logf("%s: %d pages, %d links", role, pages, followed)
		if role != access.Viewer && pages < 15 || pages < 3 {
			t.Errorf("only %d pages were found as %s", pages, role)
		}
	}
}

// linksOf are the addresses that a page's links lead to, without their fragments.
func linksOf(t *testing.T, body string) []string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	must(t, err)
	var links []string
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != "a" {
			continue
		}
		for _, at := range n.Attr {
			path, _, _ := strings.Cut(at.Val, "#")
			if at.Key == "href" && strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "/static/") {
				links = append(links, path)
			}
		}
	}
	return links
}
