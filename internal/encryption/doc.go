// Package encryption plans an encryption run, sends it to the tenant, has the KMS
// confirm it and records what was established.
//
// Plan, payload, verdict and metrics are pure functions. The Service takes
// requests and callbacks; the Runner moves runs through their states. Time
// comes in as a clock. The package knows no SQL and no HTTP server: Store and
// the tenant's client are handed in.
package encryption
