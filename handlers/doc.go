// Package handlers is the console's outside: it puts the frame and its areas
// together and mounts their routes.
//
// The ground floor is handlers/frame: sessions, guards, errors, rendering. The
// pages live in areas (handlers/tables, runs, ledger, keys, people, overview,
// settings), each a package that holds the frame and only the readers and
// services that its pages use, and that knows no other area. handlers/rows
// draws the rows that several areas show. Every area parses, calls and renders;
// the rules live in the packages below.
//
// echo.Context stays below this package, SQL and the tenant's client stay out of
// it. Errors carry a fault.Code, and frame/errors.go alone turns codes into
// HTTP. Every route stands in its area's Routes with the permission it needs: a
// route without one cannot be mounted.
package handlers
