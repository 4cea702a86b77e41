package cxone

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

var (
	// ErrNotFound matches an *APIError of status 404.
	ErrNotFound = errors.New("data store or table not found")
	// ErrNoListing matches the error of a listing that the tenant does not
	// offer (404, 405 or 501): the ids have to be known otherwise.
	ErrNoListing = errors.New("CXone offers no such list")
	// ErrInFlight matches an *APIError of status 409: the change is being made.
	ErrInFlight = errors.New("the change is already in flight")
)

// APIError is an answer of the tenant that is not a success. Its texts are
// bounded, free of control characters and redacted.
type APIError struct {
	Status     int
	Code       string // the tenant's own code, often empty
	Message    string // the tenant's sentence, empty when it gave none
	Method     string
	Path       string
	RequestID  string        // the tenant's request id, empty when it names none
	Scope      string        // 403: the scope that the answer names as missing
	KMS        bool          // 403: the answer mentions the KMS
	RetryAfter time.Duration // what Retry-After asked for, 0 when absent

	listing bool
}

// Error says what happened, for a person.
func (e *APIError) Error() string {
	with := func(s string) string {
		s = fmt.Sprintf("%s (%d)", s, e.Status)
		if e.Message != "" {
			s += ": " + e.Message
		}
		return s
	}
	switch {
	case e.listing && e.noListing():
		return fmt.Sprintf("CXone offers no such list or knows no such data store (%d): check the id, or type the ids", e.Status)
	case e.Status == http.StatusNotFound:
		return ErrNotFound.Error()
	case e.Status == http.StatusUnauthorized:
		return with("CXone refused the token")
	case e.Status == http.StatusForbidden && e.Scope != "":
		return with("CXone refused: the token lacks the scope " + e.Scope)
	case e.Status == http.StatusForbidden && e.KMS:
		return with("CXone refused: the KMS did not permit it")
	case e.Status == http.StatusForbidden:
		return with("CXone refused: a scope or a KMS permission is missing")
	case e.Status == http.StatusConflict:
		return with("CXone is already working on this change")
	case e.Status == http.StatusTooManyRequests:
		return with("CXone throttles requests")
	case e.Status >= 500:
		return with("CXone failed")
	case redirects(e.Status):
		return fmt.Sprintf("CXone redirects elsewhere (%d), which is refused: check the base URL", e.Status)
	case e.Status < 400:
		return fmt.Sprintf("CXone answered %d, which means nothing here: check the base URL and what stands before it", e.Status)
	}
	return with("CXone refused the request")
}

// redirects reports whether a status names another address (RFC 9110 §15.4).
func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect,
		http.StatusPermanentRedirect:
		return true
	}
	return false
}

func (e *APIError) noListing() bool {
	return e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed || e.Status == http.StatusNotImplemented
}

// Is lets errors.Is match ErrNotFound, ErrNoListing and ErrInFlight.
func (e *APIError) Is(target error) bool {
	switch target {
	case ErrNotFound:
		return e.Status == http.StatusNotFound
	case ErrNoListing:
		return e.listing && e.noListing()
	case ErrInFlight:
		return e.Status == http.StatusConflict
	}
	return false
}

// AmbiguousError says that a change was sent and that it is not known whether
// it was made. Nothing may be sent again before the table has been read
// (contract §1, "never blind").
type AmbiguousError struct {
	Err error // an *APIError, a *TransportError or a context's error
}

func (e *AmbiguousError) Error() string {
	return "the change may or may not have been made, the table must be read first: " + e.Err.Error()
}

func (e *AmbiguousError) Unwrap() error { return e.Err }

// RateLimitError says that the tenant kept throttling, or asked for a longer
// pause than the client waits by itself.
type RateLimitError struct {
	RetryAfter time.Duration // 0 when the tenant did not say; a day at most
	Asked      string        // what the tenant asked for, where that makes no sense
	Err        error
}

func (e *RateLimitError) Error() string {
	if e.Asked != "" {
		again := "later"
		if e.RetryAfter > 0 {
			again = "in " + e.RetryAfter.String()
		}
		return fmt.Sprintf("CXone throttles requests and asks for a pause that cannot be meant (%s): try again %s", e.Asked, again)
	}
	if e.RetryAfter > 0 {
		return fmt.Sprintf("CXone throttles requests: try again in %s", e.RetryAfter.Round(time.Second))
	}
	return "CXone throttles requests: try again later"
}

func (e *RateLimitError) Unwrap() error { return e.Err }

// ScopeError says that the token was granted without scopes that are needed.
type ScopeError struct {
	Missing []string
	Granted []string
}

func (e *ScopeError) Error() string {
	noun := "scope"
	if len(e.Missing) > 1 {
		noun = "scopes"
	}
	return fmt.Sprintf("the token lacks the %s %s: have the CXone administrator grant it to the client", noun, strings.Join(e.Missing, ", "))
}

// AuthError says that the credentials, or the token got with them, were
// refused, or that no usable token could be had.
type AuthError struct {
	Message string // one sentence for a person
	URL     bool   // it is the token URL that is wrong, not the credentials
	Err     error  // an *APIError when the tenant answered; may be nil
}

func (e *AuthError) Error() string { return e.Message }

func (e *AuthError) Unwrap() error { return e.Err }

// TransportError says that no answer came.
type TransportError struct {
	Method, Path string
	Sent         bool // some of the request's body may have left this machine
	Err          error

	text string // redacted
}

func (e *TransportError) Error() string {
	return fmt.Sprintf("CXone could not be reached (%s %s): %s", e.Method, e.Path, e.text)
}

func (e *TransportError) Unwrap() error { return e.Err }

// UnavailableError says that the circuit breaker is open: the tenant failed so
// often in a row that nothing is sent for a while.
type UnavailableError struct {
	Until time.Time // when the next request is let through
}

func (e *UnavailableError) Error() string {
	return "CXone failed repeatedly and is left alone for now: the next try is at " + e.Until.UTC().Format(time.RFC3339)
}

// IncompleteError ends a listing that may not hold everything: what was given
// before it is good, what is missing from it may still exist.
type IncompleteError struct {
	Path    string
	Read    int      // entries that were given
	Named   int      // the total that the tenant named, -1: none
	Reasons []string // why there is doubt, for a person
}

func (e *IncompleteError) Error() string {
	return fmt.Sprintf("the list of CXone may be incomplete, %d entries were read: %s", e.Read, strings.Join(e.Reasons, "; "))
}

// DecodeError says that a success was answered with a body that is not what
// the contract promises.
type DecodeError struct {
	Method, Path string
	Err          error
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("CXone's answer to %s %s cannot be used: %s", e.Method, e.Path, e.Err)
}

func (e *DecodeError) Unwrap() error { return e.Err }
