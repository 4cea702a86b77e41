// Package connection holds the connections to CXone tenants: their settings and sealed secrets, the Manager
// that changes them for people with PermManageConnections, and the Directory of clients that runs and the
// inventory use.
//
// Its only own I/O is Manager.Test, which examines a tenant; everything else is stored through Store.
// Requests to a tenant for a run or the inventory belong to those packages.
package connection
