// Package connection is how this console knows its tenants: the settings of a
// connection, its sealed secrets, who may change them, and the directory of
// clients that runs and the inventory draw on while they change.
//
// It does no I/O but the examination of a tenant that a person asks for; what
// it must not lose it hands to a Store.
package connection
