// Package fault is the vocabulary of errors that a person may read: the codes, and the error type that
// carries one.
//
// A domain error carries a Code, which programs branch on, and a sentence that says what happened and what to
// do next. Packages below handlers return these; handlers/frame/errors.go alone turns codes into HTTP. An
// error without a code is a defect of the program: it is logged whole and shown as "Internal error". The
// package imports nothing of cxseal, and every package may import it.
package fault

import (
	"errors"
	"fmt"
)

// Code names a kind of error. Codes are part of what scripts see
// (`cxseal encrypt` prints them), so they are added to, never renamed.
type Code string

// The codes.
const (
	Invalid          Code = "invalid"           // the request is malformed or out of bounds
	Unauthenticated  Code = "unauthenticated"   // no valid session or credentials
	Denied           Code = "denied"            // known caller, missing permission
	NotFound         Code = "not_found"         // no such thing, or none the caller may know of
	Conflict         Code = "conflict"          // the thing moved on: a lost compare-and-swap, a duplicate
	TooLarge         Code = "too_large"         // a body over its bound
	TooMany          Code = "too_many"          // throttled by us
	Blocked          Code = "blocked"           // the plan has blockers; nothing was sent
	PlanChanged      Code = "plan_changed"      // the table is no longer what was approved
	TenantAuth       Code = "tenant_auth"       // CXone refused the credentials or the realm, or gave no token
	TenantScope      Code = "tenant_scope"      // CXone's token lacks a scope, or it answered 403
	TenantNotFound   Code = "tenant_not_found"  // CXone knows no such data store or table
	TenantRefused    Code = "tenant_refused"    // CXone answered 400, 409 or 422: resending cannot help
	TenantDown       Code = "tenant_down"       // CXone could not be reached, or kept answering 5xx or 429
	TenantUnreadable Code = "tenant_unreadable" // CXone answered something that is not what the contract says
	IndexInTheWay    Code = "index_in_the_way"  // CXone failed the change and an index covers a column
	KMSRefused       Code = "kms_refused"       // the KMS callback was checked and refused
	Unconfirmed      Code = "unconfirmed"       // no KMS confirmation by the deadline
	Unavailable      Code = "unavailable"       // the console itself cannot do it now: its disk is full, its database held
	Internal         Code = "internal"          // anything without a code
)

// Codes returns every code. Tests hold the HTTP statuses and the pieces of advice complete against it.
func Codes() []Code {
	return []Code{Invalid, Unauthenticated, Denied, NotFound, Conflict, TooLarge, TooMany, Blocked, PlanChanged,
		TenantAuth, TenantScope, TenantNotFound, TenantRefused, TenantDown, TenantUnreadable, IndexInTheWay, KMSRefused, Unconfirmed,
		Unavailable, Internal}
}

// Error is an error with a code and a sentence for a person.
type Error struct {
	Code    Code
	Message string // one sentence, safe to show: no secret, no stack
	Err     error  // the cause, for the log; may be nil
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// New returns an *Error with a formatted sentence.
func New(code Code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap returns an *Error with a formatted sentence and its cause, which only the log shows.
func Wrap(err error, code Code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Err: err}
}

// CodeOf returns the code of the outermost *Error in err's chain, Internal when there is none, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// MessageOf returns the sentence of the outermost *Error in err's chain, and "Internal error" when there is
// none.
func MessageOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "Internal error"
}
