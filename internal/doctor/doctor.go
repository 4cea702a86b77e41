// Package doctor examines a connection from end to end and says, for each
// thing that is wrong, how to mend it. It changes nothing at the tenant.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"cxseal/cxone"
	"cxseal/internal/encryption"
)

// maxSkew is how far the tenant's clock may be from ours: a signed callback is
// refused at five minutes, so a warning comes earlier.
const maxSkew = time.Minute

// Tenant is what an examination needs of CXone; *cxone.Client is one.
type Tenant interface {
	Probe(ctx context.Context) (cxone.Access, error)
	Table(ctx context.Context, datastoreID, tableID string) (*cxone.Table, error)
	Indexes(ctx context.Context, datastoreID, tableID string) ([]cxone.Index, error)
}

// Target says what to examine.
type Target struct {
	Tenant      Tenant
	BaseURL     string // as configured; empty where it is discovered
	CallbackURL string // the setting
	Signed      bool   // a callback secret is set
	Managed     bool   // the connection lives in the console, not in the environment

	// DatastoreID and TableID name a table to read; empty: no table is read.
	DatastoreID, TableID string

	// HTTP asks the callback URL whether a console answers there; nil: not asked.
	HTTP *http.Client

	// IsOurs reports whether this installation gave the answer to a challenge
	// (audit.Key.AnswerChallenge); nil where that cannot be checked.
	IsOurs func(challenge, answer string) bool
}

// Verdict says how an examination went.
type Verdict string

// The verdicts.
const (
	Good    Verdict = "ok"
	Warning Verdict = "warning" // works, or may work, but look at it
	Bad     Verdict = "problem"
	Skipped Verdict = "skipped" // could not be examined; Detail says why
)

// Verdicts returns every verdict.
func Verdicts() []Verdict { return []Verdict{Good, Warning, Bad, Skipped} }

// Finding is the result of one examination.
type Finding struct {
	Name    string // "token", "scopes", "clock", "table", "callback URL", "callback signature"
	Verdict Verdict
	Detail  string // what was found
	Mend    string // what to do, empty when all is well
}

// Examine makes every examination it can; a failed one does not stop the rest
// unless they depend on it.
func Examine(ctx context.Context, t Target) []Finding {
	access, err := t.Tenant.Probe(ctx)
	findings := []Finding{tokenFinding(t, access, err)}
	if err == nil {
		findings = append(findings, scopeFinding(access), clockFinding(access), tableFinding(ctx, t))
	} else {
		for _, name := range []string{"scopes", "clock", "table"} {
			findings = append(findings, Finding{Name: name, Verdict: Skipped, Detail: "needs a token first"})
		}
	}
	return append(findings, callbackFinding(ctx, t), signatureFinding(t))
}

// Healthy reports whether nothing is a problem.
func Healthy(findings []Finding) bool {
	return !slices.ContainsFunc(findings, func(f Finding) bool { return f.Verdict == Bad })
}

func tokenFinding(t Target, access cxone.Access, err error) Finding {
	f := Finding{Name: "token", Verdict: Good, Detail: "CXone at " + access.BaseURL + " issued a token"}
	if err == nil {
		return f
	}
	f.Verdict, f.Detail = Bad, err.Error()
	var (
		auth      *cxone.AuthError
		scope     *cxone.ScopeError
		transport *cxone.TransportError
		dns       *net.DNSError
	)
	switch {
	case t.BaseURL != "" && !strings.Contains(t.BaseURL, "://"):
		f.Mend = fmt.Sprintf("%s has no scheme: write https://%s.", t.setting("base URL", "CXONE_BASE_URL"), t.BaseURL)
	case errors.As(err, &scope):
		f.Mend = "Have the CXone administrator grant the client " + strings.Join(scope.Missing, ", ") + "."
	case errors.As(err, &auth) && auth.URL:
		f.Mend = "Check " + t.setting("token URL", "CXONE_TOKEN_URL") + ": what answers there grants no tokens. The credentials were not looked at."
	case errors.As(err, &auth):
		f.Mend = "Compare " + t.setting("client id, client secret and realm", "CXONE_CLIENT_ID, CXONE_CLIENT_SECRET and CXONE_REALM") +
			" with the client in CXone's administration."
	case errors.As(err, &dns):
		f.Mend = "The host name of " + t.BaseURL + " cannot be resolved: check " + t.setting("base URL", "CXONE_BASE_URL") + " and this machine's DNS."
	case errors.As(err, &transport):
		f.Mend = "Nothing answers at " + t.BaseURL + ": check " + t.setting("base URL, token URL", "CXONE_BASE_URL, CXONE_TOKEN_URL") + ", the firewall and the proxy."
	default:
		f.Mend = "Check " + t.setting("base URL and token URL", "CXONE_BASE_URL and CXONE_TOKEN_URL") + "; if they are right, CXone itself is in trouble."
	}
	return f
}

// setting names a setting where it can be changed: in the console, or in the
// environment.
func (t Target) setting(name, variable string) string {
	if t.Managed {
		return "the connection's " + name + " (its page, “Settings”)"
	}
	return variable
}

func scopeFinding(access cxone.Access) Finding {
	f := Finding{Name: "scopes", Verdict: Good}
	if len(access.Scopes) == 0 {
		f.Detail = "the token names no scopes, which means those asked for (RFC 6749 §5.1)"
		return f
	}
	f.Detail = "granted " + strings.Join(access.Scopes, ", ")
	var missing []string
	for _, s := range []string{cxone.ScopeRead, cxone.ScopeWrite, cxone.ScopeEncrypt} {
		if !slices.Contains(access.Scopes, s) {
			missing = append(missing, s)
		}
	}
	if len(missing) > 0 {
		f.Verdict = Bad
		f.Mend = "Have the CXone administrator grant the client " + strings.Join(missing, ", ") + "."
	}
	return f
}

func clockFinding(access cxone.Access) Finding {
	f := Finding{Name: "clock", Verdict: Good}
	if access.ServerTime.IsZero() {
		f.Verdict, f.Detail = Skipped, "the tenant sent no Date"
		return f
	}
	f.Detail = fmt.Sprintf("this machine and the tenant differ by %s", access.Skew.Abs().Round(time.Second))
	if access.Skew.Abs() > maxSkew {
		f.Verdict = Warning
		f.Mend = "Set this machine's clock (NTP): signed callbacks are refused from five minutes on, and rotation dates drift."
	}
	return f
}

func tableFinding(ctx context.Context, t Target) Finding {
	f := Finding{Name: "table"}
	if t.DatastoreID == "" || t.TableID == "" {
		f.Verdict, f.Detail = Skipped, "no table is named ("+
			t.setting("data store and table", "CXONE_DATASTORE_ID and CXONE_TABLE_ID, or --datastore and --table")+")"
		return f
	}
	table, err := t.Tenant.Table(ctx, t.DatastoreID, t.TableID)
	if err != nil {
		f.Verdict, f.Detail, f.Mend = Bad, err.Error(), mendTable(err)
		return f
	}
	indexes, err := t.Tenant.Indexes(ctx, t.DatastoreID, t.TableID)
	if err != nil {
		f.Verdict, f.Detail = Bad, "the table can be read, its indexes cannot: "+err.Error()
		f.Mend = "Without the indexes a run cannot be checked. Have the administrator allow reading them."
		return f
	}
	coverage := encryption.CoverageOf(encryption.Snapshot(table.Columns))
	f.Verdict = Good
	f.Detail = fmt.Sprintf("%q has %d columns, %d encrypted of at most %d, and %d indexes",
		table.Name, coverage.Total, coverage.Encrypted, table.Metadata.MaxEncryptedFields, len(indexes))
	if n := len(table.Unreadable); n > 0 {
		f.Verdict = Warning
		f.Detail += fmt.Sprintf("; %d of the values in CXone's answer cannot be read, the first: %s", n, table.Unreadable[0])
		f.Mend = "No run touches a column that cannot be read clearly. Have the CXone administrator mend the table."
	}
	return f
}

// mendTable says what to do about a table that could not be read: the ids are
// to blame for "not found" only.
func mendTable(err error) string {
	var (
		api    *cxone.APIError
		shaped *cxone.DecodeError
	)
	switch {
	case errors.As(err, &shaped):
		return "CXone answered, and what it says of this table cannot be used: the place is named above. Have the CXone administrator mend the table."
	case errors.As(err, &api) && api.Status == http.StatusForbidden:
		return "Have the CXone administrator let the client read this table."
	case errors.As(err, &api) && api.Status == http.StatusNotFound:
		return "Check the ids of the data store and the table, and that the client may read them."
	}
	return "Try again; if it stays so, CXone itself is in trouble."
}
