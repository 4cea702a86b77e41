package review

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"cxseal/internal/access"
	"cxseal/internal/fault"
)

// Bounds of saved views.
const (
	MaxViews     = 50 // a person
	MaxViewName  = 80 // characters
	maxViewBytes = 8 << 10
)

// View is a search of the log that a person saved under a name.
type View struct {
	ID     int64
	UserID int64
	Name   string
	Query  string // the query string of /audit, without ? and without a page
}

// viewParams are the query parameters that a view keeps: the filters of /audit (contract §3). The page number
// is not part of a search.
var viewParams = []string{"from", "to", "operation", "outcome", "actor", "connection", "datastore_id", "table_id", "run_id", "q"}

// Views lists the caller's own views by name.
func (s *Service) Views(ctx context.Context, caller access.Caller) ([]View, error) {
	if err := access.Require(caller, access.PermViewAll); err != nil {
		return nil, err
	}
	return s.store.Views(ctx, caller.UserID)
}

// Save keeps the search under a name and replaces the caller's view of that name. Unknown parameters are
// dropped. It answers fault.Denied for a caller without an account, fault.Invalid for a name or a query that
// cannot be kept, and fault.TooLarge for a query over maxViewBytes.
func (s *Service) Save(ctx context.Context, caller access.Caller, name, query string) (View, error) {
	if err := access.Require(caller, access.PermViewAll); err != nil {
		return View{}, err
	}
	v := View{UserID: caller.UserID, Name: strings.Join(strings.Fields(name), " ")}
	switch {
	case v.UserID == 0:
		return View{}, fault.New(fault.Denied, "Only an account has saved views")
	case v.Name == "":
		return View{}, fault.New(fault.Invalid, "Give the view a name")
	case !utf8.ValidString(v.Name) || strings.ContainsFunc(v.Name, unicode.IsControl):
		return View{}, fault.New(fault.Invalid, "The name has characters that cannot be shown")
	case utf8.RuneCountInString(v.Name) > MaxViewName:
		return View{}, fault.New(fault.Invalid, "The name is longer than %d characters", MaxViewName)
	case len(query) > maxViewBytes:
		return View{}, fault.New(fault.TooLarge, "The search is too long to be kept")
	}
	asked, err := url.ParseQuery(strings.TrimPrefix(query, "?"))
	if err != nil {
		return View{}, fault.Wrap(err, fault.Invalid, "The search cannot be read")
	}
	kept := url.Values{}
	for param, values := range asked {
		if slices.Contains(viewParams, param) && len(values) == 1 && values[0] != "" {
			kept.Set(param, values[0])
		}
	}
	if v.Query = kept.Encode(); v.Query == "" {
		return View{}, fault.New(fault.Invalid, "There is nothing to keep yet: filter or search first")
	}
	return v, s.store.SaveView(ctx, v)
}

// MayAddView answers fault.Conflict when a person who has n views may not add one.
func MayAddView(n int) error {
	if n >= MaxViews {
		return fault.New(fault.Conflict, "You have %d saved views, which is the most: delete one first.", MaxViews)
	}
	return nil
}

// Delete removes one of the caller's own views. The view of another person answers fault.NotFound, as one that
// does not exist.
func (s *Service) Delete(ctx context.Context, caller access.Caller, id int64) error {
	if err := access.Require(caller, access.PermViewAll); err != nil {
		return err
	}
	return s.store.DeleteView(ctx, caller.UserID, id)
}
