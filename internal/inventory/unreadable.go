package inventory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cxseal/cxone"
	"cxseal/internal/fault"
)

// incompleteList begins what is noted of a listing that may be incomplete.
const incompleteList = "CXone's list may be incomplete"

// Incomplete reports whether the tenant was read, but its listing may not hold
// everything: what is counted is what is known, and there may be more.
func (s Sync) Incomplete() bool { return strings.HasPrefix(s.Error, incompleteList) }

// FaultCode returns the code of the error that the synchronisation ended with, for the advice beside it,
// empty when it is not known. The store keeps the error's sentence alone, so the code is read from cxone's
// sentences: a tenant that refused the credentials must not be called one that could not be reached.
func (s Sync) FaultCode() fault.Code {
	for _, known := range []struct {
		says string
		code fault.Code
	}{
		{"OAuth authentication failed", fault.TenantAuth},
		{"CXone refused to grant a token", fault.TenantAuth},
		{"CXone refused a fresh token", fault.TenantAuth},
		{"the token endpoint's answer cannot be used", fault.TenantAuth},
		{"check the token URL", fault.TenantAuth},
		{"the token lacks the scope", fault.TenantScope},
		{"CXone could not be reached", fault.TenantDown},
		{"CXone failed", fault.TenantDown},
		{"CXone throttles requests", fault.TenantDown},
		{"cannot be used", fault.TenantUnreadable},
	} {
		if strings.Contains(s.Error, known.says) {
			return known.code
		}
	}
	if s.Incomplete() {
		return fault.TenantUnreadable
	}
	return ""
}

// keepKnown puts what is known of a column in the place of what could not be
// read of it: a column whose state is not clear has not lost its protection.
func (s *Service) keepKnown(ctx context.Context, connection, datastoreID, tableID string, read *cxone.Table) error {
	if !slices.ContainsFunc(read.Columns, func(c cxone.Column) bool { return c.Unclear }) {
		return nil
	}
	known, err := s.store.Columns(ctx, connection, datastoreID, tableID)
	if err != nil {
		return err
	}
	for i, c := range read.Columns {
		at := slices.IndexFunc(known, func(k Column) bool { return k.Name == c.Name })
		if c.Unclear && at >= 0 {
			read.Columns[i].Encrypted = known[at].Encrypted
		}
	}
	return nil
}

// readInPart begins what is noted of a table of which some places could not be read.
const readInPart = "CXone's answer can be read in part"

// unreadable says which places of a table could not be read.
func unreadable(places []cxone.Unreadable) string {
	texts := make([]string, 0, 4)
	for i, u := range places {
		if i == 3 {
			texts = append(texts, fmt.Sprintf("and %d more", len(places)-i))
			break
		}
		texts = append(texts, u.String())
	}
	return readInPart + ": " + strings.Join(texts, "; ")
}
