// Package cxone is a client of CXone's Data Management API: it lists data
// stores and tables, reads a table and its indexes, and asks for columns to be
// encrypted. It can be used on its own and knows nothing of the console.
//
// # Source, and what is unproven
//
// The endpoints come from a published guide to encrypting CXone data-store
// columns; no public reference beyond it exists, so behaviour against a live
// tenant is unproven. The listings, the shape of encryptionConfiguration in a
// read, and an index's readOnly are conventions modelled on CXone's other
// public APIs: a tenant without the listings answers ErrNoListing, and the ids
// have to be typed. The base URL, the token URL and the path prefix are
// settings for the same reason. The flow of AccessKey is CXone's public one.
//
// # What a caller may rely on
//
//   - Every call takes a context, and every answer is bounded and checked
//     before it is believed.
//   - Reads are tried again on 429, 502, 503, 504 and network errors, with full
//     jitter and with Retry-After honoured. The change made by Encrypt is tried
//     again only where it certainly was not acted on; wherever it may have
//     been, the error is an *AmbiguousError and the table has to be read first.
//   - Errors are typed: *APIError, *AuthError, *ScopeError, *RateLimitError,
//     *UnavailableError, *TransportError, *DecodeError. Their text is safe to
//     show: bounded, without control characters, secrets and tokens removed.
//   - Credentials are sent to no other host: redirects that leave the base
//     URL's host or scheme are refused, and redirects of a change always.
//
// What does not belong here: anything about runs, audit or storage.
package cxone
