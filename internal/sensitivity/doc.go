// Package sensitivity proposes which columns hold what must be encrypted, from
// their names and types, and keeps what people decided.
//
// The rules are text (rules/*.txt), which an organisation extends with a file of
// its own. A proposal is only that: a person's decision always wins, and is
// kept with who made it and when. The package knows no SQL and no HTTP.
package sensitivity
