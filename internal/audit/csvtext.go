package audit

// AppendCSVText appends one text cell: quoted where RFC 4180 requires it, and with a leading ' where a
// spreadsheet would take the text for a formula (OWASP, contract §4). Every CSV of the console writes its
// text cells by it.
func AppendCSVText(dst []byte, s string) []byte { return appendCSVText(dst, s) }
