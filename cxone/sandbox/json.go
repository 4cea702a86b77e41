package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// maxDepth bounds how deep a body may nest; the deepest legal one needs six.
const maxDepth = 16

// fieldError says which part of a body is wrong, and how.
type fieldError struct{ field, message string }

func (e *fieldError) Error() string { return e.field + ": " + e.message }

func wrong(field, format string, args ...any) error {
	return &fieldError{clip(field), clip(fmt.Sprintf(format, args...))}
}

// clip bounds what an error repeats of what was sent, which may be a megabyte.
func clip(text string) string {
	const most = 400 // bytes
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// parseJSON reads one JSON value into maps, slices, strings, json.Numbers,
// bools and nil. Unlike json.Unmarshal it refuses a key that stands twice,
// which two readers of the same body could take differently.
func parseJSON(body []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	v, err := parseValue(dec, "", 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, wrong("body", "goes on after the JSON value")
	}
	return v, nil
}

func parseValue(dec *json.Decoder, path string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, wrong(orBody(path), "nests too deep")
	}
	tok, err := dec.Token()
	if err != nil {
		return nil, wrong("body", "is no valid JSON")
	}
	switch tok {
	case json.Delim('{'):
		object := map[string]any{}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, wrong("body", "is no valid JSON")
			}
			name := key.(string) // the decoder gives nothing else in this place
			if _, twice := object[name]; twice {
				return nil, wrong(join(path, name), "stands there twice")
			}
			if object[name], err = parseValue(dec, join(path, name), depth+1); err != nil {
				return nil, err
			}
		}
		return object, closing(dec)
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := parseValue(dec, at(path, len(list)), depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, closing(dec)
	}
	return tok, nil
}

func closing(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return wrong("body", "is no valid JSON")
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func at(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func orBody(path string) string {
	if path == "" {
		return "body"
	}
	return path
}

// object reads the keys of one JSON object and remembers the first thing that
// is wrong with any of them.
type object struct {
	path   string
	fields map[string]any
	err    error
}

// openObject checks that v is an object of exactly the keys named.
func openObject(path string, v any, keys ...string) *object {
	o := &object{path: path}
	fields, ok := v.(map[string]any)
	if !ok {
		o.err = wrong(orBody(path), "must be an object")
		return o
	}
	o.fields = fields
	var unknown []string
	for name := range fields {
		if !slices.Contains(keys, name) {
			unknown = append(unknown, name)
		}
	}
	sort.Strings(unknown)
	if len(unknown) > 0 {
		o.err = wrong(join(path, unknown[0]), "is not a known key (known here: %s)", strings.Join(keys, ", "))
		return o
	}
	for _, name := range keys {
		if _, there := fields[name]; !there {
			o.err = wrong(join(path, name), "is missing")
			return o
		}
	}
	return o
}

func (o *object) fail(name, format string, args ...any) {
	if o.err == nil {
		o.err = wrong(join(o.path, name), format, args...)
	}
}

func get[T any](o *object, name, kind string) T {
	v, ok := o.fields[name].(T)
	if !ok {
		o.fail(name, "must be %s", kind)
	}
	return v
}

func (o *object) text(name string) string { return get[string](o, name, "a string") }
func (o *object) flag(name string) bool   { return get[bool](o, name, "true or false") }
func (o *object) list(name string) []any  { return get[[]any](o, name, "a list") }

// whole reads a whole number written without fraction or exponent.
func (o *object) whole(name string) int64 {
	n, err := strconv.ParseInt(get[json.Number](o, name, "a whole number").String(), 10, 64)
	if err != nil {
		o.fail(name, "must be a whole number")
	}
	return n
}

// within reads a whole number between two bounds.
func (o *object) within(name string, least, most int64) int {
	n := o.whole(name)
	if n < least || n > most {
		o.fail(name, "must lie between %d and %d", least, most)
	}
	return int(n)
}

// oneOf reads a string that must be one of a few.
func (o *object) oneOf(name string, choices ...string) string {
	v := o.text(name)
	if !slices.Contains(choices, v) {
		o.fail(name, "must be %s", strings.Join(choices, " or "))
	}
	return v
}
