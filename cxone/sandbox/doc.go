// Package sandbox is a simulated CXone tenant: the Data Management API of the
// project's contract, served over HTTP by a http.Handler, and as strict about
// what it is sent as the published guide lets one be. It is the test server of
// the whole project and the tenant of the demo. It may import the shapes of
// package cxone, and nothing else of the project; it parses requests with code
// of its own, so that client and server can't share a mistake.
//
// # What it does
//
// Both token modes with scopes enforced on every call; listings with paging; a
// table and its indexes; the PATCH, which is judged key by key and happens
// whole or not at all; idempotency keys (same request: the same answer again
// with Idempotent-Replayed: true; another body: 422; in flight: 409); key
// versions; the KMS callback with its retry policy, signed by Standard
// Webhooks; a token-bucket rate limit per client.
//
// Tables are made from the seed and their number when they are first asked
// for, so ten thousand of them cost nothing until they are read. The table
// ds-customers/tbl-contacts always exists.
//
// # Controls
//
// Faults, settings, the clock, and changes behind the console's back are
// methods of Sandbox and, for people and for tests in another process, HTTP
// under /_sandbox/; GET /_sandbox/ prints the list. The controls need no
// token: serve the sandbox on loopback only.
//
// A request takes one latency fault and one other fault, in the order they
// were switched on, before its token is looked at. A callback takes one of
// every kind that is on.
//
// # Time
//
// The tenant's time is Config.Now plus an offset that can be moved. It decides
// token expiry, nextRotationEpoch, signatures and the Date header. Latency is
// spent in real time; the wait between callbacks is timed by Config.After.
package sandbox
