package encryption

import (
	"errors"
	"slices"
	"strings"

	"cxseal/cxone"
	"cxseal/internal/fault"
)

// Explain gives an error of a tenant's client its code and reads it as a
// sentence, for packages that read a tenant beside the runs. An error that has a
// code, or that is no error of the tenant's, comes back as it is.
func Explain(err error) error {
	if err == nil || fault.CodeOf(err) != fault.Internal || !fromTenant(err) {
		return err
	}
	return codedError(err)
}

func fromTenant(err error) bool {
	return is[*cxone.APIError](err) || is[*cxone.AuthError](err) || is[*cxone.ScopeError](err) ||
		is[*cxone.RateLimitError](err) || is[*cxone.TransportError](err) || is[*cxone.UnavailableError](err) ||
		is[*cxone.DecodeError](err)
}

func is[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

// CanEncryptType reports whether a column of this type can be encrypted, as far
// as is known before the tenant is asked.
func CanEncryptType(columnType string) bool {
	return !slices.Contains(unsupportedTypes, strings.ToLower(columnType))
}
