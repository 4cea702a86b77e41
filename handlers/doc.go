// Package handlers is the console's outside: routes, forms, pages, server-sent
// events, exports and the KMS callback, on labstack/echo. It parses, calls and
// renders; the rules live in the packages below it.
//
// echo.Context stays in this package, SQL and the tenant's client stay out of
// it. Errors carry a fault.Code, and errors.go alone turns codes into HTTP.
// Every route stands in the one table of routes.go with the permission it
// needs: a route without one cannot be built.
package handlers
