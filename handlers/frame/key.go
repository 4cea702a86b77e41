package frame

import (
	"encoding/base64"
	"encoding/json"
)

// EncodeKey encodes a row's key, or a place in a list, for an address or a form: as base64 of a JSON array,
// because names may hold any character.
func EncodeKey(parts ...any) string {
	raw, err := json.Marshal(parts)
	if err != nil {
		panic(err) // cannot happen for numbers and strings
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// DecodeKey decodes what EncodeKey encoded into the pointers parts, and reports whether it could.
func DecodeKey(text string, parts ...any) bool {
	n := len(parts)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && json.Unmarshal(raw, &parts) == nil && len(parts) == n
}

// Place decodes a parameter that EncodeKey encoded into the pointers parts, and reports whether it is given and
// well formed.
func (q *Query) Place(name string, parts ...any) bool {
	v := q.values.Get(name)
	if v == "" {
		return false
	}
	if !DecodeKey(v, parts...) {
		q.Wrong("“" + name + "” is not a place in this list.")
		return false
	}
	return true
}
