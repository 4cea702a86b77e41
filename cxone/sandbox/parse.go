package sandbox

import (
	"encoding/json"
	"strings"
)

// ParseFault reads a fault as a person types it: its kind, and after a colon its
// fields with commas between (accepted:latencyMs=3000, bom:endpoint=table), or
// the JSON object that the control takes. It strikes until the faults are
// cleared unless times says otherwise.
func ParseFault(text string) (Fault, error) {
	f := Fault{Times: -1}
	raw := []byte(text)
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		kind, rest, _ := strings.Cut(text, ":")
		fields := map[string]json.RawMessage{"kind": quote(kind)}
		for _, pair := range strings.FieldsFunc(rest, func(r rune) bool { return r == ',' }) {
			name, value, ok := strings.Cut(pair, "=")
			if !ok {
				return f, wrong(pair, "must be field=value")
			}
			switch name {
			case "times", "latencyMs", "status", "retryAfter", "retryAfterDate", "size":
				fields[name] = json.RawMessage(value)
			default:
				fields[name] = quote(value)
			}
		}
		var err error
		if raw, err = json.Marshal(fields); err != nil { // a value that is no JSON
			return f, wrong("fault", "has a number that is none: %s", text)
		}
	}
	if err := decodeBytes(raw, &f); err != nil {
		return f, err
	}
	return f, f.check()
}

func quote(text string) json.RawMessage {
	raw, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string
	}
	return raw
}
