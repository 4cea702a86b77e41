package sensitivity

import "strings"

// hasFraction reports whether a type of numbers is one that keys of rows do not
// have: money, decimal(10,2), double.
func hasFraction(columnType string) bool {
	base, size, _ := strings.Cut(columnType, "(")
	for _, fractional := range []string{"money", "currency", "float", "double", "real"} {
		if strings.Contains(base, fractional) {
			return true
		}
	}
	_, scale, scaled := strings.Cut(strings.TrimSuffix(size, ")"), ",")
	exact := strings.Contains(base, "dec") || strings.Contains(base, "numeric") || base == "number"
	return exact && (scaled && strings.TrimSpace(scale) != "0" || size == "" && base != "number")
}

// kindOf reduces a type, as the tenant or a database writes it, to what rules
// tell apart. What is not known is taken for text.
func kindOf(columnType string) string {
	base, size, _ := strings.Cut(columnType, "(")
	base = strings.TrimSpace(base)
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(base, p) {
				return true
			}
		}
		return false
	}
	numeric := has("int", "num", "dec", "float", "double", "money", "serial", "real", "long", "currency")
	switch {
	case has("char", "text", "string", "clob", "json"):
		return text
	case has("interval", "foreign", "manyto", "oneto"):
		return number // a key of another table is one, as a rule
	case has("point", "geo", "polygon", "line"):
		return text
	case has("bool"), base == "bit", base == "tinyint" && strings.HasPrefix(size, "1)"), base == "number" && strings.HasPrefix(size, "1)"), has("yes/no"):
		return boolean
	case has("enum") && !has("num "), has("choice", "picklist"):
		return choice
	case has("vector", "embedding"), numeric && has("[]"):
		return binary
	case has("uuid", "guid", "uniqueidentifier"):
		return unique
	case has("date", "time"):
		return date
	case numeric:
		return number
	case has("binary", "blob", "bytes", "bytea", "file", "image", "attachment"), base == "raw":
		return binary
	}
	return text
}
