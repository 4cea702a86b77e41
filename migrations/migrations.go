// Package migrations holds the database's schema as numbered SQL files, in the
// order they are applied: one for each aggregate of the first release, then one
// for each change. A file that has been released is never edited.
//
// Numbers begin at First. Builds from before the first release used smaller
// ones for other files, by which their databases are recognised and refused.
//
// It is a package of its own because go:embed cannot reach outside its folder.
package migrations

import "embed"

// First is the number of the oldest file.
const First = 101

// Files are the migrations, named 00101_subject.sql onwards.
//
//go:embed *.sql
var Files embed.FS
