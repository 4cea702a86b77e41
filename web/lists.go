package web

import "strings"

// tookText is how long a run took from request to end.
func tookText(r RunRow) string {
	if r.FinishedAt.IsZero() {
		return "—"
	}
	return FormatMillis(max(between(r.RequestedAt, r.FinishedAt), 0))
}

// versionText is a key version, or what it means that there is none.
func versionText(v int64) string {
	if v <= 0 {
		return "not shown"
	}
	return "v" + FormatNumber(v)
}

func lower(s string) string { return strings.ToLower(s) }

// The filters as query strings, for links that keep or change them.

func (f AuditFilter) pairs() []string {
	return []string{
		"q", f.Query, "from", f.From, "to", f.To, "operation", f.Operation, "outcome", f.Outcome, "actor", f.Actor,
		"connection", f.Connection, "datastore_id", f.DatastoreID, "table_id", f.TableID, "run_id", f.RunID,
	}
}

// Path is path with the filter as its query: /audit itself or an export.
func (f AuditFilter) Path(path string) string { return listPath(path, f.pairs()...) }

// Active reports whether anything is narrowed.
func (f AuditFilter) Active() bool { return f != AuditFilter{} }

// narrowed reports whether anything beside the search box is.
func (f AuditFilter) narrowed() bool {
	f.Query = ""
	return f.Active()
}

// value is the filter's present value of a query parameter.
func (f AuditFilter) value(param string) string {
	p := f.pairs()
	for i := 0; i < len(p); i += 2 {
		if p[i] == param {
			return p[i+1]
		}
	}
	return ""
}

// toggle is /audit with param set to value, or cleared if it already has it.
func (f AuditFilter) toggle(param, value string) string {
	p := f.pairs()
	for i := 0; i < len(p); i += 2 {
		if p[i] == param {
			if p[i+1] == value {
				value = ""
			}
			p[i+1] = value
		}
	}
	return listPath("/audit", p...)
}

// Path is /runs with the filter as its query.
func (f RunsFilter) Path() string {
	return listPath("/runs", "state", f.State, "operation", f.Operation, "connection", f.Connection,
		"datastore_id", f.DatastoreID, "table_id", f.TableID, "requested_by", f.RequestedBy, "from", f.From, "to", f.To)
}

// Active reports whether anything is narrowed.
func (f RunsFilter) Active() bool { return f != RunsFilter{} }

// Path is /verifications with the filter as its query.
func (f VerificationsFilter) Path() string {
	return listPath("/verifications", "accepted", f.Accepted, "run_id", f.RunID, "connection", f.Connection,
		"table_id", f.TableID, "from", f.From, "to", f.To)
}

// Active reports whether anything is narrowed.
func (f VerificationsFilter) Active() bool { return f != VerificationsFilter{} }

// Path is /rotations with the filter as its query.
func (f RotationsFilter) Path() string {
	return listPath("/rotations", "status", f.Status, "connection", f.Connection, "table_id", f.TableID,
		"from", f.From, "until", f.Until)
}

// Active reports whether anything is narrowed.
func (f RotationsFilter) Active() bool { return f != RotationsFilter{} }

// activitySubject is what a record is about, in a few words.
func activitySubject(r AuditRow) string {
	switch {
	case r.TableID != "":
		return " on " + r.TableID
	case r.RunID != "":
		return " on run " + ShortID(r.RunID)
	}
	return ""
}
