package encryption

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"cxseal/cxone"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// readPlan reads the table and its indexes and plans the change.
func readPlan(ctx context.Context, tenant Tenant, datastoreID, tableID string, change Change) (Plan, error) {
	table, err := tenant.Table(ctx, datastoreID, tableID)
	if err != nil {
		return Plan{}, err
	}
	indexes, err := tenant.Indexes(ctx, datastoreID, tableID)
	if err != nil {
		return Plan{}, err
	}
	return NewPlan(table, indexes, change), nil
}

// codedError gives a tenant's error its code; its sentence is the client's own,
// which is bounded and carries no secret.
func codedError(err error) error {
	var (
		api     *cxone.APIError
		auth    *cxone.AuthError
		scope   *cxone.ScopeError
		limited *cxone.RateLimitError
		decode  *cxone.DecodeError
	)
	code := fault.TenantDown
	switch {
	case errors.As(err, &scope):
		code = fault.TenantScope
	case errors.As(err, &auth):
		code = fault.TenantAuth
	case errors.As(err, &limited):
		code = fault.TenantDown
	case errors.As(err, &decode):
		code = fault.TenantUnreadable
	case errors.As(err, &api):
		code = codeOfStatus(api.Status)
	}
	return &fault.Error{Code: code, Message: sentence(err), Err: err}
}

func codeOfStatus(status int) fault.Code {
	switch {
	case status == http.StatusUnauthorized:
		return fault.TenantAuth
	case status == http.StatusForbidden:
		return fault.TenantScope
	case status == http.StatusNotFound:
		return fault.TenantNotFound
	case status >= 500 || status == http.StatusTooManyRequests:
		return fault.TenantDown
	}
	return fault.TenantRefused
}

// sentence makes the client's error read as one.
func sentence(err error) string {
	text := err.Error()
	if text == "" {
		return "CXone failed."
	}
	r := []rune(text)
	if 'a' <= r[0] && r[0] <= 'z' {
		r[0] -= 'a' - 'A'
	}
	if last := r[len(r)-1]; last != '.' && last != '!' && last != '?' {
		r = append(r, '.')
	}
	return string(r)
}

// made says whether a change that was sent can be seen in the table.
type made int

const (
	madeUnknown made = iota // the tenant shows no key version, so a rotation can't be seen
	madeNo
	madeYes
)

// see reads the run's table and says whether its change can be seen. After
// becomes what the table shows at that time, unless it shows the columns as they
// were.
func see(ctx context.Context, tenant Tenant, run *Run, now func() time.Time) (made, error) {
	table, err := tenant.Table(ctx, run.DatastoreID, run.TableID)
	if err != nil {
		return madeUnknown, err
	}
	after := Snapshot(table.Columns)
	seen := changeMade(run.Operation, run.Plan.Targets, after)
	run.After, run.ShownAt = nil, time.Time{}
	if seen != madeNo {
		run.After, run.ShownAt = after, now()
	}
	return seen, nil
}

// changeMade compares the columns asked for, before and now. The tenant changes
// all of them or none, so one that has not changed means none has.
func changeMade(op audit.Operation, before, now []ColumnState) made {
	result := madeYes
	for _, was := range before {
		i := slices.IndexFunc(now, func(c ColumnState) bool { return c.Name == was.Name })
		switch {
		case i >= 0 && now[i].Unclear:
			result = madeUnknown
		case i < 0 || !now[i].Encrypted:
			return madeNo
		case op == audit.ColumnEncryption:
		case now[i].KeyID != "" && (was.KeyID != "" || was.KeyVersion != 0):
			if now[i].KeyID == was.KeyID {
				return madeNo
			}
		case now[i].KeyVersion == 0:
			result = madeUnknown
		case now[i].KeyVersion <= was.KeyVersion:
			return madeNo
		}
	}
	return result
}

// indexOver names the first index that covers one of the columns.
func indexOver(indexes []cxone.Index, columns []string) string {
	for _, index := range indexes {
		if len(index.StandsOver(columns)) > 0 {
			return index.Name
		}
	}
	return ""
}

// describe says in a dossier what one request of a call came to.
func describe(a cxone.Attempt) string {
	what := fmt.Sprintf("%s answered %d", a.Method, a.Status)
	if a.Err != nil {
		what = fmt.Sprintf("%s got no answer (%s)", a.Method, clip(a.Err.Error()))
	}
	if a.CorrelationID != "" {
		what += ", CorrelationId " + a.CorrelationID
	}
	if a.Wait == 0 {
		return what + "."
	}
	return fmt.Sprintf("%s; trying again in %.1f s.", what, a.Wait.Seconds())
}
