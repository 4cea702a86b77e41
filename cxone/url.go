package cxone

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// maxID bounds an id that becomes part of a path, in bytes.
const maxID = 1024

// parseBase checks a base URL, which later carries the token: http or https, a
// host, and nothing else but a path.
func parseBase(what, s string) (*url.URL, error) {
	u, err := parseEndpoint(what, s)
	if err != nil {
		return nil, err
	}
	if u.RawQuery != "" || u.ForceQuery {
		return nil, fmt.Errorf("%s must not have a query", what)
	}
	return u, nil
}

// parseEndpoint checks a URL that is used as it is. Its errors do not repeat
// the URL: it may hold a password.
func parseEndpoint(what, s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case s == "":
		return nil, fmt.Errorf("%s is missing", what)
	case err != nil:
		return nil, fmt.Errorf("%s is not a URL", what)
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%s must begin with https:// or http://", what)
	case u.Host == "" || u.Hostname() == "":
		return nil, fmt.Errorf("%s names no host", what)
	case u.User != nil:
		return nil, fmt.Errorf("%s must not hold a user name or password", what)
	case u.Fragment != "":
		return nil, fmt.Errorf("%s must not have a fragment", what)
	}
	return u, nil
}

// checkPrefix normalises the path prefix: "" or "/api/v2".
func checkPrefix(prefix string) (string, error) {
	prefix = strings.Trim(prefix, "/")
	if prefix == "" {
		return "", nil
	}
	for segment := range strings.SplitSeq(prefix, "/") {
		if segment == "" || segment == "." || segment == ".." || strings.ContainsAny(segment, "?#\\ ") {
			return "", errors.New("the path prefix must be a plain path such as /api/v2")
		}
	}
	return "/" + prefix, nil
}

// escapeID makes one path segment of an id. An id may hold any character, a
// slash too, but no element "." or "..": a proxy that decodes %2F before it
// cleans the path would climb out of the data store.
func escapeID(what, id string) (string, error) {
	switch {
	case id == "":
		return "", fmt.Errorf("the %s id is missing", what)
	case len(id) > maxID:
		return "", fmt.Errorf("the %s id is longer than %d bytes", what, maxID)
	}
	for element := range strings.FieldsFuncSeq(id, func(r rune) bool { return r == '/' || r == '\\' }) {
		if element == "." || element == ".." {
			return "", fmt.Errorf("the %s id %q is refused: it could lead to another path", what, id)
		}
	}
	return url.PathEscape(id), nil
}
