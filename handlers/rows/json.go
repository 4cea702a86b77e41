package rows

import (
	"bytes"
	"encoding/json"
)

// Indent makes JSON readable, and leaves what is none as it is.
func Indent(raw []byte) string {
	var buf bytes.Buffer
	if json.Indent(&buf, raw, "", "  ") != nil {
		return string(raw)
	}
	return buf.String()
}
