package web

import (
	"net/url"
	"strconv"
	"time"

	"github.com/a-h/templ"
)

// The console's addresses (contract §3). Ids come from outside and are escaped
// as path segments; a page never builds an address by hand.

// TablePath is the page of one table. The connection is named where there are
// several, and left empty where there is one.
func TablePath(connection, datastoreID, tableID string) string {
	return withConnection("/datastores/"+url.PathEscape(datastoreID)+"/tables/"+url.PathEscape(tableID), connection)
}

// PreflightPath is where a table's run form is checked.
func PreflightPath(connection, datastoreID, tableID string) string {
	return withConnection("/datastores/"+url.PathEscape(datastoreID)+"/tables/"+url.PathEscape(tableID)+"/preflight", connection)
}

// RunPath is one run's dossier.
func RunPath(id string) string { return "/runs/" + url.PathEscape(id) }

// RunEventsPath is one run's live progress.
func RunEventsPath(id string) string { return RunPath(id) + "/events" }

// RunCancelPath is where a queued run is cancelled, by POST.
func RunCancelPath(id string) string { return RunPath(id) + "/cancel" }

// AuditRecordPath is one audit record.
func AuditRecordPath(id string) string { return "/audit/" + url.PathEscape(id) }

// AuditProofPath is one audit record's inclusion proof.
func AuditProofPath(id string) string { return AuditRecordPath(id) + "/proof" }

func withConnection(path, connection string) string {
	if connection == "" {
		return path
	}
	return path + "?connection=" + url.QueryEscape(connection)
}

// listPath is path with the non-empty pairs as its query, in a stable order.
func listPath(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// href marks an address built by this file as safe for a link.
func href(path string) templ.SafeURL { return templ.URL(path) }

// ConnectionPath is one managed connection.
func ConnectionPath(name string) string { return "/connections/" + url.PathEscape(name) }

// SessionEndPath is where one of one's own sessions is ended, by POST.
func SessionEndPath(id string) string { return "/account/sessions/" + url.PathEscape(id) + "/end" }

// TokenRemovePath is where one of one's own API tokens is removed, by POST.
func TokenRemovePath(id int64) string {
	return "/account/tokens/" + strconv.FormatInt(id, 10) + "/remove"
}

// PersonPath is where one thing about an account is changed, by POST.
func PersonPath(id int64, what string) string {
	return "/people/" + strconv.FormatInt(id, 10) + "/" + what
}

// CampaignPath is one campaign's page.
func CampaignPath(id string) string { return "/campaigns/" + url.PathEscape(id) }

// ViewDeletePath is where a saved view is deleted, by POST.
func ViewDeletePath(id int64) string { return "/audit/views/" + strconv.FormatInt(id, 10) + "/delete" }

// policyDeletePath is where one policy is deleted, by POST.
func policyDeletePath(id int64) string {
	return "/rotations/policies/" + strconv.FormatInt(id, 10) + "/delete"
}

func routePath(id int64, what string) string {
	return "/alarms/routes/" + strconv.FormatInt(id, 10) + "/" + what
}

// RotationsBetweenPath lists what is due in a
// stretch of days; the last day is not in it. A zero from: from the first on.
func RotationsBetweenPath(from, until time.Time) string {
	day := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.DateOnly)
	}
	return listPath("/rotations", "from", day(from), "until", day(until))
}
