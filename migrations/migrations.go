// Package migrations holds the database's schema as numbered SQL files, in the
// order they are applied. A file that has been released is never edited: a
// change is a new file.
//
// It is a package of its own because go:embed cannot reach outside its folder.
package migrations

import "embed"

// Files are the migrations, named 00001_subject.sql onwards.
//
//go:embed *.sql
var Files embed.FS
