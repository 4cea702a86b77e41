// Package handlers answers the console's HTTP requests: it puts the frame and the areas together and mounts
// their routes.
//
// Package frame has what every page needs: sessions, guards, errors, rendering. The pages live in areas
// (handlers/tables, runs, ledger, keys, people, overview, settings). An area is a package that embeds the frame,
// holds only the readers and services that its pages use, and imports no other area. Package rows turns domain
// values into the rows that several areas show. An area parses, calls and renders; rules live in internal/.
//
// echo is used in handlers and its subfolders only. SQL and the tenant's client may not be used here. Errors carry
// a fault.Code, and only frame/errors.go turns codes into HTTP. Every route is in its area's Routes with the
// permission it needs; a route without one cannot be mounted.
package handlers
