// Package rotation is the ledger of key rotations: for each encrypted column
// the date by which its key is to be rotated and, kept apart from it, what was
// seen of the key. A date is a promise; only a key version that moved forward
// counts as a rotation.
//
// The rules here are pure functions of facts and a clock. The store calls
// them inside the transaction that stores the fact, so that an observation is
// stored together with what follows from it or not at all. Policies and low-traffic windows, and
// the calendar feed, live here too.
package rotation
