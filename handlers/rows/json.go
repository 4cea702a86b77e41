package rows

import (
	"bytes"
	"encoding/json"
)

// Indent returns JSON indented, and any other text unchanged.
func Indent(raw []byte) string {
	var buf bytes.Buffer
	if json.Indent(&buf, raw, "", "  ") != nil {
		return string(raw)
	}
	return buf.String()
}
