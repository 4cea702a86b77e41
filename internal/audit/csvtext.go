package audit

// AppendCSVText appends one text cell as the exports write it: quoted where RFC
// 4180 asks for it, and disarmed where a spreadsheet would take it for a
// formula (OWASP, contract §4). Every CSV of the console writes its text so.
func AppendCSVText(dst []byte, s string) []byte { return appendCSVText(dst, s) }
